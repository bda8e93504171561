"""Answers over HTTP that wait for their readers: taken from the application at once, and bounded in bytes."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable

from taskrealtime.engine.wire.asgi import Message, Send

logger = logging.getLogger(__name__)


#: Bytes of answers that wait for the readers of one group (a user, an address). Beyond this bound, or the next, an
#: application waits for its own reader, and the group's next requests wait in line.
MAX_OF_GROUP = 16 * 1024 * 1024
#: Bytes of answers that wait for all readers of a process.
MAX_OF_ALL = 128 * 1024 * 1024


class Unread:
    """How many bytes of answers wait, by group."""

    def __init__(self, on_less: Callable[[], None]) -> None:
        """Nothing waits.

        Args:
            on_less: called when a group that had too much has less.
        """
        self._on_less = on_less
        self._bytes: Counter[str] = Counter()
        self._total = 0

    def is_too_much(self, group: str) -> bool:
        """Return whether the group should read before it gets more."""
        of_group = self._bytes[group]
        return of_group >= MAX_OF_GROUP or (of_group > 0 and self._total >= MAX_OF_ALL)

    def add(self, group: str, size: int) -> None:
        """Count bytes that wait."""
        self._bytes[group] += size
        self._total += size

    def remove(self, group: str, size: int) -> None:
        """Count bytes that were read, or are given up."""
        had_too_much = self.is_too_much(group)
        self._bytes[group] -= size
        self._total -= size
        if not self._bytes[group]:
            del self._bytes[group]
        if had_too_much and not self.is_too_much(group):
            self._on_less()


class Answer:
    """What an application says to one request; it does not wait for the client while that is within bounds.

    So the application is done, and its thread and database connection are free, however slowly the client reads.
    """

    def __init__(self, send: Send, unread: Unread, group: str) -> None:
        self._send = send
        self._unread = unread
        self._group = group
        self._queue: deque[Message] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._is_dropped = False

    async def send(self, message: Message) -> None:
        """As the server's."""
        if self._is_dropped:
            return
        self._queue.append(message)
        self._unread.add(self._group, _size(message))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        while self._queue and self._unread.is_too_much(self._group):
            self._moved.clear()
            await self._moved.wait()

    async def written(self) -> None:
        """Wait until the server has taken all of it.

        Raises:
            Exception: what the server raised.
        """
        if self._writing is not None:
            await self._writing

    def drop(self) -> None:
        """Write no more of it."""
        self._is_dropped = True
        if self._writing is not None:
            self._writing.cancel()
        self._forget_queue()

    async def _write(self) -> None:
        try:
            while self._queue:
                # Counted until the server has taken it, which waits for the client.
                await self._send(self._queue[0])
                self._unread.remove(self._group, _size(self._queue.popleft()))
                self._moved.set()
        except OSError as error:
            # What some servers raise if the client left.
            logger.debug("An answer was not sent: %s", error)
        finally:
            self._is_dropped |= bool(self._queue)
            self._forget_queue()

    def _forget_queue(self) -> None:
        while self._queue:
            self._unread.remove(self._group, _size(self._queue.popleft()))
        self._moved.set()


def _size(message: Message) -> int:
    return len(message.get("body", b""))
