"""The classes of access and refresh tokens: simplejwt's, with keys, claims and lifetimes of our own.

Nothing here depends on `SIMPLE_JWT`, which is for the tokens of the project's own API. Tokens of that API do not count
here, nor ours there, unless the project gives both the same key (`TASKREALTIME["SIGNING_KEY"]`).
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any, Self
from uuid import uuid4

import jwt
from django.conf import settings as django_settings
from django.utils.crypto import salted_hmac
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError
from rest_framework_simplejwt.utils import aware_utcnow, get_md5_hash_password

from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.user_model import User

ALGORITHM = "HS256"
TYPE_CLAIM = "token_type"
USER_CLAIM = "user_id"
#: No two tokens have the same.
IDENTIFIER_CLAIM = "jti"
#: A hash that changes with the password.
PASSWORD_CLAIM = "hash_password"  # noqa: S105 -- the name of a claim


class _Backend(TokenBackend):
    """Signs with our key, and verifies with that and earlier ones.

    It ignores the time of issue: the clock of the machine that issued a token may be ahead of this one.
    """

    def encode(self, payload: dict[str, Any]) -> str:
        """Return the token with these claims."""
        return jwt.encode(payload, _keys()[0], algorithm=ALGORITHM)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the claims of a token.

        Raises:
            TokenBackendExpiredToken: its time is over.
            TokenBackendError: it is malformed, or its signature is not ours.
        """
        options: Any = {"verify_aud": False, "verify_iat": False, "verify_signature": verify}
        refused: Exception | None = None
        for key in _keys():
            try:
                return jwt.decode(token, key, algorithms=[ALGORITHM], options=options)
            except jwt.ExpiredSignatureError as error:
                raise TokenBackendExpiredToken("The token has expired.") from error
            except jwt.InvalidTokenError as error:
                refused = error
                if not isinstance(error, jwt.InvalidSignatureError):
                    break
        raise TokenBackendError("The token is not valid.") from refused


def _keys() -> list[str]:
    """Return the key that signs, and after it those that count besides."""
    secrets = [django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS]
    given = [settings.SIGNING_KEY] if settings.SIGNING_KEY else []
    return [*given, *settings.SIGNING_KEY_FALLBACKS, *map(_made_of, secrets)]


@lru_cache
def _made_of(secret: str) -> str:
    """Return a key that signs nothing else than our tokens."""
    return salted_hmac("taskrealtime.tokens", "HS256", secret=secret, algorithm="sha256").hexdigest()


class _Token(tokens.Token):
    """simplejwt's, whose claims have the same names wherever it is used."""

    _token_backend = _Backend(ALGORITHM)

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        """Read a token, or begin a new one.

        Raises:
            ExpiredTokenError: its time is over.
            TokenError: it is not one of ours, of this type.
        """
        if token is not None:
            super().__init__(token, verify)
            return
        self.token = None
        self.current_time = aware_utcnow()
        self.payload = {TYPE_CLAIM: self.token_type}
        self.set_exp()
        self.set_iat()
        self.set_jti()

    def verify(self) -> None:
        """Require what every token of ours has."""
        self.check_exp()
        if IDENTIFIER_CLAIM not in self.payload:
            raise TokenError("The token has no id.")
        self.verify_token_type()

    def verify_token_type(self) -> None:
        """Require the type of this class."""
        if self.payload.get(TYPE_CLAIM) != self.token_type:
            raise TokenError("The token has another type.")

    def set_jti(self) -> None:
        """Give the token an identifier of its own."""
        self.payload[IDENTIFIER_CLAIM] = uuid4().hex

    @property
    def identifier(self) -> str:
        """Return the claim that no other token has."""
        return str(self[IDENTIFIER_CLAIM])

    @classmethod
    def for_user(cls, user: User) -> Self:  # type: ignore[override]
        """Return a new token of this user, which ends with the user's password."""
        token = cls()
        token[USER_CLAIM] = str(user.pk)
        token[PASSWORD_CLAIM] = password_claim(user)
        return token


def password_claim(user: User) -> str:
    """Return what the tokens of a user say of the password."""
    return get_md5_hash_password(user.password)


class AccessToken(_Token):
    """Valid for requests and sockets, for minutes."""

    token_type = "access"  # noqa: S105 -- the kind of a token

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]
        """Return how long a new one counts."""
        return timedelta(minutes=settings.ACCESS_TOKEN_MINUTES)


class RefreshToken(_Token):
    """Valid for one exchange against the next pair of tokens; `sign_ins` says which one is.

    Not a `simplejwt.RefreshToken`, which writes every token in clear into a table.
    """

    token_type = "refresh"  # noqa: S105 -- the kind of a token

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]
        """Return how long a new one counts."""
        return timedelta(days=settings.REFRESH_TOKEN_DAYS)

    @property
    def access_token(self) -> AccessToken:
        """Return an access token with the same claims of our own."""
        access = AccessToken()
        for claim in self.payload.keys() - {TYPE_CLAIM, IDENTIFIER_CLAIM, "exp", "iat"}:
            access[claim] = self[claim]
        return access
