"""What waits to be written to one socket, bounded in bytes."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from .conf import settings

logger = logging.getLogger(__name__)


class Outbox:
    """Takes frames without ever waiting, and writes them in order in a task of its own.

    So a reader that is slow delays nobody else in its room. Beyond `WEBSOCKET_SEND_BUFFER` bytes the
    connection is given up: the client comes back and resumes. The bound holds on servers that make `send` wait,
    as `manage.py serve` and uvicorn do; stock daphne takes everything at once and buffers it itself.
    """

    def __init__(self, send_text: Callable[[str], Awaitable[None]], on_overflow: Callable[[], None]) -> None:
        self._send_text = send_text
        self._on_overflow = on_overflow
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = False

    def put(self, frames: Iterable[str]) -> None:
        """Queue `frames`; after `close` they are dropped."""
        if self._closed:
            return
        for frame in frames:
            self._frames.append(frame)
            self._bytes += _size(frame)
        if self._bytes > settings.WEBSOCKET_SEND_BUFFER:
            self.close()
            self._on_overflow()
            return
        self._empty.clear()
        self._wake.set()

    def close(self) -> None:
        """Drop what waits and take no more."""
        self._closed = True
        self._frames.clear()
        self._bytes = 0
        self._empty.set()

    async def drained(self) -> None:
        """Wait until everything queued so far was handed to the server."""
        await self._empty.wait()

    async def write_forever(self) -> None:
        """Write what is queued, until cancelled or until the socket refuses."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                frame = self._frames.popleft()
                self._bytes -= _size(frame)
                try:
                    await self._send_text(frame)
                except Exception as error:
                    # A send to a socket that is closing raises; the reading side learns of it by itself.
                    logger.debug("A frame was not sent: %s", error)
                    self.close()
                    return
            self._empty.set()


def _size(frame: str) -> int:
    """Bytes on the wire. That a text is ASCII is known without looking at it; most frames are."""
    return len(frame) if frame.isascii() else len(frame.encode())
