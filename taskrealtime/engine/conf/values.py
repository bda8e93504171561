"""Reads the values of settings, and refuses a wrong one in a sentence that never repeats a password.

Each function returns the value in its canonical spelling and raises `ValueError`. It is pure, so that a settings module
can call it.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIS_SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
}
_REDIS_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
#: The shortest prefix that TRUSTED_PROXIES may have, by IP version: a larger network is not one operator's proxies.
_SHORTEST_PREFIX = {4: 8, 6: 16}
#: HS256 signs tokens with it: RFC 7518 (3.2) asks for as many bits as the hash has.
_KEY_BYTES = 32
_KEY_CHARACTERS = 5


def read_origin(text: str) -> str:
    """Return the origin as browsers send it: `https://board.example.org`, `http://localhost:8000`."""
    parts = _split(text)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"an origin looks like https://board.example.org, not {text!r}")
    if "*" in parts.hostname:
        raise ValueError(f"wildcards in origins are not supported: list each origin instead of {text!r}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"an origin has a scheme, a host and perhaps a port, and nothing else: {text!r} has more")
    host = _ascii_host(parts.hostname)
    if host is None:
        raise ValueError(f"{text!r} has no valid host name")
    port = parts.port
    return f"{parts.scheme}://{host}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")


def read_redis_url(text: str) -> str:
    """Return the address of one Redis server in a spelling that redis-py knows."""
    parts = _split(text)
    scheme = parts.scheme if parts else ""
    if "sentinel" in scheme:
        raise ValueError("Redis Sentinel is not supported: name the server itself, or a TCP proxy that follows it")
    if "cluster" in scheme:
        raise ValueError("Redis Cluster is not supported: list stand-alone servers, separated by commas, as shards")
    if parts is None or scheme not in _REDIS_SCHEMES or "://" not in text:
        raise ValueError("it must begin with redis://, rediss://, valkey://, valkeys:// or unix://")
    database = parts.path.removeprefix("/")
    if scheme == "unix":
        if not database:
            raise ValueError("unix:// needs the path of a socket: unix:///run/redis/redis.sock?db=0")
    elif not parts.hostname:
        raise ValueError(f"{scheme}:// needs a host: {scheme}://localhost:6379/0")
    elif database and not database.isdecimal():
        raise ValueError("what follows the host must be the number of a database: redis://localhost:6379/0")
    return _REDIS_SCHEMES[scheme] + text[len(scheme) :]


def read_redis_prefix(text: str) -> str:
    """Return what the keys and channels of an installation begin with.

    It begins with a letter and has no dot, so that no prefix reads like a database's number (`names.layer_group`).
    """
    if not _REDIS_PREFIX.fullmatch(text):
        raise ValueError(f"it begins with a letter and has up to 40 letters, digits, - and _, unlike {text!r}")
    return text


def read_network(text: str) -> Network:
    """Return the address or network of trusted proxies."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"addresses look like 10.0.0.7 or 10.0.0.0/8, not {text!r}") from None
    if network.prefixlen < _SHORTEST_PREFIX[network.version]:
        raise ValueError(f"{text} would trust the addresses that strangers claim: list the proxies themselves")
    return network


def read_secret_key(text: str) -> str:
    """Return a key that cannot be guessed."""
    if len(text.encode()) < _KEY_BYTES or len(set(text)) < _KEY_CHARACTERS or text.startswith("django-insecure-"):
        raise ValueError(
            f"it must be random and have at least {_KEY_BYTES} bytes: python -c 'import secrets; "
            "print(secrets.token_urlsafe(50))' makes one"
        )
    return text


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text.strip())
        parts.port  # noqa: B018 -- reading it checks it
    except ValueError:
        return None
    return parts


def _ascii_host(host: str) -> str | None:
    """Return the host as it goes over the wire: lower case, Unicode names in their ASCII form, IPv6 in brackets."""
    try:
        if ":" in host:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        return host.encode("idna").decode("ascii").lower()
    except ValueError:
        return None
