"""Processes that come from the fork server; see `tests.support.fork_server`."""

import json
import select
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import IO

_asking = Lock()


def fork(
    server: socket.socket,
    command: Sequence[str] | None,
    *,
    log: IO[bytes],
    env: Mapping[str, str],
    errors: IO[bytes] | None = None,
) -> socket.socket:
    """Let a program be forked, or a worker where there is no command; return the socket that leads to it.

    `errors`: the file for what goes to the standard error, where that is not the log, too.
    """
    ours, its_end = socket.socketpair()
    with its_end:
        message = json.dumps({"env": dict(env), "command": command}).encode()
        with _asking:
            socket.send_fds(server, [message], [its_end.fileno(), log.fileno(), (errors or log).fileno()])
            if not server.recv(1):
                raise AssertionError("The fork server ended.")
    return ours


class Forked:
    """A program of the fork server, as `subprocess.Popen` has it: `pid`, `poll` and `wait`."""

    def __init__(
        self,
        server: socket.socket,
        command: Sequence[str],
        *,
        log: IO[bytes],
        env: Mapping[str, str],
        errors: IO[bytes] | None = None,
    ) -> None:
        """`command` runs in the folder of the project; for the others see `fork`."""
        self.args = command
        self._status = fork(server, command, log=log, env=env, errors=errors)
        self.returncode: int | None = None
        self.pid = self._read_number()

    def poll(self) -> int | None:
        """What it ended with; None: it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return what it ended with (negative: the signal that ended it)."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._read_number()
            self._status.close()
        return self.returncode

    def _read_number(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            if not (byte := self._status.recv(1)):
                raise AssertionError("The fork server ended.")
            line += byte
        return int(line)
