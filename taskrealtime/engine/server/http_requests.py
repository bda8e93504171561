"""HTTP on the reference server: bounded before anything is kept, and read and answered at the client's pace.

Of Twisted's channel this leans on what its makers did not promise: `_path` (see `stock_daphne`), `_transferDecoder`,
`_waitingForTransport`, and that every bad request is answered by `_respondToBadRequestAndDisconnect`.
`tests/flows/test_front.py` fails if another version behaves differently.
"""

import select
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any

from twisted.internet.error import ConnectionAborted
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web import http

from taskrealtime.engine.asgi import body_limits
from taskrealtime.engine.conf import settings

from .back_pressure import BackPressure
from .request_bodies import KeptBody, StreamedBody
from .stock_daphne import PlainRequest, raw_answer

#: Bytes of the fields that may follow a body of unknown length. Nothing reads them.
MAX_TRAILER_BYTES = 4096
#: Pieces in which any body may arrive.
FREE_PIECES = 256
#: Bytes that further pieces must have on the average: a chunk of one byte takes the server as long as one of some
#: thousand.
LEAST_PIECE_BYTES = 64
#: Bytes a second that a streamed body must have on the average of one `HTTP_BODY_TIMEOUT`.
LEAST_BYTES_PER_SECOND = 1024
#: Bytes of an answer that may wait for its reader before the application does, and bytes of one write: together they
#: are what an unread answer takes of the server's memory.
UNREAD_BYTES = WRITE_BYTES = 32 * 1024
#: Bytes that a client that was refused may still send, so that it gets to read why: bytes unread at the end of a
#: connection would reset it, and take the answer along.
LINGER_BYTES = 4 * 1024 * 1024
#: Seconds for which it may.
LINGER_SECONDS = 2.0


class Refused(Exception):
    """A request that is answered before the application sees it, or in its place."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self) -> bytes:
        """Return the whole answer, as bytes."""
        return raw_answer(f"{self.status.value} {self.status.phrase}".encode(), str(self))


def _too_large() -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, body_limits.TOO_LARGE)


class Request(BackPressure, PlainRequest):
    """One request."""

    #: What the application receives; None until the head is there.
    body: KeptBody | StreamedBody | None = None
    #: Whether all of the body has arrived.
    is_complete = False
    #: Bytes of the body that have arrived.
    size = 0
    _limit = _pieces = 0

    def gotLength(self, length: int | None) -> None:
        """Twisted's: the head is there; a length of None will turn out.

        Raises:
            Refused: the body is too large.
        """
        self.content = BytesIO()  # What daphne reads: nothing.
        path = self.target()
        self._limit = body_limits.limit_of(path)
        if length is not None and length > self._limit:
            raise _too_large()
        if length != 0 and body_limits.is_streamed(path) and not self.requestHeaders.hasHeader(b"Upgrade"):
            self.body = StreamedBody(self.channel.pause_client, self.channel.resume_client)
        else:
            self.body = KeptBody()

    @property
    def is_streamed(self) -> bool:
        """Whether the application works on it while its body arrives."""
        return isinstance(self.body, StreamedBody)

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted's: some of the body is there.

        Raises:
            Refused: it is too much, in too small pieces, or there is no room.
        """
        assert self.body is not None
        self.size += len(data)
        self._pieces += 1
        if self.size > self._limit:
            raise _too_large()
        if self._pieces > FREE_PIECES + self.size // LEAST_PIECE_BYTES:
            raise Refused(HTTPStatus.BAD_REQUEST, "The body comes in too small pieces.")
        try:
            self.body.feed(data)
        except OSError:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "There is no room for the body.") from None

    def parseCookies(self) -> None:
        """Twisted's; Django parses them, when it is their turn."""

    def start(self, command: bytes, path: bytes, version: bytes) -> None:
        """Begin with the application: as Twisted does, which parses the query and forms first."""
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Twisted's: all of the body is there."""
        assert self.body is not None
        self.is_complete = True
        self.body.end()
        if not self.is_streamed:
            self.start(command, path, version)

    def begin(self) -> KeptBody | StreamedBody:
        """Return what the application receives, and have its `send` wait for the client from now on."""
        assert self.body is not None
        self.channel.transport.bufferSize = UNREAD_BYTES
        self.registerProducer(self, True)
        return self.body

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Daphne's; says which answer is the last one of its connection."""
        is_last = self.channel is not None and (self.channel.is_retired or not self.is_complete)
        if message["type"] == "http.response.start" and is_last:
            self.channel.persistent = False
            self.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        super().handle_reply(message)

    def finish(self) -> None:
        """End the answer, which is complete as far as the application knows."""
        if self.producer is not None:
            self.unregisterProducer()
        self.resumeProducing()
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted's: no answer can be sent any more."""
        self.resumeProducing()
        super().connectionLost(reason)
        if self.body is not None and not self.is_streamed:
            self.body.close()


class Channel(http.HTTPChannel):
    """One connection: requests one after the other, none of which takes longer to arrive or to be read than it may.

    Twisted's own time-out, which every byte puts off, is switched off by the factory.
    """

    # Twisted's own types say too little of what these can do.
    requestFactory: Any = Request
    transport: Any
    _transferDecoder: Any

    #: What happens when the time is up that `_allow` gave.
    _at_timeout: Callable[[], None]
    #: Whether the next byte begins a request; whether one was answered before.
    _is_idle, _is_kept = True, False
    #: Whether the present request is the last one.
    is_retired = False
    #: After the last answer: bytes that are still thrown away.
    _left_to_drop: int | None = None
    #: Whether the application has enough of the body for now; whether that was so since `_watch_stream` looked.
    _is_client_paused = _was_client_paused = False
    _size_when_watched = 0
    #: A request that was answered while the client reads nothing: the next one waits.
    _unread: Request | None = None
    #: Cuts a client that does not read.
    _reading_deadline: Any = None

    # -- time --

    def connectionMade(self) -> None:
        """Twisted's: a client has connected."""
        super().connectionMade()
        self._allow(settings.HTTP_IDLE_TIMEOUT, self.loseConnection)

    def _allow(self, seconds: float, at_timeout: Callable[[], None]) -> None:
        self._at_timeout = at_timeout
        self.setTimeout(seconds)

    def timeoutConnection(self) -> None:
        """Twisted's: the time is up."""
        self._at_timeout()

    def _refuse_slow(self) -> None:
        self._refuse(Refused(HTTPStatus.REQUEST_TIMEOUT, "The request took too long to arrive."))

    def _watch_stream(self) -> None:
        """Refuse a body that hardly moves, unless it was the application that kept the client waiting."""
        request = self.requests[-1]
        least = LEAST_BYTES_PER_SECOND * settings.HTTP_BODY_TIMEOUT
        if request.size - self._size_when_watched < least and not self._was_client_paused:
            self._refuse_slow()
            return
        self._size_when_watched, self._was_client_paused = request.size, self._is_client_paused
        self._allow(settings.HTTP_BODY_TIMEOUT, self._watch_stream)

    # -- what arrives --

    def dataReceived(self, data: bytes) -> None:
        """Twisted's: the client sent something."""
        if self._left_to_drop is not None:
            self._drop(len(data))
            return
        if self._is_idle:
            self._is_idle = False
            self._allow(settings.HTTP_HEAD_TIMEOUT, self._refuse_slow)
        try:
            LineReceiver.dataReceived(self, data)
        except Refused as refused:
            self._refuse(refused)

    def headerReceived(self, line: bytes) -> bool:
        """Twisted's: one field of the head is there."""
        try:
            return super().headerReceived(line)
        except ValueError:  # A length of thousands of digits.
            raise Refused(HTTPStatus.BAD_REQUEST, "This is no HTTP.") from None

    def allHeadersReceived(self) -> None:
        """Twisted's: the head of a request is there."""
        super().allHeadersReceived()
        request = self.requests[-1]
        if self.length is None:
            self._transferDecoder._maxTrailerHeadersSize = MAX_TRAILER_BYTES
        if request.is_streamed:
            self._size_when_watched, self._was_client_paused = 0, False
            self._allow(settings.HTTP_BODY_TIMEOUT, self._watch_stream)
            request.start(self._command, self._path, self._version)
        elif self.length != 0:
            self._allow(settings.HTTP_BODY_TIMEOUT, self._refuse_slow)

    def rawDataReceived(self, data: bytes) -> None:
        """Twisted's: something of a body is there, or of the next request."""
        if self._left_to_drop is None:  # The application may have answered at the head.
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Twisted's: a whole request is there; from now on it is the server that takes its time."""
        self.setTimeout(None)
        super().allContentReceived()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Twisted's: the head has a line that is too long."""
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "A line of the head is too long.")

    def _respondToBadRequestAndDisconnect(self) -> None:
        # Twisted's own answer is lost if the client has sent more, and its parser would go on meanwhile.
        raise Refused(HTTPStatus.BAD_REQUEST, "This is no HTTP.")

    def pause_client(self) -> None:
        """Read no more for now: the application has enough."""
        self._is_client_paused = self._was_client_paused = True
        self.transport.pauseProducing()

    def resume_client(self) -> None:
        """Read on."""
        self._is_client_paused = False
        if not self._waitingForTransport:
            self.transport.resumeProducing()

    # -- what is answered --

    def pauseProducing(self) -> None:
        """Twisted's: the client does not read."""
        super().pauseProducing()
        if self._reading_deadline is None:
            self._reading_deadline = self.callLater(settings.HTTP_SEND_TIMEOUT, self.transport.abortConnection)

    def resumeProducing(self) -> None:
        """Twisted's: the kernel has taken all that was written."""
        self._forget_reading_deadline()
        super().resumeProducing()
        if self._is_client_paused:
            self.transport.pauseProducing()
        if self._unread is not None:
            request, self._unread = self._unread, None
            self.requests.insert(0, request)
            self.requestDone(request)

    def _forget_reading_deadline(self) -> None:
        if self._reading_deadline is not None:
            if self._reading_deadline.active():
                self._reading_deadline.cancel()
            self._reading_deadline = None

    def requestDone(self, request: Request) -> None:
        """Twisted's: a request was answered; the next one may begin, unless the client does not read the answers."""
        self._is_client_paused = False
        if not request.is_complete:
            self.requests.remove(request)
            self._linger()
        elif self.persistent and self._waitingForTransport:
            self.requests.remove(request)
            self._unread = request
        else:
            self._is_idle = self._is_kept = True
            self._allow(settings.HTTP_IDLE_TIMEOUT, self.loseConnection)
            super().requestDone(request)

    # -- the end --

    def retire(self, *, wait_for_first: bool) -> None:
        """Close a connection that is kept for further requests; answer the one that is on its way before.

        Args:
            wait_for_first: leave a connection alone on which no request has come yet.
        """
        self.is_retired = True
        if self._is_idle and (self._is_kept or not wait_for_first) and not _has_unread(self.transport):
            self.loseConnection()

    def loseConnection(self) -> None:
        """Twisted's: close, once the client has read everything; it has so long for that."""
        self._allow(settings.HTTP_SEND_TIMEOUT, self.transport.abortConnection)
        super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted's: the connection is no more."""
        self._forget_reading_deadline()
        super().connectionLost(reason)

    def _refuse(self, refused: Refused) -> None:
        """Answer in the application's place, and end the connection."""
        has_answered = False
        while self.requests:
            request = self.requests.pop()
            has_answered |= bool(request.startedWriting)
            request.connectionLost(Failure(ConnectionAborted()))
        if has_answered:
            self.transport.abortConnection()
        else:
            self.transport.write(refused.answer())
            self._linger()

    def _linger(self) -> None:
        """Say no more, and let the client read what was said."""
        self.clearLineBuffer()
        self._left_to_drop = LINGER_BYTES
        self.transport.unregisterProducer()
        self.transport.loseWriteConnection()
        self.transport.resumeProducing()
        self._allow(LINGER_SECONDS, self.transport.abortConnection)

    def _drop(self, size: int) -> None:
        assert self._left_to_drop is not None
        self._left_to_drop -= size
        if self._left_to_drop <= 0:
            self.transport.pauseProducing()


def _has_unread(transport: Any) -> bool:
    poll = select.poll()
    poll.register(transport, select.POLLIN)
    return bool(poll.poll(0))


class Factory(http.HTTPFactory):
    """Makes a channel for each connection."""

    protocol: Any = Channel

    def __init__(self, server: Any) -> None:
        super().__init__()
        self.timeOut = None
        #: Where daphne's requests look for it.
        self.server = server
