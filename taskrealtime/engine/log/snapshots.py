"""A room's state together with the number of the last event that it contains."""

from collections.abc import Callable

from django.db import OperationalError, connection

from taskrealtime.engine.db import writing
from taskrealtime.engine.db.prepared import prepared_cursor
from taskrealtime.engine.installation.epochs import WAL_FILE, EpochMissing, epoch, present_epoch, with_timeline
from taskrealtime.engine.wire.errors import Internal

from .numbering import number_waiting, publish
from .reading import heads
from .transactions import SNAPSHOT_ATTEMPTS, is_retryable, one_moment, use_one_snapshot
from .types import Snapshot, StreamPosition, T


def settled_position(room: str) -> StreamPosition | None:
    """Return where the room's log ends, by one cheap statement.

    None: a committed event has no number yet, there is no such room, or the log has no name.
    """
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
    if unsettled:
        return None
    return StreamPosition(head, value if wal_name is None else with_timeline(value, wal_name))


def snapshot(room: str, read_state: Callable[[], T]) -> Snapshot[T]:
    """Read the state of a room together with the number of the last event that it contains.

    One transaction sees one moment of the database. As a rule every event of that moment has its number: then
    no other transaction waits for it.

    Raises:
        RealTimeError: whatever `read_state` raises.
    """
    with one_moment():
        position = settled_position(room)
        if position is not None:
            return Snapshot(read_state(), position)
    return _numbered_snapshot(room, read_state)


def _numbered_snapshot(room: str, read_state: Callable[[], T]) -> Snapshot[T]:
    """Lock the room, number every event whose change can be seen, and read; again if a transaction came between."""
    for _ in range(SNAPSHOT_ATTEMPTS):
        try:
            with writing.atomic(durable=True):
                use_one_snapshot()
                numbered = number_waiting([room])
                present = present_epoch()
                state = read_state()
                result = Snapshot(state, StreamPosition(heads([room]).get(room, 0), present))
        except EpochMissing:
            epoch()
            continue
        except OperationalError as error:
            if not is_retryable(error):
                raise
            continue
        publish(numbered)
        return result
    raise Internal("The project is too busy for a snapshot.")
