"""A port that hands each connection to a coroutine, and leaves no socket behind when it stops."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class ListeningPort:
    """A free port of this machine; each connection to it is aborted when its coroutine has ended."""

    def __init__(self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.port = 0
        self._serve = serve
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self, **options: Any) -> None:
        """Listen; the options are those of `asyncio.start_server`."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, **options)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more connections, and end those that there are."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted closes its socket in the loop's next round

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            await self._serve(reader, writer)

        def ended(task: asyncio.Task[None]) -> None:
            # Not in the coroutine: where it is cancelled before its first step, nothing of it ever runs.
            self._serving.discard(task)
            writer.transport.abort()

        task = asyncio.create_task(serve())
        self._serving.add(task)
        task.add_done_callback(ended)
