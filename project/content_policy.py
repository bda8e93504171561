"""What a page may load, and from where: whatever got into it, no foreign or inline script runs."""

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

#: `'self'` means this host's sockets, too.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class ContentPolicy(MiddlewareMixin):
    """Sets `Content-Security-Policy` on every answer: this host alone, nothing inline, no frames."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add the header."""
        response.headers["Content-Security-Policy"] = POLICY
        return response
