"""Makes an application's `send` wait while its client does not read."""

import asyncio

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class BackPressure:
    """What is registered at a transport as its producer.

    The transport pauses it when more than 64 KiB wait for the client, and resumes it when the kernel has taken all.
    """

    #: While the transport is paused: what `writable` waits for.
    _paused: asyncio.Future[None] | None = None

    def pauseProducing(self) -> None:
        """More than the transport likes to buffer waits for the client."""
        if self._paused is None:
            self._paused = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:
        """The kernel has taken all, or nothing more will be read."""
        if self._paused is not None:
            self._paused.set_result(None)
            self._paused = None

    def stopProducing(self) -> None:
        """The connection is lost; the protocol learns of it by other ways."""

    async def writable(self) -> None:
        """Wait until the transport wants more, or the connection is lost."""
        if self._paused is not None:
            await asyncio.shield(self._paused)
