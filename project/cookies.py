"""Names and attributes of cookies by how a page is reached: over TLS, or without it on this machine itself.

Django and its pages know each cookie by its plain name; browsers know it as `__Host-…` where it came over TLS. They
take such a name only with `Secure`, for the whole host and from this host itself: no page of a neighbouring subdomain,
and no host in the network, can put a cookie of theirs in place of ours.
"""

from collections.abc import Callable
from http.cookies import Morsel

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .local import is_tried_out

Answer = Callable[[HttpRequest], HttpResponse]
PREFIX = "__Host-"


def host_cookies(get_response: Answer) -> Answer:
    """Middleware: over TLS the session's and the CSRF cookie are `__Host-…` to the browser.

    Where `READ_OLD_COOKIES` is set, one of the plain name counts too, and is rewritten: for the days after an update
    from a release that had no other.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not _is_over_tls(request):
            return get_response(request)
        renamed = [_take(request, name) for name in _names()]
        response = get_response(request)
        for name, old in zip(_names(), renamed, strict=True):
            _give(response, name, old)
        return response

    return middleware


def plain_cookies_on_localhost(get_response: Answer) -> Answer:
    """Middleware: takes `Secure` off the cookies of an answer that goes to localhost by plain HTTP.

    Everywhere else they keep it: signing in over plain HTTP is impossible, and no session can be intercepted.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.cookies and is_tried_out(request):
            for cookie in response.cookies.values():
                cookie["secure"] = ""
        return response

    return middleware


def _names() -> list[str]:
    return [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME]


def _is_over_tls(request: HttpRequest) -> bool:
    """Whether the browser takes `__Host-` cookies from the answer."""
    return settings.SESSION_COOKIE_SECURE and request.is_secure()


def _take(request: HttpRequest, name: str) -> str | None:
    """Give the cookie its plain name; return the value of one that had no other, where that counts."""
    old, new = request.COOKIES.pop(name, None), request.COOKIES.pop(PREFIX + name, None)
    value = old if new is None and settings.READ_OLD_COOKIES else new
    if value is None:
        return None
    request.COOKIES[name] = value
    return value if new is None else None


def _give(response: HttpResponse, name: str, old: str | None) -> None:
    """Give the browser the cookie under its full name: as the answer has it, or as it was read by its plain name."""
    cookie: Morsel[str] | None = response.cookies.pop(name, None)
    if cookie is not None:
        response.set_cookie(PREFIX + name, cookie.value)
        response.cookies[PREFIX + name].update(cookie | {"secure": True, "path": "/", "domain": ""})
        if not cookie.value:  # it ends, under whatever name the browser has it
            response.delete_cookie(name)
            response.cookies[name]["secure"] = True
    elif old is not None:
        http_only = name == settings.SESSION_COOKIE_NAME
        age = settings.SESSION_COOKIE_AGE if http_only else settings.CSRF_COOKIE_AGE
        response.set_cookie(PREFIX + name, old, max_age=age, secure=True, httponly=http_only, samesite="Lax")
