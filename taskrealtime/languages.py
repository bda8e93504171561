"""The languages of the pages, whatever languages the project around them has."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.module_loading import import_string
from django.utils.translation import get_language, override

#: docs/architecture.md explains how to add one.
LANGUAGES = ("en", "de")


def page_language() -> str:
    """Return the language of ours that the active one is or belongs to, such as `de` for `de-at`; otherwise English."""
    return (nearest_language(get_language()) if settings.USE_I18N else None) or "en"


def in_page_language(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer in English where the active language is none of ours.

    Django has some of our texts in its own catalogs: a page would mix two languages.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if nearest_language(get_language()):
            return view(request, *args, **kwargs)
        with override("en"):
            response = view(request, *args, **kwargs)
            render = getattr(response, "render", None)
            return render() if callable(render) else response

    return wrapped


def offered_languages() -> list[str]:
    """Return the codes of the project's languages that are ours, each once; none where its visitors cannot choose."""
    if not settings.USE_I18N or not has_middleware(LocaleMiddleware):
        return []
    offered: dict[str, str] = {}
    for code, _ in settings.LANGUAGES:
        ours = nearest_language(code)
        if ours == code or (ours and ours not in offered):
            offered[ours] = code
    return list(offered.values())


def nearest_language(code: str | None) -> str | None:
    """Return the language of ours that `code` is or belongs to; None if there is none."""
    code = code or ""
    return next((one for one in (code, code.partition("-")[0]) if one in LANGUAGES), None)


def has_middleware(kind: type) -> bool:
    """Return whether the project has this middleware, or one derived from it."""
    found = map(import_string, settings.MIDDLEWARE)
    return any(isinstance(one, type) and issubclass(one, kind) for one in found)
