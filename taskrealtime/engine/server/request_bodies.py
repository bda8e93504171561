"""What an application receives of one HTTP request on the reference server: kept until it is whole, or streamed."""

import asyncio
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import Any

#: Bytes of a body that are kept in memory until it is whole; a larger one waits in a temporary file.
KEPT_IN_MEMORY = 16 * 1024
#: Bytes of one message to the application.
MESSAGE_BYTES = 64 * 1024
#: Bytes of a streamed body that may wait for the application before the client is no longer read.
STREAMED_AHEAD = 64 * 1024

Message = dict[str, Any]
DISCONNECT: Message = {"type": "http.disconnect"}


class _Inbox:
    """What daphne and an application expect of a queue, and how the application waits."""

    def __init__(self) -> None:
        #: Whether the client left, or the answer is complete.
        self._is_over = False
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, message: Message) -> None:
        """Record the end of the request; the empty body, too, that daphne reports is not ours."""
        if message["type"] == "http.disconnect":
            self._is_over = True
            self._wake()

    async def _until_something_happens(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class KeptBody(_Inbox):
    """A body that the application gets once all of it is there, so that no slow client keeps it waiting."""

    def __init__(self) -> None:
        super().__init__()
        self._file: SpooledTemporaryFile[bytes] | None = None
        self._left = 0
        self._is_handed_over = False

    def feed(self, data: bytes) -> None:
        """Keep what has arrived.

        Raises:
            OSError: there is no room for it.
        """
        if self._file is None:
            self._file = SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115 -- it outlives this method
        self._file.write(data)
        self._left += len(data)

    def end(self) -> None:
        """End the body: all has arrived."""
        if self._file is not None:
            self._file.seek(0)

    def close(self) -> None:
        """Drop the body."""
        if self._file is not None:
            self._file.close()
            self._file = None

    async def get(self) -> Message:
        """Receive: the body piece by piece, then the end of the request."""
        if not (self._is_over or self._is_handed_over):
            return self._next_piece()
        while not self._is_over:
            await self._until_something_happens()
        self.close()
        return DISCONNECT

    def _next_piece(self) -> Message:
        data = b"" if self._file is None else self._file.read(MESSAGE_BYTES)
        self._left -= len(data)
        if not self._left:
            self._is_handed_over = True
            self.close()
        return {"type": "http.request", "body": data, "more_body": not self._is_handed_over}


class StreamedBody(_Inbox):
    """A body that the application gets while it arrives; the client is read no faster than the application receives."""

    def __init__(self, pause_client: Callable[[], None], resume_client: Callable[[], None]) -> None:
        super().__init__()
        self._pause_client, self._resume_client = pause_client, resume_client
        self._parts: list[bytes] = []
        self._size = 0
        self._is_complete = self._is_handed_over = False

    def feed(self, data: bytes) -> None:
        """Hand on what has arrived."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > STREAMED_AHEAD:
            self._pause_client()
        self._wake()

    def end(self) -> None:
        """End the body: all has arrived."""
        self._is_complete = True
        self._wake()

    def close(self) -> None:
        """Drop the body."""
        self._parts.clear()

    async def get(self) -> Message:
        """Receive: what has arrived of the body, also before the client left; then the end of the request."""
        while not (self._is_over or self._has_more()):
            await self._until_something_happens()
        if not self._has_more():
            return DISCONNECT
        data = b"".join(self._parts)
        self._parts.clear()
        if self._size > STREAMED_AHEAD and not self._is_over:
            self._resume_client()
        self._size = 0
        self._is_handed_over = self._is_complete
        return {"type": "http.request", "body": data, "more_body": not self._is_complete}

    def _has_more(self) -> bool:
        return bool(self._parts) or (self._is_complete and not self._is_handed_over)
