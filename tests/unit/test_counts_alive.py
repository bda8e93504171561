"""A process with thousands of users stays alive in the eyes of the others while it announces them all."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from taskrealtime.engine.limits.connections import Counts

USERS = 1000


class Slow(Counts):
    """One whose Redis takes a moment for each batch, and has forgotten everything at first."""

    def __init__(self) -> None:
        super().__init__()
        self.beats: list[float] = []
        self.batches: list[int] = []
        self.lock = threading.Lock()

    def _announce_all(self, counts: Sequence[tuple[int, int]]) -> list[int]:
        time.sleep(0.02)
        with self.lock:
            self.batches.append(len(counts))
        return [0] * len(counts)

    def _beat(self) -> bool:
        self.beats.append(time.monotonic())
        return len(self.beats) > 1


@pytest.fixture
async def counts() -> Any:
    counts = Slow()
    counts._own.update(range(USERS))
    counts._beating = asyncio.create_task(counts._beat_forever())
    yield counts
    counts._beating.cancel()


async def test_thousands_of_users_are_announced_together(counts: Slow) -> None:
    deadline = time.monotonic() + 60
    while sum(counts.batches) < USERS:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert max(counts.batches) == 100
    assert len(counts.batches) <= USERS // 100 + 1, "one after the other it would be a batch for each user"


async def test_signs_of_life_go_on_while_everything_is_announced(counts: Slow) -> None:
    """However long that takes: here it never ends."""
    announced = asyncio.Event()

    async def never(question: tuple[int, int], *, share: str = "") -> int:
        announced.set()
        await asyncio.Event().wait()
        return 0

    counts._announcer.ask = never  # type: ignore[method-assign]
    await asyncio.wait_for(announced.wait(), 60)
    before, deadline = len(counts.beats), time.monotonic() + 60
    while len(counts.beats) < before + 3:
        assert time.monotonic() < deadline, "no sign of life came any more"
        await asyncio.sleep(0.01)
