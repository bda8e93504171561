"""What one server process serves: its parts put together, one set for each event loop."""

import asyncio
import time
from weakref import WeakKeyDictionary

from taskrealtime.engine.auth import tokens
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db.batching import Batcher
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.installation.membership import LayerMembership
from taskrealtime.engine.limits import connections
from taskrealtime.engine.log import trimming
from taskrealtime.engine.presence.last_seen import LastSeenBook
from taskrealtime.engine.presence.presence import Presence
from taskrealtime.engine.presence.typists import Typists
from taskrealtime.engine.rooms.hub import Hub
from taskrealtime.engine.rooms.messages import Messages
from taskrealtime.engine.rooms.room import Listener
from taskrealtime.engine.rooms.sweep import Sweep
from taskrealtime.engine.rooms.watching import Health, RoomFigures, Watch


class Process:
    """The parts of one event loop, and their background tasks."""

    def __init__(self) -> None:
        self.connections = connections.Counts()
        #: Whose token this is: looked up in batches when many clients reconnect after a lost connection.
        self.identities = Batcher(tokens.identify_all)
        self.presence = Presence(settings.REDIS_URLS)
        self.typists = Typists(self.presence, alone=not settings.REDIS_URLS)
        self.layer = LayerMembership(lambda message: self._messages.take(message))
        self.hub = Hub(self.layer, on_evicted=self._evicted)
        #: The figures of this process and the others, for staff that watch.
        self.watch = Watch(self.presence.process, self._health)
        self.sweep = Sweep(self.hub, self.layer, self.presence, self.watch)
        self._messages = Messages(self.hub, self.presence, self.typists, self.watch, self.sweep.number)
        self._last_seen = LastSeenBook(lambda: list(self.hub.listeners))
        background = [self.layer.receive_forever(), self.sweep.run(), trimming.trim_forever()]
        background += [self.presence.run(), self._last_seen.run()]
        self.tasks = [asyncio.create_task(part) for part in background]

    def enter(self, listener: Listener, stamp: str, browser: str | None = None) -> None:
        """Add a signed-in listener.

        Args:
            stamp: the session stamp that its token carried.
            browser: the mark of the browser's session that its token belongs to.
        """
        self.hub.enter(listener, stamp, browser)

    def leave(self, listener: Listener) -> None:
        """Remove a listener that is gone, from all parts."""
        self.watch.leave(listener)
        self.presence.leave_all(listener)
        if self.hub.leave(listener):
            self._last_seen.left(listener.user_id, time.time())

    def _evicted(self, room: str, user_id: UserKey) -> None:
        """Remove a user that may not read the room any more from its presence."""
        self.presence.forget(room, user_id)
        self.typists.forget(room, user_id)

    def _health(self) -> Health:
        """Return the state of this process's rooms, for the staff page."""
        rooms = [
            RoomFigures(name, len(attendance.present()), len(attendance.listeners))
            for name, attendance in self.presence.known_rooms().items()
            if attendance.listeners
        ]
        return Health(self.sweep.sees_database, self.presence.sees_redis, rooms)


_processes: WeakKeyDictionary[asyncio.AbstractEventLoop, Process] = WeakKeyDictionary()


def process() -> Process:
    """Return the parts of the running event loop; put together, and their tasks started, when first asked for."""
    loop = asyncio.get_running_loop()
    if loop not in _processes:
        _processes[loop] = Process()
        doorbell.set_server_loop(loop)
    return _processes[loop]
