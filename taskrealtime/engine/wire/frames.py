"""Frames that go to one or many sockets: put into bytes once for all of them."""

from functools import cached_property

#: Payloads up to this many bytes have their length in the second byte; up to the other, in two more.
SHORT, MEDIUM = 125, 0xFFFF
TEXT, TWO_BYTES, EIGHT_BYTES = b"\x81", b"\x7e", b"\x7f"


class Frames(tuple[str, ...]):
    """Texts in their order, as a room hands them to each of its listeners."""

    @cached_property
    def wire(self) -> bytes:
        """All of them as a server sends them: unmasked, unfragmented WebSocket text frames (RFC 6455, 5.2)."""
        return b"".join(_framed(text.encode()) for text in self)


def _framed(payload: bytes) -> bytes:
    size = len(payload)
    if size <= SHORT:
        return TEXT + bytes([size]) + payload
    if size <= MEDIUM:
        return TEXT + TWO_BYTES + size.to_bytes(2, "big") + payload
    return TEXT + EIGHT_BYTES + size.to_bytes(8, "big") + payload
