"""On whose account a request is worked on: a user's, if a token or a known session proves it, or an address's."""

import re
import threading
from functools import lru_cache

from django.conf import settings as django_settings
from django.http import parse_cookie

from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db.fair_line import Share
from taskrealtime.engine.limits.addresses import countable, peer_of
from taskrealtime.engine.wire.asgi import Scope

from .tokens import user_id_of

#: Sessions whose users are remembered.
MAX_SESSIONS = 10_000
#: Where the body of a sign-in request has the name: JSON or a form. It serves for taking turns alone.
_NAME = re.compile(rb'(?:^|[&"])username"?\s*[:=]\s*"?([^"&]{1,150})')

_sessions: dict[str, UserKey] = {}
_lock = threading.Lock()


def share_of(scope: Scope) -> Share:
    """Return the share of an HTTP request.

    A request without valid credentials counts for its address, where it takes turns with others by its session.
    """
    token, session = _credentials(scope)
    user_id = _user_id(token) if token is not None else _sessions.get(session)
    if user_id is not None:
        return Share(f"user:{user_id}")
    return Share(address_group(scope), session)


def address_group(scope: Scope) -> str:
    """Name the group of the address that a request or a socket comes from."""
    peer = peer_of(scope)
    return f"address:{countable(peer) or peer}"


def share_of_sign_in(scope: Scope, body: bytes) -> Share:
    """Return the share of a request with a password: those of one address take turns by the names that they give."""
    share = share_of(scope)
    found = _NAME.search(body)
    return Share(share.group, found[1].decode("latin-1").casefold()) if found else share


def remember_session(key: str, user_id: UserKey) -> None:
    """Have requests of this browser's session, which was found to be the user's, count for the user."""
    with _lock:
        _sessions.pop(key, None)
        _sessions[key] = user_id
        if len(_sessions) > MAX_SESSIONS:
            del _sessions[next(iter(_sessions))]


@lru_cache(maxsize=MAX_SESSIONS)
def _user_id(token: str) -> UserKey | None:
    """Return the user's id of a token. Whether it still counts is checked where it is used."""
    return user_id_of(token)


def _credentials(scope: Scope) -> tuple[str | None, str]:
    """Return the bearer token, if there is one, and the key of the browser's session, if there is one."""
    token, session = None, ""
    for name, value in scope.get("headers", ()):
        lower = name.lower()
        if lower == b"authorization":
            kind, _, given = value.decode("latin-1").partition(" ")
            token = given.strip() if kind.lower() == "bearer" else token
        elif lower == b"cookie":
            session = parse_cookie(value.decode("latin-1")).get(django_settings.SESSION_COOKIE_NAME) or session
    return token, session
