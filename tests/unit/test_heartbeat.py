"""When a server process counts as hung: by the beats of its event loop, and by nothing else."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskrealtime.engine.server.heartbeat import BEAT_SECONDS, HUNG_SECONDS, START_SECONDS, Pulse, beat
from taskrealtime.engine.server.supervisor import Supervisor


def watch(pulse: Pulse, seconds: float, *, begin: float = 0.0, beats: bool = False) -> float | None:
    """Look as a supervisor does; return the time at which the process counts as hung, None for never."""
    now = begin
    while now < begin + seconds:
        now += BEAT_SECONDS
        if pulse.look(now, has_beaten=beats):
            return now
    return None


def test_a_process_that_beats_is_never_hung() -> None:
    assert watch(Pulse(0.0), 3600, beats=True) is None


def test_a_process_that_stops_beating_is_hung_after_seconds() -> None:
    pulse = Pulse(0.0)
    assert watch(pulse, 10, beats=True) is None
    hung_at = watch(pulse, 60, begin=10.0)
    assert hung_at is not None
    assert HUNG_SECONDS < hung_at - 10.0 <= HUNG_SECONDS + BEAT_SECONDS


def test_a_process_that_starts_slowly_is_not_hung() -> None:
    pulse = Pulse(0.0)
    assert watch(pulse, START_SECONDS - 1) is None
    assert not pulse.look(START_SECONDS - 0.5, has_beaten=True)
    assert watch(pulse, 60, begin=START_SECONDS, beats=True) is None


def test_a_process_that_never_starts_is_hung_at_last() -> None:
    hung_at = watch(Pulse(0.0), 2 * START_SECONDS)
    assert hung_at is not None
    assert hung_at > START_SECONDS


def test_a_process_that_is_busy_for_less_is_not_hung() -> None:
    pulse = Pulse(0.0)
    for number in range(20):
        begin = number * HUNG_SECONDS
        pulse.look(begin, has_beaten=True)
        assert watch(pulse, HUNG_SECONDS - BEAT_SECONDS, begin=begin) is None


def test_a_supervisor_that_stood_still_itself_restarts_no_process() -> None:
    """The machine was suspended, say: everything stood still, and nothing hangs."""
    pulse = Pulse(0.0)
    assert watch(pulse, 10, beats=True) is None
    assert not pulse.look(10_000.0, has_beaten=False)
    assert watch(pulse, 2, begin=10_000.0) is None
    assert watch(pulse, 10, begin=10_002.0) is not None


#: A server process in small: it sends heartbeats, and its event loop follows its input.
SERVER = """
import asyncio, os, sys, time
from taskrealtime.engine.server.heartbeat import beat
descriptor, log, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open(log, "a") as file:
    file.write(f"{os.getpid():7}\\n")
async def serve():
    beating = asyncio.create_task(beat(descriptor))
    await asyncio.sleep(0.1)
    if how == "busy loop" and os.path.getsize(log) < 9:
        while True:
            pass
    if how == "works in a thread":
        await asyncio.to_thread(time.sleep, 3600)
    await asyncio.sleep(3600)
asyncio.run(serve())
"""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


async def supervise(listening: socket.socket, log: Path, how: str) -> tuple[Supervisor, "asyncio.Task[int]"]:
    command = [sys.executable, "-c", SERVER, "{heartbeat}", str(log), how]
    supervisor = Supervisor(command, 1, inherited=os.dup(listening.fileno()))
    return supervisor, asyncio.create_task(supervisor.run())


def read(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


async def started(log: Path, count: int) -> list[int]:
    """The processes that were started, once there are so many."""
    deadline = time.monotonic() + 60
    while True:
        pids = read(log)
        if len(pids) >= count:
            return pids
        assert time.monotonic() < deadline, "no other process was started"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["busy loop", "stopped"])
async def test_a_process_that_hangs_is_replaced(how: str, listening: socket.socket, tmp_path: Path) -> None:
    log = tmp_path / "pids"
    supervisor, running = await supervise(listening, log, how)
    [first] = await started(log, 1)
    if how == "stopped":
        await asyncio.sleep(3 * BEAT_SECONDS)  # it has begun to beat by then
        os.kill(first, signal.SIGSTOP)
    second = (await started(log, 2))[1]
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    os.kill(second, 0)
    supervisor._stop()
    assert await running == 0


async def test_a_process_that_hangs_does_not_keep_its_supervisor(listening: socket.socket, tmp_path: Path) -> None:
    log = tmp_path / "pids"
    supervisor, running = await supervise(listening, log, "stopped")
    [only] = await started(log, 1)
    await asyncio.sleep(3 * BEAT_SECONDS)
    os.kill(only, signal.SIGSTOP)
    supervisor._stop()
    assert await asyncio.wait_for(running, 60) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(only, 0)


async def test_a_process_whose_threads_are_busy_is_left_alone(listening: socket.socket, tmp_path: Path) -> None:
    log = tmp_path / "pids"
    supervisor, running = await supervise(listening, log, "works in a thread")
    [only] = await started(log, 1)
    await asyncio.sleep(HUNG_SECONDS + 3 * BEAT_SECONDS)
    assert await started(log, 1) == [only]
    os.kill(only, 0)
    os.kill(only, signal.SIGKILL)  # its thread would keep it
    supervisor._stop()
    assert await running == 0


async def test_heartbeats_go_on_while_the_supervisor_does_not_read() -> None:
    theirs, ours = os.pipe()
    try:
        os.write(ours, b"." * 65536)  # all that a pipe holds
        beating = asyncio.create_task(beat(ours))
        await asyncio.sleep(2 * BEAT_SECONDS)
        assert not beating.done()
        beating.cancel()
    finally:
        os.close(theirs)
        os.close(ours)
