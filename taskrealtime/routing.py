"""Where WebSockets go: `/ws/`, past the check of their origin."""

from channels.routing import URLRouter
from django.urls import path, re_path

from .consumers import TaskBoardConsumer
from .engine.origins import OriginCheck, refuse_unknown

websocket_application = OriginCheck(
    URLRouter([path("ws/", TaskBoardConsumer.as_asgi()), re_path("", refuse_unknown)])  # type: ignore[arg-type]
)
