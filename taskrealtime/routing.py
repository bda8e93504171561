"""Where WebSockets go: `/ws/`, past the check of their origin."""

from channels.routing import URLRouter
from django.urls import path

from .consumers import TaskBoardConsumer
from .engine.origins import OriginCheck

websocket_application = OriginCheck(URLRouter([path("ws/", TaskBoardConsumer.as_asgi())]))
