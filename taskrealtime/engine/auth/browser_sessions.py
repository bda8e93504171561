"""Browsers' sessions and tokens end together: signed out of, everywhere or in one browser, or replaced by another's.

The sessions are the project's, and its sign-in signs in to the board: each session that it opens counts.
"""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from taskrealtime.engine.conf.user_model import User

from . import session_notes, shares, sign_ins, tokens

#: Set on a request whose session is checked when its user is first asked for.
_WATCHED = "_taskrealtime_watches_session"


class BrowserSessions(AuthenticationMiddleware):
    """Django's middleware; a session older than its user's last sign-out everywhere is treated as anonymous.

    Only a project that is the board alone needs it: the board's own pages and API check sessions by themselves.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Set a lazy `request.user`, which checks the session when it is first used."""
        super().process_request(request)
        watch_session(request)


def watch_session(request: HttpRequest) -> None:
    """Have `request.user` be anonymous if the session has ended for us; checked once, when it is first used."""
    if hasattr(request, _WATCHED):
        return
    setattr(request, _WATCHED, True)
    # Without a look at the user: to find it may take queries that most requests do not need.
    user = request.user if hasattr(request, "user") else AnonymousUser()
    request.user = SimpleLazyObject(lambda: _still_signed_in(request, user))  # type: ignore[assignment]


def _still_signed_in(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    session = session_notes.session_of(request) if user.is_authenticated else None
    if session is None or isinstance(user, AnonymousUser):
        return user
    noted = session_notes.version_in(session, user)
    if noted is None:
        session_notes.note_version(session, user)
    elif noted != tokens.session_version(user) or _was_ended(session):
        session.flush()
        return AnonymousUser()
    if (key := session_notes.key_of(session)) is not None:
        shares.remember_session(key, user.pk)
    return user


def _was_ended(session: SessionBase) -> bool:
    """Return whether a session that the browser keeps was ended; one that the server keeps is gone then."""
    if session_notes.key_of(session) is not None:
        return False
    return bool(tokens.ended_sessions([session_notes.mark_in(session)]))


# --- What Django says of sessions -----------------------------------------------------------


@receiver(user_logged_in)
def note_sign_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Note the session, and add the browser to the user's sign-ins, which are bounded, where that is done early.

    A session that replaces another has no key yet.
    """
    if request is None or not session_notes.are_noted_early():
        return
    session_notes.note_version(request.session, user)
    if request.session.session_key is not None:
        sign_ins.note_browser(user, request.session, **sign_ins.asker(request))


@receiver(user_logged_in)
def end_tokens_of_replaced_session(request: HttpRequest | None, **kwargs: Any) -> None:
    """End the session of another user that this sign-in replaced.

    Django flushes it without a signal, and the new session has no key yet.
    """
    if request is None or getattr(request, "session", None) is None or request.session.session_key is not None:
        return
    if (replaced := request.COOKIES.get(settings.SESSION_COOKIE_NAME)) is not None:
        for mark in _marks_of_replaced(replaced):
            _end(mark)


def _marks_of_replaced(cookie: str) -> list[str]:
    if len(cookie) > session_notes.KEY_LENGTH:  # the session itself
        mark = session_notes.mark_in(import_module(settings.SESSION_ENGINE).SessionStore(cookie))
        return [mark] if mark is not None else []
    derived = [tokens.browser_mark(cookie)] if session_notes.are_noted_early() else []
    return [*derived, *sign_ins.marks_of_key(cookie)]


@receiver(user_logged_out)
def end_tokens_of_session(request: HttpRequest | None, **kwargs: Any) -> None:
    """End the tokens that the session's pages got, and the sockets that they signed in."""
    session = getattr(request, "session", None)
    if session is not None and (mark := session_notes.mark_in(session)) is not None:
        _end(mark)


def _end(mark: str) -> None:
    tokens.end_mark(mark)
    sign_ins.forget(mark)
