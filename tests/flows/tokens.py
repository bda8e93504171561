"""Tokens made by hand, good and bad, as a hostile client would."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt

from tests.support.stacks import Stack, User


def mint(stack: Stack, user: User, *, seconds: float = 600) -> str:
    """A good access token that lives so long."""
    code = (
        "from datetime import timedelta\n"
        "from taskrealtime.engine.auth.tokens import make_access_token\n"
        "token = make_access_token(User.objects.get(id=user_id))\n"
        "token.set_exp(lifetime=timedelta(seconds=seconds))\n"
        "result = str(token)"
    )
    return str(stack.run(code, user_id=user.id, seconds=seconds))


def refresh_token(stack: Stack, user: User) -> str:
    code = "from taskrealtime.engine.auth import sign_ins\nresult = str(sign_ins.begin(User.objects.get(id=user_id)))"
    return str(stack.run(code, user_id=user.id))


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def forged(payload: dict[str, Any], secret: str, algorithm: str = "HS256") -> str:
    """A token with this payload, signed with this secret."""
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    signed = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(payload)}"
    signature = hmac.new(secret.encode(), signed.encode(), digest).digest()
    return f"{signed}.{_base64(signature)}"


def without_signature(payload: dict[str, Any]) -> str:
    """The classic: algorithm `none`."""
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(payload)}."


def bad_tokens(stack: Stack, user: User) -> dict[str, tuple[str, str]]:
    """Name → token and the error code that it must get."""
    good = mint(stack, user)
    payload, secret = claims(good), stack.env["SECRET_KEY"]
    past = int(time.time()) - 60
    head, body, signature = good.split(".")
    return {
        "expired": (forged(payload | {"exp": past, "iat": past - 60}, secret), "token_expired"),
        "refresh": (refresh_token(stack, user), "token_invalid"),
        "no type": (forged({k: v for k, v in payload.items() if k != "token_type"}, secret), "token_invalid"),
        "no expiry": (forged({k: v for k, v in payload.items() if k != "exp"}, secret), "token_invalid"),
        "no user": (forged({k: v for k, v in payload.items() if k != "user_id"}, secret), "token_invalid"),
        "other secret": (forged(payload, "x" * 50), "token_invalid"),
        "tampered body": (f"{head}.{_part(payload | {'user_id': str(user.id + 1)})}.{signature}", "token_invalid"),
        "no signature": (f"{head}.{body}.", "token_invalid"),
        "none": (without_signature(payload), "token_invalid"),
        "HS384": (forged(payload, secret, "HS384"), "token_invalid"),
        "HS512": (forged(payload, secret, "HS512"), "token_invalid"),
        "nobody": (forged(payload | {"user_id": "999999999"}, secret), "token_invalid"),
        "user is text": (forged(payload | {"user_id": "ann"}, secret), "token_invalid"),
        "user is a list": (forged(payload | {"user_id": [user.id]}, secret), "token_invalid"),
        "user is null": (forged(payload | {"user_id": None}, secret), "token_invalid"),
        "user is huge": (forged(payload | {"user_id": "9" * 40}, secret), "token_invalid"),
        "garbage": ("abc", "token_invalid"),
        "dots": ("..", "token_invalid"),
    }


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
