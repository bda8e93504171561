"""This process on the channel layer: the groups that it joins and leaves, and the messages that it receives."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from .doorbell import PUBLISH_TIMEOUT
from .layer import channel_layer
from .names import layer_group

logger = logging.getLogger(__name__)

#: Seconds that joining a group waits for this process's channel, which needs the layer to be there.
CHANNEL_TIMEOUT = 1.0


class LayerMembership:
    """One channel, in the groups of all rooms that one event loop serves."""

    def __init__(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Create it for the running event loop.

        Args:
            take: is called with each message that arrives; it raises nothing.
        """
        self._take = take
        self._channel: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def join(self, name: str) -> bool:
        """Join the group of a room; return whether that succeeded."""
        try:
            channel = await asyncio.wait_for(asyncio.shield(self._channel), CHANNEL_TIMEOUT)
            await asyncio.wait_for(channel_layer().group_add(layer_group(name), channel), PUBLISH_TIMEOUT)
        except Exception as error:
            logger.warning(
                "Channel layer: the group of %s could not be joined (%s); the sweep delivers.",
                name,
                type(error).__name__,
            )
            return False
        return True

    async def leave(self, name: str) -> None:
        """Leave the group of a room, if the layer is there."""
        try:
            leaving = channel_layer().group_discard(layer_group(name), self._channel.result())
            await asyncio.wait_for(leaving, PUBLISH_TIMEOUT)
        except Exception as error:
            logger.warning("Channel layer: the group of %s could not be left (%s).", name, type(error).__name__)

    async def receive_forever(self) -> None:
        """Hand over each message that arrives."""
        layer = channel_layer()
        while True:
            try:
                if not self._channel.done():
                    self._channel.set_result(await layer.new_channel())
                message = await layer.receive(self._channel.result())
            except Exception as error:
                logger.warning("Channel layer: it is away (%s); the sweep delivers. Check Redis.", type(error).__name__)
                await asyncio.sleep(1)
            else:
                self._take(message)
