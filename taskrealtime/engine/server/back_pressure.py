"""Makes an application's `send` wait while its client does not read."""

import asyncio

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class BackPressure:
    """The producer that is registered at a transport.

    The transport pauses it when more than 64 KiB wait for the client, and resumes it when the kernel has taken all.
    """

    #: While the transport is paused: what `writable` waits for.
    _paused: asyncio.Future[None] | None = None

    def pauseProducing(self) -> None:
        """Pause: more than the transport likes to buffer waits for the client."""
        if self._paused is None:
            self._paused = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:
        """Resume: the kernel has taken all, or nothing more will be read."""
        if self._paused is not None:
            self._paused.set_result(None)
            self._paused = None

    def stopProducing(self) -> None:
        """Do nothing about the lost connection, which the protocol notices by other ways."""

    async def writable(self) -> None:
        """Wait until the transport wants more, or the connection is lost."""
        if self._paused is not None:
            await asyncio.shield(self._paused)
