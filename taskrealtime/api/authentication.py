"""Who asks: by an access token in the header, or by the browser's session with its CSRF token."""

from typing import Any

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from taskrealtime.engine import auth


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`. A token in the URL is never read: URLs end up in logs."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """The token's user; None where there is no such header.

        Raises:
            TokenInvalid, TokenExpired: as `engine.auth.identify` says.
        """
        kind, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        identity = auth.identify(token.strip())
        return identity.user, identity

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class BrowserSessionAuthentication(SessionAuthentication):
    """A signed-in browser: Django's session, and its CSRF token for every change."""
