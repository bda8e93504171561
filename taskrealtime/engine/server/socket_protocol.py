"""One WebSocket on the reference server: bounded in what it buffers and in what a client may send."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from autobahn.util import encode_truncate
from autobahn.websocket.types import ConnectionDeny
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import tcp, unix

from .back_pressure import BackPressure
from .http_requests import WRITE_BYTES

logger = logging.getLogger(__name__)

#: Bytes of a close frame's reason.
MAX_REASON = 123
#: Bytes that the kernel is asked to keep for one slow client. By itself Linux goes up to 4 MiB.
KERNEL_BUFFER = 256 * 1024
#: The first byte of a ping in one frame (RFC 6455, 5.2).
PING = 0x89
#: The last opcode of messages and their pieces; those of control frames are larger.
TEXT_OR_BINARY = 7
#: Messages of one client that may wait for the application before no more is read.
MAX_UNHANDLED = 100
#: Seconds until the next look whether reading can go on.
POLL_INTERVAL_SECONDS = 0.01
#: Frames of one client, at once, that are no message and that nothing else counts: pings, pongs, and tiny pieces of
#: messages.
MAX_FRAMES = 2000
#: How many more of them may come each second.
FRAMES_PER_SECOND = 100
#: Bytes below which a piece of a message, before its last, is tiny.
TINY = 1024
#: Transports that hand their bytes to a socket as they are; those with TLS are of other types.
PLAIN_TRANSPORTS: tuple[type, ...] = (tcp.Server, unix.Server)
#: Where such a transport still holds bytes: Twisted's own attributes, and not promised.
BUFFERS = ("dataBuffer", "_tempDataBuffer")
Message = dict[str, Any]


class SocketProtocol(BackPressure, WebSocketProtocol):
    """One WebSocket.

    It is registered at its transport as a producer: the transport pauses it when 64 KiB wait to be read by the
    client, and resumes it when all of that is gone. While it is paused, the application's `send` waits, so that what
    a slow client does not read piles up where it is counted (`outbox.Outbox`). Stock daphne takes everything at once:
    three clients that read nothing held 274 MB after 50 s. The other way round, a client that says more than the
    application gets done is not read until it has.
    """

    #: The socket's own `send`, if frames may go past the transport.
    _send_now: Callable[[bytes], int] | None = None
    #: The HTTP status of a refused upgrade, and its headers.
    _refused_with = 403
    _refusal_headers: tuple[tuple[str, str], ...] = ()
    #: Frames that the client may still send at once, as of when (monotonic).
    _frames_left: float = MAX_FRAMES
    _frames_at = 0.0
    _is_flooding = False

    def onOpen(self) -> None:
        """The upgrade is done: take the place of the HTTP channel, which the transport would go on pausing."""
        self.unregisterProducer()
        self.registerProducer(self, True)
        handle = self.transport.getHandle()
        if isinstance(handle, socket.socket):  # With TLS it is something else.
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
            if self._is_plain():
                self._send_now = handle.send
        self._forget_request()
        super().onOpen()

    def _forget_request(self) -> None:
        """Drop what autobahn keeps for as long as the connection lives: 3 KB and more, cookies and tokens among it."""
        self.http_request_data = b""
        self.http_headers.clear()
        # For messages sent in pieces, which the server never sends; a deque takes 0.7 KB.
        self.send_queue = _NoQueue()

    def onFrameBegin(self) -> None:
        """Autobahn's: the head of one more frame is there. Whole messages are the application's to count."""
        frame = self.current_frame
        if frame.opcode > TEXT_OR_BINARY or (not frame.fin and frame.length < TINY):
            self._count_frame()
        super().onFrameBegin()

    def _count_frame(self) -> None:
        now = time.monotonic()
        self._frames_left = min(MAX_FRAMES, self._frames_left + (now - self._frames_at) * FRAMES_PER_SECOND) - 1
        self._frames_at = now
        if self._frames_left < 0 and self.state == self.STATE_OPEN:
            self._end_flood()

    def _end_flood(self) -> None:
        """Close, and read nothing more: not even the answer, for which autobahn waits a few seconds."""
        logger.warning(
            "Sockets: one was closed with 4429, since it sent more than %s pings or fragments in a short time.",
            MAX_FRAMES,
        )
        self._is_flooding = True
        self._close(4429, "Too many frames.")
        self.transport.pauseProducing()
        self.data = b""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Take a message of the client."""
        super().onMessage(payload, isBinary)
        if self.application_queue.qsize() == MAX_UNHANDLED:
            self.transport.pauseProducing()
            self._read_again_later()

    def _read_again_later(self) -> None:
        asyncio.get_running_loop().call_later(POLL_INTERVAL_SECONDS, self._read_again)

    def _read_again(self) -> None:
        if self._is_flooding:
            return
        if self.application_queue.qsize() < MAX_UNHANDLED or self.state != self.STATE_OPEN:
            self.transport.resumeProducing()
        else:
            self._read_again_later()

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        """Handle the lost connection; nothing waits for the client any more."""
        self.resumeProducing()
        super().onClose(wasClean, code, reason)

    # -- at once --

    def push(self, wire: bytes) -> bool:
        """Send whole frames that were encoded before; False if they must go the ordinary way.

        Twisted writes when its loop comes to it, which costs an epoll_ctl before and another one after, and daphne and
        autobahn frame every message anew: 45 µs for each listener of a room. This costs the system call and little
        more. The transport gets what the kernel does not take, and then keeps the order, since nothing overtakes
        what it holds.
        """
        if self._send_now is None or self.state != self.STATE_OPEN or self.muted or self._paused is not None:
            return False
        transport = self.transport
        if not (transport.dataBuffer or transport._tempDataBuffer):
            try:
                sent = self._send_now(wire)
            except OSError:  # The kernel takes no more, or the connection is lost, which the transport will find.
                sent = 0
            if sent == len(wire):
                return True
            wire = wire[sent:]
        transport.write(wire)
        return True

    def sendPing(self, payload: bytes | None = None) -> None:
        """Autobahn's, at once if that can be.

        Its timers have whole seconds: connections of one second are all pinged in one go, up to a thousand of them,
        with 0.3 ms for each.
        """
        if payload is None or not self.push(bytes([PING, len(payload)]) + payload):
            super().sendPing(payload)

    def _is_plain(self) -> bool:
        """Return whether frames may go to the socket past the transport and autobahn."""
        known = type(self.transport) in PLAIN_TRANSPORTS and all(hasattr(self.transport, name) for name in BUFFERS)
        return known and self._perMessageCompress is None

    # -- what the application sends --

    def handle_reply(self, message: Message) -> None:
        """Daphne's, with every close code, the close's reason, and a refusal's status."""
        match message["type"]:
            case "websocket.close" if self.state != self.STATE_CONNECTING:
                self._close(message.get("code") or 1000, message.get("reason") or "")
            case "websocket.http.response.start":
                self._refused_with = message["status"]
                self._refusal_headers = tuple(
                    (name.decode(), value.decode()) for name, value in message.get("headers", ())
                )
            case "websocket.http.response.body":
                if not message.get("more_body"):
                    self.serverReject()
            case _:
                super().handle_reply(message)

    def _close(self, code: int, reason: str) -> None:
        # `sendClose`, which daphne calls, refuses 1001 to 2999. Autobahn calls this one internal, and uses it itself
        # to send them; daphne, too, to send 1011.
        self.sendCloseFrame(code=code, reasonUtf8=encode_truncate(reason, MAX_REASON))
        # Daphne's switch: the application has ended, and whatever the client still sends is dropped.
        self.muted = True

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        """Answer a bad upgrade; to Autobahn an Origin that is no URL is one, to us an Origin that is refused."""
        if reason.startswith("HTTP Origin header"):
            code = 403
        # With a length: without one, a proxy waits for the end of the connection.
        own = [("Connection", "close"), ("Content-Length", "0"), *self._refusal_headers]
        super().failHandshake(reason, code, [*(responseHeaders or []), *own])

    def serverReject(self) -> None:
        """Answer the upgrade with an HTTP status; daphne only knows 403."""
        denied = ConnectionDeny(self._refused_with, HTTPStatus(self._refused_with).phrase)
        self.handshake_deferred.errback(denied)
        # As daphne's own does: by its absence daphne knows that there was an answer.
        del self.handshake_deferred
        self.server.protocol_disconnected(self)


class _NoQueue(list[Any]):
    """Small while it is empty, as it always is."""

    __slots__ = ()

    def popleft(self) -> Any:
        return self.pop(0)


class Inbox:
    """Messages of a client that its application has not received yet.

    It replaces daphne's `asyncio.Queue`, whose four deques take 3 KB for each socket; it has the methods that daphne
    calls.
    """

    __slots__ = ("_messages", "_waiting")

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, message: Message) -> None:
        """Take a message from daphne."""
        self._messages.append(message)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> Message:
        """The application's `receive`: one at a time."""
        while not self._messages:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        self._waiting = None
        return self._messages.pop(0)

    def qsize(self) -> int:
        """Return how many messages wait."""
        return len(self._messages)


def in_pieces(message: Message) -> Iterator[Message]:
    """Split what is too much at once: Twisted copies whatever it is given."""
    body = message.get("body", b"")
    if message["type"] == "http.response.body" and len(body) > WRITE_BYTES:
        last = len(body) - WRITE_BYTES
        start = 0
        while start < last:
            yield message | {"body": body[start : start + WRITE_BYTES], "more_body": True}
            start += WRITE_BYTES
        message = message | {"body": body[start:]}
    yield message
