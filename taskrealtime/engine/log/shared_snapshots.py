"""A room's last snapshot, kept for a moment and built once for all requests that come at the same time.

After a restart or a renewed epoch every client of a board requests its snapshot within a second or two. Each request
gets what a snapshot of its own would have been: one that contains all that was committed before the request.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import NamedTuple

from taskrealtime.engine import log
from taskrealtime.engine.conf.user_model import UserKey

#: Seconds after its building that a snapshot is given out: names of users and the like change without an event.
KEPT_FOR = 1.0
#: Bytes of all kept snapshots of a process; the oldest go first. A board of 1 000 tasks has about 400 KB.
KEPT_BYTES = 32 * 1024 * 1024


class SharedSnapshot(NamedTuple):
    """A room's state after the event at `position`, encoded, and its permitted readers."""

    body: bytes
    position: log.StreamPosition
    #: The users who may read the room, as of that event.
    readers: frozenset[int]


class _Kept(NamedTuple):
    snapshot: SharedSnapshot
    #: How many buildings of this process had begun with its own.
    number: int
    #: Until when it is given out, by the clock.
    until: float


class SharedSnapshots:
    """The snapshots of one kind of room, for all threads of this process.

    Callers that wait for a build share its failure, too: with a lock for each room they would build in turn,
    and if the database is away each would wait for it in turn.
    """

    def __init__(self, build: Callable[[str], SharedSnapshot], *, clock: Callable[[], float] = time.monotonic) -> None:
        """None kept yet.

        Args:
            build: makes the snapshot of a room, in a transaction that begins when it is called (see `log.snapshot`).
        """
        self._build = build
        self._clock = clock
        self._lock = Lock()
        #: How many buildings have begun so far.
        self._begun = 0
        self._building: dict[str, Future[SharedSnapshot]] = {}
        #: The oldest first.
        self._kept: dict[str, _Kept] = {}

    def get(self, room: str, user_id: UserKey) -> SharedSnapshot:
        """Return the room's snapshot; the caller must check that the user is among its `readers`.

        Called in autocommit mode.

        Raises:
            Exception: whatever building it raised, here or in the thread that built it for all.
        """
        with self._lock:
            asked, building = self._begun, self._building.get(room)
        if building is not None:
            # It may lack what was committed after its beginning: the log shows below whether it does.
            building.exception()
        with self._lock:
            kept = self._kept.get(room)
        if kept is not None and user_id in kept.snapshot.readers and self._is_right(room, kept):
            return kept.snapshot
        return self._begun_since(asked, room)

    def _is_right(self, room: str, kept: _Kept) -> bool:
        """Return whether nothing was committed in the room since: no event is newer, and none waits for its number."""
        if self._clock() >= kept.until:
            return False
        return log.settled_position(room) == kept.snapshot.position

    def _begun_since(self, asked: int, room: str) -> SharedSnapshot:
        """One whose building began after the first `asked` ones, and so contains all that was committed by then."""
        with self._lock:
            kept = self._kept.get(room)
            if kept is not None and kept.number > asked:
                return kept.snapshot
            # Whatever was being built when this was asked is finished.
            building = self._building.get(room)
            is_mine = building is None
            if building is None:
                building = self._building[room] = Future()
                self._begun += 1
            number = self._begun
        if is_mine:
            self._carry_out(room, building, number)
        return building.result()

    def _carry_out(self, room: str, building: Future[SharedSnapshot], number: int) -> None:
        try:
            snapshot = self._build(room)
        except BaseException as error:
            with self._lock:
                del self._building[room]
            building.set_exception(error)
            return
        with self._lock:
            del self._building[room]
            self._keep(room, _Kept(snapshot, number, self._clock() + KEPT_FOR))
        building.set_result(snapshot)

    def _keep(self, room: str, new: _Kept) -> None:
        self._kept.pop(room, None)
        self._kept[room] = new
        now = self._clock()
        for name, kept in list(self._kept.items()):
            if now < kept.until and sum(len(one.snapshot.body) for one in self._kept.values()) <= KEPT_BYTES:
                break
            del self._kept[name]
