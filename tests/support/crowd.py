"""Thousands of clients in one process: each joins a project, follows its log and reconnects whenever it is cut.

A client that gets a reset fetches the board and continues from there, as the JavaScript client does.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

#: As the JavaScript client waits: any time up to the bound, which doubles with each failure. Seconds.
BACKOFF_BASE, BACKOFF_CAP = 0.5, 20.0
#: Seconds that an attempt may take until it has joined.
ATTEMPT_TIMEOUT = 10.0


class Board(msgspec.Struct):
    """As much of a board as costs little to read: its tasks are counted, not decoded."""

    tasks: list[msgspec.Raw]
    seq: int
    epoch: str


class Member(asyncio.Protocol):
    """One client. It checks every number; a gap or a double is an `AssertionError` in `Crowd.faults`."""

    def __init__(self, crowd: "Crowd", token: str, project: int) -> None:
        self.crowd = crowd
        self.room = f"project.{project}"
        self.seq: int | None = None
        self.epoch = ""
        self.joined = False
        #: The board that it continues from since its last reset.
        self.board: Board | None = None
        self._token = token
        self._project = project
        #: Set while no board is fetched.
        self._settled = asyncio.Event()
        self._settled.set()
        #: The numbers that came on this connection since it got a reset; None: it did not, or is over.
        self._held: list[int] | None = None
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._upgraded = False
        self._failures = 0
        self._timer: asyncio.TimerHandle | None = None

    # -- coming and going --

    async def connect(self) -> None:
        """Open the connection, once no board is under way; where that fails, try again later."""
        loop = asyncio.get_running_loop()
        await self._settled.wait()
        self._received, self._upgraded, self.joined = b"", False, False
        self._timer = loop.call_later(ATTEMPT_TIMEOUT, self._give_up)
        self.crowd.counts["attempts"] += 1
        try:
            await loop.create_connection(lambda: self, "127.0.0.1", random.choice(self.crowd.ports))
        except OSError:
            self._come_back()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._write(
            "GET /ws/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n"
            f"Authorization: Bearer {self._token}\r\n\r\n"
        )

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._come_back()

    @property
    def connected(self) -> bool:
        return self._transport is not None

    def cut(self) -> None:
        """As a lost network does."""
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Cut the connection, and plan no other."""
        if self._timer is not None:
            self._timer.cancel()
        self.cut()

    def _give_up(self) -> None:
        self.crowd.counts["attempts given up"] += 1
        self.cut()

    def _come_back(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.crowd.closed:
            return
        if not self.joined:
            self._failures += 1
        self.joined, self._held = False, None
        bound = min(BACKOFF_CAP, BACKOFF_BASE * 2**self._failures)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(
            random.random() * bound, lambda: self.crowd.keep(loop.create_task(self.connect()))
        )

    def is_at(self, head: int) -> bool:
        """Whether it is here and has come to that number, by events or by a board."""
        return self.joined and self._settled.is_set() and self.seq == head

    # -- talking --

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._upgraded:
            if b"\r\n\r\n" not in self._received:
                return
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            status = head.split(None, 2)[1].decode()
            if status != "101":
                self.crowd.counts[f"HTTP {status}"] += 1
                self.cut()
                return
            self._upgraded = True
            self._ask("join_project")
        while (frame := self._next_frame()) is not None:
            self._hear(*frame)

    def _ask(self, event: str) -> None:
        where = {} if self.seq is None else {"since": self.seq, "epoch": self.epoch}
        text = json.dumps({"event": event, "id": 1, "data": {"project_id": self._project, **where}}).encode()
        assert len(text) < 65536
        short = len(text) < 126
        length = bytes([0x80 | len(text)]) if short else b"\xfe" + len(text).to_bytes(2, "big")
        self._write(b"\x81" + length + bytes(4) + text)

    def _next_frame(self) -> tuple[int, bytes] | None:
        data = self._received
        if len(data) < 2:
            return None
        length, start = data[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            length = int.from_bytes(data[2:start], "big")
        if len(data) < start + length:
            return None
        self._received = data[start + length :]
        return data[0] & 15, data[start : start + length]

    def _hear(self, opcode: int, payload: bytes) -> None:
        if opcode == 8:
            self.crowd.counts[f"close {int.from_bytes(payload[:2], 'big')}"] += 1
            self.cut()
        elif opcode == 9:
            # With the ping's own data: the server takes no other pong for an answer.
            self._write(bytes([0x8A, 0x80 | len(payload)]) + bytes(4) + payload)
        elif opcode == 1:
            self._receive_event(json.loads(payload))

    def _receive_event(self, frame: dict[str, object]) -> None:
        data = frame["data"]
        assert isinstance(data, dict)
        if frame["event"] == "ack":
            self._begin(data)
        elif frame["event"] == "error":
            self.crowd.counts[f"error {data['code']}"] += 1
        elif frame.get("room") == self.room and "seq" in frame:
            seq = frame["seq"]
            assert isinstance(seq, int)
            self.crowd.deliveries += 1
            if self._held is not None:
                self._held.append(seq)
            else:
                self._step(seq)

    def _begin(self, answer: dict[str, object]) -> None:
        self.joined, self._failures = True, 0
        assert self._timer is not None
        self._timer.cancel()
        if self.seq is None:
            self.seq = int(str(answer["seq"]))
        if answer["reset"]:
            self.crowd.counts["resets"] += 1
            self._held, self.board = [], None
            self._settled.clear()
            self.crowd.keep(asyncio.create_task(self._start_over(answer)))
        else:
            self.epoch = str(answer["epoch"])

    def _step(self, seq: int) -> None:
        if self.seq is None or seq != self.seq + 1:
            self.crowd.faults.append(f"{seq} after {self.seq}")
        self.seq = seq

    # -- after a reset --

    async def _start_over(self, answer: dict[str, object]) -> None:
        """Fetch the board until there is one. It is good also where the connection is lost meanwhile."""
        failures = 0
        while (board := await self._fetch_board()) is None:
            failures += 1
            await asyncio.sleep(random.random() * min(BACKOFF_CAP, BACKOFF_BASE * 2**failures))
        if board.seq < int(str(answer["seq"])) or board.epoch != answer["epoch"]:
            self.crowd.faults.append(f"a board of {board.seq} in {board.epoch}, asked for after {answer}")
        self.board, self.seq, self.epoch = board, board.seq, board.epoch
        held, self._held = self._held or [], None
        for seq in held:
            if seq > board.seq:
                self._step(seq)
        self._settled.set()

    async def _fetch_board(self) -> Board | None:
        request = (
            f"GET /api/projects/{self._project}/board/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {self._token}\r\n\r\n"
        )
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", random.choice(self.crowd.ports))
        except OSError:
            self.crowd.counts["board: refused"] += 1
            return None
        try:
            writer.write(request.encode())
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        except OSError:
            self.crowd.counts["board: cut"] += 1
            return None
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        status = head.split(None, 2)[1].decode() if head else "nothing"
        self.crowd.counts[f"board: {status}"] += 1
        return msgspec.json.decode(body, type=Board) if status == "200" else None

    def _write(self, data: str | bytes) -> None:
        if self._transport is not None:
            self._transport.write(data if isinstance(data, bytes) else data.encode())


class Crowd:
    """Many members, each at one of these servers, another one with each attempt."""

    def __init__(self, ports: Sequence[int], tokens: Sequence[str], projects: Sequence[int], count: int) -> None:
        self.ports = list(ports)
        self.closed = False
        self.deliveries = 0
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.members = [Member(self, tokens[n % len(tokens)], projects[n % len(projects)]) for n in range(count)]

    async def arrive(self, at_once: int = 50) -> None:
        """Let all clients join, a few at a time."""
        for start in range(0, len(self.members), at_once):
            part = self.members[start : start + at_once]
            await asyncio.gather(*(self.keep(asyncio.create_task(member.connect())) for member in part))
            await until(lambda part=part: all(member.joined for member in part), 60)  # type: ignore[misc]

    def keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Hold on to a task until it ends: the loop itself does not. Return it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def forget_epoch(self) -> None:
        """All clients return from another life of the log, as after a restored backup: to a reset."""
        for member in self.members:
            member.epoch = "before the backup"

    async def caught_up(self, heads: dict[str, int], seconds: float = 120) -> float:
        """Wait until all clients have joined and have come to these heads; the seconds that it took."""
        begun = time.monotonic()
        behind: list[Member] = []

        def all_caught_up() -> bool:
            behind[:] = [one for one in self.members if not one.is_at(heads[one.room])]
            return not behind

        try:
            await until(all_caught_up, seconds)
        except TimeoutError:
            counts = f"{self.counts}, {self.faults[:5]}"
            raise AssertionError(f"{len(behind)} are behind after {seconds} s: {counts}") from None
        return time.monotonic() - begun

    def cut(self) -> None:
        """All clients lose the network in the same moment."""
        for member in self.members:
            member.cut()

    async def aclose(self) -> None:
        """No client returns any more; wait until every connection is closed."""
        self.closed = True
        for member in self.members:
            member.leave()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()  # clients that were just arriving
        await until(lambda: not any(member.connected for member in self.members), 10)


async def until(condition: Callable[[], bool], seconds: float) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- no code is there to set an event
            await asyncio.sleep(0.01)
