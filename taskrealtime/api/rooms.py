"""Any room over HTTP, as `live.views` has it, described in the board's document."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.engine.http.rooms import Events, EventsQuery
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.live import views
from taskrealtime.live.views import RoomSnapshot

from .base import ApiView
from .openapi import documented


class RoomView(ApiView, views.RoomView):
    """`/api/rooms/<room>/`."""

    @documented("room", answer=RoomSnapshot, errors=[NotFound])
    def get(self, request: Request, room: str) -> HttpResponse:
        """All records of a room exactly as after event `seq`; join or poll with this `seq` and `epoch` to go on."""
        return super().get(request, room)


class RoomEventsView(ApiView, views.RoomEventsView):
    """`/api/rooms/<room>/events/`."""

    @documented("room_events", query=EventsQuery, answer=Events, errors=[NotFound])
    def get(self, request: Request, room: str) -> Response:
        """What happened in a room after event `since`; with `wait`, as soon as something does."""
        return super().get(request, room)
