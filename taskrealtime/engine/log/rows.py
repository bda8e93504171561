"""The statements that write and number the log's rows.

They are written by hand, as every save runs them: making them with Django's ORM took half of a save's time.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import msgspec
from django.db import connection

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.db.prepared import prepared_cursor
from taskrealtime.engine.models import Event, Room
from taskrealtime.engine.wire.frames import LoggedEvent, wire_time

from .types import NewEvent

#: Events that one statement writes: SQLite takes 32 766 values.
ROWS = 1000


def insert_rows(rows: Iterable[tuple[NewEvent, int | None]]) -> None:
    """Insert events, each with its number; None: it gets one later."""
    rows = list(rows)
    for start in range(0, len(rows), ROWS):
        values: list[Any] = []
        for event, seq in rows[start : start + ROWS]:
            at = connection.ops.adapt_datetimefield_value(event.at)
            values += (event.room, seq, event.type, event.data, at, event.subject, *_evicted(event))
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * (len(values) // 8))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO engine_event (room, seq, type, data, at, subject, evicts_user, evicts) VALUES {places}",  # noqa: S608 -- placeholders only
                values,
            )


def write_numbered(room: str, events: Sequence[NewEvent]) -> int | None:
    """Write these events with the room's next numbers; return the last of them.

    None, and they are written without numbers: another transaction is numbering in the room at this moment, or events
    wait there that were committed before. The statement sees them if what was changed here since depends on them:
    their writer held the same rows.
    """
    if connection.vendor == "postgresql":
        rows = ((event.type, event.data, event.at, event.subject, *_evicted(event)) for event in events)
        columns = map(list, zip(*rows, strict=True))
        with prepared_cursor(connection) as cursor:
            cursor.execute(_CLAIM_AND_INSERT, [len(events), events[0].at, room, room, room, *columns])
            return cursor.fetchall()[-1][0]
    with connection.cursor() as cursor:
        first = connection.ops.adapt_datetimefield_value(events[0].at)
        cursor.execute(_CLAIM, [len(events), first, room, room])
        row = cursor.fetchone()
    insert_rows(with_numbers(events, row[0]) if row else ((event, None) for event in events))
    return row[0] if row else None


def _evicted(event: NewEvent) -> tuple[str | None, int | None]:
    """Return the user that an event evicts, as both columns have it."""
    if event.evicted is None:
        return None, None
    return user_model.as_text(event.evicted), user_model.as_number(event.evicted)


def with_numbers(events: Sequence[NewEvent], last: int) -> Iterator[tuple[NewEvent, int]]:
    """Return each event with its number, the last one with `last`."""
    return ((event, seq) for seq, event in enumerate(events, last - len(events) + 1))


#: Takes the next numbers of a room, unless events wait there; `{lock}`: nor if another transaction is numbering.
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
    INSERT INTO engine_event (room, seq, type, data, at, subject, evicts_user, evicts)
    SELECT %s, (SELECT head FROM claimed) - COUNT(*) OVER () + place, type, data, at, subject, evicts_user, evicts
    FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::bigint[])
        WITH ORDINALITY AS event (type, data, at, subject, evicts_user, evicts, place)
    ORDER BY place
    RETURNING seq
"""  # noqa: S608 -- our own constants


def encode(data: msgspec.Struct) -> str:
    """Return an event's data as the log keeps it."""
    return msgspec.json.encode(data).decode()


def create_room(name: str) -> None:
    """Make the room `name` if it is not there yet, in the open transaction or on its own."""
    Room.objects.bulk_create([Room(name=name)], ignore_conflicts=True)


def lock_rooms(names: Collection[str]) -> dict[str, int]:
    """Return those of the rooms that exist with their heads, locked in the order of their names.

    By a statement of its own: the next one then sees all that was committed before.
    """
    if not names:
        return {}
    has_locks = connection.features.has_select_for_update
    lock = connection.ops.for_update_sql(no_key=True) if has_locks else ""
    with prepared_cursor(connection) as cursor:
        cursor.execute(
            f"SELECT name, head FROM engine_room WHERE name IN ({_places(names)}) ORDER BY name {lock}",  # noqa: S608
            list(names),
        )
        return dict(cursor.fetchall())


def _places(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def number_rooms(rooms: Sequence[str]) -> dict[str, list[LoggedEvent]]:
    """Number the events by two statements, however many rooms there are: a comment may notify fifty users."""
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
            RETURNING engine_event.id, room, engine_event.seq, type, at, data, subject, evicts_user, evicts
            """,  # noqa: S608 -- placeholders only
            list(rooms),
        )
        events: dict[str, list[Event]] = {}
        for row in sorted(cursor.fetchall(), key=itemgetter(2)):
            event = _event(row)
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
    # The content of a personal event may be out of its reader's access, or gone, since it was written.
    blanked = domain.redact([event for room, found in events.items() if domain.is_personal(room) for event in found])
    return {room: [logged_row(event, blanked) for event in found] for room, found in events.items()}


def unnumbered(rooms: Collection[str], most: int) -> list[Event]:
    """Return the oldest events of these rooms that have no number, up to so many."""
    with prepared_cursor(connection) as cursor:
        cursor.execute(
            f"""
            SELECT id, room, seq, type, at, data, subject, evicts_user, evicts FROM engine_event
            WHERE room IN ({_places(rooms)}) AND seq IS NULL ORDER BY id LIMIT {most}
            """,  # noqa: S608 -- placeholders and a number
            list(rooms),
        )
        return [_event(row) for row in cursor.fetchall()]


def _event(row: Sequence[Any]) -> Event:
    """Return an event of all its columns in their order."""
    event = Event(*row)
    event.at = _moment(event.at)
    return event


def _moment(at: datetime | str) -> datetime:
    """Return a time as a cursor gives it: SQLite's has text, in UTC."""
    return at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)


def unnumbered_rooms() -> dict[str, datetime]:
    """Return the rooms with committed events that have no number yet, each with the time of the oldest one.

    Their numbering is under way, or its process died.
    """
    with prepared_cursor(connection) as cursor:
        cursor.execute("SELECT room, MIN(at) FROM engine_event WHERE seq IS NULL GROUP BY room")
        return {room: _moment(oldest) for room, oldest in cursor.fetchall()}


def logged(seq: int, event: Event | NewEvent, data: str | None = None) -> LoggedEvent:
    """Return an event as it is delivered; `data`: JSON text to show instead of its own."""
    # Room, type and time hold no character that JSON would escape.
    frame = (
        f'{{"event":"{event.type}","room":"{event.room}","seq":{seq},"at":"{wire_time(event.at)}"'
        f',"data":{event.data if data is None else data}}}'
    )
    return LoggedEvent(seq, frame, event.evicted, event.type in domain.kind_of(event.room).deletions)


def logged_row(event: Event, blanked: dict[int, str]) -> LoggedEvent:
    """Return a numbered row as it is delivered, with its data from `blanked` if that has any for its id."""
    assert event.seq is not None
    return logged(event.seq, event, blanked.get(event.id))
