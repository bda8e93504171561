"""Any room over HTTP: its snapshot, and its log by paging or long polling."""

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.engine import log
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.log.shared_snapshots import SharedSnapshot, SharedSnapshots
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.live import snapshots

from .answers import Events, RoomSnapshot
from .base import ApiView, user_of
from .events import EventsQuery, answer_events
from .openapi import documented


class RoomView(ApiView):
    """`/api/rooms/<room>/`."""

    @documented("room", answer=RoomSnapshot, errors=[NotFound])
    def get(self, request: Request, room: str) -> HttpResponse:
        """All records of a room exactly as after event `seq`; join or poll with this `seq` and `epoch` to go on."""
        if not snapshots.is_live(room):
            raise NotFound("No such room.")
        user_id = user_of(request).pk
        _require_reader(room, user_id)
        snapshot = rooms.get(room, user_id)
        # After it, too: what was built may be later than the question.
        _require_reader(room, user_id)
        return HttpResponse(snapshot.body, content_type="application/json")


class RoomEventsView(ApiView):
    """`/api/rooms/<room>/events/`."""

    @documented("room_events", query=EventsQuery, answer=Events, errors=[NotFound])
    def get(self, request: Request, room: str) -> Response:
        """What happened in a room after event `since`; with `wait`, as soon as something does."""
        return answer_events(request, room)


def _require_reader(room: str, user_id: UserKey) -> None:
    for error in domain.refuse_reading([(room, user_id)]).values():
        raise error


class _All(frozenset[UserKey]):
    """Every user: who may read is asked for each request."""

    def __contains__(self, user: object) -> bool:
        return True


def _build(room: str) -> SharedSnapshot:
    snapshot = log.snapshot(room, lambda: snapshots.read_records(room))
    answer = RoomSnapshot(room=room, seq=snapshot.seq, epoch=snapshot.epoch, records=snapshot.state)
    return SharedSnapshot(msgspec.json.encode(answer), answer.seq, answer.epoch, _All())


#: Those of this process.
rooms = SharedSnapshots(_build)
