"""Lets cookies that are meant for TLS work on this machine itself, without TLS."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from .local import is_tried_out

Answer = Callable[[HttpRequest], HttpResponse]


def plain_cookies_on_localhost(get_response: Answer) -> Answer:
    """Middleware: takes `Secure` off the cookies of an answer that goes to localhost by plain HTTP.

    Everywhere else they keep it: over plain HTTP nobody can sign in, and no session can be overheard.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.cookies and is_tried_out(request):
            for cookie in response.cookies.values():
                cookie["secure"] = ""
        return response

    return middleware
