"""Signing in and out: access and refresh tokens."""

from typing import Annotated, Any, cast

import msgspec
from django.contrib.auth import authenticate
from django.db import transaction
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from taskrealtime.commands import Token
from taskrealtime.engine import auth
from taskrealtime.engine.errors import Forbidden, RateLimited, TokenExpired, TokenInvalid, Unauthenticated

from .answers import AccessToken, TokenPair
from .authentication import BrowserSessionAuthentication
from .base import ApiView, deleted, read_body, user_of
from .openapi import documented


class Credentials(msgspec.Struct):
    """Who one is, and the proof."""

    username: Annotated[str, Meta(max_length=150)]
    password: Annotated[str, Meta(max_length=4096)]


class RefreshRequest(msgspec.Struct):
    """A refresh token, good for one use."""

    refresh: Token


class TokenView(ApiView):
    """`POST /api/token/`."""

    authentication_classes = ()
    permission_classes = ()

    @documented(
        "token_obtain", body=Credentials, answer=TokenPair, errors=[Unauthenticated, RateLimited], signed_in=False
    )
    def post(self, request: Request) -> Response:
        """Sign in by name and password."""
        given = read_body(request, Credentials)
        user = authenticate(request._request, username=given.username, password=given.password)
        if user is None:
            raise Unauthenticated("No active user with this name and password.")
        return _pair(auth.make_refresh_token(user))


class TokenRefreshView(ApiView):
    """`POST /api/token/refresh/`."""

    authentication_classes = ()
    permission_classes = ()

    @documented("token_refresh", body=RefreshRequest, answer=TokenPair, errors=[Unauthenticated], signed_in=False)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a fresh pair; it is used up by that."""
        token = _read_refresh_token(read_body(request, RefreshRequest).refresh)
        user = auth.user_of(token)
        with transaction.atomic():
            _, first_use = cast(tuple[Any, bool], token.blacklist())  # its annotation leaves out the flag
            if not first_use:
                raise TokenInvalid("The token was used before.")
            fresh = auth.make_refresh_token(user)
        return _pair(fresh)


class SessionTokenView(ApiView):
    """`POST /api/token/session/`."""

    authentication_classes = (BrowserSessionAuthentication,)

    @documented("token_session", answer=AccessToken, errors=[Forbidden])
    def post(self, request: Request) -> Response:
        """An access token for the page of a signed-in browser; signing out there ends it."""
        token = auth.make_access_token(user_of(request), session_key=request._request.session.session_key)
        return Response(AccessToken(access=str(token)))


class RevokeView(ApiView):
    """`POST /api/token/revoke/`."""

    @documented("token_revoke", status=204, errors=[Forbidden])
    def post(self, request: Request) -> Response:
        """Sign out everywhere: every token of this user ends, and every socket closes."""
        auth.sign_out_everywhere(user_of(request))
        return deleted()


def _pair(refresh: RefreshToken) -> Response:
    return Response(TokenPair(access=str(refresh.access_token), refresh=str(refresh)))


def _read_refresh_token(raw: str) -> RefreshToken:
    try:
        return RefreshToken(raw)  # type: ignore[arg-type]
    except ExpiredTokenError:
        raise TokenExpired("The token has expired.") from None
    except (TokenError, KeyError):
        raise TokenInvalid("The token is not valid.") from None
