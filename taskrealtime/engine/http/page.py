"""What a page's scripts must know to reach the server from there."""

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.urls import get_script_prefix

from taskrealtime.engine.conf import settings

#: The key in the ASGI scope of a request under which the process that serves it says where its socket is.
SOCKET_PATH_KEY = "taskrealtime.socket_path"


def socket_path(request: HttpRequest | None) -> str:
    """Return the path of the socket, as clients have it."""
    scope = getattr(request, "scope", {})
    path: str = scope.get(SOCKET_PATH_KEY, settings.SOCKET_PATH)
    return get_script_prefix().rstrip("/") + path


def csrf_cookie() -> str:
    """Return the name of the cookie with the token against forged requests; empty: scripts cannot read it."""
    is_readable = not (django_settings.CSRF_USE_SESSIONS or django_settings.CSRF_COOKIE_HTTPONLY)
    return django_settings.CSRF_COOKIE_NAME if is_readable else ""


def csrf_header() -> str:
    """Return the name of the header in which scripts send that token."""
    return django_settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
