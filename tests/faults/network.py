"""A network that fails on demand: each client reaches the servers through a link of its own."""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from tests.support.listening import ListeningPort

CHUNK = 32 * 1024
#: Seconds that connecting to a server may take.
CONNECT_TIME = 2.0


class Pipe:
    """One connection from a client through the link to a server."""

    def __init__(self, server: int, ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        #: Which server it leads to.
        self.server = server
        #: What the network did to it, by name, in order.
        self.injected: list[str] = []
        self._ends = ends
        self._passing = {"up": asyncio.Event(), "down": asyncio.Event()}
        #: Bytes per second; None: no bound. Seconds before anything is passed on.
        self._rate: float | None = None
        self._delay = 0.0
        self.heal()

    def heal(self) -> None:
        """Pass on everything again, what was held back first."""
        for passing in self._passing.values():
            passing.set()
        self._rate, self._delay = None, 0.0

    def freeze(self) -> None:
        """Forward nothing more, without any sign of it."""
        self.injected.append("frozen")
        for passing in self._passing.values():
            passing.clear()

    def drop_answers(self) -> None:
        """What the client says arrives; it gets no answer."""
        self.injected.append("deaf")
        self._passing["down"].clear()

    def slow(self, rate: float) -> None:
        """Pass on so many bytes per second each way."""
        self.injected.append("slow")
        self._rate = rate

    def delay(self, seconds: float) -> None:
        """Pass on everything so much later."""
        self.injected.append("delayed")
        self._delay = seconds

    def cut(self) -> None:
        """End the connection with a reset at both ends."""
        self.injected.append("cut")
        for end in self._ends:
            if (handle := end.get_extra_info("socket")) is not None:
                with suppress(OSError):
                    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()

    async def carry(self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one direction until its source ends."""
        with suppress(OSError):
            while data := await reader.read(CHUNK if self._rate is None else max(1, int(self._rate / 10))):
                if self._delay:
                    await asyncio.sleep(self._delay)
                if self._rate is not None:
                    await asyncio.sleep(len(data) / self._rate)
                await self._passing[way].wait()
                writer.write(data)
                await writer.drain()
            await self._passing[way].wait()
        writer.close()


class Link:
    """One client's way to the servers: a port of its own; each connection to it is led to one that takes it."""

    def __init__(self, name: str, choose: Callable[[Random], Sequence[tuple[int, int]]], chance: Random) -> None:
        """A link, not listening yet.

        Args:
            choose: the servers as (number, port), in the order in which they are tried.
        """
        self.name = name
        self.port = 0
        #: Whether new connections are let through.
        self.open = True
        #: Called with each new pipe: the faults of the moment meet it, too.
        self.faulty: Callable[[Pipe], None] | None = None
        self._choose = choose
        self._chance = chance
        self._pipes: dict[int, Pipe] = {}
        self._listening = ListeningPort(self._accept)

    async def start(self) -> None:
        """Listen on a free port."""
        await self._listening.start(limit=CHUNK)
        self.port = self._listening.port

    async def stop(self) -> None:
        """End everything."""
        for pipe in self.pipes():
            pipe.heal()
            pipe.cut()
        await self._listening.stop()

    def pipes(self) -> list[Pipe]:
        """The connections of now."""
        return list(self._pipes.values())

    def pipe_of(self, port: int) -> Pipe | None:
        """The pipe of the connection that the client made from this port of its own."""
        return self._pipes.get(port)

    def heal(self) -> None:
        """The network is well again; connections that were cut stay so."""
        self.open, self.faulty = True, None
        for pipe in self.pipes():
            pipe.heal()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("peername")[1]
        try:
            await self._lead(port, reader, writer)
        finally:
            self._pipes.pop(port, None)

    async def _lead(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for server, server_port in self._choose(self._chance) if self.open else ():
            try:
                connecting = asyncio.open_connection("127.0.0.1", server_port, limit=CHUNK)
                there, to_there = await asyncio.wait_for(connecting, CONNECT_TIME)
            except (OSError, TimeoutError):
                continue
            pipe = self._pipes[port] = Pipe(server, (writer, to_there))
            if self.faulty is not None:
                self.faulty(pipe)
            try:
                up = asyncio.create_task(pipe.carry("up", reader, to_there))
                down = asyncio.create_task(pipe.carry("down", there, writer))
                await asyncio.gather(up, down)
            finally:
                up.cancel()
                down.cancel()
                to_there.transport.abort()
            return
