"""Where the board is among a project's URLs, and where its users sign in and out."""

from contextlib import suppress
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.functional import lazy

from .engine.conf import settings, user_model

#: The key in the ASGI scope of a request under which the process that serves it says where its socket is.
SOCKET_PATH_KEY = "taskrealtime.socket_path"
#: Names of the URL that signs out by a POST: ours, Django's, allauth's.
_SIGN_OUT = ("taskrealtime_accounts:logout", "logout", "account_logout")


def board_base() -> str:
    """Return the path below which the board's pages and its `api/` are, without a slash at the end."""
    return reverse("taskrealtime:projects").rstrip("/")


def socket_path(request: HttpRequest | None) -> str:
    """Return the path of the board's socket, as clients have it."""
    scope = getattr(request, "scope", {})
    path: str = scope.get(SOCKET_PATH_KEY, settings.SOCKET_PATH)
    return get_script_prefix().rstrip("/") + path


def for_scripts(request: HttpRequest | None) -> dict[str, Any]:
    """Return what `static/js/board/page/site.js` reads in a page's head."""
    has_readable_cookie = not (django_settings.CSRF_USE_SESSIONS or django_settings.CSRF_COOKIE_HTTPONLY)
    return {
        "base": board_base(),
        "socket": socket_path(request),
        "sign_in": sign_in_url(),
        "csrf_cookie": django_settings.CSRF_COOKIE_NAME if has_readable_cookie else "",
        "user_keys": "number" if user_model.keys_are_numbers() else "text",
        "csrf_header": django_settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-"),
    }


def accounts_base() -> str | None:
    """Return the path below which our account pages and `api/token/` are; None if the project does not include them."""
    with suppress(NoReverseMatch):
        return reverse("taskrealtime_accounts:token").removesuffix("/api/token/")
    return None


def sign_in_url() -> str:
    """Return where a visitor signs in: on our page, where the project includes it, else at its `LOGIN_URL`."""
    with suppress(NoReverseMatch):
        return reverse("taskrealtime_accounts:login")
    return resolve_url(django_settings.LOGIN_URL)


def sign_out_url() -> str | None:
    """Return where a POST signs out; None if the project has no such URL that we know.

    Raises:
        NoReverseMatch: `SIGN_OUT_URL` is the name of no URL.
    """
    if settings.SIGN_OUT_URL:
        return resolve_url(settings.SIGN_OUT_URL)
    for name in _SIGN_OUT:
        with suppress(NoReverseMatch):
            return reverse(name)
    return None


#: For `login_required`, which is applied before the URLs are known.
SIGN_IN_URL = lazy(sign_in_url, str)()
