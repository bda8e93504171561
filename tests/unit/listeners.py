"""Listeners to rooms that write down what they are given, and waiting for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from taskrealtime.engine.wire.frames import Frames


class Listener:
    """Writes down what it is given: the number of each frame, which is all of its text."""

    lags = False

    def __init__(self, user_id: int = 1) -> None:
        self.user_id = user_id
        self.received: list[int] = []
        self.rooms_left: list[str] = []
        self.close_codes: list[int] = []

    def deliver(self, frames: Frames) -> None:
        self.received += [int(frame) for frame in frames]

    def unsubscribed(self, room: str) -> None:
        self.rooms_left.append(room)

    def membership_ended(self, room: str) -> None:
        return

    def disconnect(self, code: int, reason: str) -> None:
        self.close_codes.append(code)

    async def drained(self) -> None:
        return


class FrameListener(Listener):
    """A listener that understands real frames."""

    def deliver(self, frames: Frames) -> None:
        self.received += [msgspec.json.decode(frame)["seq"] for frame in frames]


async def until(condition: Callable[[], Any], act: Callable[[], Awaitable[object]] | None = None) -> None:
    """Wait for the condition, and act before each further look at it."""
    async with asyncio.timeout(60):
        while not condition():
            if act is not None:
                await act()
            await asyncio.sleep(0.01)
