"""What is written to one socket: at once while the client reads, and bounded in bytes while it does not."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from taskrealtime.engine.conf import settings
from taskrealtime.engine.wire.frames import Frames

logger = logging.getLogger(__name__)

#: Bytes that are handed over together once a slow client reads again.
CHUNK_BYTES = 64 * 1024

#: A server's way to take frames at once (`Frames.wire`), without a task of the event loop: False if the client has
#: yet to read, or if the server cannot. Named so among the extensions of a connection's scope.
Push = Callable[[bytes], bool]
PUSH = "taskrealtime.push"


class Outbox:
    """Takes frames without ever waiting.

    So a reader that is slow delays no other in its room. If the server has `PUSH` and the client reads, they are
    with the kernel when `put` returns; otherwise they are queued, and a task writes them in order. Beyond
    `WEBSOCKET_SEND_BUFFER` queued bytes the connection is given up: the client comes back and resumes. The bound holds
    on servers that make `send` wait, as `manage.py serve` and uvicorn do; stock daphne takes everything at once and
    buffers it itself.
    """

    def __init__(
        self, send_text: Callable[[str], Awaitable[None]], push: Push | None, on_overflow: Callable[[], None]
    ) -> None:
        self._send_text = send_text
        self._push = push
        self._on_overflow = on_overflow
        #: Empty for nearly every connection, nearly always: a deque would cost each of them 0.7 KB for it.
        self._queue: list[Frames] = []
        self._bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    def put(self, frames: Frames) -> None:
        """Write or queue `frames`; after `close` they are dropped."""
        if self._closed or not frames:
            return
        if self._writing is None and self._push is not None and self._push(frames.wire):
            return
        self._queue.append(frames)
        self._bytes += len(frames.wire)
        if self._bytes > settings.WEBSOCKET_SEND_BUFFER:
            self.close()
            self._on_overflow()
        elif self._writing is None:
            self._writing = asyncio.create_task(self._write())

    def close(self) -> None:
        """Drop what waits and take no more."""
        self._closed = True
        self._queue.clear()
        self._bytes = 0
        if self._writing is not None:
            self._writing.cancel()

    @property
    def lags(self) -> bool:
        """Whether something is queued."""
        return self._writing is not None

    async def drained(self) -> None:
        """Wait until everything queued so far was handed to the server."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        try:
            while self._queue:
                for text in self._take():
                    await self._send_text(text)
                self._push_on()
        except Exception as error:
            # A send to a socket that is closing raises; the reading side learns of it by itself.
            logger.debug("A frame was not sent: %s", error)
            self.close()
        finally:
            self._writing = None

    def _push_on(self) -> None:
        """The client reads again: hand over what waits, frames joined into few writes, as far as it is taken."""
        while self._queue and self._push is not None:
            chunk = self._next_chunk()
            if not self._push(b"".join(frames.wire for frames in chunk)):
                return
            for _ in chunk:
                self._take()

    def _next_chunk(self) -> list[Frames]:
        chunk, size = [], 0
        for frames in self._queue:
            chunk.append(frames)
            size += len(frames.wire)
            if size > CHUNK_BYTES:
                break
        return chunk

    def _take(self) -> Frames:
        frames = self._queue.pop(0)
        self._bytes -= len(frames.wire)
        return frames
