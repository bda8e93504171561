"""The event log: append in the transaction of the change, number after its commit, read since a number.

The log is the only truth about events. Whatever rings, fans out or polls may be lost; it is read again
from here.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from django.db import OperationalError, connection, transaction
from django.db.models import Min

from taskrealtime.engine.crash_points import crash_point
from taskrealtime.engine.db.prepared import prepared_cursor
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.installation.epochs import (
    WAL_FILE,
    EpochMissing,
    epoch,
    present_epoch,
    renew_epoch,
    with_timeline,
)
from taskrealtime.engine.models import Event, Room
from taskrealtime.engine.wire.errors import Internal, InvalidData, RealTimeError

logger = logging.getLogger(__name__)

__all__ = ["epoch", "renew_epoch"]

T = TypeVar("T")

#: A client that missed more events than this takes a snapshot instead: a replay would cost more.
MAX_REPLAY = 2000
#: Bytes of events that are read at a time, unless said otherwise: a page ends with the event that reaches them.
MAX_PAGE_BYTES = 1024 * 1024
#: Events that one statement writes: SQLite takes 32 766 values.
ROWS = 1000
#: Attempts of a snapshot that lost a race against the numbering of new events.
SNAPSHOT_ATTEMPTS = 20
#: SQLSTATEs that mean "try the same transaction again": serialisation failure, deadlock.
RETRIED_SQLSTATES = {"40001", "40P01"}


class LoggedEvent(NamedTuple):
    """A numbered event as rooms pass it on."""

    seq: int
    #: The frame's JSON text.
    frame: str
    #: The user who may hear nothing after it.
    evicts: int | None = None
    #: Whether it tells that content was deleted, which events before it may still hold.
    forgets: bool = False


class Reader(NamedTuple):
    """Who wants to read a room, and from where on."""

    room: str
    user_id: int
    #: The last number seen; None: only what is new.
    since: int | None = None
    #: The epoch that came with it; None: the present one.
    epoch: str | None = None


class Stand(NamedTuple):
    """Where a room's log stands for a reader."""

    head: int
    epoch: str
    #: The reader cannot go on from `since` and must take a snapshot.
    reset: bool
    #: Whether the room has a row yet.
    exists: bool
    #: How far a personal room was read, and how many events that leaves.
    read: int = 0
    unread: int = 0


class Bounds(NamedTuple):
    """What a room's row says of its log."""

    #: The last number that was trimmed away.
    floor: int
    #: The last number of all.
    head: int
    #: The last number that the reader of a personal room has read.
    read: int

    @property
    def unread(self) -> int:
        """How many events the log still has that were not read. Numbers have no gaps, so nothing is counted."""
        return max(0, self.head - max(self.read, self.floor))


class NewEvent(NamedTuple):
    """An event to be appended."""

    room: str
    type: str
    #: Its data, finished JSON text.
    data: str
    at: datetime
    #: Whose content it holds, so that it can be blanked.
    subject: str = ""
    #: The user who may hear nothing of the room after it.
    evicts: int | None = None


class Standing(NamedTuple):
    """A room's log as one statement sees it."""

    head: int
    epoch: str
    #: Every committed event has its number.
    settled: bool


class Resumed(NamedTuple):
    """Where the log stands, and what a reader missed."""

    head: int
    epoch: str
    reset: bool
    events: list[LoggedEvent]


@dataclass(frozen=True)
class Snapshot(Generic[T]):
    """The state after event `seq` of a room, no more and no less."""

    state: T
    seq: int
    epoch: str


# --- Appending ------------------------------------------------------------------------------


@dataclass
class _Batch:
    """What one transaction appends. Each append asks for a flush after the commit; the first one does it."""

    #: Whether its events wait for `atomic`, which writes them at the end of the transaction.
    deferred: bool
    #: Appends whose events wait, or waited until their savepoint was rolled back.
    appends: int = 0
    #: Rooms whose events are without numbers at the commit.
    rooms: set[str] = field(default_factory=set)
    #: What was numbered before it.
    numbered: dict[str, list[LoggedEvent]] = field(default_factory=dict)
    flushed: bool = False

    def write(self) -> None:
        """The last act of the transaction: write its events, with numbers where their room can be had at once.

        It waits for nobody: whoever waited would hold the locks of a whole change meanwhile.
        """
        by_room: dict[str, list[NewEvent]] = {}
        personal: list[NewEvent] = []
        for event in self.take():
            (personal if _is_personal(event.room) else by_room.setdefault(event.room, [])).append(event)
        for room, events in sorted(by_room.items()):
            head = _write_numbered(room, events)
            if head is None:
                self.rooms.add(room)
            else:
                self.numbered[room] = [_logged(seq, event) for event, seq in _with_numbers(events, head)]
        self.write_now(personal)
        self.deferred = False
        if self.numbered:
            crash_point("numbering")

    def write_now(self, events: Sequence[NewEvent]) -> None:
        """Write these events without numbers."""
        self.rooms |= {event.room for event in events}
        _insert((event, None) for event in events)

    def take(self) -> list[NewEvent]:
        """The events that wait, without those of savepoints that were rolled back: Django drops their hooks."""
        found: list[_Appended] = []
        for _, hook, *_ in reversed(connection.run_on_commit):
            if len(found) == self.appends:
                break
            one = getattr(hook, "__self__", None)
            if isinstance(one, _Appended) and one.events:
                found.append(one)
        taken = [event for one in reversed(found) for event in one.events]
        for one in found:
            one.events = ()
        self.appends = 0
        return taken

    def flush(self) -> None:
        if self.flushed:
            return
        self.flushed = True
        crash_point("committed")
        if self.numbered:
            _tell(self.numbered)
        personal = {room for room in self.rooms if _is_personal(room)}
        # What many share first: it waits for no other change that notifies the same people.
        for rooms in filter(None, (self.rooms - personal, personal)):
            sequence(rooms)


@dataclass
class _Appended:
    """One append; its `flush` is a hook after the commit."""

    batch: _Batch
    #: Those that wait for the end of the transaction.
    events: Sequence[NewEvent]

    def flush(self) -> None:
        self.batch.flush()


@contextmanager
def atomic(using: str | None = None, *, durable: bool = False) -> Iterator[None]:
    """`transaction.atomic` for changes that are told: where it is the outermost, its events are numbered within it.

    That saves the transaction which numbering takes otherwise, after the commit, with its second wait for the disk:
    what is appended in a transaction of another kind is numbered there.
    """
    if connection.in_atomic_block or using not in (None, connection.alias):
        with transaction.atomic(using=using, durable=durable):
            yield
        return
    # What a transaction that failed has left, if anything, says nothing of this one.
    batch = connection.taskrealtime_batch = _Batch(deferred=True)  # type: ignore[attr-defined]
    try:
        with transaction.atomic(using=using, durable=durable):
            yield
            if not connection.needs_rollback:
                batch.write()
    finally:
        connection.taskrealtime_batch = None  # type: ignore[attr-defined]


def append(
    *,
    room: str,
    type: str,
    data: msgspec.Struct,
    at: datetime,
    subject: str = "",
    evicts: int | None = None,
) -> None:
    """Write one event into the transaction that is open, as `append_all` does."""
    append_all([NewEvent(room, type, encode(data), at, subject, evicts)])


def append_all(events: Sequence[NewEvent]) -> None:
    """Write events into the transaction that is open; they are numbered and rung after the commit.

    Rolled back, wholly or to a savepoint, they never happened.

    Raises:
        django.db.transaction.TransactionManagementError: outside a transaction, where the change
            that they tell of would be committed without them.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An event belongs into the transaction of its change.")
    if not events:
        return
    batch: _Batch | None = getattr(connection, "taskrealtime_batch", None)
    if batch is None or batch.flushed:
        batch = connection.taskrealtime_batch = _Batch(deferred=False)  # type: ignore[attr-defined]
    if batch.deferred:
        batch.appends += 1
    else:
        batch.write_now(events)
    # One hook per append: a savepoint that is rolled back takes only its own hooks with it.
    transaction.on_commit(_Appended(batch, events if batch.deferred else ()).flush, robust=True)


def write_appended() -> None:
    """Have the table hold all that the open transaction has appended until now: somebody is going to look for it."""
    batch: _Batch | None = getattr(connection, "taskrealtime_batch", None)
    if batch is not None and batch.appends:
        batch.write_now(batch.take())


# By hand, as all that every save does here: Django's way of making these few statements took half of a save's time.


def _insert(rows: Iterable[tuple[NewEvent, int | None]]) -> None:
    rows = list(rows)
    for start in range(0, len(rows), ROWS):
        values: list[Any] = []
        for event, seq in rows[start : start + ROWS]:
            at = connection.ops.adapt_datetimefield_value(event.at)
            values += (event.room, seq, event.type, event.data, at, event.subject, event.evicts)
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * (len(values) // 7))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO engine_event (room, seq, type, data, at, subject, evicts) VALUES {places}",  # noqa: S608 -- placeholders only
                values,
            )


def _write_numbered(room: str, events: Sequence[NewEvent]) -> int | None:
    """Write these events with the room's next numbers; returns the last of them.

    None, and they are written without numbers: somebody else is numbering in the room at this moment, or events wait
    there that were committed before. The statement sees them where what was changed here since depends on them:
    whoever wrote them held the same rows.
    """
    if connection.vendor == "postgresql":
        columns = map(list, zip(*(event[1:] for event in events), strict=True))
        with prepared_cursor(connection) as cursor:
            cursor.execute(_CLAIM_AND_INSERT, [len(events), events[0].at, room, room, room, *columns])
            return cursor.fetchall()[-1][0]
    with connection.cursor() as cursor:
        first = connection.ops.adapt_datetimefield_value(events[0].at)
        cursor.execute(_CLAIM, [len(events), first, room, room])
        row = cursor.fetchone()
    _insert(_with_numbers(events, row[0]) if row else ((event, None) for event in events))
    return row[0] if row else None


def _with_numbers(events: Sequence[NewEvent], last: int) -> Iterator[tuple[NewEvent, int]]:
    return ((event, seq) for seq, event in enumerate(events, last - len(events) + 1))


#: Takes the next numbers of a room, unless events wait there; `{lock}`: nor where somebody else is numbering.
_CLAIMING = """
    UPDATE engine_room SET head = head + CAST(%s AS integer), oldest = COALESCE(oldest, %s)
    WHERE name = (SELECT name FROM engine_room WHERE name = %s {lock})
        AND NOT EXISTS (SELECT 1 FROM engine_event WHERE room = %s AND seq IS NULL)
    RETURNING head
"""
_CLAIM = _CLAIMING.format(lock="")
#: Both at once; one text, however many events there are.
_CLAIM_AND_INSERT = f"""
    WITH claimed AS ({_CLAIMING.format(lock="FOR NO KEY UPDATE SKIP LOCKED")})
    INSERT INTO engine_event (room, seq, type, data, at, subject, evicts)
    SELECT %s, (SELECT head FROM claimed) - COUNT(*) OVER () + place, type, data, at, subject, evicts
    FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[])  -- as NewEvent has them
        WITH ORDINALITY AS event (type, data, at, subject, evicts, place)
    ORDER BY place
    RETURNING seq
"""  # noqa: S608 -- our own constants


def encode(data: msgspec.Struct) -> str:
    """An event's data as the log keeps it."""
    return msgspec.json.encode(data).decode()


def create_room(name: str) -> None:
    """Make the room `name` where it is not there yet, in the open transaction or on its own."""
    Room.objects.bulk_create([Room(name=name)], ignore_conflicts=True)


def drop_room(name: str) -> None:
    """Forget a room and all its events; whoever listens is told that it is closed after the commit."""
    # The room first: who numbers its events at this moment is waited for, and leaves none behind.
    Room.objects.filter(name=name).delete()
    Event.objects.filter(room=name).delete()
    transaction.on_commit(lambda: doorbell.ring_closed(name), robust=True)


# --- Numbering ------------------------------------------------------------------------------


def sequence(rooms: Iterable[str]) -> None:
    """Give the committed, unnumbered events of `rooms` their numbers, then ring for them.

    A transaction of its own, durable: a number that a client saw must survive a crash.
    """
    for attempt in range(SNAPSHOT_ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                numbered = _number(rooms)
                crash_point("numbering")
            break
        except OperationalError as error:
            if not is_retryable(error) or attempt == SNAPSHOT_ATTEMPTS - 1:
                raise
    _tell(numbered)


def _tell(numbered: dict[str, list[LoggedEvent]]) -> None:
    crash_point("numbered")
    _ring(numbered)
    crash_point("rung")


def _number(rooms: Iterable[str]) -> dict[str, list[LoggedEvent]]:
    """Lock the rooms in the order of their names and number their events in id order."""
    names = set(rooms)
    locked = _lock_rooms(names)
    if missing := names - set(locked):
        # Loaded from a fixture, say: the first event makes the room.
        waiting = Event.objects.filter(room__in=missing, seq=None).values_list("room", flat=True)
        if orphans := set(waiting):
            # Appended while the room was being dropped: nobody will ever read them.
            Event.objects.filter(room__in=(dropped := _without_owner(orphans)), seq=None).delete()
            Room.objects.bulk_create([Room(name=name) for name in sorted(orphans - dropped)], ignore_conflicts=True)
            locked = _lock_rooms(names)
    return _number_rooms(locked) if locked else {}


def _lock_rooms(names: Collection[str]) -> list[str]:
    """Those of the rooms that exist, locked in the order of their names.

    By a statement of its own: the next one then sees all that was committed before.
    """
    if not names:
        return []
    has_locks = connection.features.has_select_for_update
    lock = connection.ops.for_update_sql(no_key=True) if has_locks else ""
    with prepared_cursor(connection) as cursor:
        cursor.execute(
            f"SELECT name FROM engine_room WHERE name IN ({_places(names)}) ORDER BY name {lock}",  # noqa: S608
            list(names),
        )
        return [name for (name,) in cursor.fetchall()]


def _places(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _number_rooms(rooms: Sequence[str]) -> dict[str, list[LoggedEvent]]:
    """Two statements, however many rooms there are: a comment may notify fifty people."""
    with prepared_cursor(connection) as cursor:
        cursor.execute(
            f"""
            UPDATE engine_event SET seq = numbered.seq
            FROM (
                SELECT waiting.id, room.head + ROW_NUMBER() OVER (PARTITION BY waiting.room ORDER BY waiting.id) AS seq
                FROM engine_event AS waiting JOIN engine_room AS room ON room.name = waiting.room
                WHERE waiting.room IN ({_places(rooms)}) AND waiting.seq IS NULL
            ) AS numbered
            WHERE engine_event.id = numbered.id
            RETURNING engine_event.id, room, engine_event.seq, type, at, data, subject, evicts
            """,  # noqa: S608 -- placeholders only
            list(rooms),
        )
        events: dict[str, list[Event]] = {}
        for row in sorted(cursor.fetchall(), key=itemgetter(2)):
            event = Event(*row)
            event.at = _moment(event.at)
            events.setdefault(event.room, []).append(event)
        if events:
            cursor.execute(
                f"""
                UPDATE engine_room SET
                    head = (SELECT MAX(seq) FROM engine_event WHERE room = engine_room.name),
                    oldest = COALESCE(oldest, (
                        SELECT at FROM engine_event WHERE room = engine_room.name AND seq = engine_room.head + 1
                    ))
                WHERE name IN ({_places(events)})
                """,  # noqa: S608 -- placeholders only
                list(events),
            )
    # What one person is told may be lost to them, or gone, since it was written.
    blanked = redacted([event for room, found in events.items() if _is_personal(room) for event in found])
    return {room: [_logged_row(event, blanked) for event in found] for room, found in events.items()}


def _moment(at: datetime | str) -> datetime:
    """A time as a cursor gives it: SQLite's has text, in UTC."""
    return at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)


def _ring(numbered: dict[str, list[LoggedEvent]]) -> None:
    for name, events in numbered.items():
        doorbell.ring(name, events, personal=_is_personal(name))


def unnumbered_rooms() -> dict[str, datetime]:
    """Rooms with committed events that have no number yet, as somebody is about to give it or died before, each with
    the time of the oldest."""
    waiting = Event.objects.filter(seq=None).order_by().values_list("room")
    return dict(waiting.annotate(oldest=Min("at")).values_list("room", "oldest"))


# --- Reading --------------------------------------------------------------------------------

#: Given events, the data (JSON text) to show instead, by event id. Set by the domain, which knows what was deleted.
Redactor = Callable[[Sequence[Event]], dict[int, str]]
_redactor: Redactor = lambda events: {}  # noqa: E731
_deletions: Collection[str] = ()
#: Given pairs of room and user: those that the user may not read, each with the error that says so.
Refuser = Callable[[Collection[tuple[str, int]]], dict[tuple[str, int], RealTimeError]]
_refuse: Refuser = lambda pairs: {}  # noqa: E731
#: Whether a room is one reader's own: it tells of things that this reader may lose the right to see, so its events are
#: looked at whenever they are given out.
_is_personal: Callable[[str], bool] = lambda room: False  # noqa: E731
#: Of these rooms, those that belong to something which is gone.
_without_owner: Callable[[Collection[str]], set[str]] = lambda rooms: set()  # noqa: E731


def set_redactor(redactor: Redactor, *, deletions: Collection[str]) -> None:
    """Tell the log how to blank events whose content is gone, and which types of events tell that it is."""
    global _redactor, _deletions
    _redactor, _deletions = redactor, deletions


def set_refuser(refuser: Refuser) -> None:
    """Tell the log who may not read what. It is asked inside the snapshot that is read."""
    global _refuse
    _refuse = refuser


def set_rooms(*, is_personal: Callable[[str], bool], without_owner: Callable[[Collection[str]], set[str]]) -> None:
    """Tell the log which rooms are one reader's own, and which of some belong to something that is gone."""
    global _is_personal, _without_owner
    _is_personal, _without_owner = is_personal, without_owner


def is_personal(room: str) -> bool:
    """Whether a room is one reader's own."""
    return _is_personal(room)


def redacted(events: Sequence[Event]) -> dict[int, str]:
    """The data to show instead, by event id, of those events whose content is gone."""
    return _redactor(events) if events else {}


def standing(room: str) -> Standing | None:
    """Where the room's log stands, by one cheap statement; None: there is no such room, or the log has no name yet."""
    wal_file = WAL_FILE if connection.vendor == "postgresql" else "NULL"
    with prepared_cursor(connection) as cursor:
        cursor.execute(
            f"""
            SELECT room.head, epoch.value, {wal_file},
                EXISTS (SELECT 1 FROM engine_event WHERE engine_event.room = room.name AND seq IS NULL)
            FROM engine_room AS room JOIN engine_epoch AS epoch ON epoch.id = 1 WHERE room.name = %s
            """,  # noqa: S608 -- our own constant
            [room],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    head, value, wal_name, unsettled = row
    return Standing(head, value if wal_name is None else with_timeline(value, wal_name), settled=not unsettled)


def bounds(rooms: Iterable[str]) -> dict[str, Bounds]:
    """What is known of each of `rooms` that exists."""
    rows = Room.objects.filter(name__any_of=list(rooms)).values_list("name", "floor", "head", "read")
    return {name: Bounds(*numbers) for name, *numbers in rows}


def bounds_in_order(rooms: Sequence[str]) -> list[Bounds | None]:
    """What is known of each of `rooms`; None: it does not exist."""
    found = bounds(rooms)
    return [found.get(room) for room in rooms]


def heads(rooms: Iterable[str]) -> dict[str, int]:
    """The last number of each of `rooms`; one that is missing no longer exists."""
    return {name: found.head for name, found in bounds(rooms).items()}


def read(room: str, *, since: int, limit: int, most: int = MAX_PAGE_BYTES) -> list[LoggedEvent]:
    """The next events after `since`, in order: at most `limit`, and no further one once they have `most` bytes."""
    size = "OCTET_LENGTH(data)" if connection.vendor == "postgresql" else "LENGTH(CAST(data AS BLOB))"
    events = list(Event.objects.raw(_READ.format(size=size), [room, since, limit, most]))
    blanked = redacted(events)
    return [_logged_row(event, blanked) for event in events]


#: What stands aside in the table (TOAST) is measured without being read.
_READ = """
    SELECT id, room, seq, type, at, data, subject, evicts FROM (
        SELECT page.*, SUM(size) OVER (ORDER BY seq) - size AS before FROM (
            SELECT engine_event.*, {size} AS size FROM engine_event
            WHERE room = %s AND seq > %s ORDER BY seq LIMIT %s
        ) AS page
    ) AS measured WHERE before < %s ORDER BY seq
"""


def read_back(room: str, *, last: int, first: int) -> list[LoggedEvent]:
    """The events from number `last` back to number `first`, newest first."""
    events = list(Event.objects.filter(room=room, seq__gte=first, seq__lte=last).order_by("-seq"))
    blanked = redacted(events)
    return [_logged_row(event, blanked) for event in events]


def stand_all(readers: Sequence[Reader]) -> list[Stand | RealTimeError]:
    """Where the log stands for each of `readers`, or why that one may not read; all of it at one moment."""
    return _at_one_moment(readers, lambda stands: stands)


def resume(reader: Reader, *, limit: int = MAX_REPLAY) -> Resumed:
    """What a reader missed, authorised and read at one moment: as much as `read` gives.

    Raises:
        RealTimeError: the user may not read the room.
    """

    def read_missed(stands: list[Stand | RealTimeError]) -> Resumed:
        [stand] = stands
        if isinstance(stand, RealTimeError):
            raise stand
        if stand.reset or reader.since is None:
            return Resumed(stand.head, stand.epoch, stand.reset, [])
        events = read(reader.room, since=reader.since, limit=limit)
        is_whole = bool(events) or reader.since == stand.head
        if not is_whole or [event.seq for event in events] != [reader.since + n for n in range(1, len(events) + 1)]:
            logger.error("The log of %s is not contiguous after %s: answering with a reset.", reader.room, reader.since)
            return Resumed(stand.head, stand.epoch, True, [])
        return Resumed(stand.head, stand.epoch, False, events)

    return _at_one_moment([reader], read_missed)


def read_on(room: str, *, since: int, limit: int, most: int = MAX_PAGE_BYTES) -> list[LoggedEvent]:
    """As `read`, up to the first hole, if there is one; who has not come past that is told to reset from then on."""
    events = read(room, since=since, limit=limit, most=most)
    if events and events[0].seq != since + 1:
        _give_up_before(room, events[0].seq)
    return [event for place, event in enumerate(events) if event.seq == events[0].seq + place]


def _give_up_before(room: str, seq: int) -> None:
    """Numbers are given without gaps: what is missing before `seq` was trimmed, or else was lost and never comes."""
    if Room.objects.filter(name=room, floor__lt=seq - 1).update(floor=seq - 1):
        logger.error("The log of %s has a hole before %s.", room, seq)


def _at_one_moment(readers: Sequence[Reader], use: Callable[[list[Stand | RealTimeError]], T]) -> T:
    """Find out where `readers` stand, and call `use` with it inside the same snapshot of the database."""
    for _ in range(SNAPSHOT_ATTEMPTS):
        try:
            with _reading():
                refusals = _refuse({(reader.room, reader.user_id) for reader in readers})
                # An eviction that is committed but not numbered yet may lie before a return that was just authorised.
                unsettled = _unnumbered_evictions(readers)
                if not unsettled:
                    return use(_stands(readers, refusals))
        except EpochMissing:
            epoch()
            continue
        sequence(unsettled)
    raise Internal("The log is too busy to resume from.")


def _unnumbered_evictions(readers: Sequence[Reader]) -> set[str]:
    wanted = {(reader.room, reader.user_id) for reader in readers}
    rooms = {reader.room for reader in readers}
    waiting = Event.objects.filter(room__any_of=rooms, seq=None, evicts__isnull=False).values_list("room", "evicts")
    return {room for room, user_id in waiting if (room, user_id) in wanted}


def _stands(readers: Sequence[Reader], refusals: dict[tuple[str, int], RealTimeError]) -> list[Stand | RealTimeError]:
    rooms = Room.objects.in_bulk({reader.room for reader in readers})
    present = present_epoch()
    return [
        refusals.get((reader.room, reader.user_id)) or _stand(reader, rooms.get(reader.room), present)
        for reader in readers
    ]


def _stand(reader: Reader, row: Room | None, present: str) -> Stand:
    room = row or Room(name=reader.room)
    reset = False
    if reader.since is not None:
        known = reader.epoch is None or reader.epoch == present
        reset = not (known and room.floor <= reader.since <= room.head and room.head - reader.since <= MAX_REPLAY)
    unread = Bounds(room.floor, room.head, room.read).unread
    return Stand(room.head, present, reset, row is not None, room.read, unread)


def snapshot(room: str, read_state: Callable[[], T]) -> Snapshot[T]:
    """Read the state of a room together with the number of the last event that it contains.

    One transaction sees one moment of the database. As a rule every event of that moment has its number: then
    nobody is kept waiting by it.

    Raises:
        RealTimeError: whatever `read_state` raises.
    """
    with _reading():
        where = standing(room)
        if where is not None and where.settled:
            return Snapshot(read_state(), where.head, where.epoch)
    return _numbered_snapshot(room, read_state)


def _numbered_snapshot(room: str, read_state: Callable[[], T]) -> Snapshot[T]:
    """Lock the room, number every event whose change can be seen, and read: again, where somebody else numbered."""
    for _ in range(SNAPSHOT_ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                _see_one_moment()
                numbered = _number([room])
                name = present_epoch()
                result = Snapshot(read_state(), heads([room]).get(room, 0), name)
        except EpochMissing:
            epoch()
            continue
        except OperationalError as error:
            if not is_retryable(error):
                raise
            continue
        _ring(numbered)
        return result
    raise Internal("The project is too busy for a snapshot.")


def mark_read(room: str, up_to: int) -> int:
    """The reader of a personal room has read everything up to this number; the mark never goes back.

    In the open transaction; after its commit all connections of the reader are told.

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
        transaction.on_commit(lambda: doorbell.ring_read(room, marked.read, marked.floor), robust=True)
    return marked.unread


def is_retryable(error: OperationalError) -> bool:
    """Whether the database asks for the same transaction again (a lost race, a deadlock)."""
    return getattr(error.__cause__, "sqlstate", None) in RETRIED_SQLSTATES


def _see_one_moment() -> None:
    # Inside of another transaction, as Django's TestCase has one, it would be too late to say.
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


@contextmanager
def _reading() -> Iterator[None]:
    """A transaction that only reads, all of it at one moment."""
    connection.ensure_connection()  # sets the mode
    mode = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        # IMMEDIATE, the project's default, would make every reader wait for the one writer.
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        with transaction.atomic(durable=True):
            _see_one_moment()
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = mode  # type: ignore[attr-defined]


def _logged(seq: int, event: Event | NewEvent, data: str | None = None) -> LoggedEvent:
    # Room, type and time hold no character that JSON would escape.
    frame = (
        f'{{"event":"{event.type}","room":"{event.room}","seq":{seq},"at":"{wire_time(event.at)}"'
        f',"data":{event.data if data is None else data}}}'
    )
    return LoggedEvent(seq, frame, event.evicts, event.type in _deletions)


def _logged_row(event: Event, blanked: dict[int, str]) -> LoggedEvent:
    assert event.seq is not None
    return _logged(event.seq, event, blanked.get(event.id))


def wire_time(moment: datetime) -> str:
    """ISO 8601 in UTC, written as the times inside an event's data are."""
    return msgspec.to_builtins(moment.astimezone(UTC))
