"""Faults, injected in a random order that the seed decides, while clients and writers work.

Three players work at the same time, each with its own deck of faults: the server processes; what they depend on
(database, Redis, messages); the network and the clients. A deck is shuffled, played to its end and shuffled again.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import islice
from random import Random
from typing import Any

import psycopg

from taskrealtime.engine.crash_points import CRASH_POINTS

from .clients import Follower
from .installation import PING_TIMEOUT, Installation, Slot
from .network import Link, Pipe
from .publications import Publisher
from .record import Fault
from .writers import ForeignWriter

#: Seconds between two faults of one player.
BREATH = (0.3, 1.2)
#: Seconds that an armed server is given to come to its crash point.
ARMED = 6.0
#: An hour off, either way.
HOUR = 3600.0
#: Events that an absent client misses: fewer than a replay may have, and more.
FEW, MANY = 300, 2100

Injection = Callable[[], Awaitable[None]]


class Nemesis:
    """Everything that can be done to an installation and its clients."""

    def __init__(
        self,
        installation: Installation,
        *,
        clients: Sequence[Follower],
        links: Sequence[Link],
        foreign: ForeignWriter,
        other: ForeignWriter,
        burst_project: int,
        projects: Sequence[int],
        chance: Random,
        long: bool,
    ) -> None:
        """A nemesis at rest.

        Args:
            links: the network's, of clients and writers.
            foreign: a writer of its own, through which it makes events that are not published.
            burst_project: where events come in great numbers.
            long: whether outages may take a minute.
        """
        self._installation = installation
        self._clients = list(clients)
        self.links = list(links)
        self._foreign = foreign
        self._other = other
        self._burst_project = burst_project
        self._projects = list(projects)
        self._chance = chance
        self._long = long
        self._publisher = Publisher(installation.redis.url) if installation.redis else None
        self._name = ""
        self._points = self._deck(CRASH_POINTS)
        self._rest = asyncio.Event()

    def _deck(self, things: Sequence[str]) -> Iterator[str]:
        while True:
            yield from self._chance.sample(list(things), len(things))

    # -- decks --

    def decks(self) -> list[dict[str, Injection]]:
        """The decks of this installation: faults by their names."""
        servers: dict[str, Injection] = {
            "server killed": self.kill_server,
            "server crashed": self.crash_server,
            "server crashed again": self.crash_server,
            "server frozen": self.freeze_server,
            "rolling restart": self.restart_all,
            "server's clock wrong": self.shift_server,
        }
        network: dict[str, Injection] = {
            "connection cut": self.cut,
            "connection half open": self.half_open,
            "answers lost": self.lose_answers,
            "network slow": self.slow,
            "network delayed": self.delay,
            "client asleep": self.sleep,
        }
        stores: dict[str, Injection] = {
            "foreign process killed": self.kill_foreign,
            "writer of another language killed": self.kill_other,
            "foreign process's clock wrong": self.shift_foreign,
            "client away briefly": self.be_away_briefly,
            "client away long": self.be_away_long,
        }
        if self._installation.kind == "deployed":
            stores |= {
                "Redis killed": self.restart_redis,
                "Redis frozen": self.freeze_redis,
                "Redis away": self.take_redis_away,
                "PostgreSQL restarted": self.restart_postgres,
                "PostgreSQL away": self.take_postgres_away,
                "database connections cut": self.cut_database,
                "publications twice": self.publish_twice,
                "publications out of order": self.publish_out_of_order,
                "publications lost": self.lose_publications,
                "channel flooded": self.flood,
                "foreign process crashed": self.crash_foreign,
            }
        return [servers, stores, network]

    async def play(self, injections: dict[str, Injection], *, once: bool) -> None:
        """Play one deck until `rest` is called and the present fault is healed; `once`: or each fault was played."""
        for name in islice(self._deck(list(injections)), len(injections) if once else None):
            if await self._rested(self._chance.uniform(*BREATH)):
                return
            await injections[name]()

    async def _rested(self, seconds: float) -> bool:
        """Whether it is time to stop, which may come within so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rest.wait(), seconds)
        return self._rest.is_set()

    def rest(self) -> None:
        """No further fault."""
        self._rest.set()

    @contextmanager
    def _fault(self, kind: str, slot: Slot | None = None) -> Iterator[Fault]:
        fault = Fault(kind, time.time(), server=slot.index if slot else None, closes=slot is not None)
        self._installation.record.faults.append(fault)
        try:
            yield fault
        finally:
            fault.healed = time.time()

    async def close(self) -> None:
        """Let go."""
        if self._publisher is not None:
            with suppress(Exception):
                await self._publisher.close()

    # -- servers --

    def _any_server(self) -> Slot:
        return self._chance.choice(self._installation.slots)

    async def kill_server(self) -> None:
        """SIGKILL; it is started again."""
        slot = self._any_server()
        with self._fault("server killed", slot):
            slot.send(signal.SIGKILL)
            await slot.until_ended(5)
            await slot.until_answers()

    async def crash_server(self) -> None:
        """A server that dies at a certain point of its work."""
        slot, point = self._any_server(), next(self._points)
        armed = {"CRASH_POINTS": f"{point}:{self._chance.randint(1, 8)}"}
        with self._fault(f"server crashed at {point}", slot) as fault:
            async with self._replaced(slot, **armed):
                await self._send_some_over(slot)
                if not await slot.until_ended(ARMED):
                    fault.kind = f"server came not to {point}"

    async def _send_some_over(self, slot: Slot) -> None:
        """Clients for a server that has just started: they left their old ones, and choose again."""
        if not await slot.comes_up(ARMED):
            return
        for link in self._some_links():
            for pipe in link.pipes():
                pipe.cut()

    async def shift_server(self) -> None:
        """A server that believes that it is an hour earlier or later."""
        slot, by = self._any_server(), self._chance.choice([-HOUR, HOUR])
        with self._fault("server's clock wrong", slot):
            async with self._replaced(slot, entry=("-m", "tests.faults.clock", str(by))):
                await slot.until_answers()
                await asyncio.sleep(4)

    @asynccontextmanager
    async def _replaced(self, slot: Slot, *, entry: Sequence[str] | None = None, **env: str) -> AsyncIterator[None]:
        """Another process in this slot, for a while; an ordinary one afterwards."""
        slot.kept = False
        try:
            await self._end(slot, signal.SIGTERM)
            slot.launch(entry=entry, **env)
            yield
        finally:
            slot.send(signal.SIGKILL)
            slot.kept = True
        await slot.until_ended(5)
        await slot.until_answers()

    async def _end(self, slot: Slot, number: signal.Signals) -> None:
        slot.send(number)
        if not await slot.until_ended(15):
            self._installation.note_unwanted(slot, "did not end after SIGTERM")
            slot.send(signal.SIGKILL)
            await slot.until_ended(5)
        with suppress(AssertionError):
            slot.reap()

    async def freeze_server(self) -> None:
        """SIGSTOP for seconds: everything is open and nothing is answered."""
        slot = self._any_server()
        with self._fault("server frozen", slot):
            slot.send(signal.SIGSTOP)
            try:
                await asyncio.sleep(self._chance.uniform(1.5, 5))
            finally:
                slot.send(signal.SIGCONT)

    async def restart_all(self) -> None:
        """SIGTERM, one after the other, as for a new release."""
        for slot in self._installation.slots:
            with self._fault("rolling restart", slot):
                slot.send(signal.SIGTERM)
                await slot.until_ended(15)
                await slot.until_answers()

    # -- what they stand on --

    async def restart_redis(self) -> None:
        """SIGKILL, and an empty one at once."""
        assert self._installation.redis
        with self._fault("Redis killed"):
            await asyncio.to_thread(self._installation.redis.restart)

    async def freeze_redis(self) -> None:
        """SIGSTOP for seconds."""
        assert self._installation.redis
        with self._fault("Redis frozen"):
            self._installation.redis.pause()
            try:
                await asyncio.sleep(self._chance.uniform(1.5, 4))
            finally:
                self._installation.redis.resume()

    async def take_redis_away(self) -> None:
        """No Redis for a longer time."""
        redis = self._installation.redis
        assert redis
        with self._fault("Redis away"):
            try:
                await asyncio.to_thread(redis.kill)
                await asyncio.sleep(60 if self._long else 5)
            finally:
                await asyncio.shield(asyncio.create_task(asyncio.to_thread(redis.start)))

    async def restart_postgres(self) -> None:
        """Its processes end at once, and it recovers."""
        assert self._installation.postgres
        with self._fault("PostgreSQL restarted") as fault:
            fault.database = True
            await asyncio.shield(asyncio.create_task(asyncio.to_thread(self._installation.postgres.restart)))

    async def take_postgres_away(self) -> None:
        """No database for seconds."""
        postgres = self._installation.postgres
        assert postgres
        with self._fault("PostgreSQL away") as fault:
            fault.database = True
            try:
                await asyncio.to_thread(postgres.kill)
                await asyncio.sleep(self._chance.uniform(1, 3))
            finally:
                await asyncio.shield(asyncio.create_task(asyncio.to_thread(postgres.start)))

    async def cut_database(self) -> None:
        """Every connection to the database is terminated."""
        with self._fault("database connections cut") as fault, suppress(psycopg.Error):
            fault.database = True
            await asyncio.to_thread(self._terminate_backends)

    def _terminate_backends(self) -> None:
        with psycopg.connect(self._installation.env["DATABASE_URL"], autocommit=True) as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    # -- publications --

    async def _last_events(self, count: int) -> tuple[str, list[list[Any]]]:
        room = f"project.{self._chance.choice(self._projects)}"
        head = (await self._installation.heads()).get(room, 0)
        return room, await self._installation.frames(room, max(0, head - count), count)

    async def _publish(self, room: str, events: list[list[Any]], head: int | None = None) -> None:
        assert self._publisher
        self._name = self._name or await self._installation.name_in_messages()
        await self._publisher.publish(room, events, installation=self._name, head=head)

    async def publish_twice(self) -> None:
        """Published events are published again, the newest and older ones."""
        assert self._publisher
        with self._fault("publications twice"):
            for _ in range(6):
                room, events = await self._last_events(30)
                with suppress(Exception):
                    await self._publish(room, events[-1:])
                    await self._publish(room, events)
                    await self._publish(room, events[:10])
                await asyncio.sleep(0.1)

    async def publish_out_of_order(self) -> None:
        """Events whose publications were withheld are published all at once, the newest first, and with gaps."""
        assert self._publisher
        with self._fault("publications out of order"):
            await self.write_unpublished(3)
            room, events = await self._last_events(12)
            with suppress(Exception):
                for event in reversed(events):
                    await self._publish(room, [event])
                await self._publish(room, self._chance.sample(events, len(events)), head=max(e[0] for e in events))
                # One that promises more than there is, as from another life of the log.
                await self._publish(room, events[-1:], head=events[-1][0] + 3)

    async def lose_publications(self) -> None:
        """Changes that are not published at once; the publications come late."""
        assert self._publisher
        with self._fault("publications lost"):
            await self.write_unpublished(4)
            room, events = await self._last_events(8)
            await asyncio.sleep(1.5)
            with suppress(Exception):
                await self._publish(room, events)

    async def write_unpublished(self, changes: int) -> None:
        """Changes in each project by a process that has no Redis."""
        for _ in range(changes):
            for project in self._projects:
                await self._foreign.carry_out("create", project)

    async def flood(self) -> None:
        """A great many publications for one group."""
        assert self._publisher
        with self._fault("channel flooded"), suppress(Exception):
            room, events = await self._last_events(20)
            for _ in range(600):
                await self._publish(room, events[-2:])

    # -- foreign processes --

    async def kill_foreign(self) -> None:
        """SIGKILL in the middle of whatever it does."""
        with self._fault("foreign process killed"):
            for _ in range(3):
                self._foreign.kill()
                doing = asyncio.create_task(self._foreign.carry_out("create", self._chance.choice(self._projects)))
                await asyncio.sleep(self._chance.uniform(0.9, 1.6))
                self._foreign.kill()
                await doing

    async def kill_other(self) -> None:
        """SIGKILL before, while or after it commits."""
        with self._fault("writer of another language killed"):
            for _ in range(3):
                doing = asyncio.create_task(self._other.change_ticket())
                await asyncio.sleep(self._chance.uniform(0, 0.02))
                self._other.kill()
                await doing

    async def shift_foreign(self) -> None:
        """It believes that it is an hour earlier or later."""
        with self._fault("foreign process's clock wrong"):
            self._foreign.become(without=("REDIS_URL",), clock=self._chance.choice([-HOUR, HOUR]))
            await self.write_unpublished(2)
            self._foreign.become(without=("REDIS_URL",))

    async def crash_foreign(self) -> None:
        """It dies between two steps of its work."""
        point = self._chance.choice(["committed", "numbering", "numbered", "rung"])
        with self._fault(f"foreign process crashed at {point}"):
            self._foreign.become(CRASH_POINTS=f"{point}:1")
            for project in self._projects:
                await self._foreign.carry_out("create", project)
            self._foreign.become(without=("REDIS_URL",))

    # -- clients and their network --

    def _some_links(self) -> list[Link]:
        return self._chance.sample(self.links, max(1, len(self.links) // 3))

    @asynccontextmanager
    async def _network_fault(
        self, kind: str, strike: Callable[[Pipe], None], seconds: float
    ) -> AsyncIterator[list[Link]]:
        """Some links are struck, with the connections that they have and get."""
        links = self._some_links()
        with self._fault(kind) as fault:
            fault.struck += [link.name for link in links]
            for link in links:
                link.faulty = strike
                for pipe in link.pipes():
                    strike(pipe)
            try:
                await asyncio.sleep(seconds)
                yield links
            finally:
                for link in links:
                    link.heal()

    async def cut(self) -> None:
        """Connections are reset, several times."""
        with self._fault("connection cut") as fault:
            for _ in range(self._chance.randint(1, 4)):
                links = self._some_links()
                fault.struck += [link.name for link in links]
                for link in links:
                    for pipe in link.pipes():
                        pipe.cut()
                await asyncio.sleep(self._chance.uniform(0.05, 0.8))

    async def half_open(self) -> None:
        """Nothing is forwarded any more, without any sign of it; later the connections are cut."""
        links = self._some_links()
        with self._fault("connection half open") as fault:
            fault.struck += [link.name for link in links]
            frozen = [pipe for link in links for pipe in link.pipes()]
            for pipe in frozen:
                pipe.freeze()
            try:
                await asyncio.sleep(self._chance.uniform(1, 4))
            finally:
                for pipe in frozen:
                    pipe.cut()
                    pipe.heal()

    async def lose_answers(self) -> None:
        """What is asked for arrives, its answer does not; then the connections are cut."""
        async with self._network_fault("answers lost", Pipe.drop_answers, self._chance.uniform(0.3, 1.2)) as links:
            for link in links:
                for pipe in link.pipes():
                    pipe.cut()

    async def slow(self) -> None:
        """A few kilobytes per second."""
        async with self._network_fault("network slow", lambda pipe: pipe.slow(20_000), self._chance.uniform(2, 4)):
            pass

    async def delay(self) -> None:
        """Everything arrives later."""
        seconds = self._chance.uniform(0.1, 0.6)
        async with self._network_fault("network delayed", lambda pipe: pipe.delay(seconds), self._chance.uniform(2, 4)):
            pass

    async def sleep(self) -> None:
        """A closed laptop: longer than a server waits for an answer to its ping."""
        client = self._chance.choice(self._clients)
        with self._fault("client asleep") as fault:
            fault.struck.append(client.name)
            client.awake.clear()
            frozen = client.link.pipes()
            for pipe in frozen:
                pipe.freeze()
            try:
                await asyncio.sleep(PING_TIMEOUT + 3)
            finally:
                for pipe in frozen:
                    pipe.heal()
                client.come_back()

    async def be_away_briefly(self) -> None:
        """Gone for hours in which a few hundred events were written: they are replayed."""
        await self._be_away("client away briefly", FEW)

    async def be_away_long(self) -> None:
        """Gone for hours in which more was written than is replayed: it starts from a snapshot."""
        await self._be_away("client away long", MANY)

    async def _be_away(self, kind: str, events: int) -> None:
        clients = self._chance.sample(self._clients, 2)
        with self._fault(kind) as fault:
            fault.struck += [client.name for client in clients]
            for client in clients:
                await client.go_away()
            try:
                await self._foreign.burst(self._burst_project, events)
            finally:
                for client in clients:
                    client.come_back()
