"""The domain: what the application declares to the engine about the rooms that it serves.

An application gives its parts when Django starts (`domain.install`); the engine asks for them when it needs them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.wire.errors import NotFound, RealTimeError

if TYPE_CHECKING:
    from taskrealtime.engine.models import Event
    from taskrealtime.engine.presence.attendance import Status
    from taskrealtime.engine.rooms.watching import ProcessFigures, RoomFigures

#: Removes what the domain keeps no longer than the log: given the cutoff and how many at most, returns how many it did.
Remover = Callable[[datetime, int], int]


class RoomKind(Protocol):
    """What all rooms share whose names begin alike."""

    #: What they begin with: `project` of `project.7`, `helpdesk.queue` of `helpdesk.queue.7`.
    name: str
    #: Whether a room is one reader's own. Its events are about things that this reader may lose the right to see, so
    #: they are redacted whenever they are given out, and none is kept in memory.
    personal: bool
    #: Types of events which say that content is gone that earlier events of the room may hold.
    deletions: Collection[str]

    def refuse_reading(self, pairs: Collection[tuple[str, UserKey]]) -> dict[tuple[str, UserKey], RealTimeError]:
        """Return those pairs of a room and a user's id that may not be read, each with the error that says so.

        It is called within the snapshot that is read.
        """

    def redact(self, events: Sequence["Event"]) -> dict[int, str]:
        """Return the data (JSON text) to show instead, by event id, of events whose content is gone."""

    def without_owner(self, rooms: Collection[str]) -> set[str]:
        """Return those rooms that belong to something which is gone."""


class Rendered(NamedTuple):
    """What a captured row becomes when it is numbered."""

    type: str
    #: Finished JSON text.
    data: str


class CapturedRooms(RoomKind, Protocol):
    """A kind of rooms in which the database itself appends what changed, as rows that are rendered when numbered.

    The right to read them may end without an event, so the sweep asks again for all that it serves.
    """

    def render(self, rows: Sequence["Event"]) -> dict[int, Rendered | None]:
        """Return the event that each of these rows becomes, by its id; None: the row is no event of its room."""


class OwnUrls(NamedTuple):
    """What an application has among the URLs of a project."""

    #: The module that the project includes.
    module: str
    #: What the paths of its API begin with.
    api: tuple[str, ...]
    #: Whether it has pages, too, so that all paths below the prefix are its own.
    has_pages: bool


class PresenceEncoder(Protocol):
    """Encodes presence for the wire: each method returns a finished frame."""

    def people(self, room: str, changes: list[tuple[UserKey, "Status | None", float]]) -> str:
        """Encode users with their new status (None: offline) and the unix time at which they were seen last."""

    def viewers(self, room: str, place: int, users: list[UserKey]) -> str:
        """Encode the users that have a place open."""

    def typing(self, room: str, place: int, user: dict[str, Any], is_typing: bool, subject: str) -> str:
        """Encode that a user began or ended to type at a place; `subject` is "" but for special texts."""


class FiguresEncoder(Protocol):
    """Encodes the figures of server processes for the wire."""

    def names(self, rooms: list[str]) -> dict[str, str]:
        """Return the display names of these rooms; asks the database."""

    def figures(self, processes: "list[ProcessFigures]", rooms: "list[RoomFigures]", names: dict[str, str]) -> str:
        """Return a finished frame."""


class Blanker(Protocol):
    """Takes the events of one subject, the newest first, and blanks texts in them that newer ones replaced."""

    #: When the first of those texts was replaced that were not old enough; None: there are none.
    pending: datetime | None

    def blank(self, event: "Event") -> str | None:
        """Return the data without what is to be blanked; None if nothing is."""


class _UnknownRooms:
    """Rooms whose kind no application has declared: no user may read them."""

    name = ""
    personal = False
    deletions: Collection[str] = ()

    def refuse_reading(self, pairs: Collection[tuple[str, UserKey]]) -> dict[tuple[str, UserKey], RealTimeError]:
        return {pair: NotFound("No such room.") for pair in pairs}

    def redact(self, events: Sequence["Event"]) -> dict[int, str]:
        return {}

    def without_owner(self, rooms: Collection[str]) -> set[str]:
        return set()


class Domain:
    """The kinds of rooms, and what else the engine cannot know by itself."""

    def __init__(self) -> None:
        self.presence: PresenceEncoder
        self.figures: FiguresEncoder
        #: Makes a blanker, given the moment up to which replaced texts are to go.
        self.blanker: Callable[[datetime], Blanker]
        #: By the name, in the plural, of what they remove.
        self.removers: dict[str, Remover] = {}
        self.urls: list[OwnUrls] = []
        #: A pattern (`re`) of whole paths where a change hashes passwords.
        self.hashing_paths = ""
        #: Returns the class that serves sockets; None: they have nothing but rooms.
        self.consumer: Callable[[], type[Any]] | None = None
        self._kinds: dict[str, RoomKind] = {}
        self._captured: dict[str, CapturedRooms] = {}
        self._unknown = _UnknownRooms()

    def install(
        self,
        *,
        room_kinds: Iterable[RoomKind] = (),
        captured_rooms: Iterable[CapturedRooms] = (),
        presence: PresenceEncoder | None = None,
        figures: FiguresEncoder | None = None,
        blanker: Callable[[datetime], Blanker] | None = None,
        removers: Mapping[str, Remover] | None = None,
        urls: Iterable[OwnUrls] = (),
        hashing_paths: str | None = None,
        consumer: Callable[[], type[Any]] | None = None,
    ) -> None:
        """Add what one application knows; each may call it."""
        self._captured |= {kind.name: kind for kind in captured_rooms}
        self._kinds |= {kind.name: kind for kind in room_kinds} | self._captured
        self.removers |= removers or {}
        self.urls += urls
        if hashing_paths is not None:
            self.hashing_paths = hashing_paths
        if consumer is not None:
            self.consumer = consumer
        if presence is not None:
            self.presence = presence
        if figures is not None:
            self.figures = figures
        if blanker is not None:
            self.blanker = blanker

    def kinds(self) -> list[str]:
        """Return the names of all kinds of rooms."""
        return list(self._kinds)

    def kind_of(self, room: str) -> RoomKind:
        """Return the kind of a room: the one with the longest name that the room's begins with."""
        name = room
        while name:
            if kind := self._kinds.get(name):
                return kind
            name = name.rpartition(".")[0]
        return self._unknown

    def is_captured(self, room: str) -> bool:
        """Return whether a room's events may be rows that the database has captured."""
        return self.kind_of(room).name in self._captured

    def render(self, rows: Sequence["Event"]) -> dict[int, Rendered | None]:
        """Return the event that each of these captured rows becomes, by its id; None: it is none of its room."""
        rendered: dict[int, Rendered | None] = {}
        for kind, of_kind in self._by_kind(rows, lambda row: row.room):
            rendered |= self._captured[kind.name].render(of_kind)
        return rendered

    def is_personal(self, room: str) -> bool:
        """Return whether a room is one reader's own."""
        return self.kind_of(room).personal

    def refuse_reading(self, pairs: Collection[tuple[str, UserKey]]) -> dict[tuple[str, UserKey], RealTimeError]:
        """Return those pairs of a room and a user's id that may not be read, each with the error that says so."""
        refused: dict[tuple[str, UserKey], RealTimeError] = {}
        for kind, of_kind in self._by_kind(pairs, lambda pair: pair[0]):
            refused |= kind.refuse_reading(of_kind)
        return refused

    def redact(self, events: Sequence["Event"]) -> dict[int, str]:
        """Return the data to show instead, by event id, of those events whose content is gone."""
        redacted: dict[int, str] = {}
        for kind, of_kind in self._by_kind(events, lambda event: event.room):
            redacted |= kind.redact(of_kind)
        return redacted

    def without_owner(self, rooms: Collection[str]) -> set[str]:
        """Return those rooms that belong to something which is gone."""
        return {room for kind, of_kind in self._by_kind(rooms, str) for room in kind.without_owner(of_kind)}

    def _by_kind(self, things: Iterable[Any], room_of: Callable[[Any], str]) -> Iterable[tuple[RoomKind, list[Any]]]:
        by_kind: dict[RoomKind, list[Any]] = {}
        for thing in things:
            by_kind.setdefault(self.kind_of(room_of(thing)), []).append(thing)
        return by_kind.items()


#: The one of this process.
domain = Domain()
