"""Authentication: by an access token in the header, or by the browser's session with its CSRF token."""

from typing import Any
from urllib.parse import unquote

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from taskrealtime.engine.auth import browser_sessions, tokens
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.wire.errors import Unauthenticated


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`. A token in the URL is never read: URLs end up in logs."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """Return the token's user; None if there is no such header.

        Raises:
            TokenInvalid, TokenExpired: as `engine.auth.tokens.identify` says.
        """
        kind, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        identity = tokens.identify(token.strip())
        return identity.user, identity

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return "Bearer"


class BrowserSessionAuthentication(SessionAuthentication):
    """A signed-in browser: Django's session, and its CSRF token for every change.

    A page that says whose it is (`X-Page-User`) is not served once another user has signed in, in another tab.
    """

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """Return the session's user; None if no user is signed in.

        Raises:
            Unauthenticated: the page is another user's.
            PermissionDenied: the CSRF token is missing, or not the session's.
        """
        browser_sessions.watch_session(request._request)
        found: tuple[User, Any] | None = super().authenticate(request)
        if found is not None and unquote(request.META.get("HTTP_X_PAGE_USER", "")) not in ("", str(found[0].pk)):
            raise Unauthenticated("Another user has signed in in this browser. Reload the page.")
        return found
