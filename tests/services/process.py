"""One service process: started in a group of its own, watched by the guard, with a log file."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from tests.services import guard


@cache
def scratch() -> Path:
    """The folder of this test run: databases, logs, sockets. It is removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="taskrealtime-tests-"))
    guard.watch_folder(path)
    path.chmod(0o711)  # a server that runs as another user must get at its folder below
    return path


def free_port() -> int:
    """A TCP port for this process alone, also while no server listens there; below those of outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as place, contextlib.suppress(OSError):
            place.bind(("127.0.0.1", port))
            # Servers reuse addresses: they may listen beside this socket, which is kept until the process ends.
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.detach()
            return port


class Running(Protocol):
    """What of `subprocess.Popen` is needed here."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Process:
    """A running program. `log_path` holds what it printed, over all its starts.

    `start` starts it in another way than by itself, and in the folder that this way has.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | str = "/",
        end_with: signal.Signals = signal.SIGKILL,
        start: Callable[..., Running] | None = None,
    ) -> None:
        self.log_path = log_path
        self.end_with = end_with
        with log_path.open("ab") as log:
            self._popen: Running
            if start is not None:
                self._popen = start(command, log=log, env=env)
            else:
                self._popen = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=env,
                    cwd=cwd,
                    start_new_session=True,
                )
        guard.watch_process(self._popen, end_with)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signal the whole group; nothing happens where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def send_to_leader(self, number: signal.Signals) -> None:
        """Signal the process that was started, and none of those that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self, number: signal.Signals | None = None, timeout: float = 60) -> int:
        """Signal it, wait for its end and return its exit status (negative: the signal that ended it)."""
        if self.running:
            self.send(number or self.end_with)
        return self.wait(timeout)

    def wait(self, timeout: float = 60) -> int:
        """Wait for the end that it was asked for, and return its exit status (negative: the signal that ended it)."""
        try:
            status = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._popen.wait()
            raise AssertionError(f"The process did not end within {timeout} s.\n{self.log_tail()}") from None
        finally:
            guard.forget_process(self._popen)
        return status

    def wait_until(self, ready: Callable[[], bool], timeout: float = 60) -> None:
        """Poll until it is ready; fail with its log where it ends first or takes too long."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise AssertionError(f"The process ended with {self._popen.poll()}.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.end(signal.SIGKILL)
                raise AssertionError(f"The process was not ready within {timeout} s.\n{self.log_tail()}")
            time.sleep(0.02)

    def log_tail(self, lines: int = 60) -> str:
        """The last lines that it printed."""
        text = self.log_path.read_text(errors="replace")
        return "\n".join([f"--- {self.log_path.name} ---", *text.splitlines()[-lines:]])
