"""Refuses sockets before the upgrade: those that a foreign page opens, and more than can be served."""

import logging
import math
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http.request import split_domain_port, validate_host

from taskrealtime.engine import draining, metrics
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.values import read_origin
from taskrealtime.engine.limits import connections, rate_limits
from taskrealtime.engine.limits.addresses import countable, peer_of
from taskrealtime.engine.wire.asgi import Application, Scope
from taskrealtime.engine.wire.errors import RateLimited

logger = logging.getLogger(__name__)


class OriginCheck:
    """ASGI middleware: HTTP 403 for a refused Origin, 429 and 503 if there are too many connections, or openings.

    503 also while sockets are switched off or the process ends.

    A missing Origin comes from a program, not a page. It is let through: nothing but a token signs a socket in,
    so there is no cookie that it could misuse.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one WebSocket."""
        if not settings.WEBSOCKET_ENABLED or draining.is_draining():
            await _refuse(scope, receive, send, 503)
        elif not is_allowed(_header(scope, b"origin"), _header(scope, b"host"), scope.get("scheme", "ws")):
            await _refuse(scope, receive, send, 403, f"its origin {_header(scope, b'origin')!r} is foreign")
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Any, send: Any) -> None:
        peer = peer_of(scope)
        try:
            rate_limits.spend_opening(peer)
        except RateLimited as error:
            why = f"{peer} opened too many sockets that did not sign in"
            await _refuse(scope, receive, send, 429, why, retry_after=error.retry_after)
            return
        if connections.make_room_for_handshake(peer):
            await self._serve(scope, receive, send)
        else:
            await _refuse(scope, receive, send, 503, "too many connections are not signed in")

    async def _serve(self, scope: Scope, receive: Any, send: Any) -> None:
        peer = peer_of(scope)
        with connections.from_address(countable(peer)) as has_place:
            if has_place:
                await self._application(scope, receive, send)
            else:
                await _refuse(scope, receive, send, 429, f"{peer} has too many connections")


def is_allowed(origin: str | None, host: str | None, scheme: str) -> bool:
    """Return whether a page of `origin` may open a socket to `host`.

    Args:
        scheme: `ws` or `wss`, as the server saw it; a proxy that ends TLS leaves `ws`, so the scheme is not compared.
    """
    if origin is None:
        return True
    if settings.WEBSOCKET_CORS_ORIGINS:
        return is_listed(origin)
    theirs = _read(origin)
    ours = _read(f"{scheme.replace('ws', 'http', 1)}://{host}")
    return theirs is not None and ours is not None and _is_ours(host or "") and _is_same_site(theirs, ours)


def is_listed(origin: str) -> bool:
    """Return whether `WEBSOCKET_CORS_ORIGINS` has this origin."""
    listed = settings.WEBSOCKET_CORS_ORIGINS
    if "*" in listed:
        return True
    theirs = _read(origin)
    return theirs is not None and theirs in {_read(item) for item in listed}


def _read(origin: str) -> str | None:
    try:
        return read_origin(origin)
    except ValueError:
        return None


def _is_ours(host: str) -> bool:
    """Return whether ALLOWED_HOSTS has it: a Host header, which any client can forge, proves nothing about a page."""
    allowed = django_settings.ALLOWED_HOSTS
    if django_settings.DEBUG and not allowed:
        allowed = [".localhost", "127.0.0.1", "[::1]"]  # as Django has it
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def _is_same_site(theirs: str, ours: str) -> bool:
    return _host_and_port(theirs) == _host_and_port(ours)


def _host_and_port(origin: str) -> tuple[str | None, int | None]:
    """Return them with one name for the default port of either scheme: a proxy that ends TLS mixes the two."""
    parts = urlsplit(origin)
    return parts.hostname, None if parts.port in {80, 443} else parts.port


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name), None)


async def _refuse(
    scope: Scope, receive: Any, send: Any, status: int, why: str = "", *, retry_after: float | None = None
) -> None:
    """Answer the upgrade with that status; `why` is logged if an operator may have to act."""
    await receive()
    if why:
        logger.warning("Sockets: an upgrade was refused with %s: %s.", status, why[:300])
    headers = [] if retry_after is None else [(b"Retry-After", b"%d" % math.ceil(retry_after))]
    metrics.CONNECTIONS_REFUSED.labels(str(status)).inc()
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        # Servers without that extension (daphne) answer a close before the upgrade with 403.
        await send({"type": "websocket.close"})


async def refuse_unknown(scope: Scope, receive: Any, send: Any) -> None:
    """Answers an upgrade at an address where there is no socket."""
    await _refuse(scope, receive, send, 404)
