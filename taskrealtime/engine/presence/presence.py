"""Presence in rooms over all server processes, sent to each room's subscribers as it changes.

The shared state is authoritative, messages are not. Each process knows its own connections, shares what it knows under
a lease (`sharing`, `store`), and has of each of its rooms a picture of what the others know (`Attendance`). A message
on the room's group only says what to look at: a lost one is found by the look once a second, by the room's version.
Subscribers get the difference to what they got before, so no message, however late or often, gives them anything twice.
Without Redis, or while it is away, a process knows its own users and, until their leases would have ended, the rest.
"""

import asyncio
import logging
import secrets
import time
import zlib
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from taskrealtime.engine import draining
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.wire.frames import Frames

from .attendance import Attendance, Connection, Listener, News, Status
from .sharing import LAST_LEASE_SECONDS, LEASE_SECONDS, LOOK_SECONDS, Sharing

if TYPE_CHECKING:
    from .store import PresenceStore

logger = logging.getLogger(__name__)

#: Seconds after the last connection until a user counts as gone: a reload, or a server's restart, is no absence.
GRACE_SECONDS = 4.5
#: Seconds for which changes are gathered before subscribers get them.
GATHER_SECONDS = 0.2
#: Users in one frame.
MAX_USERS_IN_FRAME = 500
#: Subscribers that get frames before others get a turn of the event loop.
LISTENERS_AT_ONCE = 500


class Presence:
    """The presence of all rooms of one event loop."""

    def __init__(
        self,
        urls: Iterable[str],
        *,
        lease: float = LEASE_SECONDS,
        grace: float = GRACE_SECONDS,
        gather: float = GATHER_SECONDS,
    ) -> None:
        """Create it for the running event loop.

        Args:
            urls: of the Redis servers, over which rooms are spread; none: this process knows its own users only.
            lease: seconds.
            grace: seconds.
            gather: seconds.
        """
        self.process = secrets.token_hex(8)
        self._grace = grace
        self._gather = gather
        self._rooms: dict[str, Attendance] = {}
        self._connections: dict[Listener, Connection] = {}
        self._delivering: set[Attendance] = set()
        self._expiring: set[Attendance] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sharings = [Sharing(self, _open_store(url, self.process), lease) for url in urls]

    # -- what sockets call --

    async def open(self, room: str) -> None:
        """Before a subscriber enters: read the room's presence, if Redis can return it."""
        if room not in self._rooms and (sharing := self.sharing(room)):
            await sharing.read(self.attendance(room))

    def enter(self, room: str, listener: Listener) -> tuple[list[tuple[UserKey, Status]], Frames]:
        """Enter a subscriber, which gets from now on what changes.

        Returns:
            the users that are there now, the subscriber's among them; and the frames with the places that they
            have open.
        """
        attendance = self.attendance(room)
        if listener in attendance.listeners:
            listener.deliver(_frames(room, attendance.catch_up(listener)))
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
        """Remove a subscriber from the room; `at_once`: its user may not be there any more."""
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
        """Remove a connection from all its rooms."""
        if connection := self._connections.get(listener):
            for room in list(connection.rooms):
                self.leave(room, listener)
            self._connections.pop(listener, None)

    def forget(self, room: str, user_id: UserKey) -> None:
        """Remove a user that may not be in the room any more."""
        if attendance := self._rooms.get(room):
            attendance.forget(user_id)
            self._own_changed(attendance, user_id)

    def set_status(self, listener: Listener, status: Status) -> None:
        """Set the status of one connection."""
        connection = self._connection(listener)
        connection.status = status
        for room in connection.rooms:
            self._update_own(room, listener.user_id)

    def view(self, listener: Listener, room: str | None, place: int | None = None) -> None:
        """Set the place that is open in one connection; it counts while the connection is in that room."""
        connection = self._connection(listener)
        before = connection.viewing
        connection.viewing = None if room is None or place is None else (room, place)
        for name in {viewing[0] for viewing in (before, connection.viewing) if viewing} & connection.rooms:
            self._update_own(name, listener.user_id)

    def deliver(self, room: str, frame: str, *, not_to: UserKey) -> None:
        """Deliver a frame to the whole room, but for one user."""
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
        """Return the room as it is known here."""
        return self._rooms.setdefault(room, Attendance(room))

    def known_rooms(self) -> dict[str, Attendance]:
        """Return all rooms that a user of this process is in, or was a moment ago."""
        return self._rooms

    def _update_own(self, room: str, user_id: UserKey) -> None:
        attendance = self.attendance(room)
        attendance.update([user_id])
        self._own_changed(attendance, user_id)

    def _own_changed(self, attendance: Attendance, user_id: UserKey) -> None:
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
        """Forget a room without a user of this process."""
        if attendance.empty and self._rooms.get(attendance.name) is attendance:
            del self._rooms[attendance.name]

    # -- sending to subscribers --

    def changed(self, attendance: Attendance) -> None:
        """Notify the subscribers in a moment, together with what else changes until then."""
        if not attendance.listeners:
            attendance.changes.clear()
        elif attendance.changes and attendance not in self._delivering:
            self._delivering.add(attendance)
            self._do(self._deliver_news(attendance))

    async def _deliver_news(self, attendance: Attendance) -> None:
        try:
            await asyncio.sleep(self._gather)
            for listeners, news in attendance.take_news():
                await self._give(listeners, attendance, _frames(attendance.name, news))
        finally:
            self._delivering.discard(attendance)
        self.changed(attendance)

    async def _give(self, listeners: list[Listener], attendance: Attendance, frames: Frames) -> None:
        for count, listener in enumerate(listeners, start=1):
            if listener in attendance.listeners:  # Or it has left during the pauses below.
                listener.deliver(frames)
            if count % LISTENERS_AT_ONCE == 0:
                await asyncio.sleep(0)

    # -- other processes --

    def sharing(self, room: str) -> Sharing | None:
        """Return the sharing, through one Redis, that a room belongs to; None: there is none."""
        return self._sharings[zlib.crc32(room.encode()) % len(self._sharings)] if self._sharings else None

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message of another process."""
        if sharing := self.sharing(message["room"]):
            sharing.receive(message)

    def knows(self, process: str) -> bool:
        """Return whether this process, or another, has a lease in this installation's Redis, as far as it was seen."""
        return process == self.process or any(sharing.has_seen(process) for sharing in self._sharings)

    async def run(self) -> None:
        """Renew the leases and look what moved, for ever."""
        draining.add(self)
        try:
            while True:
                pauses = [await sharing.look() for sharing in self._sharings]
                await asyncio.sleep(min(pauses, default=LOOK_SECONDS))
        finally:
            draining.remove(self)
            for sharing in self._sharings:
                await sharing.store.close()

    def shutdown(self, reconnect_in_ms: int) -> None:
        """Let the lease of this ending process run out soon, as its connections end."""
        for sharing in self._sharings:
            sharing.lease = LAST_LEASE_SECONDS
            self._do(sharing.look())

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(_run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def later(self, delay: float, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run some work in so many seconds."""
        asyncio.get_running_loop().call_later(delay, lambda: self._do(work()))


async def _run(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except Exception:
        logger.exception("Presence: an unexpected error.")


def _frames(room: str, news: News) -> Frames:
    now = time.time()
    people = [(user_id, status, seen_at or now) for user_id, (status, seen_at) in news.people.items()]
    frames = [
        domain.presence.people(room, people[start : start + MAX_USERS_IN_FRAME])
        for start in range(0, len(people), MAX_USERS_IN_FRAME)
    ]
    return Frames(frames + [domain.presence.viewers(room, place, users) for place, users in news.viewers.items()])


def _open_store(url: str, process: str) -> "PresenceStore":
    from .store import PresenceStore  # without a Redis its library need not be installed

    return PresenceStore(url, process)
