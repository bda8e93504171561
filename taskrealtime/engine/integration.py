"""Puts our part of a project in front of its ASGI application (`taskrealtime.asgi`).

Our sockets, and bounds for the requests to our pages and API, come in front of the project's application: those of the
board, or without it those of live rooms alone. All other requests go through as they came, but for a note of where the
socket is.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.conf import settings as django_settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import LocalePrefixPattern, URLResolver, get_resolver
from django.utils.translation import override

from taskrealtime.engine.wire.asgi import Application, Message, Receive, Scope, Send

from .asgi.body_limits import BodyLimit
from .asgi.concurrency_limit import ConcurrencyLimit
from .asgi.cross_origin import CrossOrigin
from .asgi.origins import OriginCheck, refuse_unknown
from .asgi.paths import OnePath, own_path
from .asgi.polling import LongPolling
from .asgi.proxy_headers import ProxyHeaders
from .conf import settings
from .conf.domain import OwnUrls, domain
from .http.page import SOCKET_PATH_KEY
from .sockets.rooms import RoomsConnection

#: Paths that answer without the database, and need no slot.
OPEN_PATHS = ["/healthz", "/readyz", "/metrics"]


def integrate(application: Application, *, path: str | None = None) -> Application:
    """Return an application with ours in front; see `taskrealtime.asgi`."""
    return Integrated(application, settings.SOCKET_PATH if path is None else path)


class Integrated:
    """The project's application, with ours in front."""

    def __init__(self, application: Application, path: str) -> None:
        self._application = application
        self._path = path
        open_paths = [*OPEN_PATHS, django_settings.STATIC_URL] if django_settings.STATIC_URL else OPEN_PATHS
        # A waiting long poll is outside of the limit and holds no slot.
        pages = LongPolling(ConcurrencyLimit(application, open_paths=open_paths, hashing_paths=domain.hashing_paths))
        consumer = RoomsConnection if domain.consumer is None else domain.consumer()
        socket = OriginCheck(consumer.as_asgi())
        own = ProtocolTypeRouter({"http": pages, "websocket": socket})
        bounded = CrossOrigin(BodyLimit(own), is_api=self._is_api)
        self._own: Application = OnePath(ProxyHeaders(bounded))
        self._nowhere: Application = OnePath(ProxyHeaders(OriginCheck(refuse_unknown)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] == "http" and own_path(scope) == self._path:
            send = _as_socket(send)
        if scope["type"] in {"http", "websocket"}:
            # For the project's own pages as well: they may have scripts that open the socket.
            scope = scope | {SOCKET_PATH_KEY: self._path}
        if self._is_own(scope):
            await self._own(scope, receive, send)
        elif scope["type"] == "websocket" and not _serves_sockets(self._application):
            await self._nowhere(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        if scope["type"] == "websocket":
            return own_path(scope) == self._path
        return scope["type"] == "http" and own_path(scope).startswith(self._prefixes)

    def _is_api(self, path: str) -> bool:
        return path.startswith(self._api_prefixes)

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        """What the paths of our URLs begin with; read with the first request, since it imports all views."""
        pages = {below for below, urls in self._included if urls.has_pages}
        return tuple(pages | set(self._api_prefixes))

    @cached_property
    def _api_prefixes(self) -> tuple[str, ...]:
        return tuple({below + beginning for below, urls in self._included for beginning in urls.api})

    @cached_property
    def _included(self) -> list[tuple[str, OwnUrls]]:
        ours = {urls.module: urls for urls in domain.urls}
        return [(f"/{prefix}", urls) for prefix, urls in _included(get_resolver(), "", ours)]


def _included(resolver: URLResolver, prefix: str, ours: dict[str, OwnUrls]) -> Iterator[tuple[str, OwnUrls]]:
    """Yield the literal prefixes under which our URLs are included, each with what is included there."""
    for pattern in resolver.url_patterns:
        if not isinstance(pattern, URLResolver):
            continue
        urls = ours.get(getattr(pattern.urlconf_module, "__name__", ""))
        for below in {prefix + beginning for beginning in _beginnings(pattern.pattern)}:
            if urls is not None:
                yield below, urls
            else:
                yield from _included(pattern, below, ours)


def _beginnings(pattern: Any) -> list[str]:
    """Return what the paths of a pattern begin with; there are several where that is a language."""
    if not isinstance(pattern, LocalePrefixPattern):
        return [str(pattern).removeprefix("^")]
    found = []
    for code, _ in django_settings.LANGUAGES:
        with override(code):
            found.append(pattern.language_prefix)
    return found


def _as_socket(send: Send) -> Send:
    """Return a `send` whose answer says that the socket is here: the connection test asks without an upgrade."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"x-taskrealtime", b"socket")]}
        await send(message)

    return marked


def _serves_sockets(application: Application) -> bool:
    """Return whether an application takes WebSockets: Django's own raises for them, and so does a router without."""
    if isinstance(application, ProtocolTypeRouter):
        return "websocket" in application.application_mapping
    return not isinstance(application, ASGIHandler)
