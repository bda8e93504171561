"""A WebSocket client for tests: ask, and expect events, one after another."""

import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

Frame = dict[str, Any]
TIMEOUT = 60.0  # seconds that anything may take on a busy machine


class Refused(AssertionError):
    """The answer was an error; see `code` and `frame`."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"refused: {frame['data']}")
        self.frame = frame
        self.code: str = frame["data"]["code"]


class Closed(AssertionError):
    """The server closed the connection; `code` is the close code (1006: without a close frame)."""

    def __init__(self, code: int, waiting_for: str) -> None:
        super().__init__(f"closed with {code} while waiting for {waiting_for}")
        self.code = code


class Connection(ClientConnection):
    """Keeps what the server said last, also where the server no longer takes the answer to its close frame.

    By itself the library drops the frames that came with a close frame to which it cannot reply.
    """

    def send_data(self) -> None:
        """Send what is due; a reader keeps reading where that fails."""
        try:
            super().send_data()
        except OSError:
            if threading.current_thread() is not self.recv_events_thread:
                raise


class Socket:
    """One connection.

    `history` has every frame received, in order. `ask` and `expect` leave the frames that they pass over
    in the queue, in order, for a later `expect` or `next`.
    """

    def __init__(self, opening: AbstractContextManager[ClientConnection]) -> None:
        """`opening` is what `websockets.sync.client.connect` returns."""
        self._closing = ExitStack()
        self.connection = self._closing.enter_context(opening)
        self.history: list[Frame] = []
        self._queue: deque[Frame] = deque()
        self._ids = itertools.count(1)

    def send_text(self, text: str | bytes) -> None:
        """Send one frame as it is."""
        self.connection.send(text)

    def send_event(self, event: str, data: Any = None, **envelope: Any) -> None:
        """Send one event; `envelope` may hold `id` and `key`."""
        frame = {"event": event, **({} if data is None else {"data": data}), **envelope}
        self.send_text(json.dumps(frame))

    def ask(self, event: str, data: Any = None, *, key: str | None = None, timeout: float = TIMEOUT) -> Any:
        """Send an event and return the `data` of its answer; raises `Refused` where that is an error."""
        frame = self.ask_frame(event, data, key=key, timeout=timeout)
        if frame["event"] == "error":
            raise Refused(frame)
        return frame["data"]

    def ask_frame(self, event: str, data: Any = None, *, key: str | None = None, timeout: float = TIMEOUT) -> Frame:
        """Send an event and return the frame that answers it, also an `error`."""
        request = f"ask-{next(self._ids)}"
        self.send_event(event, data, id=request, **({} if key is None else {"key": key}))
        deadline = time.monotonic() + timeout
        while True:
            frame = self._receive(deadline, f"the answer to {event}")
            if frame.get("id") == request:
                return frame
            self._queue.append(frame)

    def expect(self, event: str, *, timeout: float = TIMEOUT, **match: Any) -> Frame:
        """The first frame, already queued or still to come, that is this event with such data.

        A dict in `match` fits an object that has at least its fields: `expect("task_created", task={"title": "A"})`.
        """
        for index, frame in enumerate(self._queue):
            if _fits(frame, event, match):
                del self._queue[index]
                return frame
        deadline = time.monotonic() + timeout
        while True:
            frame = self._receive(deadline, f"{event} {match or ''}")
            if _fits(frame, event, match):
                return frame
            self._queue.append(frame)

    def next(self, timeout: float = TIMEOUT) -> Frame:
        """The very next frame that was not taken yet."""
        if self._queue:
            return self._queue.popleft()
        return self._receive(time.monotonic() + timeout, "any frame")

    def settle(self) -> list[Frame]:
        """Ping, and return what the server had written until its pong (the queue is empty then).

        It proves the absence of an event only where that would have been written before the pong.
        """
        self.ask("ping", {})
        frames = list(self._queue)
        self._queue.clear()
        return frames

    def wait_closed(self, timeout: float = TIMEOUT) -> int:
        """Wait for the server to close, and return the close code; frames on the way are queued."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._queue.append(self._receive(deadline, "the close"))
            except Closed as closed:
                return closed.code

    def logged(self, project: int) -> list[Frame]:
        """Each logged event of a project that came, in the order of coming."""
        return self._logged(f"project.{project}")

    def seqs(self, room: str) -> list[int]:
        """The `seq` of each logged event of a room that came, in the order of coming."""
        return [frame["seq"] for frame in self._logged(room)]

    def read_to(self, project: int, seq: int) -> list[Frame]:
        """Read until the project's event `seq` came; return all of the project's."""
        room = f"project.{project}"
        last = max(self.seqs(room), default=0)
        while last < seq:
            frame = self.next()
            if frame.get("room") == room:
                last = max(last, frame.get("seq", 0))
        return self.logged(project)

    def _logged(self, room: str) -> list[Frame]:
        return [frame for frame in self.history if frame.get("room") == room and "seq" in frame]

    def close(self) -> None:
        self._closing.close()

    def drop(self) -> None:
        """Cut the connection without a close frame, as a lost network does."""
        self.connection.socket.close()

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """Every further frame, until the server closes or is silent for long."""
        while True:
            try:
                yield self.next()
            except Closed:
                return

    def _receive(self, deadline: float, waiting_for: str) -> Frame:
        try:
            text = self.connection.recv(timeout=max(0, deadline - time.monotonic()))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            raise Closed(code, waiting_for) from None
        except TimeoutError:
            came = "\n".join(json.dumps(frame)[:300] for frame in self.history[-20:])
            raise AssertionError(f"Waited in vain for {waiting_for}. The last frames:\n{came}") from None
        frame: Frame = json.loads(text)
        self.history.append(frame)
        return frame


def _fits(frame: Frame, event: str, match: dict[str, Any]) -> bool:
    return frame["event"] == event and _has(frame["data"], match)


def _has(actual: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            name in actual and _has(actual[name], value) for name, value in wanted.items()
        )
    return bool(actual == wanted)
