"""An HTTP client that may do what no library lets one do, and what a server process holds meanwhile."""

import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

KIB = 1024


class RawHTTP:
    """One connection to `127.0.0.1:<port>`; nothing is sent or read unless a test says so."""

    READ_BYTES = 256 * KIB

    def __init__(self, port: int, *, source: str = "127.0.0.1", buffer: int | None = None, timeout: float = 60) -> None:
        """Open it.

        Args:
            source: the address that it comes from.
            buffer: bytes that the kernel may keep for this client to read.
            timeout: seconds that anything may take.
        """
        self._socket = socket.socket()
        if buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._socket.settimeout(timeout)
        self._socket.bind((source, 0))
        self._socket.connect(("127.0.0.1", port))
        self._received = b""

    def request(self, method: str, path: str, *headers: str) -> None:
        """Send a head."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, data: bytes) -> None:
        """Send bytes as they are.

        Raises:
            OSError: the server takes no more.
        """
        self._socket.sendall(data)

    def try_to_send(self, data: bytes) -> int:
        """Send what the server takes within half a second a step; how many bytes that were."""
        self._socket.settimeout(0.5)
        sent = 0
        with suppress(OSError):
            while sent < len(data):
                sent += self._socket.send(data[sent : sent + 64 * KIB])
        self._socket.settimeout(60)
        return sent

    def send_chunk(self, data: bytes) -> None:
        """Send one chunk of a body without a length; an empty one ends it."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers with names in lower case, body.

        Raises:
            ConnectionError: there is none.
        """
        status, headers = self.answer_head()
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, b"".join(iter(self._read_chunk, b""))
        if "content-length" in headers:
            return status, headers, self._read(int(headers["content-length"]))
        return status, headers, self.rest()

    def answer_head(self) -> tuple[int, dict[str, str]]:
        """The head of the next answer, also one that asks the client to continue."""
        first, *lines = self._read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(first.split()[1]), {name.lower(): value for name, value in headers.items()}

    def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        with suppress(ConnectionError):
            while True:
                self._fill()
        rest, self._received = self._received, b""
        return rest

    def close(self) -> None:
        """End the connection as it is, without a close frame."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_chunk(self) -> bytes:
        size = int(self._read_until(b"\r\n"), 16)
        chunk = self._read(size)
        self._read(2)
        return chunk

    def _read(self, length: int) -> bytes:
        while len(self._received) < length:
            self._fill()
        data, self._received = self._received[:length], self._received[length:]
        return data

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._fill()
        data, _, self._received = self._received.partition(mark)
        return data

    def _fill(self) -> None:
        data = self._socket.recv(self.READ_BYTES)
        if not data:
            raise ConnectionError("The server has ended the connection.")
        self._received += data


class Usage:
    """What a process uses from now on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # The peak of its memory counts from here.
        self._memory = self._status("VmRSS:")
        self._cpu = self._cpu_seconds()

    @property
    def peak_memory(self) -> int:
        """Bytes of the machine's memory that it held more than at the beginning, at its peak."""
        return self._status("VmHWM:") - self._memory

    @property
    def cpu(self) -> float:
        """Seconds of a processor."""
        return self._cpu_seconds() - self._cpu

    @property
    def largest_file(self) -> int:
        """Bytes of the largest temporary file that it has open."""
        sizes = [0]
        for entry in os.scandir(f"/proc/{self._pid}/fd"):
            with suppress(OSError):  # It was closed meanwhile.
                target = os.readlink(entry.path)
                if target.startswith(tempfile.gettempdir()) and target.endswith("(deleted)"):
                    sizes.append(os.stat(entry.path).st_size)
        return max(sizes)

    def _status(self, name: str) -> int:
        text = Path(f"/proc/{self._pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith(name))
        return int(line.split()[1]) * KIB

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
