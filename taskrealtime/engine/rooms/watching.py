"""The figures of server processes, reported to staff while their pages show them.

All processes are in one group on the channel layer. A process whose staff watch calls for reports every
`REPORT_SECONDS`; each process that received a call lately reports its figures as often. So a dead process is missing
from the next reports, a new one is in them, and no list is kept. Counters are reported as they stand: rates are the
differences of two reports, even if one in between was missed. Each report to staff is authorised anew.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from taskrealtime.engine import draining, metrics
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db.threads import in_database_thread
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.wire.frames import Frames

logger = logging.getLogger(__name__)

#: The group of all processes.
GROUP = "processes"
#: Seconds between two reports.
REPORT_SECONDS = 2.0
#: Seconds for which a process goes on reporting after the last call for reports.
WATCHED_SECONDS = 7.0
#: Seconds in which the others answer the first call.
GATHER = 0.2
#: Seconds after which a silent process is no longer shown; the page says sooner that it is silent.
FORGOTTEN_AFTER = 30.0
#: Seconds that the check of staff rights may take before the last answer is gone by: the database may be away.
STAFF_TIMEOUT_SECONDS = 1.0
#: Seconds between two looks at how late the event loop is.
SLICE = 0.1
#: Rooms that one process reports: those with most users.
MAX_ROOMS = 200
#: Rooms that are shown.
MAX_SHOWN = 50


class ProcessFigures(msgspec.Struct, kw_only=True):
    """One server process. Counters count since its start."""

    #: Another one each time a process starts.
    process: str
    host: str
    pid: int
    started_at: datetime
    #: Seconds since its last report.
    silent_for: float = 0.0
    draining: bool
    sees_database: bool
    #: Null: none is set up.
    sees_redis: bool | None
    #: Null: the system does not report it.
    memory_bytes: int | None
    cpu_seconds: float
    #: By how many seconds its event loop was late, at the worst since the last report.
    loop_lag: float
    connections: int
    client_events: int
    events: int
    deliveries: int
    slow_readers: int
    floods: int
    #: By code.
    errors: dict[str, int]
    rings_lost: int
    gaps_filled: int
    #: How many events took how long from the save to the sockets: by upper bound in seconds, `+Inf` last, each
    #: with all below it.
    lag: dict[str, int]


class RoomFigures(msgspec.Struct):
    """How many users are in a room over all processes, and how many subscribers it has."""

    room: str
    people: int
    listeners: int


class _Report(msgspec.Struct):
    """A process's report to the others."""

    figures: ProcessFigures
    rooms: list[RoomFigures]


class Health(msgspec.Struct):
    """The figures that only the rooms of a process have."""

    sees_database: bool
    sees_redis: bool | None
    rooms: list[RoomFigures]


class Watcher(Protocol):
    """A subscriber of the figures: a socket."""

    user_id: UserKey

    def deliver(self, frames: Frames) -> None:
        """Take these frames, in order, without waiting."""

    def watch_ended(self) -> None:
        """Handle that the user may not watch any more."""


class Watch:
    """One process's part in the reports."""

    def __init__(self, process: str, ask_health: Callable[[], Health]) -> None:
        """Create it for the running event loop.

        Args:
            process: its name among all.
            ask_health: returns how its rooms are.
        """
        self.process = process
        #: Whether it is not in the group (the layer was away), and since when it is (monotonic).
        self.detached, self.renewed_at = True, 0.0
        self._ask_health = ask_health
        self._started_at = datetime.now(UTC)
        self._watchers: set[Watcher] = set()
        self._watched_until = 0.0
        #: The last report of each process, with the (monotonic) time of that.
        self._received: dict[str, tuple[_Report, float]] = {}
        self._running: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[tuple[set[UserKey], dict[str, str]]] | None = None
        self._names: dict[str, str] = {}

    # -- watchers --

    def enter(self, watcher: Watcher) -> None:
        """Send this watcher, a socket of staff, the figures of all processes from now on."""
        self._watchers.add(watcher)
        self._run()

    def leave(self, watcher: object) -> None:
        """Remove this watcher, if it is one."""
        self._watchers = {other for other in self._watchers if other is not watcher}

    # -- what other processes say --

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a call or a report of another process."""
        if message["process"] == self.process:
            return
        if message["type"] == "processes.call":
            self._watched_until = time.monotonic() + WATCHED_SECONDS
            self._run()
        elif self._watchers:
            with suppress(msgspec.MsgspecError):  # Another release, while one takes the other's place.
                report = msgspec.json.decode(message["told"], type=_Report)
                self._received[report.figures.process] = report, time.monotonic()

    # -- reporting, while there are watchers --

    def _run(self) -> None:
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._publish_forever())

    async def _publish_forever(self) -> None:
        lag = 0.0
        while self._watchers or time.monotonic() < self._watched_until:
            try:
                self._publish(lag)
                if self._watchers:
                    await asyncio.sleep(GATHER)
                    await self._show()
            except Exception:
                logger.exception("Operations page: the figures of this process could not be published.")
            lag = await self._pause()
        self._received.clear()

    def _publish(self, lag: float) -> None:
        report = self._measure(lag)
        if self._watchers:
            doorbell.hint(GROUP, {"type": "processes.call", "process": self.process})
            self._received[self.process] = report, time.monotonic()
        if time.monotonic() < self._watched_until:
            text = msgspec.json.encode(report).decode()
            doorbell.hint(GROUP, {"type": "processes.told", "process": self.process, "told": text})

    async def _pause(self) -> float:
        """Wait until the next report is due; return by how much the event loop was late at the worst meanwhile."""
        end, worst = time.monotonic() + REPORT_SECONDS - GATHER, 0.0
        while (begun := time.monotonic()) < end:
            await asyncio.sleep(SLICE)
            worst = max(worst, time.monotonic() - begun - SLICE)
        return worst

    def _measure(self, lag: float) -> _Report:
        health = self._ask_health()
        rooms = sorted(health.rooms, key=lambda room: -room.people)[:MAX_ROOMS]
        figures = ProcessFigures(
            process=self.process,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=self._started_at,
            draining=draining.is_draining(),
            sees_database=health.sees_database,
            sees_redis=health.sees_redis,
            memory_bytes=metrics.resident_bytes(),
            cpu_seconds=time.process_time(),
            loop_lag=lag,
            connections=int(metrics.own_total(metrics.CONNECTIONS)),
            client_events=int(metrics.own_total(metrics.EVENT_SECONDS)),
            events=int(metrics.own_total(metrics.EVENTS)),
            deliveries=int(metrics.own_total(metrics.DELIVERIES)),
            slow_readers=int(metrics.own_total(metrics.CONNECTIONS_ENDED, code="4410")),
            floods=int(metrics.own_total(metrics.CONNECTIONS_ENDED, code="4429")),
            errors=metrics.own_by_label(metrics.ERRORS, "code"),
            rings_lost=int(metrics.own_total(metrics.RINGS_LOST)),
            gaps_filled=int(metrics.own_total(metrics.GAPS_FILLED)),
            lag=metrics.own_buckets(metrics.LAG),
        )
        return _Report(figures, rooms)

    # -- sending it to the watchers --

    async def _show(self) -> None:
        rooms = self._rooms()
        not_staff = await self._ask([room.room for room in rooms])
        for watcher in list(self._watchers):
            if watcher.user_id in not_staff:
                self._watchers.discard(watcher)
                watcher.watch_ended()
        if self._watchers:
            frames = Frames([domain.figures.figures(self._processes(), rooms, self._names)])
            for watcher in list(self._watchers):
                watcher.deliver(frames)

    async def _ask(self, rooms: list[str]) -> set[UserKey]:
        """Return the watchers that are not staff any more; none while the database is away, which the page shows."""
        if self._asking is None:
            users = {watcher.user_id for watcher in self._watchers}
            self._asking = asyncio.create_task(in_database_thread(_look_up, users, rooms))
        # Of a question that takes longer the next report gets the answer.
        await asyncio.wait([self._asking], timeout=STAFF_TIMEOUT_SECONDS)
        if not self._asking.done():
            return set()
        asked, self._asking = self._asking, None
        if (error := asked.exception()) is not None:
            logger.warning(
                "Operations page: who is staff could not be looked up (%s); the next sweep looks again.",
                type(error).__name__,
            )
            return set()
        not_staff, self._names = asked.result()
        return not_staff

    def _processes(self) -> list[ProcessFigures]:
        now = time.monotonic()
        self._received = {
            name: received for name, received in self._received.items() if now - received[1] < FORGOTTEN_AFTER
        }
        shown = [
            msgspec.structs.replace(report.figures, silent_for=round(now - at, 1))
            for report, at in self._received.values()
        ]
        return sorted(shown, key=lambda figures: (figures.host, figures.started_at, figures.pid))

    def _rooms(self) -> list[RoomFigures]:
        """Return the rooms with their counts: each process knows all users of its rooms, but its own sockets only."""
        merged: dict[str, RoomFigures] = {}
        for report, at in self._received.values():
            if time.monotonic() - at > WATCHED_SECONDS:
                continue
            for room in report.rooms:
                known = merged.setdefault(room.room, RoomFigures(room.room, 0, 0))
                known.people, known.listeners = max(known.people, room.people), known.listeners + room.listeners
        return sorted(merged.values(), key=lambda room: (-room.people, -room.listeners, room.room))[:MAX_SHOWN]


def _look_up(users: set[UserKey], rooms: list[str]) -> tuple[set[UserKey], dict[str, str]]:
    return users - user_model.staff_among(users), domain.figures.names(rooms)
