"""Readable names of browsers by their `User-Agent`: `Firefox on Windows`."""

#: In this order: most browsers also name those that they are like.
_BROWSERS = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
]
_SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
]


def browser_of(agent: str) -> str:
    """Return the browser's name; empty if it is none that we know."""
    return _find(agent, _BROWSERS)


def system_of(agent: str) -> str:
    """Return the name of the system or device; empty if it is none that we know."""
    return _find(agent, _SYSTEMS)


def _find(agent: str, names: list[tuple[str, str]]) -> str:
    return next((name for sign, name in names if sign in agent), "")
