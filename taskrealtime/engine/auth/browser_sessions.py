"""Browsers' sessions and tokens end together: signed out of, everywhere or in one browser, or replaced by another's."""

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from . import shares, sign_ins
from .tokens import SESSION_CLAIM, end_session, session_version


class BrowserSessions(AuthenticationMiddleware):
    """Django's middleware; a session older than its user's last sign-out everywhere is treated as anonymous."""

    def process_request(self, request: HttpRequest) -> None:
        """Set a lazy `request.user`, which checks the session when it is first used."""
        super().process_request(request)
        user = request.user
        request.user = SimpleLazyObject(lambda: _still_signed_in(request, user))  # type: ignore[assignment]


@receiver(user_logged_in)
def note_session_version(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Record in the session the user's present version, as a token made now has it."""
    if request is not None:
        request.session[SESSION_CLAIM] = session_version(user)


@receiver(user_logged_in)
def note_sign_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Add the browser to the user's sign-ins, which are bounded; a session that replaces another has no key yet."""
    if request is not None and request.session.session_key is not None:
        sign_ins.note_browser(user, request.session, **sign_ins.asker(request))


@receiver(user_logged_in)
def end_tokens_of_replaced_session(request: HttpRequest | None, **kwargs: Any) -> None:
    """End the session of another user that this sign-in replaced.

    Django flushes it without a signal, and the new session has no key yet.
    """
    if request is None or request.session.session_key is not None:
        return
    if (replaced := request.COOKIES.get(settings.SESSION_COOKIE_NAME)) is not None:
        _end(replaced)


@receiver(user_logged_out)
def end_tokens_of_session(request: HttpRequest | None, **kwargs: Any) -> None:
    """End the tokens that the session's pages got, and the sockets that they signed in."""
    if request is not None and (key := request.session.session_key) is not None:
        _end(key)


def _end(key: str) -> None:
    end_session(key)
    sign_ins.forget_browser(key)


def _still_signed_in(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    if not isinstance(user, User):
        return user
    if request.session.get(SESSION_CLAIM, 0) != session_version(user):
        request.session.flush()
        return AnonymousUser()
    if (key := request.session.session_key) is not None:
        shares.remember_session(key, user.pk)
    return user
