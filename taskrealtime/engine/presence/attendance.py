"""The presence of one room, as this process knows it, and what its subscribers lack yet. No I/O, no clock."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol, get_args

from taskrealtime.engine.conf.user_model import UserKey, in_order
from taskrealtime.engine.wire.frames import Frames

Status = Literal["idle", "online", "busy"]
#: From the weakest to the strongest: over several connections the strongest is the user's.
STATUSES: tuple[Status, ...] = get_args(Status)


class Listener(Protocol):
    """A subscriber of a room's presence: a socket."""

    user_id: UserKey

    def deliver(self, frames: Frames) -> None:
        """Take these frames, in order, without waiting."""


class Connection:
    """One socket as others see it: its user's status there, and which place of which room is open."""

    def __init__(self, user_id: UserKey) -> None:
        self.user_id = user_id
        self.status: Status = "online"
        self.viewing: tuple[str, int] | None = None
        #: The rooms that it is in.
        self.rooms: set[str] = set()


class Entry(NamedTuple):
    """What one process knows of a user in a room."""

    status: Status
    places: tuple[int, ...] = ()
    #: Unix time at which the last connection left; None: there is one. A departed user still counts for a moment.
    left_at: float | None = None

    @property
    def strength(self) -> tuple[bool, float]:
        """The user's strongest entry counts; for a moment after all connections left, the one that left last."""
        return (True, STATUSES.index(self.status)) if self.left_at is None else (False, self.left_at)


class News(NamedTuple):
    """What a subscriber was not sent yet."""

    #: By user the status (None: offline), and when the user was seen last, unix time; None: now.
    people: dict[UserKey, tuple[Status | None, float | None]]
    #: By place the users who have it open.
    viewers: dict[int, list[UserKey]]


#: A user, or a place, that changed; with what it was before.
_Change = tuple[Literal["user"], UserKey, object] | tuple[Literal["place"], int, object]


class Attendance:
    """One room.

    Every change is recorded with the state before it. A subscriber has the number of changes that it knew when it
    came, so that the answer to its join and what follows make the whole: nothing is missing, nothing comes twice.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        #: Subscribers with how many of the `changes` they know already.
        self.listeners: dict[Listener, int] = {}
        self._people: dict[UserKey, set[Connection]] = {}
        #: Users that left this process, with the (monotonic) time until which that is not published.
        self._leaving: dict[UserKey, tuple[Entry, float]] = {}
        #: What other processes know, by process and user.
        self.others: dict[str, dict[UserKey, Entry]] = {}
        self._known: dict[UserKey, Entry] = {}
        self._places: dict[UserKey, frozenset[int]] = {}
        self._viewers: dict[int, set[UserKey]] = {}
        self._seen_at: dict[UserKey, float] = {}
        self.changes: list[_Change] = []
        #: The version of the shared room that this has come to; None: it must be read.
        self.version: int | None = None
        #: What arrived ahead of its turn, by version: a process with its entries; None: too many, read instead.
        self.held: dict[int, tuple[str, dict[UserKey, Entry | None] | None]] = {}

    # -- what is known --

    @property
    def empty(self) -> bool:
        """Whether no user of this process is here, nor was a moment ago."""
        return not self._people and not self._leaving

    def present(self) -> list[tuple[UserKey, Status]]:
        """Return all users that are here, with their status."""
        return [(user_id, entry.status) for user_id, entry in self._known.items()]

    def viewed(self) -> dict[int, list[UserKey]]:
        """Return the users that have a place open, by place."""
        return {place: in_order(users) for place, users in self._viewers.items()}

    def own(self, user_id: UserKey) -> Entry | None:
        """Return what this process knows of a user by its own connections."""
        if connections := self._people.get(user_id):
            status = max((connection.status for connection in connections), key=STATUSES.index)
            viewing = {one.viewing[1] for one in connections if one.viewing and one.viewing[0] == self.name}
            return Entry(status, tuple(sorted(viewing)))
        leaving = self._leaving.get(user_id)
        return leaving[0] if leaving else None

    def own_entries(self) -> dict[UserKey, Entry]:
        """Return what this process knows by its own connections, by user."""
        users = [*self._people, *self._leaving]
        return {user_id: entry for user_id in users if (entry := self.own(user_id)) is not None}

    # -- what changes it --

    def enter(self, listener: Listener, connection: Connection) -> None:
        """Add a connection, which has everything up to now."""
        self._people.setdefault(connection.user_id, set()).add(connection)
        self._leaving.pop(connection.user_id, None)
        self.update([connection.user_id])
        self.listeners[listener] = len(self.changes)

    def leave(self, listener: Listener, connection: Connection, *, now: float, until: float | None) -> None:
        """Remove a connection.

        Args:
            now: unix time.
            until: monotonic time until which the user's departure is held back; None: it is published at once.
        """
        self.listeners.pop(listener, None)
        entry = self.own(connection.user_id)
        connections = self._people.get(connection.user_id, set())
        connections.discard(connection)
        if not connections:
            self._people.pop(connection.user_id, None)
            if entry is not None and until is not None:
                self._leaving[connection.user_id] = Entry(entry.status, left_at=now), until
        self.update([connection.user_id], seen_at=now)

    def forget(self, user_id: UserKey) -> None:
        """Remove a user that may not be here any more, without the grace period after leaving."""
        self._leaving.pop(user_id, None)
        self.update([user_id])

    def expire(self, now: float) -> tuple[list[UserKey], float | None]:
        """Remove the users that left long enough ago; return them, and at which (monotonic) time to look again."""
        gone = [user_id for user_id, (_, until) in self._leaving.items() if until <= now]
        for user_id in gone:
            del self._leaving[user_id]
        self.update(gone)
        return gone, min((until for _, until in self._leaving.values()), default=None)

    def update_from(self, process: str, entries: dict[UserKey, Entry | None]) -> None:
        """Take over another process's entries of these users; None: it no longer knows them."""
        known = self.others.setdefault(process, {})
        for user_id, entry in entries.items():
            if entry is None:
                known.pop(user_id, None)
            else:
                known[user_id] = entry
        self.update(entries)

    def replace(self, process: str, entries: dict[UserKey, Entry], *, seen_at: float | None = None) -> None:
        """Take over all that another process knows; `seen_at` (unix time) is when the users that it lost were seen."""
        before = self.others.pop(process, {})
        if entries:
            self.others[process] = entries
        users = [user for user in before.keys() | entries.keys() if before.get(user) != entries.get(user)]
        self.update(users, seen_at=seen_at)

    def update(self, users: Iterable[UserKey], *, seen_at: float | None = None) -> None:
        """Compute anew what is true of these users, and record the changes."""
        for user_id in users:
            own = self.own(user_id)
            entries = [found for of in self.others.values() if (found := of.get(user_id))]
            entries += [own] if own else []
            before = self._known.pop(user_id, None)
            best = max(entries, key=lambda entry: entry.strength, default=None)
            if best is not None:
                self._known[user_id] = best
            elif before is not None:
                self._note_leaving(user_id, before.left_at or seen_at)
            status, former = best and best.status, before and before.status
            if status != former:
                self.changes.append(("user", user_id, former))
            self._update_places(user_id, frozenset(place for entry in entries for place in entry.places))

    def _note_leaving(self, user_id: UserKey, seen_at: float | None) -> None:
        if seen_at is None:
            self._seen_at.pop(user_id, None)
        else:
            self._seen_at[user_id] = seen_at

    def _update_places(self, user_id: UserKey, places: frozenset[int]) -> None:
        before = self._places.pop(user_id, frozenset[int]())
        if places:
            self._places[user_id] = places
        for place in before ^ places:
            viewers = self._viewers.setdefault(place, set())
            self.changes.append(("place", place, in_order(viewers)))
            (viewers.add if place in places else viewers.discard)(user_id)
            if not viewers:
                del self._viewers[place]

    # -- what is sent --

    def take_news(self) -> list[tuple[list[Listener], News]]:
        """Return what is to be sent now, by subscribers; afterwards all of them are up to date."""
        waiting: dict[int, list[Listener]] = {}
        for listener, known in self.listeners.items():
            waiting.setdefault(known, []).append(listener)
        deliveries = [(listeners, self._news_after(known)) for known, listeners in waiting.items()]
        self.listeners = dict.fromkeys(self.listeners, 0)
        self.changes = []
        self._seen_at = {}
        return [(listeners, news) for listeners, news in deliveries if news.people or news.viewers]

    def catch_up(self, listener: Listener) -> News:
        """Return what is to be sent to this subscriber now; afterwards it is up to date."""
        news = self._news_after(self.listeners[listener])
        self.listeners[listener] = len(self.changes)
        return news

    def _news_after(self, known: int) -> News:
        before: dict[tuple[Literal["user", "place"], int], object] = {}
        for kind, key, former in self.changes[known:]:
            before.setdefault((kind, key), former)
        news = News({}, {})
        for (kind, key), former in before.items():
            if kind == "user":
                entry = self._known.get(key)
                status = entry.status if entry else None
                if status != former:
                    news.people[key] = status, None if entry else self._seen_at.get(key)
            elif (viewers := in_order(self._viewers.get(key, ()))) != former:
                news.viewers[key] = viewers
        return news
