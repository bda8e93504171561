"""What waits for one socket: written in order, bounded, and given up where nobody reads."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pytest_django import Settings

from taskrealtime.engine.outbox import Outbox


class Socket:
    """A socket that takes frames while `open`, and its outbox."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.overflows = 0
        self.outbox = Outbox(self._send, self._overflow)

    async def _send(self, frame: str) -> None:
        await self.open.wait()
        if self.broken:
            raise ConnectionError("closing")
        self.sent.append(frame)

    def _overflow(self) -> None:
        self.overflows += 1


@pytest.fixture
async def socket() -> AsyncIterator[Socket]:
    socket = Socket()
    writer = asyncio.create_task(socket.outbox.write_forever())
    yield socket
    writer.cancel()


async def drained(socket: Socket) -> None:
    async with asyncio.timeout(5):
        await socket.outbox.drained()


async def test_frames_are_written_in_order(socket: Socket) -> None:
    socket.outbox.put(["a", "b"])
    socket.outbox.put(["c"])
    await drained(socket)
    socket.outbox.put(["d"])
    await drained(socket)
    assert socket.sent == ["a", "b", "c", "d"]


async def test_a_slow_reader_keeps_nobody_waiting(socket: Socket) -> None:
    socket.open.clear()
    socket.outbox.put(["a"])
    await asyncio.sleep(0)
    socket.outbox.put(["b"])
    assert socket.sent == []
    socket.open.set()
    await drained(socket)
    assert socket.sent == ["a", "b"]


async def test_beyond_the_bound_the_connection_is_given_up_once(socket: Socket, settings: Settings) -> None:
    settings.WEBSOCKET_SEND_BUFFER = 10
    socket.open.clear()
    socket.outbox.put(["12345", "12345"])
    assert socket.overflows == 0
    socket.outbox.put(["!"])
    socket.outbox.put(["12345678901"])
    assert socket.overflows == 1
    socket.open.set()
    await drained(socket)
    assert "!" not in socket.sent


async def test_what_was_written_no_longer_counts(socket: Socket, settings: Settings) -> None:
    settings.WEBSOCKET_SEND_BUFFER = 10
    for _ in range(5):
        socket.outbox.put(["1234567890"])
        await drained(socket)
    assert (len(socket.sent), socket.overflows) == (5, 0)


async def test_a_socket_that_refuses_ends_the_writing_quietly(socket: Socket) -> None:
    socket.broken = True
    socket.outbox.put(["a"])
    await drained(socket)
    socket.outbox.put(["b"])
    await drained(socket)
    assert socket.sent == []


async def test_a_closed_outbox_takes_nothing_and_waits_for_nobody(socket: Socket) -> None:
    socket.open.clear()
    socket.outbox.put(["a", "b"])
    await asyncio.sleep(0)
    socket.outbox.close()
    socket.outbox.put(["c"])
    await drained(socket)
    socket.open.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert socket.sent in ([], ["a"])
