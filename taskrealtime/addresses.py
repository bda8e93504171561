"""Where the board is among a project's URLs, where its users sign in and out, and what its pages load."""

from contextlib import suppress
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.functional import lazy

from .engine.conf import settings, user_model
from .engine.http.page import csrf_cookie, csrf_header, socket_path

#: Names of the URL that signs out by a POST: ours, Django's, allauth's.
_SIGN_OUT = ("taskrealtime_accounts:logout", "logout", "account_logout")


def board_base() -> str:
    """Return the path below which the board's pages and its `api/` are, without a slash at the end."""
    return reverse("taskrealtime:projects").rstrip("/")


def for_scripts(request: HttpRequest | None) -> dict[str, Any]:
    """Return what `static/js/board/page/site.js` reads in a page's head."""
    return {
        "base": board_base(),
        "socket": socket_path(request),
        "sign_in": sign_in_url(),
        "csrf_cookie": csrf_cookie(),
        "user_keys": "number" if user_model.keys_are_numbers() else "text",
        "csrf_header": csrf_header(),
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


def page_script(name: str) -> str:
    """Return the address of a page's script, such as `board/main`: its bundle; the module itself with DEBUG."""
    return static(f"taskrealtime/{'js' if django_settings.DEBUG else 'bundle'}/{name}.js")


def page_styles() -> str:
    """Return the address of the stylesheet of all pages: its bundle; with DEBUG the one that imports its parts."""
    return static(f"taskrealtime/{'css' if django_settings.DEBUG else 'bundle'}/site.css")
