"""Makes browsers refuse everything on our pages but our own files."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]

#: No inline script or style, so that text that slips through as HTML stays harmless. `data:` is for CSS's own images.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'{sockets}; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def content_policy(get_response: Answer) -> Answer:
    """Middleware: a Content-Security-Policy on every answer but Django's own error pages in development."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not (settings.DEBUG and response.status_code >= 400):
            policy = _POLICY.format(sockets=_sockets(request))
            response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


def _sockets(request: HttpRequest) -> str:
    """The page's own sockets: older browsers do not count them as `'self'`."""
    try:
        host = request.get_host()
    except DisallowedHost:
        return ""
    return f" ws://{host} wss://{host}"
