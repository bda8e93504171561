"""One run: an installation, clients and writers at work, faults, and at last the judgement."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from . import checker, storm
from .checker import Violation
from .clients import Follower, Pages, PollClient, SocketClient, Who
from .installation import TIMEOUT_SECONDS, Installation
from .nemesis import Injection, Nemesis
from .network import Link
from .record import ACKNOWLEDGED, Record
from .report import Report, Seconds, make_report
from .timings import PROMISES, Timings
from .writers import OTHERS, ForeignWriter, World, Writer

#: Seconds that all clients get to reach the head of the log when all faults are healed.
SETTLE = 30.0
#: Threads for what blocks: starting services, waiting for foreign processes.
THREADS = 32
#: How often a crowd is cut off in each way.
STORMS = 3
#: Seconds between two looks of the run at itself, and how late one may be.
PULSE, LATE = 0.1, 0.5


@dataclass(frozen=True)
class Plan:
    """What a run is to be."""

    kind: str
    seed: int
    #: Of faults; beginning and settling come to it. None: until each fault has come once.
    seconds: float | None
    servers: int = 3
    #: Outages of a minute.
    long: bool = False
    #: Times that each of the promises in seconds is measured (on a deployed installation).
    timings: int = 0
    #: Clients of the storms at the end; 0: there are none.
    crowd: int = 0
    #: The safeguard that the servers are to do without.
    without: str | None = None
    #: The only faults there are, by name; None: all.
    only: tuple[str, ...] | None = None
    #: Stop as soon as something was found, and wait at most so long for clients that are behind.
    early: bool = False
    settle: float = SETTLE


async def run(plan: Plan, *, folder: Path | None = None) -> Report:
    """Carry out a plan; the record is written to `folder`, where one is given."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    record = Record()
    try:
        async with _stage(plan, record) as stage:
            violations, timings = await stage.play()
    finally:
        if folder is not None:
            record.save(folder)
    return make_report(plan.kind, plan.seed, plan.seconds or 0, record, violations, timings)


@asynccontextmanager
async def _stage(plan: Plan, record: Record) -> "AsyncIterator[Stage]":
    entry = ("manage.py",) if plan.without is None else ("-m", "tests.faults.sabotage", plan.without)

    def build() -> Installation:
        return Installation(plan.kind, record=record, servers=plan.servers, entry=entry)

    installation = await asyncio.to_thread(build)
    async with AsyncExitStack() as ending:
        ending.push_async_callback(installation.stop)
        await installation.start()
        stage = Stage(plan, record, installation)
        await stage.enter()
        ending.push_async_callback(stage.leave)
        yield stage


class Stage:
    """All participants of a run."""

    def __init__(self, plan: Plan, record: Record, installation: Installation) -> None:
        self._plan = plan
        self._record = record
        self._installation = installation
        self._chance = Random(plan.seed)
        self._clients: list[Follower] = []
        self._writers: list[Writer] = []
        self._pulse: asyncio.Task[None] | None = None

    # -- coming and going --

    async def enter(self) -> None:
        """Create users and projects; start all participants."""
        installation = self._installation
        people = await installation.people(["ann", "bob", "cas", "dan"])
        ann, bob, cas, dan = [Who(user, await installation.token(user)) for user in people]
        members = [(ann.user, "owner"), (bob.user, "member"), (cas.user, "member")]
        self._boards = [await installation.board([*members, (dan.user, "member")], "First")]
        self._boards += [await installation.board(members, name) for name in ("Second", "Third")]
        projects = [board.id for board in self._boards]
        self._queue = await installation.queue([ann.user, bob.user, cas.user])
        self._world = World(self._record, self._new_chance(), projects, dan.user, self._queue)
        came_in = self._world.operation("add", "setup", projects[0], user=dan.user.id)
        came_in.outcome = ACKNOWLEDGED

        boards = [board.room for board in self._boards]
        rooms = [*boards, f"helpdesk.queue.{self._queue}"]
        tabs = [("ann-1", ann, rooms), ("bob-1", bob, rooms), ("bob-2", bob, rooms), ("cas-1", cas, rooms)]
        tabs.append(("dan-1", dan, boards[:1]))
        for name, who, of_tab in tabs:
            self._clients.append(SocketClient(name, who, of_tab, self._link(name), self._new_chance()))
        if self._plan.without is None:
            # A long poll reads the log itself and takes its room along: it would mend what a sabotage breaks.
            self._clients.append(PollClient("cas-2", cas, rooms, self._link("cas-2"), self._new_chance()))
        self._pages = Pages(
            [(name, who, self._link(name)) for name, who in (("ann-page", ann), ("bob-page", bob))], projects
        )
        for client in self._clients:
            self._record.histories.append(client.history)
            await client.start()
        self._record.histories += self._pages.histories.values()
        await self._pages.start()

        for number, who in enumerate((ann, bob, cas, bob)):
            name = f"writer-{number}"
            writer = Writer(name, who, self._world, self._link(name), self._new_chance(), keeps_guest=who is ann)
            self._writers.append(writer)
        self._foreign = ForeignWriter("foreign", installation.env, self._world, self._new_chance())
        # It has no Redis: its changes are not published.
        self._unpublished = ForeignWriter("unpublished", installation.env, self._world, self._new_chance())
        self._unpublished.become(without=("REDIS_URL",))
        program = OTHERS[installation.kind]
        self._others = [
            ForeignWriter(f"other-{number}", installation.env, self._world, self._new_chance(), program)
            for number in range(2)
        ]
        self._nemesis = Nemesis(
            installation,
            clients=[client for client in self._clients if client.name != "dan-1"],
            links=[
                *(client.link for client in self._clients),
                *self._pages.links.values(),
                *(w.link for w in self._writers),
            ],
            foreign=self._unpublished,
            other=self._others[0],
            burst_project=projects[-1],
            projects=projects,
            chance=self._new_chance(),
            long=self._plan.long,
        )
        self._pulse = asyncio.create_task(self._check_progress())

    async def leave(self) -> None:
        """End all participants that are left."""
        if self._pulse is not None:
            self._pulse.cancel()
        await self._nemesis.close()
        for client in self._clients:
            await client.stop()
        await self._pages.stop()
        for writer in self._writers:
            await writer.finish(0)
        await self._foreign.finish()
        await self._unpublished.finish()
        for other in self._others:
            await other.finish()

    def _new_chance(self) -> Random:
        """Dice for one of them, so that none of them throws those of another."""
        return Random(self._chance.getrandbits(64))

    def _link(self, name: str) -> Link:
        return Link(name, self._installation.choose, self._new_chance())

    async def _check_progress(self) -> None:
        while True:
            begun = time.time()
            await asyncio.sleep(PULSE)
            if time.time() - begun > PULSE + LATE:
                self._record.stalls.append((begun, time.time()))

    # -- the run itself --

    async def play(self) -> tuple[list[Violation], dict[str, Seconds]]:
        """Faults for the planned time, then peace, then the judgement."""
        for writer in self._writers:
            await writer.start()
        for other in self._others:
            other.start()
        if self._plan.only is None:
            self._foreign.start()
        found = await self._with_faults()
        await self._calm_down(0 if found else self._plan.settle)
        timings = await self._measure()
        await self._pages.finish()
        for client in self._clients:
            await client.stop()
        self._record.final = await self._installation.final(self._boards, self._queue)
        storms, broken = await self._storm()
        timings |= storms
        late = [
            Violation("late", name, str(timings[name]))
            for name, seconds in PROMISES.items()
            if name in timings and timings[name].median > seconds
        ]
        return [*checker.check(self._record), *late, *broken], timings

    async def _with_faults(self) -> bool:
        """Faults for the planned time; whether something was found before its end."""
        once = self._plan.seconds is None
        players = [asyncio.create_task(self._nemesis.play(deck, once=once)) for deck in self._decks()]
        deadline = time.monotonic() + (TIMEOUT_SECONDS if self._plan.seconds is None else self._plan.seconds)
        found = False
        over = all if once else any  # Without an end of its own, a player that is done has failed.
        while time.monotonic() < deadline and not found and not over(player.done() for player in players):
            await asyncio.sleep(0.5)
            found = self._plan.early and bool(checker.check_early(self._record))
        self._nemesis.rest()
        await asyncio.gather(*players)
        return found

    def _decks(self) -> list[dict[str, Injection]]:
        wanted: Callable[[str], bool] = lambda name: self._plan.only is None or name in self._plan.only  # noqa: E731
        decks = [{name: inject for name, inject in deck.items() if wanted(name)} for deck in self._nemesis.decks()]
        return [deck for deck in decks if deck]

    async def _calm_down(self, settle: float) -> None:
        """No more faults; the writers finish, and all clients reach the head of the log within that time."""
        for link in self._nemesis.links:
            link.heal()
        await asyncio.gather(*(writer.finish(self._plan.settle) for writer in self._writers), self._foreign.finish())
        await asyncio.gather(*(other.finish() for other in self._others))
        # The last events of all are not published.
        await self._nemesis.write_unpublished(1)
        deadline = time.monotonic() + settle
        while time.monotonic() < deadline:
            if await self._installation.unnumbered() == 0 and not self._behind(await self._installation.heads()):
                return
            await asyncio.sleep(0.2)

    def _behind(self, heads: dict[str, int]) -> list[str]:
        """The clients that are not at the head of every room."""
        positions = {client.name: (client.history.rooms, client.positions) for client in self._clients}
        positions |= {name: (h.rooms, self._pages.positions(name)) for name, h in self._pages.histories.items()}
        return [
            name
            for name, (rooms, at) in positions.items()
            if any(at.get(room, 0) != heads.get(room, 0) for room in rooms)
        ]

    async def _measure(self) -> dict[str, Seconds]:
        if not self._plan.timings or self._plan.kind != "deployed":
            return {}
        sockets = [client for client in self._clients if isinstance(client, SocketClient)]
        who = next(client.who for client in self._clients)
        writer = Writer("probe", who, self._world, self._link("probe"), self._new_chance())
        await writer.open()
        try:
            timings = Timings(self._installation, sockets, writer, self._unpublished, self._boards[0].id)
            found = await timings.measure(self._plan.timings)
        finally:
            await writer.finish(0)
        await self._calm_down(self._plan.settle)
        return found

    async def _storm(self) -> tuple[dict[str, Seconds], list[Violation]]:
        """The last act, in rooms of its own, when everything else is on record."""
        if not self._plan.crowd:
            return {}, []
        timings, broken = await storm.measure(self._installation, self._plan.crowd, STORMS)
        return timings, [Violation("storm", "the crowd", what) for what in broken]


def print_line(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
