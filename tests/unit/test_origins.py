"""Which pages may open a socket."""

import pytest
from pytest_django import Settings

from taskrealtime.engine.asgi.origins import is_allowed

OWN = "board.example.org"


@pytest.mark.parametrize(
    "origin, host, may",
    [
        (None, OWN, True),  # a program, which has no cookies of a person
        ("https://board.example.org", OWN, True),
        ("http://board.example.org", OWN, True),
        ("https://board.example.org", f"{OWN}:443", True),
        ("https://BOARD.example.org", "Board.Example.Org", True),
        ("https://board.example.org:8443", f"{OWN}:8443", True),
        ("https://board.example.org:8443", OWN, False),
        ("https://board.example.org", f"{OWN}:8443", False),
        ("https://evil.example", OWN, False),
        ("https://board.example.org.evil.example", OWN, False),
        ("null", OWN, False),
        ("https://board.example.org:port", OWN, False),
        # A name that is rebound to our address: its page and its Host agree, but it is none of ours.
        ("https://evil.example", "evil.example", False),
        ("https://evil.example", None, False),
    ],
)
def test_only_our_own_pages_open_sockets(settings: Settings, origin: str | None, host: str | None, may: bool) -> None:
    settings.ALLOWED_HOSTS = [OWN]
    settings.WEBSOCKET_CORS_ORIGINS = []
    assert is_allowed(origin, host, "ws") is may


@pytest.mark.parametrize(
    "listed, origin, may",
    [
        ("https://app.example", "https://app.example", True),
        ("https://app.example:443", "https://app.example", True),
        ("https://app.example/", "https://app.example", True),
        ("https://bücher.example", "https://xn--bcher-kva.example", True),
        ("https://app.example", "http://app.example", False),
        ("https://app.example", f"https://{OWN}", False),
        ("*", "https://evil.example", True),
    ],
)
def test_listed_pages_open_sockets_however_they_are_spelt(
    settings: Settings, listed: str, origin: str, may: bool
) -> None:
    settings.ALLOWED_HOSTS = [OWN]
    settings.WEBSOCKET_CORS_ORIGINS = [listed]
    assert is_allowed(origin, OWN, "ws") is may
