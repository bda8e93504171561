"""Who is in which room, over all server processes: told to each room's listeners as it changes.

Truth is a state, not messages. Each process knows its own connections, shares what it knows under a lease
(`presence_store`), and has of each of its rooms a picture of what the others know (`Attendance`). A ring on the room's
group only says what to look at: one that is lost is found by the look once a second, by the room's version. Listeners
are told the difference to what they were told before, so no ring, however late or often, tells them anything twice.
Without Redis, or while it is away, a process knows its own people and, until their leases would have ended, the rest.
"""

import asyncio
import logging
import secrets
import time
import zlib
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from taskrealtime.engine import draining
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.wire.frames import Frames

from .attendance import Attendance, Connection, Entry, Listener, News, Status
from .store import PresenceStore, Reading

logger = logging.getLogger(__name__)

#: Seconds after the last connection until a user counts as gone: a reload, or a server's restart, is no absence.
GRACE = 4.5
#: Seconds until a process that no longer renews its lease counts as dead, and until one that is ending does.
LEASE, LAST_LEASE = 25.0, 4.8
#: Seconds between two looks.
LOOK = 1.0
#: Seconds for which changes are gathered before listeners are told, and before other processes are.
GATHER, SHARE = 0.2, 0.05
#: Seconds that a ring may be late before the room is read instead.
LATE = 0.3
#: Users in one frame, entries in one ring, listeners that are told before others get a turn of the event loop.
MAX_TOLD, MAX_RUNG, LISTENERS_AT_ONCE = 500, 500, 500
#: What others rang ahead of its turn is kept up to here; beyond, the room is read.
MAX_HELD = 1000


class Presence:
    """Everybody whom one event loop's rooms know of."""

    def __init__(
        self, urls: Iterable[str], *, lease: float = LEASE, grace: float = GRACE, gather: float = GATHER
    ) -> None:
        """Of the running event loop.

        Args:
            urls: of the Redis servers, over which rooms are spread; none: this process knows its own people only.
            lease: seconds.
            grace: seconds.
            gather: seconds.
        """
        self.process = secrets.token_hex(8)
        self._grace = grace
        self._gather = gather
        self._rooms: dict[str, Attendance] = {}
        self._connections: dict[Listener, Connection] = {}
        self._telling: set[Attendance] = set()
        self._expiring: set[Attendance] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sharings = [_Sharing(self, PresenceStore(url, self.process), lease) for url in urls]

    # -- what sockets call --

    async def open(self, room: str) -> None:
        """Before a listener enters: know who is in the room already, if Redis can tell."""
        if room not in self._rooms and (sharing := self.sharing(room)):
            await sharing.read(self.attendance(room))

    def enter(self, room: str, listener: Listener) -> tuple[list[tuple[int, Status]], Frames]:
        """The listener is in the room, and hears from now on what changes.

        Returns:
            who is there now, the listener's user among them; and the frames that tell who has which place open.
        """
        attendance = self.attendance(room)
        if listener in attendance.listeners:
            listener.hear(_frames(room, attendance.catch_up(listener)))
        else:
            connection = self._connection(listener)
            connection.rooms.add(room)
            attendance.enter(listener, connection)
            if attendance.version is None and (sharing := self.sharing(room)):
                sharing.must_read(attendance)
            self._own_changed(attendance, listener.user_id)
        viewed = attendance.viewed().items()
        return attendance.present(), Frames(domain.presence.viewers(room, place, users) for place, users in viewed)

    def leave(self, room: str, listener: Listener, *, at_once: bool = False) -> None:
        """The listener is no longer in the room; `at_once`: its user may not be there any more."""
        connection, attendance = self._connections.get(listener), self._rooms.get(room)
        if connection is None or attendance is None or room not in connection.rooms:
            return
        connection.rooms.discard(room)
        until = None if at_once else time.monotonic() + self._grace
        attendance.leave(listener, connection, now=time.time(), until=until)
        if connection.viewing and connection.viewing[0] == room:
            connection.viewing = None
        self._own_changed(attendance, listener.user_id)
        self._expire_later(attendance, until)

    def leave_all(self, listener: Listener) -> None:
        """The connection is gone."""
        if connection := self._connections.get(listener):
            for room in list(connection.rooms):
                self.leave(room, listener)
            self._connections.pop(listener, None)

    def forget(self, room: str, user_id: int) -> None:
        """The user may not be in the room any more."""
        if attendance := self._rooms.get(room):
            attendance.forget(user_id)
            self._own_changed(attendance, user_id)

    def set_status(self, listener: Listener, status: Status) -> None:
        """The status of one connection."""
        connection = self._connection(listener)
        connection.status = status
        for room in connection.rooms:
            self._update_own(room, listener.user_id)

    def view(self, listener: Listener, room: str | None, place: int | None = None) -> None:
        """Which place is open in one connection; it counts while the connection is in that room."""
        connection = self._connection(listener)
        before = connection.viewing
        connection.viewing = None if room is None or place is None else (room, place)
        for name in {viewing[0] for viewing in (before, connection.viewing) if viewing} & connection.rooms:
            self._update_own(name, listener.user_id)

    def tell(self, room: str, frame: str, *, not_to: int) -> None:
        """Let everybody in the room hear a frame, but for one user."""
        if attendance := self._rooms.get(room):
            self._do(
                self._give([one for one in attendance.listeners if one.user_id != not_to], attendance, Frames([frame]))
            )

    @property
    def people(self) -> int:
        """How many users of this process's connections are in some room."""
        return len({connection.user_id for connection in self._connections.values() if connection.rooms})

    @property
    def sees_redis(self) -> bool | None:
        """Whether every Redis answered when it was asked last; None: there is none."""
        return all(not sharing.is_away for sharing in self._sharings) if self._sharings else None

    def _connection(self, listener: Listener) -> Connection:
        return self._connections.setdefault(listener, Connection(listener.user_id))

    # -- rooms --

    def attendance(self, room: str) -> Attendance:
        """The room as it is known here."""
        return self._rooms.setdefault(room, Attendance(room))

    def known_rooms(self) -> dict[str, Attendance]:
        """All rooms that somebody of this process is in, or was a moment ago."""
        return self._rooms

    def _update_own(self, room: str, user_id: int) -> None:
        attendance = self.attendance(room)
        attendance.update([user_id])
        self._own_changed(attendance, user_id)

    def _own_changed(self, attendance: Attendance, user_id: int) -> None:
        if sharing := self.sharing(attendance.name):
            sharing.share_later(attendance.name, user_id)
        self.changed(attendance)

    def _expire_later(self, attendance: Attendance, at: float | None) -> None:
        if at is not None and attendance not in self._expiring:
            self._expiring.add(attendance)
            asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._expire, attendance)

    def _expire(self, attendance: Attendance) -> None:
        self._expiring.discard(attendance)
        gone, again_at = attendance.expire(time.monotonic())
        for user_id in gone:
            self._own_changed(attendance, user_id)
        self._expire_later(attendance, again_at)
        self.drop_if_empty(attendance)

    def drop_if_empty(self, attendance: Attendance) -> None:
        """A room that nobody of this process is in need not be known."""
        if attendance.empty and self._rooms.get(attendance.name) is attendance:
            del self._rooms[attendance.name]

    # -- telling listeners --

    def changed(self, attendance: Attendance) -> None:
        """Tell the listeners in a moment, together with what else changes until then."""
        if not attendance.listeners:
            attendance.changes.clear()
        elif attendance.changes and attendance not in self._telling:
            self._telling.add(attendance)
            self._do(self._tell_news(attendance))

    async def _tell_news(self, attendance: Attendance) -> None:
        try:
            await asyncio.sleep(self._gather)
            for listeners, news in attendance.take_news():
                await self._give(listeners, attendance, _frames(attendance.name, news))
        finally:
            self._telling.discard(attendance)
        self.changed(attendance)

    async def _give(self, listeners: list[Listener], attendance: Attendance, frames: Frames) -> None:
        for count, listener in enumerate(listeners, start=1):
            if listener in attendance.listeners:  # Or it has left during the pauses below.
                listener.hear(frames)
            if count % LISTENERS_AT_ONCE == 0:
                await asyncio.sleep(0)

    # -- other processes --

    def sharing(self, room: str) -> "_Sharing | None":
        """Through which Redis a room is shared; None: there is none."""
        return self._sharings[zlib.crc32(room.encode()) % len(self._sharings)] if self._sharings else None

    def heard(self, message: dict[str, Any]) -> None:
        """Another process rang."""
        if sharing := self.sharing(message["room"]):
            sharing.heard(message)

    def knows(self, process: str) -> bool:
        """Whether this process, or another, has a lease in this installation's Redis, as far as it was seen."""
        return process == self.process or any(sharing.has_seen(process) for sharing in self._sharings)

    async def run(self) -> None:
        """Renew the leases and look what moved, for ever."""
        draining.enter(self)
        try:
            while True:
                pauses = [await sharing.look() for sharing in self._sharings]
                await asyncio.sleep(min(pauses, default=LOOK))
        finally:
            draining.leave(self)
            for sharing in self._sharings:
                await sharing.store.close()

    def go_away(self, reconnect_in_ms: int) -> None:
        """The process is ending: what it knows shall end soon after it, as that of connections does."""
        for sharing in self._sharings:
            sharing.lease = LAST_LEASE
            self._do(sharing.look())

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(_run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def later(self, delay: float, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Do something in so many seconds."""
        asyncio.get_running_loop().call_later(delay, lambda: self._do(work()))


async def _run(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except Exception:
        logger.exception("Presence met a fault of ours.")


def _frames(room: str, news: News) -> Frames:
    now = time.time()
    people = [(user_id, status, seen_at or now) for user_id, (status, seen_at) in news.people.items()]
    frames = [
        domain.presence.people(room, people[start : start + MAX_TOLD]) for start in range(0, len(people), MAX_TOLD)
    ]
    return Frames(frames + [domain.presence.viewers(room, place, users) for place, users in news.viewers.items()])


class _Sharing:
    """What is shared through one Redis."""

    def __init__(self, presence: Presence, store: PresenceStore, lease: float) -> None:
        self.store = store
        self.lease = lease
        self._full_lease = lease
        self._presence = presence
        self._reading: dict[Attendance, asyncio.Task[None]] = {}
        #: Users who changed here and are not written yet, by room.
        self._unshared: dict[str, set[int]] = {}
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

    def share_later(self, room: str, user_id: int) -> None:
        """Write what changed in a moment, together with what else changes until then."""
        self._unshared.setdefault(room, set()).add(user_id)
        if not self._flushing and not self.is_away:
            self._flushing = True
            self._presence.later(SHARE, self._share)

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
            self._ring(room, version, rooms[room])

    def _own(self, room: str, user_id: int) -> Entry | None:
        attendance = self._presence.known_rooms().get(room)
        return attendance.own(user_id) if attendance else None

    async def _register(self) -> None:
        """Write all that this process knows: at the beginning, or where nobody can say what of it is there."""
        self._unshared = {}
        rooms = {name: entries for name, room in self._own_rooms().items() if (entries := room.own_entries())}
        versions = await self.store.register(rooms, lease=self.lease)
        self._registered = True
        self._confirmed.clear()
        for attendance in self._own_rooms().values():
            self.must_read(attendance)
        for room, version in versions.items():
            self._ring(room, version, None)

    def _own_rooms(self) -> dict[str, Attendance]:
        rooms = self._presence.known_rooms().items()
        return {name: attendance for name, attendance in rooms if self._presence.sharing(name) is self}

    def _ring(self, room: str, version: int, entries: dict[int, Entry | None] | None) -> None:
        told = None
        if entries is not None and len(entries) <= MAX_RUNG:
            told = [[user_id, entry and list(entry)] for user_id, entry in entries.items()]
        doorbell.hint(room, {"type": "room.presence", "version": version, "process": self.store.process, "told": told})

    # -- hearing --

    def heard(self, message: dict[str, Any]) -> None:
        """A process wrote something and tells what, if it is not too much."""
        told = message["told"]
        entries = None if told is None else {user_id: entry and Entry(*entry) for user_id, entry in told}
        if message["process"] != self.store.process:
            self._moved(message["room"], message["version"], message["process"], entries)

    def _moved(self, room: str, version: int, process: str, entries: dict[int, Entry | None] | None) -> None:
        attendance = self._presence.known_rooms().get(room)
        if attendance is None or version <= (attendance.version or 0):
            return
        attendance.held[version] = process, entries
        if len(attendance.held) > MAX_HELD:
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
                attendance.hear(process, entries)
        self._presence.changed(attendance)

    def _expect(self, attendance: Attendance, version: int) -> None:
        """Where the room has not come so far in a moment, read it."""

        async def check() -> None:
            if attendance.version is None or attendance.version < version:
                await self.read(attendance)

        self._presence.later(LATE, check)

    # -- reading --

    async def read(self, attendance: Attendance) -> None:
        """Read a whole room; at once in vain where Redis is away."""
        if self.is_away:
            return
        if attendance not in self._reading:
            self._reading[attendance] = asyncio.create_task(self._read(attendance))
        await asyncio.shield(self._reading[attendance])

    def must_read(self, attendance: Attendance) -> None:
        """Nobody knows what others wrote here meanwhile."""
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

    def _take_over(self, attendance: Attendance, reading: Reading) -> None:
        self._see(reading.alive)
        for process in {*attendance.others, *reading.entries} & reading.alive - {self.store.process}:
            attendance.replace(process, reading.entries.get(process, {}))
        attendance.version = reading.version
        attendance.held = {version: held for version, held in attendance.held.items() if version > reading.version}
        self._advance(attendance)

    # -- leases --

    async def look(self) -> float:
        """Renew the lease and see what moved; the seconds until the next look."""
        self._drop_empty_rooms()
        pause = LOOK
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
            return LOOK
        found = await self.store.look(rooms, lease=self.lease)
        if found is None:
            await self._register()
            return LOOK
        self._see(found.alive)
        for room, version in found.versions.items():
            attendance = self._presence.attendance(room)
            if attendance.version is None:
                self.must_read(attendance)
            elif attendance.version < version:
                self._expect(attendance, version)
        return min(LOOK, max(0.05, found.until_next_end + 0.05))

    def has_seen(self, process: str) -> bool:
        """Whether another process was seen to have a lease, and not seen to have ended since."""
        return process in self._seen

    def _see(self, alive: set[str]) -> None:
        """These processes have a lease now."""
        others = alive - {self.store.process}
        self._seen.update(dict.fromkeys(others, time.monotonic()))
        for process in self._confirmed - others:
            self._ended(process)
        self._confirmed |= others

    def _ended(self, process: str) -> None:
        """A process is dead, or was not heard of for longer than its lease: those whom it knew are gone."""
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
        """Nobody knows what was carried out: the next look registers everything again."""
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
