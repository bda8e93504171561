"""`systemctl` for tests: starts and ends the services of unit files as systemd does, without systemd."""

import configparser
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.services.process import Process, scratch
from tests.support.stacks import ROOT

#: Passes its arguments on and waits for the exit status.
CLIENT = """#!{python} -I
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({path!r})
    connection.sendall(" ".join(sys.argv[1:]).encode())
    connection.shutdown(socket.SHUT_WR)
    sys.exit(int(connection.recv(8) or b"1"))
"""


class Units:
    """The services of one installation, whose unit files lie in a folder.

    What a unit file says of paths is put in place of this checkout; its user and its limits are left out.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Listen for `systemctl`, which is in `bin`.

        Args:
            environment: what the `EnvironmentFile` holds.
        """
        self._folder = folder
        self._environment = dict(environment)
        self._running: dict[str, Process] = {}
        self.bin = scratch() / f"units-{id(self):x}"
        self.bin.mkdir()
        path = self.bin / "socket"
        client = self.bin / "systemctl"
        client.write_text(CLIENT.format(python=sys.executable, path=str(path)))
        client.chmod(0o755)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, *names: str) -> None:
        """Start services; like systemd, wait for none of them to be ready."""
        for name in names:
            unit, instance = self._read(name)
            command = [part.replace("%i", instance) for part in shlex.split(unit["ExecStart"])]
            self._running[name] = Process(
                [in_this_checkout(part) for part in command],
                log_path=scratch() / f"{name}.log",
                env=self._environment,
                cwd=in_this_checkout(unit["WorkingDirectory"]),
                end_with=signal.SIGTERM,
            )

    def stop(self, *names: str) -> None:
        """End services, and wait for their ends."""
        for name in names:
            unit, _ = self._read(name)
            process = self._running.pop(name, None)
            if process is None:
                continue
            # `mixed`: the signal goes to the main process alone.
            send = process.send_to_leader if unit.get("KillMode") == "mixed" else process.send
            send(signal.SIGTERM)
            # As systemd does, count the end by that signal as a clean one.
            assert process.wait() in {0, -signal.SIGTERM}, process.log_tail()

    def close(self) -> None:
        """End all that runs here."""
        self._listening.close()
        self.stop(*self._running)

    def log_tail(self) -> str:
        """Return the last lines of each service."""
        return "\n".join(process.log_tail() for process in self._running.values())

    def _read(self, name: str) -> tuple[Mapping[str, str], str]:
        template, _, instance = name.partition("@")
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string((self._folder / f"{template}{'@' if instance else ''}.service").read_text())
        return parser["Service"], instance

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                words = connection.makefile().read().split()
                try:
                    self._obey(*words)
                except Exception as error:
                    sys.stderr.write(f"systemctl {' '.join(words)}: {error!r}\n")
                    connection.sendall(b"1")
                else:
                    connection.sendall(b"0")

    def _obey(self, verb: str, *names: str) -> None:
        if verb not in {"start", "restart"}:
            raise ValueError(verb)
        if verb == "restart":
            self.stop(*names)
        self.start(*names)


def in_this_checkout(text: str) -> str:
    """Return a path of the documented installation as it is here."""
    return text.replace("/srv/taskrealtime/.venv/bin/python", sys.executable).replace("/srv/taskrealtime", str(ROOT))


def read_environment_file(text: str) -> dict[str, str]:
    """Return the variables of an `EnvironmentFile`: systemd knows comments on lines of their own alone."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", ";"))]
    return dict(line.split("=", 1) for line in lines)
