"""Reads the values of settings, and refuses a wrong one in a sentence that never repeats a password.

Each function takes the value of a settings module, or the text of an environment variable. It returns the value in its
canonical spelling and raises `ValueError`. It is pure, so that a settings module can call it.
"""

import ipaddress
import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

Reader = Callable[[Any], Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIS_SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
}
_REDIS_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
#: The shortest prefix that TRUSTED_PROXIES may have, by IP version: a larger network is not one operator's proxies.
_SHORTEST_PREFIX = {4: 8, 6: 16}
#: HS256 signs tokens with it: RFC 7518 (3.2) asks for as many bits as the hash has.
_KEY_BYTES = 32
_KEY_CHARACTERS = 5
_LIMIT = re.compile(r"0|0*[1-9]\d{0,8}/((0*[1-9]\d*)[smh]?|[smh])")
_BOOLS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
#: The peer of a Unix socket, which has no address.
UNIX = "unix"
EVERY_ORIGIN = "*"


# --- Numbers, words, lists ------------------------------------------------------------------


def read_bool(value: Any) -> bool:
    """Return whether it is on."""
    if (found := _BOOLS.get(str(value).lower())) is None:
        raise ValueError(f"it must be True or False (in the environment 1 or 0), not {value!r}")
    return found


def read_number(value: Any) -> float:
    """Return a finite number."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"it must be a number, not {value!r}")
    return number


def read_positive(value: Any) -> float:
    """Return a number that is more than 0."""
    number = read_number(value)
    if number <= 0:
        raise ValueError(f"it must be more than 0, not {value!r}")
    return number


def read_not_negative(value: Any) -> float:
    """Return a number that is 0 or more."""
    number = read_number(value)
    if number < 0:
        raise ValueError(f"it must be 0 or more, not {value!r}")
    return number


def read_count(value: Any) -> int:
    """Return a whole number, 0 or more."""
    number = read_not_negative(value)
    if number != int(number):
        raise ValueError(f"it must be a whole number, not {value!r}")
    return int(number)


def read_text(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise ValueError(f"it must be a text, not {type(value).__name__}")
    return value


def read_limit(value: Any) -> str:
    """Return how often something may happen: `200/10s`, or `0` for no limit."""
    text = "0" if value == 0 and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _LIMIT.fullmatch(text):
        raise ValueError(f"it must look like '200/10s', or be '0' for no limit, not {value!r}")
    return text


def read_path(value: Any) -> str:
    """Return the path of an address."""
    text = read_text(value)
    if not re.fullmatch(r"/[!-~]*", text) or "?" in text or "#" in text:
        raise ValueError(f"it must be a path like '/ws/', not {value!r}")
    return text


def read_sizes(value: Any) -> dict[str, int]:
    """Return paths with so many bytes each: `{"/uploads/": 1000000000}`, or the text `/uploads/=1000000000`."""
    if isinstance(value, str):
        value = dict(item.rpartition("=")[::2] for item in _items(value))
    if not isinstance(value, dict):
        raise ValueError(f"it must be a dict of paths and bytes, not {type(value).__name__}")
    return {read_path(path): read_count(size) for path, size in value.items()}


def read_origins(value: Any) -> list[str]:
    """Return origins; `*` stands for every one."""
    return [item if item == EVERY_ORIGIN else read_origin(item) for item in _items(value)]


def read_networks(value: Any) -> list[str]:
    """Return addresses and networks as they are written; `unix` stands for the peer of a Unix socket."""
    items = _items(value)
    for item in items:
        if item != UNIX:
            read_network(item)
    return items


def read_redis_urls(value: Any) -> list[str]:
    """Return the addresses of Redis servers."""
    return [read_redis_url(item) for item in _items(value)]


def read_public_url(value: Any) -> str:
    """Return the address of the pages, or an empty text."""
    return read_origin(value) if read_text(value) else ""


def read_texts(value: Any) -> list[str]:
    """Return a list of texts; one text is none, since these may have commas."""
    if isinstance(value, str):
        raise ValueError("it must be a list of texts, not str")
    return _items(value)


def read_links(value: Any) -> list[tuple[str, str]]:
    """Return pairs of a name and a URL, or the name of one."""
    if not isinstance(value, list | tuple) or not all(
        isinstance(link, list | tuple) and len(link) == 2 for link in value
    ):
        raise ValueError("it must be a list of pairs: a name and a URL")
    return [(read_text(name), read_text(url)) for name, url in value]


def _items(value: Any) -> list[str]:
    """Return the texts of a list, or of a text with commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple | set | frozenset) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"it must be a list of texts, not {type(value).__name__}")
    return [item.strip() for item in items if item.strip()]


# --- What has a spelling of its own ---------------------------------------------------------


def read_origin(text: str) -> str:
    """Return the origin as browsers send it: `https://board.example.org`, `http://localhost:8000`."""
    parts = _split(text)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"an origin looks like https://board.example.org, not {text!r}")
    if "*" in parts.hostname:
        raise ValueError(f"wildcards in origins are not supported: list each origin instead of {text!r}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"an origin has a scheme, a host and perhaps a port, and nothing else: {text!r} has more")
    host = _ascii_host(parts.hostname)
    if host is None:
        raise ValueError(f"{text!r} has no valid host name")
    port = parts.port
    return f"{parts.scheme}://{host}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")


def read_redis_url(text: str) -> str:
    """Return the address of one Redis server in a spelling that redis-py knows."""
    parts = _split(text)
    scheme = parts.scheme if parts else ""
    if "sentinel" in scheme:
        raise ValueError("Redis Sentinel is not supported: name the server itself, or a TCP proxy that follows it")
    if "cluster" in scheme:
        raise ValueError("Redis Cluster is not supported: list stand-alone servers, separated by commas, as shards")
    if parts is None or scheme not in _REDIS_SCHEMES or "://" not in text:
        raise ValueError("it must begin with redis://, rediss://, valkey://, valkeys:// or unix://")
    database = parts.path.removeprefix("/")
    if scheme == "unix":
        if not database:
            raise ValueError("unix:// needs the path of a socket: unix:///run/redis/redis.sock?db=0")
    elif not parts.hostname:
        raise ValueError(f"{scheme}:// needs a host: {scheme}://localhost:6379/0")
    elif database and not database.isdecimal():
        raise ValueError("what follows the host must be the number of a database: redis://localhost:6379/0")
    return _REDIS_SCHEMES[scheme] + text[len(scheme) :]


def read_redis_prefix(text: str) -> str:
    """Return what the keys and channels of an installation begin with.

    It begins with a letter and has no dot, so that no prefix reads like a database's number (`names.layer_group`).
    """
    if not _REDIS_PREFIX.fullmatch(read_text(text)):
        raise ValueError(f"it begins with a letter and has up to 40 letters, digits, - and _, unlike {text!r}")
    return text


def read_network(text: str) -> Network:
    """Return the address or network of trusted proxies."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"addresses look like 10.0.0.7 or 10.0.0.0/8, not {text!r}") from None
    if network.prefixlen < _SHORTEST_PREFIX[network.version]:
        raise ValueError(f"{text} would trust the addresses that strangers claim: list the proxies themselves")
    return network


def read_secret_key(text: str) -> str:
    """Return a key that cannot be guessed."""
    if len(text.encode()) < _KEY_BYTES or len(set(text)) < _KEY_CHARACTERS or text.startswith("django-insecure-"):
        raise ValueError(
            f"it must be random and have at least {_KEY_BYTES} bytes: python -c 'import secrets; "
            "print(secrets.token_urlsafe(50))' makes one"
        )
    return text


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text.strip())
        parts.port  # noqa: B018 -- reading it checks it
    except ValueError:
        return None
    return parts


def _ascii_host(host: str) -> str | None:
    """Return the host as it goes over the wire: lower case, Unicode names in their ASCII form, IPv6 in brackets."""
    try:
        if ":" in host:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        return host.encode("idna").decode("ascii").lower()
    except ValueError:
        return None
