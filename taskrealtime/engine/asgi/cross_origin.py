"""Lets pages of listed origins use the API (CORS)."""

from collections.abc import Callable
from typing import Any

from taskrealtime.engine.conf import settings
from taskrealtime.engine.wire.asgi import Application, Message, Receive, Scope, Send

from .origins import is_listed
from .paths import own_path

METHODS = b"GET, POST, PUT, PATCH, DELETE"
#: What requests may carry, beside what browsers allow them anyway. A token is the only credential.
HEADERS = b"Authorization, Content-Type, Idempotency-Key"
#: What scripts may read of an answer, beside what browsers show them anyway.
EXPOSED_HEADERS = b"Retry-After"
#: How long a browser may go by the answer to a preflight, seconds.
PREFLIGHT_MAX_AGE = 3600

Headers = list[tuple[bytes, bytes]]


class CrossOrigin:
    """ASGI middleware: pages of `WEBSOCKET_CORS_ORIGINS` may send requests to the API and read its answers.

    Cookies do not count: `Access-Control-Allow-Credentials` is never sent, so browsers withhold them, or the answer.
    """

    def __init__(self, application: Application, *, is_api: Callable[[str], bool]) -> None:
        self._application = application
        self._is_api = is_api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] != "http" or not settings.WEBSOCKET_CORS_ORIGINS or not self._is_api(own_path(scope)):
            await self._application(scope, receive, send)
            return
        asked = {name.lower(): value for name, value in scope["headers"]}
        origin = asked.get(b"origin")
        may = origin is not None and is_listed(origin.decode("latin-1"))
        if may and scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            await _answer_preflight(send, _allowed(origin))
        else:
            await self._application(scope, receive, _with_headers(send, _allowed(origin) if may else []))


def _allowed(origin: bytes | None) -> Headers:
    shown = b"*" if "*" in settings.WEBSOCKET_CORS_ORIGINS else origin or b""
    return [(b"access-control-allow-origin", shown)]


async def _answer_preflight(send: Send, allowed: Headers) -> None:
    headers = [
        *allowed,
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", HEADERS),
        (b"access-control-max-age", b"%d" % PREFLIGHT_MAX_AGE),
        (b"vary", b"Origin"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _with_headers(send: Send, allowed: Headers) -> Send:
    """Return a `send` whose answer says who may read it, whatever the project's own middleware says."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _marked(message.get("headers", ()), allowed)}
        await send(message)

    return marked


def _marked(headers: Any, allowed: Headers) -> Headers:
    kept = [(name, value) for name, value in headers if not name.lower().startswith(b"access-control-")]
    varies = [value for name, value in kept if name.lower() == b"vary"]
    if not any(b"origin" in value.lower().replace(b" ", b"").split(b",") for value in varies):
        varies.append(b"Origin")
    kept = [(name, value) for name, value in kept if name.lower() != b"vary"]
    if allowed:
        kept += [*allowed, (b"access-control-expose-headers", EXPOSED_HEADERS)]
    return [*kept, (b"vary", b", ".join(varies))]
