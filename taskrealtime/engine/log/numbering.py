"""Numbers the events of a room after their commit, and publishes them."""

from collections.abc import Iterable

from django.db import OperationalError, transaction

from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.crash_points import crash_point
from taskrealtime.engine.db import writing
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.models import Event, Room
from taskrealtime.engine.wire.frames import LoggedEvent

from .captured import number_captured
from .rows import lock_rooms, number_rooms
from .transactions import SNAPSHOT_ATTEMPTS, is_retryable


def drop_room(name: str) -> None:
    """Delete a room and all its events; after the commit its subscribers are notified that it is closed.

    The room goes first: that waits for a transaction that numbers its events at this moment, and leaves none behind.
    """
    Room.objects.filter(name=name).delete()
    Event.objects.filter(room=name).delete()
    transaction.on_commit(lambda: doorbell.publish_closed(name), robust=True)


def sequence(rooms: Iterable[str]) -> None:
    """Give the committed, unnumbered events of `rooms` their numbers, then publish them.

    A transaction of its own, durable: a number that a client saw must survive a crash.
    """
    for attempt in range(SNAPSHOT_ATTEMPTS):
        try:
            with writing.atomic(durable=True):
                numbered = number_waiting(rooms)
                crash_point("numbering")
            break
        except OperationalError as error:
            if not is_retryable(error) or attempt == SNAPSHOT_ATTEMPTS - 1:
                raise
    publish_committed(numbered)


def publish_committed(numbered: dict[str, list[LoggedEvent]]) -> None:
    """Publish events whose numbers were committed just now."""
    crash_point("numbered")
    publish(numbered)
    crash_point("rung")


def number_waiting(rooms: Iterable[str]) -> dict[str, list[LoggedEvent]]:
    """Lock the rooms in the order of their names and number their events in id order."""
    names = set(rooms)
    locked = lock_rooms(names)
    if missing := names - set(locked):
        # Loaded from a fixture, say: the first event makes the room.
        waiting = Event.objects.filter(room__in=missing, seq=None).values_list("room", flat=True)
        if orphans := set(waiting):
            # Appended while the room was being dropped: no client will ever read them.
            Event.objects.filter(room__in=(dropped := domain.without_owner(orphans)), seq=None).delete()
            Room.objects.bulk_create([Room(name=name) for name in sorted(orphans - dropped)], ignore_conflicts=True)
            locked = lock_rooms(names)
    captured = {name: head for name, head in locked.items() if domain.is_captured(name)}
    appended = [name for name in locked if name not in captured]
    return (number_rooms(appended) if appended else {}) | number_captured(captured)


def publish(numbered: dict[str, list[LoggedEvent]]) -> None:
    """Publish numbered events, by room."""
    for name, events in numbered.items():
        doorbell.publish(name, events, personal=domain.is_personal(name))
