"""The end of a process, told to everybody whom it serves: come back a little later."""

import asyncio
import random
from typing import Protocol

#: Milliseconds after which the clients of an ending process come back: spread out, so that they do not come at once.
RECONNECT_IN = (500, 4500)
#: Seconds that sending everybody away takes at the most, in batches with a pause (seconds) after each.
SENDING_AWAY = 2.5
PAUSE = 0.05
#: Guests who are sent away at a time, at the least.
SMALLEST_BATCH = 50


class Guest(Protocol):
    """Whoever is served for long: a socket, or a waiting long poll."""

    def go_away(self, reconnect_in_ms: int) -> None:
        """Say good-bye and end; come back after that long."""


_guests: set[Guest] = set()
_draining = False


def is_draining() -> bool:
    """Whether this process is about to end: nobody new should come."""
    return _draining


def enter(guest: Guest) -> None:
    """From now on this guest is told when the process ends; at once, if it already does."""
    _guests.add(guest)
    if _draining:
        guest.go_away(random.randint(*RECONNECT_IN))  # noqa: S311 -- chance, not secrecy


def leave(guest: Guest) -> None:
    """The guest is gone."""
    _guests.discard(guest)


async def send_everybody_away() -> None:
    """Refuse newcomers from now on, and send the guests away in batches."""
    global _draining
    _draining = True
    guests = list(_guests)
    batch = max(SMALLEST_BATCH, int(len(guests) * PAUSE / SENDING_AWAY) + 1)
    for start in range(0, len(guests), batch):
        for guest in guests[start : start + batch]:
            guest.go_away(random.randint(*RECONNECT_IN))  # noqa: S311 -- chance, not secrecy
        await asyncio.sleep(PAUSE)
