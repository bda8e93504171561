"""What this process and the others know of their rooms, shared through one Redis under leases."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from taskrealtime.engine.conf.user_model import UserKey, on_wire, parse_key
from taskrealtime.engine.installation import doorbell

from .attendance import Attendance, Entry

if TYPE_CHECKING:
    from .store import PresenceStore, Reading

logger = logging.getLogger(__name__)

#: Seconds until a process that no longer renews its lease counts as dead.
LEASE_SECONDS = 25.0
#: The same for a process that is ending.
LAST_LEASE_SECONDS = 4.8
#: Seconds between two looks.
LOOK_SECONDS = 1.0
#: Seconds for which changes are gathered before other processes get them.
SHARE_SECONDS = 0.05
#: Seconds that a message may be late before the room is read instead.
LATE_SECONDS = 0.3
#: Entries in one message; with more, it says only that the room changed.
MAX_ENTRIES_IN_MESSAGE = 500
#: Messages that came ahead of their turn and are kept; with more, the room is read.
MAX_HELD_MESSAGES = 1000


class Rooms(Protocol):
    """The rooms of this process, as `Presence` has them."""

    def attendance(self, room: str) -> Attendance:
        """Return the presence of a room; made if it is not known yet."""

    def known_rooms(self) -> dict[str, Attendance]:
        """Return all rooms of which something is known."""

    def sharing(self, room: str) -> "Sharing | None":
        """Return the sharing, through one Redis, that a room belongs to."""

    def changed(self, attendance: Attendance) -> None:
        """Have subscribers get what changed, in a moment."""

    def drop_if_empty(self, attendance: Attendance) -> None:
        """Forget a room that is empty."""

    def later(self, delay: float, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run some work in so many seconds."""


class Sharing:
    """What is shared through one Redis."""

    def __init__(self, presence: Rooms, store: "PresenceStore", lease: float) -> None:
        self.store = store
        self.lease = lease
        self._full_lease = lease
        self._presence = presence
        self._reading: dict[Attendance, asyncio.Task[None]] = {}
        #: Changed users of this process that are not written yet, by room.
        self._unshared: dict[str, set[UserKey]] = {}
        self._flushing = False
        #: Whether the store has all that this process knows, under its lease.
        self._registered = False
        #: Whether it did not answer when it was asked last.
        self.is_away = False
        #: Other processes, with the (monotonic) time at which their lease was seen last; and those of them whose
        #: lease was seen since this process registered: only of these one that is missing has ended. After Redis
        #: came back empty, the others are given the time to register, too.
        self._seen: dict[str, float] = {}
        self._confirmed: set[str] = set()
        #: Writes go one after another: a later one must not be overtaken.
        self._turn = asyncio.Lock()

    # -- writing --

    def share_later(self, room: str, user_id: UserKey) -> None:
        """Write what changed in a moment, together with what else changes until then."""
        self._unshared.setdefault(room, set()).add(user_id)
        if not self._flushing and not self.is_away:
            self._flushing = True
            self._presence.later(SHARE_SECONDS, self._share)

    async def _share(self) -> None:
        async with self._turn:
            self._flushing = False
            try:
                await self._write()
            except Exception as error:
                self._failed(error)
            else:
                self._works()

    async def _write(self) -> None:
        if not self._registered:
            await self._register()
            return
        unshared, self._unshared = self._unshared, {}
        rooms = {
            room: {user_id: self._own(room, user_id) for user_id in users} for room, users in unshared.items() if users
        }
        versions = await self.store.write(rooms) if rooms else {}
        if versions is None:
            await self._register()
            return
        for room, version in versions.items():
            self._moved(room, version, self.store.process, {})
            self._publish(room, version, rooms[room])

    def _own(self, room: str, user_id: UserKey) -> Entry | None:
        attendance = self._presence.known_rooms().get(room)
        return attendance.own(user_id) if attendance else None

    async def _register(self) -> None:
        """Write all that this process knows: at the beginning, or if it is unknown what of it is stored."""
        self._unshared = {}
        rooms = {name: entries for name, room in self._own_rooms().items() if (entries := room.own_entries())}
        versions = await self.store.register(rooms, lease=self.lease)
        self._registered = True
        self._confirmed.clear()
        for attendance in self._own_rooms().values():
            self.must_read(attendance)
        for room, version in versions.items():
            self._publish(room, version, None)

    def _own_rooms(self) -> dict[str, Attendance]:
        rooms = self._presence.known_rooms().items()
        return {name: attendance for name, attendance in rooms if self._presence.sharing(name) is self}

    def _publish(self, room: str, version: int, entries: dict[UserKey, Entry | None] | None) -> None:
        carried = None
        if entries is not None and len(entries) <= MAX_ENTRIES_IN_MESSAGE:
            carried = [[on_wire(user_id), entry and list(entry)] for user_id, entry in entries.items()]
        doorbell.hint(
            room, {"type": "room.presence", "version": version, "process": self.store.process, "told": carried}
        )

    # -- receiving --

    def receive(self, message: dict[str, Any]) -> None:
        """Handle what another process wrote, which the message carries if it is not too much."""
        carried = message["told"]
        entries = (
            None
            if carried is None
            else {key: entry and Entry(*entry) for user, entry in carried if (key := parse_key(user)) is not None}
        )
        if message["process"] != self.store.process:
            self._moved(message["room"], message["version"], message["process"], entries)

    def _moved(self, room: str, version: int, process: str, entries: dict[UserKey, Entry | None] | None) -> None:
        attendance = self._presence.known_rooms().get(room)
        if attendance is None or version <= (attendance.version or 0):
            return
        attendance.held[version] = process, entries
        if len(attendance.held) > MAX_HELD_MESSAGES:
            attendance.held.clear()
        self._advance(attendance)
        if attendance.version is not None and attendance.version < version:
            self._expect(attendance, version)

    def _advance(self, attendance: Attendance) -> None:
        """Take over what follows without a gap."""
        while attendance.version is not None and (held := attendance.held.pop(attendance.version + 1, None)):
            process, entries = held
            if entries is None:
                self.must_read(attendance)
                break
            attendance.version += 1
            if process != self.store.process:
                self._seen.setdefault(process, time.monotonic())
                attendance.update_from(process, entries)
        self._presence.changed(attendance)

    def _expect(self, attendance: Attendance, version: int) -> None:
        """Read the room if it has not come so far in a moment."""

        async def check() -> None:
            if attendance.version is None or attendance.version < version:
                await self.read(attendance)

        self._presence.later(LATE_SECONDS, check)

    # -- reading --

    async def read(self, attendance: Attendance) -> None:
        """Read a whole room; at once in vain if Redis is away."""
        if self.is_away:
            return
        if attendance not in self._reading:
            self._reading[attendance] = asyncio.create_task(self._read(attendance))
        await asyncio.shield(self._reading[attendance])

    def must_read(self, attendance: Attendance) -> None:
        """Read the room again, since changes of other processes may have been missed."""
        attendance.version = None
        self._presence.later(0, lambda: self.read(attendance))

    async def _read(self, attendance: Attendance) -> None:
        try:
            reading = await self.store.read(attendance.name)
        except Exception as error:
            self._failed(error)
        else:
            self._take_over(attendance, reading)
        finally:
            del self._reading[attendance]

    def _take_over(self, attendance: Attendance, reading: "Reading") -> None:
        self._see(reading.alive)
        for process in {*attendance.others, *reading.entries} & reading.alive - {self.store.process}:
            attendance.replace(process, reading.entries.get(process, {}))
        attendance.version = reading.version
        attendance.held = {version: held for version, held in attendance.held.items() if version > reading.version}
        self._advance(attendance)

    # -- leases --

    async def look(self) -> float:
        """Renew the lease and see what moved; return the seconds until the next look."""
        self._drop_empty_rooms()
        pause = LOOK_SECONDS
        rooms = list(self._own_rooms())
        if rooms or self._unshared:
            async with self._turn:
                try:
                    pause = await self._look(rooms)
                except Exception as error:
                    self._failed(error)
                else:
                    self._works()
        now = time.monotonic()
        for process in [process for process, seen in self._seen.items() if now - seen > self._full_lease]:
            self._ended(process)
        return pause

    async def _look(self, rooms: list[str]) -> float:
        if not self._registered:
            await self._register()
            return LOOK_SECONDS
        found = await self.store.look(rooms, lease=self.lease)
        if found is None:
            await self._register()
            return LOOK_SECONDS
        self._see(found.alive)
        for room, version in found.versions.items():
            attendance = self._presence.attendance(room)
            if attendance.version is None:
                self.must_read(attendance)
            elif attendance.version < version:
                self._expect(attendance, version)
        return min(LOOK_SECONDS, max(0.05, found.until_next_end + 0.05))

    def has_seen(self, process: str) -> bool:
        """Return whether another process was seen to have a lease, and not seen to have ended since."""
        return process in self._seen

    def _see(self, alive: set[str]) -> None:
        """Record the processes that have a lease now."""
        others = alive - {self.store.process}
        self._seen.update(dict.fromkeys(others, time.monotonic()))
        for process in self._confirmed - others:
            self._ended(process)
        self._confirmed |= others

    def _ended(self, process: str) -> None:
        """Remove the users of a process that is dead, or silent for longer than its lease."""
        self._seen.pop(process, None)
        self._confirmed.discard(process)
        for attendance in self._own_rooms().values():
            attendance.replace(process, {}, seen_at=time.time() - self._full_lease)
            self._presence.changed(attendance)

    def _drop_empty_rooms(self) -> None:
        for attendance in list(self._own_rooms().values()):
            self._presence.drop_if_empty(attendance)

    # -- Redis away and back --

    def _failed(self, error: Exception) -> None:
        """Have the next look register everything again, since it is unknown what was carried out."""
        self._registered = False
        if not self.is_away:
            self.is_away = True
            logger.warning(
                "Presence: Redis is away (%s); people on other processes are not seen until it is back.",
                type(error).__name__,
            )

    def _works(self) -> None:
        if self.is_away:
            self.is_away = False
            logger.info("Presence: Redis is back.")
