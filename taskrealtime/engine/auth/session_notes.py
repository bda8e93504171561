"""What we note in a browser's session, which is the project's: since when it counts on the board, and its mark.

A session is noted when it is first used on the board, and not when its user signs in, so that signing in costs the
project nothing. Only where `BrowserSessions` sees every request is a session noted from its first moment on.
"""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from taskrealtime.engine.conf.user_model import User

from . import tokens

#: In the session: whose it was when it was noted, with which version, and the mark of its tokens.
NOTE = "taskrealtime"
MIDDLEWARE = "taskrealtime.engine.auth.browser_sessions.BrowserSessions"
#: Characters of a key that `SignIn` can hold. A longer one is no key: the session itself is in the cookie.
KEY_LENGTH = 40


def are_noted_early() -> bool:
    """Return whether sessions are noted as soon as their users sign in."""
    return MIDDLEWARE in settings.MIDDLEWARE


def session_of(request: HttpRequest) -> SessionBase | None:
    """Return the session by which the request's user is signed in; None if the project knows the user otherwise."""
    session: SessionBase | None = getattr(request, "session", None)
    return session if session is not None and SESSION_KEY in session else None


def key_of(session: SessionBase) -> str | None:
    """Return the key under which the server keeps a session; None if the browser itself keeps it."""
    key = session.session_key
    return key if key is not None and len(key) <= KEY_LENGTH else None


def version_in(session: SessionBase, user: User) -> int | None:
    """Return the version of the user's sessions that this one belongs to; None if it was not noted yet."""
    if are_noted_early():
        return int(session.get(tokens.SESSION_CLAIM, 0))  # where release 0.1 has it, too
    note = session.get(NOTE, {})
    return note.get("version") if note.get("user") == str(user.pk) else None


def note_version(session: SessionBase, user: User) -> None:
    """Have the session count as of now."""
    if are_noted_early():
        session[tokens.SESSION_CLAIM] = tokens.session_version(user)
    else:
        _add(session, user=str(user.pk), version=tokens.session_version(user))
        if key_of(session) is None:
            give_mark(session)  # before a page's scripts ask for it, perhaps two at once


def mark_in(session: SessionBase) -> str | None:
    """Return the mark that the session's tokens carry; None if it cannot have any."""
    mark: str | None = session.get(NOTE, {}).get("mark")
    if mark is None and are_noted_early() and session.session_key is not None:
        return tokens.browser_mark(session.session_key)
    return mark


def give_mark(session: SessionBase) -> str:
    """Return the session's mark, which stays although its key may change."""
    if (mark := session.get(NOTE, {}).get("mark")) is not None:
        return str(mark)
    key = key_of(session)
    mark = tokens.browser_mark(key) if key is not None else secrets.token_hex(16)
    _add(session, mark=mark)
    return mark


def _add(session: SessionBase, **said: Any) -> None:
    session[NOTE] = session.get(NOTE, {}) | said
