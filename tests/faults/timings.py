"""Promises in seconds, each measured several times on an installation that is otherwise at rest."""

import asyncio
import signal
import time
from collections.abc import Sequence

from .clients import SocketClient
from .installation import Installation, until
from .record import ACKNOWLEDGED, Fault
from .report import Seconds
from .writers import ForeignWriter, Writer

LOST_PUBLICATION = "an event whose publication was lost arrives after"
REDIS_BACK = "Redis restarted: delivery is as fast as ever after"
WITHOUT_REDIS = "a server that started while Redis was away: an event arrives after"
SERVER_KILLED = "a server killed: its clients caught up elsewhere after"
SERVER_KILLED_WAITS = "  of which they waited by choice (backoff)"

#: What each may take, seconds, in the middle of several measurements.
PROMISES = {LOST_PUBLICATION: 2.0, REDIS_BACK: 3.0, WITHOUT_REDIS: 2.0}

#: Seconds: delivery that counts as normal, a pause between two probes, the end of patience.
NORMAL, BETWEEN, TIMEOUT_SECONDS = 0.3, 0.1, 20.0
#: Probes in a row that must be normal.
IN_A_ROW = 3


class Timings:
    """The measurements, with clients that listen and writers that make events."""

    def __init__(
        self,
        installation: Installation,
        clients: Sequence[SocketClient],
        writer: Writer,
        foreign: ForeignWriter,
        project: int,
    ) -> None:
        self._installation = installation
        self._clients = list(clients)
        self._writer = writer
        self._foreign = foreign
        self._project = project

    async def measure(self, times: int) -> dict[str, Seconds]:
        """All of them, each so many times."""
        await self._quiet()
        lost = [await self.lost_publication() for _ in range(times)]
        found = {LOST_PUBLICATION: Seconds(tuple(lost))}
        back = [await self.redis_restart() for _ in range(times)]
        found[REDIS_BACK] = Seconds(tuple(back))
        found[WITHOUT_REDIS] = Seconds(tuple(await self.without_redis(times)))
        killed = [await self.server_killed() for _ in range(times)]
        found[SERVER_KILLED] = Seconds(tuple(caught_up for caught_up, _ in killed))
        found[SERVER_KILLED_WAITS] = Seconds(tuple(waits for _, waits in killed))
        return found

    async def lost_publication(self) -> float:
        """Seconds from the end of a change that is not published until every client has received it."""
        operation = await self._foreign.carry_out("create", self._project)
        assert operation.outcome == ACKNOWLEDGED
        assert operation.ended is not None
        return await self._all_received(operation.token) - operation.ended

    async def redis_restart(self) -> float:
        """Seconds from Redis being back until events are delivered as fast as ever."""
        assert self._installation.redis
        await asyncio.to_thread(self._installation.redis.restart)
        back = time.time()
        good: list[float] = []
        while len(good) < IN_A_ROW:
            assert time.time() - back < TIMEOUT_SECONDS, "delivery does not become normal"
            begun = time.time()
            token = await self._write()
            if await self._all_received(token) - begun < NORMAL:
                good.append(begun)
            else:
                good.clear()
            await asyncio.sleep(BETWEEN)
        return good[0] - back

    async def without_redis(self, times: int) -> list[float]:
        """Seconds from each change to its delivery where a server met no Redis at its start, nor did its rooms."""
        redis, slot = self._installation.redis, self._installation.slots[0]
        assert redis
        fault = Fault("server started without Redis", time.time(), server=slot.index, closes=True)
        self._installation.record.faults.append(fault)
        await asyncio.to_thread(redis.kill)
        try:
            slot.send(signal.SIGKILL)
            await slot.until_ended(TIMEOUT_SECONDS)
            await slot.until_answers()
            for client in self._clients:  # They choose again, and some of them choose this one.
                for pipe in client.link.pipes():
                    pipe.cut()
            await self._quiet()
            return [await self._one_write() for _ in range(times)]
        finally:
            await asyncio.to_thread(redis.start)
            fault.healed = time.time()

    async def _one_write(self) -> float:
        token = await self._write()
        begun = time.time()
        return await self._all_received(token) - begun

    async def server_killed(self) -> tuple[float, float]:
        """Seconds from a server's end until its clients have a later event; how long they chose to wait."""
        slot = max(self._installation.slots, key=lambda slot: len(self._clients_of(slot.index)))
        orphans = self._clients_of(slot.index)
        assert orphans, "nobody is connected"
        marks = [len(client.history.entries) for client in orphans]
        killed = time.time()
        fault = Fault("server killed", killed, server=slot.index, closes=True)
        self._installation.record.faults.append(fault)
        slot.send(signal.SIGKILL)
        token = await self._write()
        caught_up = await self._all_received(token, orphans) - killed
        waits = [
            sum(entry.data for entry in client.history.entries[mark:] if entry.what == "waiting")
            for client, mark in zip(orphans, marks, strict=True)
        ]
        await slot.until_ended(TIMEOUT_SECONDS)
        await slot.until_answers()
        fault.healed = time.time()
        await self._quiet()
        return caught_up, max(waits)

    def _clients_of(self, server: int) -> list[SocketClient]:
        return [client for client in self._clients if any(pipe.server == server for pipe in client.link.pipes())]

    async def _write(self) -> str:
        operation = self._writer.world.operation("create", self._writer.name, self._project)
        await self._writer.carry_out(operation)
        return operation.token

    async def _quiet(self) -> None:
        """Until every client is connected."""
        assert await until(lambda: all(client.connected for client in self._clients), TIMEOUT_SECONDS)
        await self._all_received(await self._write())

    async def _all_received(self, token: str, clients: Sequence[SocketClient] | None = None) -> float:
        """When the last of these clients received the task of this title."""
        return max([await self._received(client, token) for client in clients or self._clients])

    async def _received(self, client: SocketClient, token: str) -> float:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            for entry in reversed(client.history.entries):
                if (
                    entry.frame
                    and entry.frame["event"] == "task_created"
                    and entry.frame["data"]["task"]["title"] == token
                ):
                    return entry.at
            assert time.monotonic() < deadline, f"{client.name} never received {token}"
            await asyncio.sleep(0.01)
