"""The classes of access and refresh tokens: simplejwt's, without trust in other machines' clocks."""

from typing import Any

import jwt
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.settings import api_settings


class _Backend(TokenBackend):
    """Ignores the time of issue: the clock of the machine that issued a token may be ahead of this one."""

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the claims of a token.

        Raises:
            TokenBackendExpiredToken: its time is over.
            TokenBackendError: it is malformed, or its signature is not ours.
        """
        options: Any = {
            "verify_aud": self.audience is not None,
            "verify_iat": False,
            "verify_signature": verify,
        }
        try:
            return jwt.decode(
                token,
                self.get_verifying_key(token),
                algorithms=[self.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=self.get_leeway(),
                options=options,
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenBackendExpiredToken("The token has expired.") from error
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("The token is not valid.") from error


def _backend() -> TokenBackend:
    return _Backend(
        api_settings.ALGORITHM,
        api_settings.SIGNING_KEY,
        api_settings.VERIFYING_KEY,
        api_settings.AUDIENCE,
        api_settings.ISSUER,
        api_settings.JWK_URL,
        api_settings.LEEWAY,
        api_settings.JSON_ENCODER,
    )


class AccessToken(tokens.AccessToken):
    """Valid for requests and sockets, for minutes."""

    _token_backend = _backend()


class RefreshToken(tokens.Token):
    """Valid for one exchange against the next pair of tokens; `sign_ins` says which one is.

    Not a `simplejwt.RefreshToken`, which writes every token in clear into a table.
    """

    token_type = "refresh"  # noqa: S105 -- the kind of a token
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME
    _token_backend = _backend()

    @property
    def identifier(self) -> str:
        """Return the claim that no other token has."""
        return str(self[api_settings.JTI_CLAIM])

    @property
    def access_token(self) -> AccessToken:
        """Return an access token with the same claims of our own."""
        access = AccessToken()
        for claim in self.payload.keys() - {api_settings.TOKEN_TYPE_CLAIM, api_settings.JTI_CLAIM, "exp", "iat"}:
            access[claim] = self[claim]
        return access
