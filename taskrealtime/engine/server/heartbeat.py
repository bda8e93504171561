"""How a supervisor knows that a server process serves: its event loop sends a byte through a pipe, twice a second.

A process that has begun to serve and whose event loop does not turn for `HUNG_SECONDS` is hung: it answers no client
meanwhile, and it cannot drain. What waits for the database or computes in a thread does not count, since
the loop goes on turning. One that is starting has `START_SECONDS`.
"""

import asyncio
import os
from contextlib import suppress

#: Seconds between two beats, and between two looks at what came.
BEAT_SECONDS = 0.5
#: Seconds of silence after which a process that was serving counts as hung.
HUNG_SECONDS = 5.0
#: Seconds that a process may take until its first beat.
START_SECONDS = 120.0


async def beat(descriptor: int) -> None:
    """Send the beats of this process, for ever."""
    os.set_blocking(descriptor, False)
    while True:
        # The supervisor may not be reading now, or be gone, which the process finds out by itself.
        with suppress(OSError):
            os.write(descriptor, b".")
        await asyncio.sleep(BEAT_SECONDS)


class Pulse:
    """The pulse of one process, for its supervisor; the time (monotonic, seconds) is an argument."""

    def __init__(self, now: float) -> None:
        """Start with a process that is started now."""
        self._received_at = self._looked_at = now
        self._allowed = START_SECONDS

    def look(self, now: float, *, has_beaten: bool) -> bool:
        """Record whether beats came since the last look; return whether the process is hung.

        Missed looks do not count: then the supervisor, or the whole machine, stood still.
        """
        missed = now - self._looked_at - 2 * BEAT_SECONDS
        self._looked_at = now
        if has_beaten:
            self._received_at, self._allowed = now, HUNG_SECONDS
        elif missed > 0:
            self._received_at += missed
        return now - self._received_at > self._allowed
