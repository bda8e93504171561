"""What the log takes and gives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.wire.frames import LoggedEvent

T = TypeVar("T")


class StreamPosition(NamedTuple):
    """A place in a room's log: an event's number, and the epoch in which it was given."""

    offset: int
    epoch: str


class Reader(NamedTuple):
    """The user that wants to read a room, and the position to read from."""

    room: str
    user_id: UserKey
    #: The last number seen; None: only what is new.
    since: int | None = None
    #: The epoch that came with it; None: the present one.
    epoch: str | None = None


class ResumeState(NamedTuple):
    """Where a room's log ends, and how a reader goes on from there."""

    end: StreamPosition
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
    #: The user that may receive nothing of the room after it.
    evicted: UserKey | None = None


class Resumed(NamedTuple):
    """Where the log ends, and what a reader missed."""

    end: StreamPosition
    #: As in `ResumeState`; then there are no events.
    reset: bool
    events: list[LoggedEvent]


@dataclass(frozen=True)
class Snapshot(Generic[T]):
    """The state of a room after the event at `position`, no more and no less."""

    state: T
    position: StreamPosition
