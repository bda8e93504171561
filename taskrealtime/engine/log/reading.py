"""Reads the log: where a room's log ends, how a reader goes on from there, and the events after a number."""

import logging
from collections.abc import Callable, Iterable, Sequence

from django.db import connection, transaction
from django.db.models import Q

from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.installation.epochs import EpochMissing, epoch, present_epoch
from taskrealtime.engine.models import Event, Room
from taskrealtime.engine.wire.errors import Internal, InvalidData, RealTimeError
from taskrealtime.engine.wire.frames import LoggedEvent

from .numbering import sequence
from .rows import logged_row
from .transactions import SNAPSHOT_ATTEMPTS, one_moment
from .types import Bounds, Reader, Resumed, ResumeState, StreamPosition, T

logger = logging.getLogger(__name__)

#: A client that missed more events than this takes a snapshot instead: a replay would cost more.
MAX_REPLAY = 2000
#: Bytes of events that are read at a time, unless said otherwise: a page ends with the event that reaches them.
MAX_PAGE_BYTES = 1024 * 1024


def bounds(rooms: Iterable[str]) -> dict[str, Bounds]:
    """Return what is known of each of `rooms` that exists."""
    rows = Room.objects.filter(name__any_of=list(rooms)).values_list("name", "floor", "head", "read")
    return {name: Bounds(*numbers) for name, *numbers in rows}


def bounds_in_order(rooms: Sequence[str]) -> list[Bounds | None]:
    """Return what is known of each of `rooms`; None: it does not exist."""
    found = bounds(rooms)
    return [found.get(room) for room in rooms]


def heads(rooms: Iterable[str]) -> dict[str, int]:
    """Return the last number of each of `rooms`; one that is missing no longer exists."""
    return {name: found.head for name, found in bounds(rooms).items()}


def read(room: str, *, since: int, limit: int, most: int = MAX_PAGE_BYTES) -> list[LoggedEvent]:
    """Return the next events after `since`, in order: at most `limit`, and none after those that reach `most` bytes."""
    size = "OCTET_LENGTH(data)" if connection.vendor == "postgresql" else "LENGTH(CAST(data AS BLOB))"
    events = list(Event.objects.raw(_READ.format(size=size), [room, since, limit, most]))
    blanked = domain.redact(events)
    return [logged_row(event, blanked) for event in events]


#: What stands aside in the table (TOAST) is measured without being read.
_READ = """
    SELECT id, room, seq, type, at, data, subject, evicts_user, evicts FROM (
        SELECT page.*, SUM(size) OVER (ORDER BY seq) - size AS before FROM (
            SELECT engine_event.*, {size} AS size FROM engine_event
            WHERE room = %s AND seq > %s ORDER BY seq LIMIT %s
        ) AS page
    ) AS measured WHERE before < %s ORDER BY seq
"""


def read_back(room: str, *, last: int, first: int) -> list[LoggedEvent]:
    """Return the events from number `last` back to number `first`, newest first."""
    events = list(Event.objects.filter(room=room, seq__gte=first, seq__lte=last).order_by("-seq"))
    blanked = domain.redact(events)
    return [logged_row(event, blanked) for event in events]


def resume_states(readers: Sequence[Reader]) -> list[ResumeState | RealTimeError]:
    """Return the state of its room for each of `readers`, or why that one may not read; all of it at one moment."""
    return _at_one_moment(readers, lambda states: states)


def resume(reader: Reader, *, limit: int = MAX_REPLAY) -> Resumed:
    """Return what a reader missed, authorised and read at one moment: as much as `read` gives.

    Raises:
        RealTimeError: the user may not read the room.
    """

    def read_missed(states: list[ResumeState | RealTimeError]) -> Resumed:
        [state] = states
        if isinstance(state, RealTimeError):
            raise state
        if state.reset or reader.since is None:
            return Resumed(state.end, state.reset, [])
        events = read(reader.room, since=reader.since, limit=limit)
        is_whole = bool(events) or reader.since == state.end.offset
        if not is_whole or [event.seq for event in events] != [reader.since + n for n in range(1, len(events) + 1)]:
            logger.error(
                "Event log: %s has a gap after %s, so the client resets. Look for deleted rows of engine_event.",
                reader.room,
                reader.since,
            )
            return Resumed(state.end, True, [])
        return Resumed(state.end, False, events)

    return _at_one_moment([reader], read_missed)


def read_on(room: str, *, since: int, limit: int, most: int = MAX_PAGE_BYTES) -> list[LoggedEvent]:
    """As `read`, up to the first hole, if there is one; a client that is before the hole must reset from then on."""
    events = read(room, since=since, limit=limit, most=most)
    if events and events[0].seq != since + 1:
        _give_up_before(room, events[0].seq)
    return [event for place, event in enumerate(events) if event.seq == events[0].seq + place]


def _give_up_before(room: str, seq: int) -> None:
    """Numbers are given without gaps: what is missing before `seq` was trimmed, or else was lost and never comes."""
    if Room.objects.filter(name=room, floor__lt=seq - 1).update(floor=seq - 1):
        logger.error("Event log: %s has a gap before %s. Look for deleted rows of engine_event.", room, seq)


def _at_one_moment(readers: Sequence[Reader], use: Callable[[list[ResumeState | RealTimeError]], T]) -> T:
    """Read the states for `readers`, and call `use` with them inside the same snapshot of the database."""
    for _ in range(SNAPSHOT_ATTEMPTS):
        try:
            with one_moment():
                refusals = domain.refuse_reading({(reader.room, reader.user_id) for reader in readers})
                # An eviction that is committed but not numbered yet may lie before a return that was just authorised.
                unsettled = _unnumbered_evictions(readers)
                if not unsettled:
                    return use(_states(readers, refusals))
        except EpochMissing:
            epoch()
            continue
        sequence(unsettled)
    raise Internal("The log is too busy to resume from.")


def _unnumbered_evictions(readers: Sequence[Reader]) -> set[str]:
    wanted = {(reader.room, reader.user_id) for reader in readers}
    rooms = {reader.room for reader in readers}
    evicting = Q(evicts_user__isnull=False) | Q(evicts__isnull=False)
    waiting = Event.objects.filter(evicting, room__any_of=rooms, seq=None).only("room", "evicts_user", "evicts")
    return {event.room for event in waiting if (event.room, event.evicted) in wanted}


def _states(
    readers: Sequence[Reader], refusals: dict[tuple[str, UserKey], RealTimeError]
) -> list[ResumeState | RealTimeError]:
    rooms = Room.objects.in_bulk({reader.room for reader in readers})
    present = present_epoch()
    return [
        refusals.get((reader.room, reader.user_id)) or _state(reader, rooms.get(reader.room), present)
        for reader in readers
    ]


def _state(reader: Reader, row: Room | None, present: str) -> ResumeState:
    room = row or Room(name=reader.room)
    reset = False
    if reader.since is not None:
        known = reader.epoch is None or reader.epoch == present
        reset = not (known and room.floor <= reader.since <= room.head and room.head - reader.since <= MAX_REPLAY)
    unread = Bounds(room.floor, room.head, room.read).unread
    return ResumeState(StreamPosition(room.head, present), reset, row is not None, room.read, unread)


def mark_read(room: str, up_to: int) -> int:
    """Record that the reader of a personal room has read everything up to this number; the mark never goes back.

    In the open transaction; after its commit all connections of the reader are notified.

    Returns:
        how many events are unread now.

    Raises:
        InvalidData: the room has not come to that number.
    """
    row = Room.objects.select_for_update(no_key=True).filter(name=room).first() or Room(name=room)
    if up_to > row.head:
        raise InvalidData.at("up_to", f"The room's last event is {row.head}.")
    marked = Bounds(row.floor, row.head, max(row.read, up_to))
    if marked.read != row.read:
        Room.objects.filter(name=room).update(read=marked.read)
        transaction.on_commit(lambda: doorbell.publish_read(room, marked.read, marked.floor), robust=True)
    return marked.unread
