"""Appends events to the log in the transaction of the change that they report."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from django.db import connection, transaction

from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.crash_points import crash_point
from taskrealtime.engine.db import writing
from taskrealtime.engine.wire.frames import LoggedEvent

from .numbering import publish_committed, sequence
from .rows import encode, insert_rows, logged, with_numbers, write_numbered
from .types import NewEvent


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
        """The last act of the transaction: write its events, with numbers if their room can be had at once.

        It waits for no lock: a wait would hold the locks of a whole change meanwhile.
        """
        by_room: dict[str, list[NewEvent]] = {}
        personal: list[NewEvent] = []
        for event in self.take():
            (personal if domain.is_personal(event.room) else by_room.setdefault(event.room, [])).append(event)
        for room, events in sorted(by_room.items()):
            head = write_numbered(room, events)
            if head is None:
                self.rooms.add(room)
            else:
                self.numbered[room] = [logged(seq, event) for event, seq in with_numbers(events, head)]
        self.write_now(personal)
        self.deferred = False
        if self.numbered:
            crash_point("numbering")

    def write_now(self, events: Sequence[NewEvent]) -> None:
        """Write these events without numbers."""
        self.rooms |= {event.room for event in events}
        insert_rows((event, None) for event in events)

    def take(self) -> list[NewEvent]:
        """Return the events that wait, without those of savepoints that were rolled back: Django drops their hooks."""
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
            publish_committed(self.numbered)
        personal = {room for room in self.rooms if domain.is_personal(room)}
        # Shared rooms first: numbering them waits for no other change that notifies the same users.
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
    """Return `transaction.atomic` for changes with events: if it is the outermost, it numbers them within it.

    That saves the transaction which numbering takes otherwise, after the commit, with its second wait for the disk:
    what is appended in a transaction of another kind is numbered there.
    """
    if connection.in_atomic_block or using not in (None, connection.alias):
        with writing.atomic(using=using, durable=durable):
            yield
        return
    # What a transaction that failed has left, if anything, says nothing of this one.
    batch = connection.taskrealtime_batch = _Batch(deferred=True)  # type: ignore[attr-defined]
    try:
        with writing.atomic(using=using, durable=durable):
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
    evicts: UserKey | None = None,
) -> None:
    """Write one event into the transaction that is open, as `append_all` does."""
    append_all([NewEvent(room, type, encode(data), at, subject, evicts)])


def append_all(events: Sequence[NewEvent]) -> None:
    """Write events into the transaction that is open; they are numbered and published after the commit.

    Rolled back, wholly or to a savepoint, they never happened.

    Raises:
        django.db.transaction.TransactionManagementError: outside a transaction, where the change
            that they describe would be committed without them.
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
    """Write to the table all that the open transaction has appended until now, so that a query can find it."""
    batch: _Batch | None = getattr(connection, "taskrealtime_batch", None)
    if batch is not None and batch.appends:
        batch.write_now(batch.take())
