"""Access tokens: making them, finding their users, ending them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings as django_settings
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import Token

from taskrealtime.engine.conf import settings, user_model
from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.engine.models import EndedSession, SessionVersion
from taskrealtime.engine.wire.errors import RealTimeError, TokenExpired, TokenInvalid

from .jwt import PASSWORD_CLAIM, USER_CLAIM, AccessToken, password_claim

#: The claim with the user's session version: signing out everywhere ends the tokens of earlier ones. A token that
#: other code made with simplejwt's `for_user` has none, and counts as of version 0, before any such sign-out.
SESSION_CLAIM = "session"
#: The claim with the mark of the sign-in that the token belongs to (`sign_ins`), and with which it ends: of a browser's
#: session, or of a family of refresh tokens.
BROWSER_CLAIM = "browser"


#: Where Django keeps a user's row of `SessionVersion` that was read together with the user.
SESSION_VERSION = "taskrealtime_session_version"


@dataclass(frozen=True)
class Identity:
    """A user as a valid access token proved it."""

    user: User
    #: What `session_stamp` was when the token was checked; the sweep compares it.
    stamp: str
    #: Unix time, seconds.
    expires_at: float
    #: The mark of the sign-in that the token belongs to; None for a token that other code made.
    browser: str | None = None


def make_access_token(user: User, *, mark: str | None = None) -> AccessToken:
    """Return an access token of this user's present session.

    Args:
        mark: of the sign-in that the token belongs to, and with which it ends.
    """
    token = AccessToken.for_user(user)
    token[SESSION_CLAIM] = session_version(user)
    if mark is not None:
        token[BROWSER_CLAIM] = mark
    return token


def browser_mark(session_key: str) -> str:
    """Return an identifier of a browser's session that does not reveal its key."""
    return salted_hmac("taskrealtime.browser", session_key).hexdigest()[:32]


def identify(raw: str) -> Identity:
    """Return the user of an access token.

    Raises:
        TokenExpired: it was ours, but its time is over.
        TokenInvalid: not ours, not an access token, or its user is gone, inactive or signed out.
    """
    [identity] = identify_all([raw])
    if isinstance(identity, RealTimeError):
        raise identity
    return identity


def identify_all(tokens: Sequence[str]) -> list[Identity | RealTimeError]:
    """Return the user of each access token, or the error that `identify` raises."""
    verified = [_verify(raw) for raw in tokens]
    good = [token for token in verified if not isinstance(token, RealTimeError)]
    users, ended = _users_by_id(good), ended_sessions(_browser(token) for token in good)
    return [token if isinstance(token, RealTimeError) else _identity(token, users, ended) for token in verified]


def _verify(raw: str) -> AccessToken | RealTimeError:
    try:
        return AccessToken(raw)
    except ExpiredTokenError:
        return TokenExpired("The token has expired.")
    except TokenError:
        return TokenInvalid("The token is not valid.")


def _identity(token: Token, users: Mapping[UserKey, User], ended: Collection[str]) -> Identity | RealTimeError:
    try:
        user = _active_user(token, users)
    except TokenInvalid as error:
        return error
    browser = _browser(token)
    if browser in ended:
        return TokenInvalid("The session of this token was ended.")
    return Identity(user, session_stamp(user), token["exp"], browser)


def _browser(token: Token) -> str | None:
    mark = token.get(BROWSER_CLAIM)
    return mark if isinstance(mark, str) else None


def user_id_of(raw: str) -> UserKey | None:
    """Return the id that an access token of ours names, whether or not its session has ended; None if it is none."""
    token = _verify(raw)
    return None if isinstance(token, RealTimeError) else _user_id(token)


def user_of(token: Token) -> User:
    """Return the active user that a verified token of either type names.

    Raises:
        TokenInvalid: there is none, or the session that the token belongs to was ended.
    """
    return _active_user(token, _users_by_id([token]))


def _users_by_id(tokens: Iterable[Token]) -> dict[UserKey, User]:
    ids = {user_id for token in tokens if (user_id := _user_id(token)) is not None}
    users = user_model.users().select_related(SESSION_VERSION).filter(user_model.among(ids))
    return {user.pk: user for user in users}


def _user_id(token: Token) -> UserKey | None:
    """Return the key that the token names; None if no user can have it."""
    return user_model.parse_key(token.get(USER_CLAIM))


def _active_user(token: Token, users: Mapping[UserKey, User]) -> User:
    user_id = _user_id(token)
    user = None if user_id is None else users.get(user_id)
    if user is None or not user_model.fits_names(user.pk):
        raise TokenInvalid("The token is not valid.")
    same_session = token.get(SESSION_CLAIM, 0) == session_version(user)
    same_password = token.get(PASSWORD_CLAIM) == password_claim(user)
    if not (user_model.is_active(user) and same_session and same_password):
        raise TokenInvalid("The session of this token was ended.")
    return user


def session_stamp(user: User) -> str:
    """Return a name of the user's present session; it changes with a sign-out everywhere or a new password."""
    return _stamp(django_settings.SECRET_KEY, user.pk, session_version(user), user.password)


def session_stamps(user: User) -> list[str]:
    """Return that name as it is made now, and as it was made with earlier secret keys."""
    version, secrets = session_version(user), [django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS]
    return [_stamp(secret, user.pk, version, user.password) for secret in secrets]


@lru_cache(maxsize=20_000)
def _stamp(secret: str, user_id: UserKey, version: int, password: str) -> str:
    """Return the stamp; cached, since the sweep compares those of all connected users once a second."""
    value = f"{user_id}:{version}:{password}"
    return salted_hmac("taskrealtime.session", value, secret=secret).hexdigest()[:16]


def sign_out_everywhere(user: User) -> None:
    """End every token and socket that this user has; open sockets close with the next sweep."""
    SessionVersion.objects.get_or_create(user=user)
    SessionVersion.objects.filter(user=user).update(version=F("version") + 1)


def end_mark(mark: str) -> None:
    """End the tokens of the sign-in with this mark; open sockets close with the next sweep."""
    EndedSession.objects.get_or_create(mark=mark)


def ended_sessions(marks: Iterable[str | None]) -> set[str]:
    """Return those of these browsers' sessions that were signed out of."""
    wanted = {mark for mark in marks if mark is not None}
    return set(EndedSession.objects.filter(mark__any_of=wanted).values_list("mark", flat=True)) if wanted else set()


def forget_ended_sessions(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` that ended before `cutoff`, if their tokens and cookies have expired; return how many."""
    kept_by_browsers = timedelta(seconds=django_settings.SESSION_COOKIE_AGE)
    cutoff = min(cutoff, timezone.now() - max(2 * _life_of_tokens(), kept_by_browsers))
    marks = list(EndedSession.objects.filter(ended_at__lt=cutoff).values_list("mark", flat=True)[:limit])
    return EndedSession.objects.filter(mark__in=marks).delete()[0]


def _life_of_tokens() -> timedelta:
    return timedelta(minutes=settings.ACCESS_TOKEN_MINUTES, hours=1)


def revoked_users(stamps: Mapping[UserKey, Iterable[str]]) -> dict[UserKey, str | None]:
    """Return which users' connections must be closed, given the stamps of those connections.

    Returns:
        by user id the stamp that is valid now, or None if the user is gone or inactive; only users
        some of whose stamps are not the valid one.
    """
    rows = user_model.active_among(stamps, "pk", f"{SESSION_VERSION}__version", "password")
    valid = {
        user_id: _stamp(django_settings.SECRET_KEY, user_id, version or 0, password)
        for user_id, version, password in rows
    }
    return {user_id: valid.get(user_id) for user_id, held in stamps.items() if set(held) != {valid.get(user_id)}}


def session_version(user: User) -> int:
    """Return the version of the user's sessions: 0 until they are ended for the first time."""
    if SessionVersion._meta.get_field("user").remote_field.is_cached(user):  # it was read together with the user
        row: SessionVersion | None = getattr(user, SESSION_VERSION, None)
    else:
        row = SessionVersion.objects.filter(user_id=user.pk).first()
    return row.version if row else 0
