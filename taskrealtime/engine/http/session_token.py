"""The access token of a page whose browser is signed in."""

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.engine.auth import session_notes, sign_ins, tokens
from taskrealtime.engine.wire.errors import Unauthenticated

from .authentication import BrowserSessionAuthentication
from .views import EngineView, user_of


class AccessToken(msgspec.Struct):
    """A short-lived token for requests and sockets."""

    access: str


class SessionTokenView(EngineView):
    """`POST token/session/`."""

    authentication_classes: Any = (BrowserSessionAuthentication,)

    def post(self, request: Request) -> Response:
        """Answer with an access token; signing out in the browser ends it."""
        user, session = user_of(request), session_notes.session_of(request._request)
        mark = None
        if session is not None:
            mark = sign_ins.note_browser(user, session, **sign_ins.asker(request))
            if tokens.ended_sessions([mark]):
                session.flush()
                raise Unauthenticated("This sign-in was ended.")
        return Response(AccessToken(access=str(tokens.make_access_token(user, mark=mark))))
