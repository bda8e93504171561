"""Distinguishes requests of this machine from those of others."""

from django.http import HttpRequest
from django.http.request import split_domain_port

LOCAL = {"localhost", "127.0.0.1", "[::1]"}


def is_tried_out(request: HttpRequest) -> bool:
    """Whether it came by plain HTTP to localhost: only a browser of this machine does that."""
    host, _ = split_domain_port(request.META.get("HTTP_HOST", "").lower())
    return host in LOCAL and not request.is_secure()
