"""Keeps several server processes alive on one listening socket: one that ends, or hangs, is replaced."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Sequence
from io import FileIO

from taskrealtime.engine import metrics

from . import heartbeat

logger = logging.getLogger(__name__)

#: A process that ends within so many seconds was not able to serve.
SOON = 5.0
#: Such ends in a row, of one process, after which there is no hope.
MAX_FAILURES = 5
#: Bytes of beats that are read at a time: all that a pipe holds.
PIPE_BYTES = 64 * 1024
#: Seconds before a process is started again after its first failure; doubled with each further one.
FIRST_PAUSE_SECONDS = 0.25
#: The longest of these pauses, seconds.
LONGEST_PAUSE_SECONDS = 10.0


class Supervisor:
    """Starts `processes` copies of a command and starts again whichever ends, until SIGTERM or SIGINT.

    A copy inherits the listening socket, so that connections wait in one queue while a copy is replaced; the reading
    end of a pipe, whose closing shows that this process is gone, however it went; and the writing end of another,
    for its beats: one that hangs (`heartbeat`) is killed, and so replaced.
    """

    def __init__(self, command: Sequence[str], processes: int, *, inherited: int) -> None:
        """Create a supervisor, which does not run yet.

        Args:
            command: what to run; `{lifeline}` and `{heartbeat}` in it become the pipes' file descriptors.
            inherited: the file descriptor of the listening socket. It is closed when `run` ends.
        """
        self._processes = processes
        self._inherited = inherited
        self._lifeline, self._our_end = os.pipe()
        self._command = [part.replace("{lifeline}", str(self._lifeline)) for part in command]
        self._running: set[asyncio.subprocess.Process] = set()
        self._hopeless = False

    async def run(self) -> int:
        """Supervise until a signal to end.

        Returns:
            the exit status: 0 after a signal, 1 if a process could not be kept running.
        """
        self._stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        async with asyncio.TaskGroup() as keepers:
            for _ in range(self._processes):
                keepers.create_task(self._keep_one())
        return 1 if self._hopeless else 0

    def _stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        os.close(self._inherited)  # Otherwise connections would wait here without a process to accept them.
        for process in self._running:
            process.send_signal(signal.SIGTERM)

    async def _keep_one(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            status = await self._run_one()
            if self._stopping.is_set():
                return
            failures = failures + 1 if time.monotonic() - started < SOON else 0
            logger.warning("Supervisor: a server process %s; it is replaced.", _describe(status))
            if failures == MAX_FAILURES:
                self._give_up()
            elif failures:
                await self._pause(min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE_SECONDS))

    async def _run_one(self) -> int:
        beats, its_end = os.pipe()
        with os.fdopen(beats, "rb", buffering=0) as pipe:
            process = await self._start(its_end)
            self._running.add(process)
            if self._stopping.is_set():  # It came while the process was starting.
                process.send_signal(signal.SIGTERM)
            watching = asyncio.create_task(_end_if_hung(process, pipe))
            try:
                return await process.wait()
            finally:
                watching.cancel()
                self._running.discard(process)
                metrics.forget_gauges(process.pid)

    async def _start(self, its_end: int) -> asyncio.subprocess.Process:
        command = [part.replace("{heartbeat}", str(its_end)) for part in self._command]
        try:
            inherited = [self._inherited, self._lifeline, its_end]
            return await asyncio.create_subprocess_exec(*command, pass_fds=inherited)
        finally:
            os.close(its_end)

    def _give_up(self) -> None:
        logger.error(
            "Supervisor: giving up, since a server process ended %s times right after its start. It has logged why.",
            MAX_FAILURES,
        )
        self._hopeless = True
        self._stop()

    async def _pause(self, seconds: float) -> None:
        """Wait, or return early when it is time to end."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


async def _end_if_hung(process: asyncio.subprocess.Process, pipe: FileIO) -> None:
    """Kill the process once it hangs, also while it drains. It is not asked to end: it could not do so."""
    os.set_blocking(pipe.fileno(), False)
    pulse = heartbeat.Pulse(time.monotonic())
    while True:
        if pulse.look(time.monotonic(), has_beaten=bool(pipe.read(PIPE_BYTES))):
            logger.error(
                "Supervisor: server process %s hangs, since its event loop is blocked. It is killed and replaced.",
                process.pid,
            )
            process.kill()
            return
        await asyncio.sleep(heartbeat.BEAT_SECONDS)


def _describe(status: int) -> str:
    """`ended with status 1`, `was ended by SIGKILL`."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
