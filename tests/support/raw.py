"""A WebSocket client that may do what no library lets one do: read nothing, answer nothing, send broken frames."""

import base64
import json
import os
import socket
import struct
from typing import Any

from tests.support.raw_http import KIB, RawHTTP

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class RawSocket(RawHTTP):
    """One connection to `ws://127.0.0.1:<port><path>`; nothing is read or answered unless a test says so."""

    READ_BYTES = 64 * KIB

    def __init__(
        self, port: int, path: str = "/ws/", *, token: str | None = None, buffer: int | None = None, timeout: float = 20
    ) -> None:
        """Open it and send the upgrade.

        Args:
            token: signs in by header.
            buffer: bytes that the kernel may keep for this client to read; small: the server notices it soon.
            timeout: seconds that anything may take.
        """
        super().__init__(port, buffer=buffer, timeout=timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        signed_in = [f"Authorization: Bearer {token}"] if token else []
        self.request("GET", path, *upgrade, f"Sec-WebSocket-Key: {key}", *signed_in)
        head = self._read_until(b"\r\n\r\n")
        self.status = int(head.split()[1])

    def send_event(self, event: str, data: Any = None, **envelope: Any) -> None:
        """Send one event."""
        self.send_frame(TEXT, json.dumps({"event": event, "data": data or {}, **envelope}).encode())

    def send_frame(self, opcode: int, payload: bytes, *, final: bool = True, claim: int | None = None) -> None:
        """Send one frame, masked with zeros; `claim` is the length that its header gives instead of the true one."""
        length = len(payload) if claim is None else claim
        head = bytes([(0x80 if final else 0) | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += bytes([0x80 | 126]) + struct.pack("!H", length)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", length)
        self.send(head + bytes(4) + payload)

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload.

        Raises:
            ConnectionError: there is none any more.
        """
        head = self._read(2)
        length = head[1]
        if length == 126:
            length = struct.unpack("!H", self._read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self._read(8))[0]
        return head[0] & 15, self._read(length)

    def read_event(self, event: str) -> Any:
        """Pass over frames until this event comes, and return its data."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == TEXT and (frame := json.loads(payload))["event"] == event:
                return frame["data"]

    def close_code(self) -> int:
        """Read to the end; the code of the close frame, 1006 where there was none."""
        try:
            while True:
                opcode, payload = self.read_frame()
                if opcode == CLOSE:
                    return int(struct.unpack("!H", payload[:2])[0])
        except ConnectionError:
            return 1006

    def is_cut(self) -> bool:
        """Whether the other side has reset or ended the connection; reads nothing of what waits."""
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return error != 0
