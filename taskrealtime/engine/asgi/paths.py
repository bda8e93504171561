"""One idea of a request's path, for the limits before Django and for Django itself."""

from typing import Any

from django.conf import settings
from django.core.handlers.asgi import get_script_prefix

from taskrealtime.engine.wire.asgi import Application, Scope


class OnePath:
    """ASGI middleware: `root_path` is Django's `FORCE_SCRIPT_NAME`, whatever the server says.

    Stock daphne takes it from a header that any client may send. Django cuts it off the path before it looks for a
    view, so that `/x/metrics` becomes `/metrics` behind the back of a proxy that denies the latter.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one request or socket."""
        if scope["type"] in {"http", "websocket"}:
            prefix = settings.FORCE_SCRIPT_NAME or ""
            # A path has its prefix (ASGI), even if a proxy took it off; Channels insists on it.
            scope = scope | {"root_path": prefix, "path": prefix + own_path(scope)}
        await self._application(scope, receive, send)


def own_path(scope: Scope) -> str:
    """Return the path without `FORCE_SCRIPT_NAME`, whatever root path the server has."""
    path: str = scope["path"]
    return path.removeprefix(settings.FORCE_SCRIPT_NAME or "")


def routed_path(scope: Scope) -> str:
    """Return the path by which Django finds the view."""
    path: str = scope["path"]
    return path.removeprefix(get_script_prefix(scope))
