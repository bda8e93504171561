"""Numbers the rows that the database itself has captured: they become events when they are numbered."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from taskrealtime.engine.conf.domain import Rendered, domain
from taskrealtime.engine.db.prepared import prepared_cursor
from taskrealtime.engine.models import Event
from taskrealtime.engine.wire.frames import LoggedEvent

from .rows import logged_row, unnumbered

#: The type of a row that was captured and is no event yet.
CAPTURED = "captured"
#: Rows that are rendered at a time.
CHUNK = 1000


def number_captured(heads: dict[str, int]) -> dict[str, list[LoggedEvent]]:
    """Number all committed events of these rooms, which are locked, in the order of their ids.

    Args:
        heads: by room the last number given.
    """
    numbered: dict[str, list[LoggedEvent]] = {}
    while heads and (rows := unnumbered(heads, CHUNK)):
        rendered = domain.render([row for row in rows if row.type == CAPTURED])
        kept = [row for row in rows if _take(row, rendered)]
        for row in kept:
            heads[row.room] = row.seq = heads[row.room] + 1
        if dropped := [row.id for row in rows if row.seq is None]:
            Event.objects.filter(pk__in=dropped).delete()
        if kept:
            _write(kept)
        for row in kept:
            numbered.setdefault(row.room, []).append(logged_row(row, {}))
        if len(rows) < CHUNK:
            break
    return numbered


def _take(row: Event, rendered: dict[int, Rendered | None]) -> bool:
    """Give a captured row the event that it becomes; return whether it is an event at all."""
    if row.type != CAPTURED:
        return True
    if (event := rendered.get(row.id)) is None:
        return False
    row.type, row.data = event
    return True


def _write(rows: Sequence[Event]) -> None:
    """Store the events with their numbers, and the heads of their rooms."""
    events = [(row.seq, row.type, row.data, row.id) for row in rows]
    first = {row.room: row for row in reversed(rows)}
    last = {row.room: row for row in rows}
    rooms = [(last[room].seq, connection.ops.adapt_datetimefield_value(first[room].at), room) for room in sorted(last)]
    with prepared_cursor(connection) as cursor:
        if connection.vendor == "postgresql":
            columns: Iterable[list[Any]] = (list(column) for of in (events, rooms) for column in zip(*of, strict=True))
            cursor.execute(_WRITE, list(columns))
        else:
            cursor.executemany("UPDATE engine_event SET seq = %s, type = %s, data = %s WHERE id = %s", events)
            cursor.executemany("UPDATE engine_room SET head = %s, oldest = COALESCE(oldest, %s) WHERE name = %s", rooms)


#: Both at once; one text, however many there are.
_WRITE = """
    WITH written AS (
        UPDATE engine_event SET seq = numbered.seq, type = numbered.type, data = numbered.data
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[]) AS numbered (seq, type, data, id)
        WHERE engine_event.id = numbered.id
    )
    UPDATE engine_room SET head = raised.head, oldest = COALESCE(engine_room.oldest, raised.oldest)
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS raised (head, oldest, name)
    WHERE engine_room.name = raised.name
"""
