"""Where WebSockets go: `/ws/`, past the check of their origin."""

from channels.routing import URLRouter
from django.urls import path, re_path

from .engine.asgi.origins import OriginCheck, refuse_unknown
from .sockets.consumer import TaskBoardConsumer

websocket_application = OriginCheck(
    URLRouter([path("ws/", TaskBoardConsumer.as_asgi()), re_path("", refuse_unknown)])  # type: ignore[arg-type]
)
