"""Where a request comes from: the peer, or the client that a trusted proxy forwards it for."""

import ipaddress
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from taskrealtime.engine.conf import settings

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: In TRUSTED_PROXIES: any peer that connects to the Unix socket.
UNIX = "unix"
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
    told = b",".join(value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for")
    return scope | {"client": [forwarded_for(told.decode("latin-1")) or peer, 0]}


def forwarded_for(told: str) -> str | None:
    """Return the last address of `X-Forwarded-For` that is no trusted proxy's; None if there is none.

    The addresses left of it come from the client, which may write anything.
    """
    for text in reversed(told.split(",")):
        address = parse(text)
        if address is None:
            return None
        if not is_trusted(str(address)):
            return str(address)
    return None


def is_trusted(peer: str) -> bool:
    """Return whether this peer is one of `TRUSTED_PROXIES`."""
    if not peer:
        return UNIX in settings.TRUSTED_PROXIES
    address = parse(peer)
    return address is not None and any(address in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(proxy, strict=False) for proxy in proxies if proxy != UNIX]


def parse(text: str) -> Address | None:
    """Return the address, without a port, brackets or zone; IPv4 even if it is written as IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def peer_of(scope: Scope) -> str:
    """Return the address that a request or socket comes from; empty if the server reports none."""
    return (scope.get("client") or [""])[0] or ""


def countable(peer: str | None) -> str | None:
    """Return what connections and attempts from there are counted by; None if all clients may share the peer.

    That is this machine itself, and a Unix socket: there runs a proxy, unless it is a trusted one, which reports its
    clients' addresses. Of IPv6 it is the first 64 bits, which one subscriber has.
    """
    address = parse(peer or "")
    if address is None or address.is_loopback:
        return None
    if address.version == 6:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
