"""A process's rooms while they open and close, and what a fault in handling one message does to the others."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings

from taskrealtime.engine import log
from taskrealtime.engine.db.threads import in_database_thread
from taskrealtime.engine.installation import doorbell, epochs
from taskrealtime.engine.process import Process

pytestmark = pytest.mark.services


@pytest.fixture
async def process(settings: Settings) -> AsyncIterator[Process]:
    """One that never sweeps, whose rooms are where `bounds` says."""
    settings.SWEEP_INTERVAL = 3600
    process = Process()
    yield process
    for task in process.tasks:
        task.cancel()
    await asyncio.gather(*process.tasks, return_exceptions=True)
    doorbell.set_server_loop(None)


class Bounds:
    """In place of the questions to the database: each is answered when the test says so."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[asyncio.Future[log.Bounds | None]] = asyncio.Queue()

    async def ask(self, name: str) -> log.Bounds | None:
        answer: asyncio.Future[log.Bounds | None] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait(answer)
        return await answer

    async def next(self) -> "asyncio.Future[log.Bounds | None]":
        """The answer to the next question."""
        return await asyncio.wait_for(self._asked.get(), 60)


async def test_a_room_that_is_closed_in_the_turn_in_which_it_opened_is_opened_again(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one turn of the event loop an opening ends, the end of the room arrives, and another client joins."""
    bounds = Bounds()
    monkeypatch.setattr(process.hub, "_bounds", bounds)
    first = asyncio.create_task(process.hub.open("project.7"))
    (await bounds.next()).set_result(log.Bounds(0, 3, 0))
    closed = {"type": "room.closed", "room": "project.7"}
    asyncio.get_running_loop().call_soon(process.hub.handle, closed)
    second = asyncio.create_task(process.hub.open("project.7"))
    # Where the event loop hangs, pytest's own timeout ends the test.
    (await bounds.next()).set_result(log.Bounds(0, 4, 0))
    opened = await asyncio.gather(first, second)
    assert {room.position for room in opened} == {4}
    assert process.hub.rooms["project.7"] is opened[0] is opened[1]


async def test_an_opening_that_failed_is_tried_again_by_the_next(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = Bounds()
    monkeypatch.setattr(process.hub, "_bounds", bounds)
    first = asyncio.create_task(process.hub.open("project.7"))
    (await bounds.next()).set_exception(ConnectionError())
    second = asyncio.create_task(process.hub.open("project.7"))
    with pytest.raises(ConnectionError):
        await first
    (await bounds.next()).set_result(log.Bounds(0, 4, 0))
    assert (await second).position == 4


@pytest.mark.django_db(transaction=True)
async def test_a_message_that_cannot_be_carried_out_is_logged_with_its_traceback_and_delays_no_other(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    layer, channel = get_channel_layer(), await asyncio.wait_for(asyncio.shield(process.layer._channel), 60)
    received: list[tuple[int, float]] = []

    class Room:
        name, size = "project.7", 0

        def receive(self, events: Any, head: int) -> None:
            received.append((head, time.monotonic()))

    process.hub.rooms["project.7"] = Room()  # type: ignore[assignment]
    process.hub.epoch = await in_database_thread(log.epoch)
    here = {"room": "project.7", "installation": epochs.installation_of(process.hub.epoch)}
    with caplog.at_level(logging.WARNING):
        for number in range(20):
            # As a fault of presence would have it: what is needed is missing.
            await layer.send(channel, here | {"type": "room.typing"})
            await layer.send(channel, here | {"type": "room.unknown"})
            await layer.send(channel, here | {"type": "room.events", "head": number, "events": []})
        begun = time.monotonic()
        while len(received) < 20:
            assert time.monotonic() - begun < 60
            await asyncio.sleep(0.01)
    assert [head for head, _ in received] == list(range(20))
    assert received[-1][1] - received[0][1] < 15, "each fault delayed the next message by a second"
    faults = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(faults) == 20
    assert all(record.exc_info for record in faults)
    assert not [record for record in caplog.records if "away" in record.getMessage()]
