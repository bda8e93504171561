"""Adds taskrealtime to the ASGI application of a project.

    application = integrate_with_existing_app(get_asgi_application())

Our sockets, and bounds for the requests to our pages and API, come in front of the project's application: those of the
board, or without it those of live rooms alone. All other requests go through as they came.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.apps import apps
from django.conf import settings as django_settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import LocalePrefixPattern, URLResolver, get_resolver
from django.utils.translation import override

from taskrealtime.engine.wire.asgi import Application, Message, Receive, Scope, Send

from .engine.asgi.body_limits import BodyLimit
from .engine.asgi.concurrency_limit import ConcurrencyLimit
from .engine.asgi.cross_origin import CrossOrigin
from .engine.asgi.origins import OriginCheck, refuse_unknown
from .engine.asgi.paths import OnePath, own_path
from .engine.asgi.polling import LongPolling
from .engine.asgi.proxy_headers import ProxyHeaders
from .engine.conf import settings
from .engine.http.page import SOCKET_PATH_KEY
from .engine.sockets.rooms import RoomsConnection

#: Our URLs, as a project includes them; and what the paths of their API begin with.
OWN_URLS = {
    "taskrealtime.urls": ("api/",),
    "taskrealtime.account_urls": ("api/",),
    "taskrealtime.live.urls": ("notifications/", "rooms/", "token/"),
}
#: Those that have nothing but an API: other paths beside them may be the project's.
API_ONLY = {"taskrealtime.live.urls"}
#: Paths of these URLs where a change hashes passwords; the admin's sign-in, where it stands below them.
HASHING_PATHS = r"/(.*/)?(api/token|api/me|login|sign-up|password(/.+)?)/"
#: Paths that answer without the database, and need no slot.
OPEN_PATHS = ["/healthz", "/readyz", "/metrics"]


def integrate_with_existing_app(application: Application, *, path: str | None = None) -> Application:
    """Return an ASGI application that serves the board, or live rooms alone, in front of `application`.

    Args:
        application: the project's: `get_asgi_application()`, or a router with sockets of its own.
        path: where our socket is, if not at `TASKREALTIME["SOCKET_PATH"]`. All other sockets go to
            `application`, if it serves any.
    """
    return Integrated(application, settings.SOCKET_PATH if path is None else path)


class Integrated:
    """The project's application, with ours in front."""

    def __init__(self, application: Application, path: str) -> None:
        self._application = application
        self._path = path
        open_paths = [*OPEN_PATHS, django_settings.STATIC_URL] if django_settings.STATIC_URL else OPEN_PATHS
        # A waiting long poll is outside of the limit and holds no slot.
        pages = LongPolling(ConcurrencyLimit(application, open_paths=open_paths, hashing_paths=HASHING_PATHS))
        socket = OriginCheck(_consumer().as_asgi())
        own = ProtocolTypeRouter({"http": pages, "websocket": socket})
        bounded = CrossOrigin(BodyLimit(own), is_api=self._is_api)
        self._own: Application = OnePath(ProxyHeaders(bounded))
        self._nowhere: Application = OnePath(ProxyHeaders(OriginCheck(refuse_unknown)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] == "http" and own_path(scope) == self._path:
            send = _as_socket(send)
        if self._is_own(scope):
            await self._own(scope | {SOCKET_PATH_KEY: self._path}, receive, send)
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
        pages = {below for below, module in self._included if module not in API_ONLY}
        return tuple(pages | set(self._api_prefixes))

    @cached_property
    def _api_prefixes(self) -> tuple[str, ...]:
        return tuple({below + beginning for below, module in self._included for beginning in OWN_URLS[module]})

    @cached_property
    def _included(self) -> list[tuple[str, str]]:
        return [(f"/{prefix}", module) for prefix, module in _included(get_resolver(), "")]


def _consumer() -> type[RoomsConnection]:
    """Return what serves a socket: without the board, its models cannot even be imported."""
    if not apps.is_installed("taskrealtime"):
        return RoomsConnection
    from .sockets.consumer import TaskBoardConsumer

    return TaskBoardConsumer


def _included(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the literal prefixes under which our URLs are included, each with what is included there."""
    for pattern in resolver.url_patterns:
        if not isinstance(pattern, URLResolver):
            continue
        module = getattr(pattern.urlconf_module, "__name__", None)
        for below in {prefix + beginning for beginning in _beginnings(pattern.pattern)}:
            if module in OWN_URLS:
                yield below, module
            else:
                yield from _included(pattern, below)


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
