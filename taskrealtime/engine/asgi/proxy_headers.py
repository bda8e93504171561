"""ASGI middleware that takes the client's address from trusted proxies alone."""

from typing import Any

from taskrealtime.engine.conf import settings
from taskrealtime.engine.limits.addresses import forwarded_for, is_trusted
from taskrealtime.engine.wire.asgi import Application, Scope

_FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto")


class ProxyHeaders:
    """ASGI middleware: `client` becomes the address that a trusted proxy reports.

    If `TRUSTED_PROXIES` are set, `X-Forwarded-For` and `-Proto` of other peers are ignored and removed.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one request or socket."""
        if scope["type"] in {"http", "websocket"} and settings.TRUSTED_PROXIES:
            scope = _resolve(scope)
        await self._application(scope, receive, send)


def _resolve(scope: Scope) -> Scope:
    peer = (scope.get("client") or [""])[0]
    if not is_trusted(peer):
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in _FORWARDED]
        return scope | {"headers": headers}
    forwarded = b",".join(value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for")
    return scope | {"client": [forwarded_for(forwarded.decode("latin-1")) or peer, 0]}
