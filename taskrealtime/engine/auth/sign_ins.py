"""Where a user is signed in: by name and password, with tokens that follow from each other, or in a browser.

Each sign-in has a mark, which all its access tokens carry, and can be ended alone: its sockets close with the next
sweep. The refresh tokens of a sign-in are a family: one is good at a time, and only its hash is kept. A used one that
comes again was stolen, or its successor was, so the family ends (RFC 9700, 4.14.2).
"""

import hashlib
import secrets
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.db import writing
from taskrealtime.engine.db.clock import database_time
from taskrealtime.engine.limits import addresses
from taskrealtime.engine.models import SignIn
from taskrealtime.engine.wire.errors import NotFound, TokenExpired, TokenInvalid

from . import session_notes, tokens
from .jwt import RefreshToken

#: Characters that are kept of a browser's description of itself.
AGENT_LENGTH = 200
#: Sign-ins that a user has at most, of each kind: with one more, the one that was used longest ago ends.
MAX_OF_USER = 100


def begin(user: User, *, agent: str = "", address: str | None = None) -> RefreshToken:
    """Return the first refresh token of a new sign-in."""
    token = _make_token(user, secrets.token_hex(16))
    _create(user, token, agent=agent[:AGENT_LENGTH], address=address)
    _end_oldest(user, of_browsers=False)
    return token


def exchange(raw: str) -> tuple[User, RefreshToken]:
    """Return the user of a refresh token and the next one of its family; the given one is used up.

    Raises:
        TokenExpired: its time is over.
        TokenInvalid: it is not ours, its sign-in has ended, or it was used before, which ends its sign-in.
    """
    used = read(raw)
    user = tokens.user_of(used)
    with writing.atomic():
        fresh = _exchange(user, used)
        if fresh is None:
            tokens.end_mark(_mark_of(used))
            forget(_mark_of(used))
    if fresh is None:
        raise TokenInvalid("The token was used before: its sign-in has ended.")
    return user, fresh


def read(raw: str) -> RefreshToken:
    """Return a refresh token that is ours and not expired.

    Raises:
        TokenExpired: its time is over.
        TokenInvalid: it is not ours.
    """
    try:
        return RefreshToken(raw)
    except ExpiredTokenError:
        raise TokenExpired("The token has expired.") from None
    except (TokenError, KeyError):
        raise TokenInvalid("The token is not valid.") from None


def note_browser(user: User, session: SessionBase, *, agent: str, address: str | None) -> str:
    """Record that the user is signed in in this browser now, and from where, as far as known; return the mark."""
    mark = session_notes.give_mark(session)
    now = {"user": user, "stamp": tokens.session_stamp(user), "used_at": timezone.now()}
    now["expires_at"] = session.get_expiry_date()
    if agent:
        now["agent"] = agent[:AGENT_LENGTH]
    if address:
        now["address"] = address
    # Of a session that the browser itself keeps, the mark stands for the key.
    now["session_key"] = session_notes.key_of(session) or mark
    _, is_new = SignIn.objects.update_or_create(mark=mark, defaults=now)
    if is_new:
        _end_oldest(user, of_browsers=True)
    return mark


def asker(request: Any) -> dict[str, Any]:
    """Return what is recorded of the client that signs in by this request."""
    address = addresses.parse(request.META.get("REMOTE_ADDR") or "")
    return {"agent": request.META.get("HTTP_USER_AGENT", ""), "address": str(address) if address else None}


def forget(mark: str) -> None:
    """Remove the sign-in with this mark from its user's."""
    SignIn.objects.filter(mark=mark).delete()


def marks_of_key(session_key: str) -> list[str]:
    """Return the marks of the session that the server keeps under this key."""
    return list(SignIn.objects.filter(session_key=session_key).values_list("mark", flat=True))


def of_user(user: User) -> list[SignIn]:
    """Return the sign-ins that the user has now, the latest used first."""
    lasting = SignIn.objects.filter(user=user, stamp__in=tokens.session_stamps(user), expires_at__gt=timezone.now())
    return list(lasting.order_by("-used_at", "mark"))


def end(user: User, mark: str) -> None:
    """End one of the user's sign-ins, its tokens and browser's session; open sockets close with the next sweep.

    Raises:
        NotFound: the user has no such sign-in.
    """
    with writing.atomic():
        found = SignIn.objects.filter(user=user, mark=mark).first()
        if found is None:
            raise NotFound("No such sign-in.")
        tokens.end_mark(mark)
        _forget(found)


def _forget(sign_in: SignIn) -> None:
    """Remove a sign-in with its browser's session, if it has one."""
    if sign_in.session_key:
        import_module(settings.SESSION_ENGINE).SessionStore(sign_in.session_key).delete()
    sign_in.delete()


def _end_oldest(user: User, *, of_browsers: bool) -> None:
    """End those beyond `MAX_OF_USER`; access tokens that they gave live on for their minutes."""
    kind = SignIn.objects.filter(user=user)
    kind = kind.exclude(session_key="") if of_browsers else kind.filter(session_key="")
    for sign_in in kind.order_by("-used_at", "mark")[MAX_OF_USER:]:
        _forget(sign_in)


def forget_expired(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` sign-ins whose time is over; return how many."""
    marks = list(SignIn.objects.filter(expires_at__lt=database_time()).values_list("mark", flat=True)[:limit])
    return SignIn.objects.filter(mark__in=marks).delete()[0]


def _exchange(user: User, used: RefreshToken) -> RefreshToken | None:
    """Return the next token; None if this one is not the one that is good now."""
    mark = _mark_of(used)
    if tokens.ended_sessions([mark]):
        raise TokenInvalid("The session of this token was ended.")
    fresh = _make_token(user, mark)
    sign_in = SignIn.objects.select_for_update().filter(mark=mark).first()
    if sign_in is not None:
        if not secrets.compare_digest(sign_in.token, _hash(used)):
            return None
        sign_in.token, sign_in.stamp = _hash(fresh), tokens.session_stamp(user)
        sign_in.used_at, sign_in.expires_at = timezone.now(), _expiry(fresh)
        sign_in.save(update_fields=["token", "stamp", "used_at", "expires_at"])
    elif tokens.BROWSER_CLAIM in used:
        raise TokenInvalid("The session of this token was ended.")
    elif _is_blacklisted(used) or not _create(user, fresh):
        return None
    return fresh


def _make_token(user: User, mark: str) -> RefreshToken:
    token = RefreshToken.for_user(user)
    token[tokens.SESSION_CLAIM] = tokens.session_version(user)
    token[tokens.BROWSER_CLAIM] = mark
    return token


def _create(user: User, token: RefreshToken, *, agent: str = "", address: str | None = None) -> bool:
    """Record a new sign-in; return False if another request was first."""
    _, is_new = SignIn.objects.get_or_create(
        mark=_mark_of(token),
        defaults={
            "user": user,
            "stamp": tokens.session_stamp(user),
            "token": _hash(token),
            "agent": agent,
            "address": address,
            "expires_at": _expiry(token),
        },
    )
    return is_new


def _mark_of(token: RefreshToken) -> str:
    """Return its sign-in's mark; one without a family, of an earlier release or other code, begins one of its own."""
    return str(token.get(tokens.BROWSER_CLAIM) or hashlib.sha256(token.identifier.encode()).hexdigest()[:32])


def _hash(token: RefreshToken) -> str:
    return hashlib.sha256(token.identifier.encode()).hexdigest()


def _expiry(token: RefreshToken) -> datetime:
    return datetime.fromtimestamp(token["exp"], UTC)


def _is_blacklisted(token: RefreshToken) -> bool:
    """Return whether simplejwt's table has the token, where the project has that table and shares the key with us."""
    if not apps.is_installed("rest_framework_simplejwt.token_blacklist"):
        return False
    from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

    return BlacklistedToken.objects.filter(token__jti=token.identifier).exists()
