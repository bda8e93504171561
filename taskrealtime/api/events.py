"""The log of a project over HTTP: as the socket would replay it, by paging or long polling."""

from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.contract.room_names import project_room
from taskrealtime.engine.http.rooms import Events, EventsQuery, answer_events
from taskrealtime.engine.wire.errors import NotFound

from .base import ApiView
from .openapi import documented


class EventsView(ApiView):
    """`/api/projects/<id>/events/`."""

    @documented("project_events", query=EventsQuery, answer=Events, errors=[NotFound])
    def get(self, request: Request, project_id: int) -> Response:
        """What happened in a project after event `since`; with `wait`, as soon as something does."""
        return answer_events(request, project_room(project_id))
