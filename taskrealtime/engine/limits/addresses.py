"""Where a request comes from: the peer, or the client that a trusted proxy forwards it for."""

import ipaddress
from functools import lru_cache

from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.values import UNIX
from taskrealtime.engine.wire.asgi import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def forwarded_for(forwarded: str) -> str | None:
    """Return the last address of `X-Forwarded-For` that is no trusted proxy's; None if there is none.

    The addresses left of it come from the client, which may write anything.
    """
    for text in reversed(forwarded.split(",")):
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
