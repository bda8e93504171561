"""Frames that go to one or many sockets: put into bytes once for all of them."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from taskrealtime.engine.conf.user_model import UserKey, on_wire, parse_key

#: Payloads up to this many bytes have their length in the frame's second byte.
SHORT = 125
#: Payloads up to this many bytes have it in two more, all others in eight.
MEDIUM = 0xFFFF
#: The first byte of a text frame that is no piece.
TEXT = b"\x81"
#: The second byte when two, or eight, bytes of length follow.
TWO_BYTES = b"\x7e"
EIGHT_BYTES = b"\x7f"


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


class LoggedEvent(NamedTuple):
    """A numbered event as rooms pass it on."""

    seq: int
    #: The frame's JSON text.
    frame: str
    #: The user that may receive nothing after it.
    evicts: UserKey | None = None
    #: Whether it says that content was deleted, which events before it may still hold.
    forgets: bool = False

    def as_message(self) -> list[Any]:
        """Return it as messages between processes carry it."""
        return [self.seq, self.frame, None if self.evicts is None else on_wire(self.evicts), self.forgets]

    @classmethod
    def from_message(cls, carried: list[Any]) -> "LoggedEvent":
        """Return what `as_message` gave."""
        seq, frame, evicts, forgets = carried
        return cls(seq, frame, parse_key(evicts), forgets)


def wire_time(moment: datetime) -> str:
    """ISO 8601 in UTC, written as the times inside an event's data are."""
    return msgspec.to_builtins(moment.astimezone(UTC))
