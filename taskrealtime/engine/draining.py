"""Draining a process that is about to end: each client is asked to come back a little later."""

import asyncio
import random
from typing import Protocol

#: Milliseconds after which the clients of an ending process come back: spread out, so that they do not come at once.
RECONNECT_IN = (500, 4500)
#: Seconds that disconnecting all clients takes at most, in batches with a pause (seconds) after each.
SENDING_AWAY = 2.5
PAUSE = 0.05
#: Clients that are disconnected at a time, at least.
SMALLEST_BATCH = 50


class Drainable(Protocol):
    """A client that is served for long: a socket, or a waiting long poll."""

    def shutdown(self, reconnect_in_ms: int) -> None:
        """Announce the end and close the connection; the client may come back after that long."""


_drainables: set[Drainable] = set()
_draining = False


def is_draining() -> bool:
    """Return whether this process is about to end and takes no new clients."""
    return _draining


def add(drainable: Drainable) -> None:
    """Shut this drainable down when the process ends; at once, if it already does."""
    _drainables.add(drainable)
    if _draining:
        drainable.shutdown(random.randint(*RECONNECT_IN))  # noqa: S311 -- chance, not secrecy


def remove(drainable: Drainable) -> None:
    """Remove a drainable that has ended."""
    _drainables.discard(drainable)


async def shut_down_all() -> None:
    """Refuse newcomers from now on, and send the drainables away in batches."""
    global _draining
    _draining = True
    drainables = list(_drainables)
    batch = max(SMALLEST_BATCH, int(len(drainables) * PAUSE / SENDING_AWAY) + 1)
    for start in range(0, len(drainables), batch):
        for drainable in drainables[start : start + batch]:
            drainable.shutdown(random.randint(*RECONNECT_IN))  # noqa: S311 -- chance, not secrecy
        await asyncio.sleep(PAUSE)
