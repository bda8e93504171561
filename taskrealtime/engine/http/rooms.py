"""The log of a room over HTTP: as the socket would replay it, by paging or long polling."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.engine import log
from taskrealtime.engine.asgi.polling import MAX_WAIT, wait_for_events
from taskrealtime.engine.wire.catalogue import Seq

from .views import read_query, user_of


class LoggedFrame(msgspec.Struct):
    """An event as the socket would send it; /api/asyncapi/ describes the data of each."""

    event: str
    room: str
    seq: int
    at: datetime
    data: dict[str, Any]


class Events(msgspec.Struct):
    """What the log holds after `since`."""

    events: list[LoggedFrame]
    #: The last one returned, or `since`.
    seq: int
    #: The log's end.
    head: int
    epoch: str
    #: The log cannot be continued from `since`: take a snapshot.
    reset: bool


class EventsQuery(msgspec.Struct, kw_only=True):
    """From where to read, how much, and how long to wait for it."""

    since: Annotated[Seq, Meta(description="The `seq` of the last event seen.")] = 0
    epoch: Annotated[str | None, Meta(description="What came with that `seq`; missing: the present one.")] = None
    limit: Annotated[
        int,
        Meta(ge=1, le=log.MAX_REPLAY, description="Events of one answer, which ends earlier where it has a megabyte."),
    ] = 500
    wait: Annotated[
        float, Meta(ge=0, le=3600, description=f"Seconds to wait where there is nothing yet; at most {MAX_WAIT:g}.")
    ] = 0


def answer_events(request: Request, room: str) -> Response:
    """Return what the caller missed of a room; if that is nothing, later.

    Raises:
        NotFound: the caller may not read the room.
    """
    query = read_query(request, EventsQuery)
    user_id = user_of(request).pk
    resumed = log.resume(log.Reader(room, user_id, query.since, query.epoch), limit=query.limit)
    if not resumed.events and not resumed.reset:
        wait_for_events(request._request, room=room, since=query.since, user_id=user_id, seconds=query.wait)
    return Response(_answer(resumed, query))


def _answer(resumed: log.Resumed, query: EventsQuery) -> Events:
    # The frames are finished JSON text: they go out as they are.
    frames: list[Any] = [msgspec.Raw(event.frame.encode()) for event in resumed.events]
    return Events(
        events=frames,
        seq=resumed.events[-1].seq if resumed.events else query.since,
        head=resumed.end.offset,
        epoch=resumed.end.epoch,
        reset=resumed.reset,
    )
