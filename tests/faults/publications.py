"""Publications from the outside: real events, but twice, late, in another order, or far too many."""

import asyncio
from collections.abc import Sequence
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

#: Events that a publication carries at most, as `engine.installation.doorbell` has it.
MAX_CARRIED = 100
#: Seconds that a publication may take.
PUBLISH_SECONDS = 2.0


class Publisher:
    """Publishes to the groups of the installation's rooms."""

    def __init__(self, redis_url: str) -> None:
        self._layer: Any = RedisPubSubChannelLayer(hosts=[{"address": redis_url}], prefix="taskrealtime")

    async def publish(
        self, room: str, events: Sequence[list[Any]], *, installation: str, head: int | None = None
    ) -> None:
        """Send one publication, of the shape that `installation.doorbell.publish` sends."""
        if not events:
            return
        head = events[-1][0] if head is None else head
        carried = list(events[:MAX_CARRIED])
        message = {"type": "room.events", "room": room, "head": head, "events": carried, "installation": installation}
        async with asyncio.timeout(PUBLISH_SECONDS):
            await self._layer.group_send(room, message)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._layer.flush()
