"""The queue of one socket: written in order, bounded, and dropped if the client does not read."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pytest_django import Settings
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from taskrealtime.engine.sockets.outbox import Outbox
from taskrealtime.engine.wire.frames import Frames


class Socket:
    """A socket that takes frames while `open`, and its outbox."""

    def __init__(self, *, pushes: bool) -> None:
        self.sent: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.pushes = 0
        self.overflows = 0
        self.outbox = Outbox(self._send, self._push if pushes else None, self._overflow)

    async def _send(self, frame: str) -> None:
        await self.open.wait()
        if self.broken:
            raise ConnectionError("closing")
        self.sent.append(frame)

    def _push(self, wire: bytes) -> bool:
        if not self.open.is_set() or self.broken:
            return False
        self.pushes += 1
        self.sent += texts_of(wire)
        return True

    def _overflow(self) -> None:
        self.overflows += 1


def texts_of(wire: bytes) -> list[str]:
    """The texts of short WebSocket frames."""
    texts = []
    while wire:
        assert (wire[0], wire[1] < 126) == (0x81, True)
        texts.append(wire[2 : 2 + wire[1]].decode())
        wire = wire[2 + wire[1] :]
    return texts


@pytest.fixture(params=[False, True], ids=["sends", "pushes"])
async def socket(request: pytest.FixtureRequest) -> AsyncIterator[Socket]:
    socket = Socket(pushes=request.param)
    yield socket
    socket.outbox.close()


async def drained(socket: Socket) -> None:
    async with asyncio.timeout(60):
        await socket.outbox.drained()


async def test_frames_are_written_in_order(socket: Socket) -> None:
    socket.outbox.put(Frames(["a", "b"]))
    socket.outbox.put(Frames(["c"]))
    await drained(socket)
    socket.outbox.put(Frames(["d"]))
    await drained(socket)
    assert socket.sent == ["a", "b", "c", "d"]


async def test_a_slow_reader_keeps_no_client_waiting(socket: Socket) -> None:
    socket.open.clear()
    socket.outbox.put(Frames(["a"]))
    await asyncio.sleep(0)
    socket.outbox.put(Frames(["b"]))
    assert socket.sent == []
    socket.open.set()
    await drained(socket)
    assert socket.sent == ["a", "b"]


@pytest.mark.parametrize("socket", [True], indirect=True)
async def test_what_a_slow_reader_missed_is_pushed_in_few_pieces(socket: Socket) -> None:
    socket.open.clear()
    texts = [str(number) for number in range(100)]
    for text in texts:
        socket.outbox.put(Frames([text]))
    socket.open.set()
    await drained(socket)
    assert socket.sent == texts
    assert socket.pushes == 1


@pytest.mark.parametrize("socket", [True], indirect=True)
async def test_a_client_that_reads_has_the_frame_when_put_returns(socket: Socket) -> None:
    socket.outbox.put(Frames(["a", "b"]))
    assert socket.sent == ["a", "b"]
    assert socket.pushes == 1


@pytest.mark.parametrize("size", [0, 1, 125, 126, 0xFFFF, 0x10000, 200_000])
def test_frames_are_what_a_client_reads(size: int) -> None:
    text = ("é" if size % 2 == 0 else "e") * (size // 2 if size % 2 == 0 else size)
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    client.receive_data(Frames([text, "next"]).wire)
    received = [event for event in client.events_received() if isinstance(event, Frame)]
    assert [(frame.opcode, frame.fin, bytes(frame.data).decode()) for frame in received] == [
        (Opcode.TEXT, True, text),
        (Opcode.TEXT, True, "next"),
    ]


async def test_beyond_the_bound_the_connection_is_given_up_once(socket: Socket, settings: Settings) -> None:
    settings.WEBSOCKET_SEND_BUFFER = len(Frames(["12345", "12345"]).wire)
    socket.open.clear()
    socket.outbox.put(Frames(["12345", "12345"]))
    assert socket.overflows == 0
    socket.outbox.put(Frames(["!"]))
    socket.outbox.put(Frames(["12345678901"]))
    assert socket.overflows == 1
    socket.open.set()
    await drained(socket)
    assert "!" not in socket.sent


async def test_what_was_written_no_longer_counts(socket: Socket, settings: Settings) -> None:
    settings.WEBSOCKET_SEND_BUFFER = len(Frames(["1234567890"]).wire)
    for _ in range(5):
        socket.outbox.put(Frames(["1234567890"]))
        await drained(socket)
    assert (len(socket.sent), socket.overflows) == (5, 0)


async def test_a_socket_that_refuses_ends_the_writing_quietly(socket: Socket) -> None:
    socket.broken = True
    socket.outbox.put(Frames(["a"]))
    await drained(socket)
    socket.outbox.put(Frames(["b"]))
    await drained(socket)
    assert socket.sent == []


async def test_a_closed_outbox_takes_nothing_and_waits_for_no_client(socket: Socket) -> None:
    socket.open.clear()
    socket.outbox.put(Frames(["a", "b"]))
    await asyncio.sleep(0)
    socket.outbox.close()
    socket.outbox.put(Frames(["c"]))
    await drained(socket)
    socket.open.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert socket.sent in ([], ["a"])
