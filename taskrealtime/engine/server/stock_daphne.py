"""Keeps stock daphne from what needs no server of our own: parsing forms, believing a header, taking in any body."""

import logging
import sys
from typing import Any
from urllib.parse import unquote

import daphne.http_protocol
from daphne.http_protocol import WebRequest

from taskrealtime.engine.asgi import body_limits

from .ending import end_within

logger = logging.getLogger(__name__)

#: Seconds that stock daphne gets to end after it was asked to.
SHUTDOWN_SECONDS = 10.0
#: A header from which daphne takes `root_path`, whichever client sent it.
ROOT_PATH_HEADER = b"Daphne-Root-Path"


class PlainRequest(WebRequest):
    """Daphne's request, as it came from the client.

    By itself Twisted parses forms on the event loop before the application sees anything: a megabyte of `a;` in a
    header of a part held the whole process for 20 s.
    """

    def __init__(self, channel: Any, queued: object = False) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=False)

    def process(self) -> Any:
        """Daphne's, without its header, and without a fault of its own over what no subprotocol may be called."""
        self.requestHeaders.removeHeader(ROOT_PATH_HEADER)
        offered = self.requestHeaders.getRawHeaders(b"Sec-WebSocket-Protocol", [])
        if not all(value.isascii() for value in offered):
            return self.basic_error(400, b"Bad Request", "Invalid subprotocol")
        return super().process()

    def target(self) -> str:
        """Return the path that the application will see.

        Twisted has it in public once the whole body is there; until then its channel keeps it as `_path`.
        """
        return unquote(self.channel._path.partition(b"?")[0].decode("ascii", "replace"))


class BoundedRequest(PlainRequest):
    """Of a body that is too large, stock daphne takes in no byte more than it may have."""

    _limit = _size = 0
    _is_refused = False

    def gotLength(self, length: int | None) -> None:
        """Twisted's: the head is there."""
        self._limit = body_limits.limit_of(self.target())
        if length is not None and length > self._limit:
            self._refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted's: some of the body is there."""
        self._size += len(data)
        if self._is_refused:
            return
        if self._size > self._limit:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Twisted's: all of it is there."""
        if not self._is_refused:
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        self._is_refused = True
        self.requestHeaders.removeHeader(b"Expect")  # Twisted would ask for the body yet.
        self.channel.transport.write(too_large())
        self.channel.loseConnection()


def too_large() -> bytes:
    """Return the whole answer to a body that is too large."""
    return raw_answer(b"413 Content Too Large", body_limits.TOO_LARGE)


def raw_answer(status: bytes, message: str) -> bytes:
    """Return a whole answer, after which the connection ends."""
    body = body_limits.refusal(message)
    head = [
        b"HTTP/1.1 " + status,
        b"Content-Type: application/json",
        b"Cache-Control: no-store",
        b"Connection: close",
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join([*head, b"", body])


def harden() -> None:
    """Have daphne make such requests; if it is the server, bound its end, and log what stays unbounded."""
    # There is no way to hand another class to daphne: its factory looks this name up for every connection.
    daphne.http_protocol.WebRequest = BoundedRequest
    if "daphne.cli" in sys.modules:
        from twisted.internet import reactor  # which daphne has installed

        started: Any = reactor
        started.addSystemEventTrigger("before", "shutdown", end_within, SHUTDOWN_SECONDS)
        logger.warning(
            "Stock daphne holds in memory what a client does not read of its answer, and waits without end for slow "
            "requests: `manage.py serve` bounds both."
        )
