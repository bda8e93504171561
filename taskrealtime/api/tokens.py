"""Signing in and out: access and refresh tokens."""

from typing import Annotated

import msgspec
from django.contrib.auth import authenticate
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.contract.commands import Token
from taskrealtime.engine import passwords
from taskrealtime.engine.auth import session_notes, sign_ins, tokens
from taskrealtime.engine.auth.jwt import RefreshToken
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.http import session_token
from taskrealtime.engine.http.session_token import AccessToken
from taskrealtime.engine.models import SignIn
from taskrealtime.engine.wire.errors import Forbidden, InvalidData, NotFound, RateLimited, Unauthenticated

from .answers import SignInList, SignInObject, TokenPair
from .base import ApiView, deleted, read_body, user_of
from .openapi import documented


class Credentials(msgspec.Struct):
    """A user's name and password."""

    username: Annotated[str, Meta(max_length=user_model.max_username())]
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
        passwords.begin_attempt(given.username, request._request)
        user = authenticate(request._request, username=given.username, password=given.password)
        if user is None:
            raise Unauthenticated("No active account has this username and password.")
        passwords.forgive_attempts(given.username, request._request)
        return _pair(sign_ins.begin(user, **sign_ins.asker(request)))


class TokenRefreshView(ApiView):
    """`POST /api/token/refresh/`."""

    authentication_classes = ()
    permission_classes = ()

    @documented("token_refresh", body=RefreshRequest, answer=TokenPair, errors=[Unauthenticated], signed_in=False)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a fresh pair; it is used up by that.

        One that was used before ends its sign-in: either it or the pair that it was exchanged for was stolen.
        """
        _, fresh = sign_ins.exchange(read_body(request, RefreshRequest).refresh)
        return _pair(fresh)


class SessionTokenView(ApiView, session_token.SessionTokenView):
    """`POST /api/token/session/`."""

    @documented("token_session", answer=AccessToken, errors=[Forbidden])
    def post(self, request: Request) -> Response:
        """An access token for the page of a signed-in browser; signing out there ends it."""
        return super().post(request)


class RevokeView(ApiView):
    """`POST /api/token/revoke/`."""

    @documented("token_revoke", status=204, errors=[Forbidden])
    def post(self, request: Request) -> Response:
        """Sign out everywhere: every token of this user ends, and every socket closes."""
        tokens.sign_out_everywhere(user_of(request))
        return deleted()


class SignInsView(ApiView):
    """`/api/me/sessions/`."""

    @documented("session_list", answer=SignInList)
    def get(self, request: Request) -> Response:
        """Where the caller is signed in, the latest used first."""
        own = _own_mark(request)
        return Response(SignInList([_show(found, own) for found in sign_ins.of_user(user_of(request))]))


class SignInView(ApiView):
    """`/api/me/sessions/<mark>/`."""

    @documented("session_end", status=204, errors=[InvalidData, NotFound, Forbidden])
    def delete(self, request: Request, mark: str) -> Response:
        """End one sign-in; its tokens end with it, and its sockets close."""
        sign_ins.end(user_of(request), mark)
        return deleted()


def _own_mark(request: Request) -> str | None:
    """Return the mark of the sign-in that this request belongs to."""
    if isinstance(request.auth, tokens.Identity):
        return request.auth.browser
    session = session_notes.session_of(request._request)
    return None if session is None else session_notes.mark_in(session)


def _show(found: SignIn, own: str | None) -> SignInObject:
    return SignInObject(
        id=found.mark,
        kind="browser" if found.session_key else "token",
        agent=found.agent,
        address=found.address,
        created_at=found.created_at,
        used_at=found.used_at,
        current=found.mark == own,
    )


def _pair(refresh: RefreshToken) -> Response:
    return Response(TokenPair(access=str(refresh.access_token), refresh=str(refresh)))
