"""Live rooms over HTTP: their snapshot, and their log by paging or long polling."""

from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.engine import log
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.http.rooms import answer_events
from taskrealtime.engine.http.views import EngineView, user_of
from taskrealtime.engine.log.shared_snapshots import SharedSnapshot, SharedSnapshots
from taskrealtime.engine.rooms.user_rooms import user_room
from taskrealtime.engine.wire.errors import NotFound

from . import snapshots


class RoomSnapshot(msgspec.Struct):
    """The records of a room after its event `seq`."""

    room: str
    seq: int
    epoch: str
    #: By the model, such as `helpdesk.ticket`: each with its `id` and the fields that its project shows.
    records: dict[str, list[dict[str, Any]]]


class RoomView(EngineView):
    """`rooms/<room>/`."""

    def get(self, request: Request, room: str) -> HttpResponse:
        """Return all records of a room exactly as after event `seq`."""
        if not snapshots.is_live(room):
            raise NotFound("No such room.")
        user_id = user_of(request).pk
        _require_reader(room, user_id)
        snapshot = rooms.get(room, user_id)
        # After it, too: what was built may be later than the question.
        _require_reader(room, user_id)
        return HttpResponse(snapshot.body, content_type="application/json")


class RoomEventsView(EngineView):
    """`rooms/<room>/events/`."""

    def get(self, request: Request, room: str) -> Response:
        """Return what happened in a room after event `since`; with `wait`, as soon as something does."""
        return answer_events(request, room)


class OwnEventsView(EngineView):
    """`notifications/events/`."""

    def get(self, request: Request) -> Response:
        """Return what happened in the caller's own room after event `since`; with `wait`, as soon as something does."""
        return answer_events(request, user_room(user_of(request).pk))


def _require_reader(room: str, user_id: UserKey) -> None:
    for error in domain.refuse_reading([(room, user_id)]).values():
        raise error


class _All(frozenset[UserKey]):
    """Every user: who may read is asked for each request."""

    def __contains__(self, user: object) -> bool:
        return True


def _build(room: str) -> SharedSnapshot:
    snapshot = log.snapshot(room, lambda: snapshots.read_records(room))
    seq, epoch = snapshot.position
    answer = RoomSnapshot(room=room, seq=seq, epoch=epoch, records=snapshot.state)
    return SharedSnapshot(msgspec.json.encode(answer), snapshot.position, _All())


#: Those of this process.
rooms = SharedSnapshots(_build)
