"""The registry of room kinds: what each kind declares counts for its own rooms, and for no others."""

from collections.abc import Collection, Sequence
from typing import Any

from taskrealtime.engine.conf.domain import Domain
from taskrealtime.engine.models import Event
from taskrealtime.engine.wire.errors import Forbidden, NotFound, RealTimeError


class Kind:
    """It refuses every reader, blanks every event, and belongs to nothing any more."""

    deletions: Collection[str] = ()

    def __init__(self, name: str, *, personal: bool = False) -> None:
        self.name, self.personal = name, personal
        self.asked: list[Any] = []

    def refuse_reading(self, pairs: Collection[tuple[str, int]]) -> dict[tuple[str, int], RealTimeError]:
        self.asked.append(list(pairs))
        return {pair: Forbidden(self.name) for pair in pairs}

    def redact(self, events: Sequence[Event]) -> dict[int, str]:
        return {event.id: self.name for event in events}

    def without_owner(self, rooms: Collection[str]) -> set[str]:
        return set(rooms)


def installed(*kinds: Kind) -> Domain:
    domain = Domain()
    for kind in kinds:
        domain.install(room_kinds=[kind])
    return domain


def test_each_kind_is_asked_once_for_all_of_its_own_rooms() -> None:
    queue, desk = Kind("queue"), Kind("desk")
    pairs = [("queue.1", 5), ("desk.1", 5), ("queue.2", 6)]
    refused = installed(queue, desk).refuse_reading(pairs)
    assert {pair: error.message for pair, error in refused.items()} == {
        ("queue.1", 5): "queue",
        ("desk.1", 5): "desk",
        ("queue.2", 6): "queue",
    }
    assert queue.asked == [[("queue.1", 5), ("queue.2", 6)]]
    assert desk.asked == [[("desk.1", 5)]]


def test_events_are_redacted_by_the_kind_of_their_room() -> None:
    events = [Event(id=1, room="queue.1"), Event(id=2, room="desk.1"), Event(id=3, room="cellar.1")]
    assert installed(Kind("queue"), Kind("desk")).redact(events) == {1: "queue", 2: "desk"}


def test_rooms_of_a_kind_that_is_not_declared_are_read_by_no_user_and_kept() -> None:
    domain = installed(Kind("queue", personal=True))
    refused = domain.refuse_reading([("cellar.1", 5), ("queues.1", 5), ("queue", 5)])
    assert [type(refused[pair]) for pair in (("cellar.1", 5), ("queues.1", 5))] == [NotFound, NotFound]
    assert not domain.is_personal("cellar.1")
    assert domain.is_personal("queue.1")
    assert domain.without_owner(["cellar.1", "queue.1"]) == {"queue.1"}
    assert domain.kinds() == ["queue"]
