"""Numbers the rows that the database itself has captured: they become events when they are numbered."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection

from taskrealtime.engine.conf.domain import Rendered, domain
from taskrealtime.engine.models import Event, Room
from taskrealtime.engine.wire.frames import LoggedEvent

from .rows import logged_row

#: The type of a row that was captured and is no event yet.
CAPTURED = "captured"
#: Rows that are rendered at a time.
CHUNK = 1000


def number_captured(rooms: Collection[str]) -> dict[str, list[LoggedEvent]]:
    """Number all committed events of these rooms, which are locked, in the order of their ids."""
    numbered: dict[str, list[LoggedEvent]] = {}
    if not rooms:
        return numbered
    heads = dict(Room.objects.filter(name__in=rooms).values_list("name", "head"))
    while rows := list(Event.objects.filter(room__in=rooms, seq=None).order_by("id")[:CHUNK]):
        rendered = domain.render([row for row in rows if row.type == CAPTURED])
        kept = [row for row in rows if _take(row, rendered)]
        for row in kept:
            heads[row.room] = row.seq = heads[row.room] + 1
        _write(kept, dropped=[row.id for row in rows if row.seq is None])
        for row in kept:
            numbered.setdefault(row.room, []).append(logged_row(row, {}))
        _raise_heads(kept)
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


def _write(rows: Sequence[Event], *, dropped: list[int]) -> None:
    if dropped:
        Event.objects.filter(pk__in=dropped).delete()
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns: Iterable[list[Any]] = map(list, zip(*((r.seq, r.type, r.data, r.id) for r in rows), strict=True))
            cursor.execute(_UPDATE, list(columns))
        else:
            cursor.executemany(
                "UPDATE engine_event SET seq = %s, type = %s, data = %s WHERE id = %s",
                [(row.seq, row.type, row.data, row.id) for row in rows],
            )


_UPDATE = """
    UPDATE engine_event SET seq = numbered.seq, type = numbered.type, data = numbered.data
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[]) AS numbered (seq, type, data, id)
    WHERE engine_event.id = numbered.id
"""


def _raise_heads(rows: Sequence[Event]) -> None:
    first = {row.room: row for row in reversed(rows)}
    last = {row.room: row for row in rows}
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE engine_room SET head = %s, oldest = COALESCE(oldest, %s) WHERE name = %s",
            [(last[room].seq, connection.ops.adapt_datetimefield_value(first[room].at), room) for room in sorted(last)],
        )
