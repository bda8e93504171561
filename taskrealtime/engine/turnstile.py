"""Lets a bounded number of HTTP requests into Django at a time; the others wait in line, and beyond it are turned away.

Each request in Django takes a thread and, once it asks the database, a connection. Without a bound, a storm of a
thousand took as many threads, most of which waited in vain for a connection and answered 500.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Collection

import msgspec

from . import metrics
from .capacity import HTTP_READERS, HTTP_WRITERS
from .errors import RateLimited
from .paths import routed_path
from .polling import Application, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

#: Methods that change nothing and wait for nobody's lock.
READING = {"GET", "HEAD", "OPTIONS"}
#: Requests of a kind that may wait: what one process answers in about ten seconds.
MAX_WAITING = 2000
#: Seconds after which who was turned away may come back: spread out, so that they do not come at once.
RETRY_AFTER = (1, 5)
#: Bytes of a waiting request's body that are taken in; past them it is noticed at its turn that its client left.
MAX_KEPT = 32 * 1024
#: Seconds between two lines in the log about requests that were turned away.
SILENCE = 10.0


class Turnstile:
    """ASGI middleware round Django. Who leaves the line, since the client went away, gives the place up.

    What reads and what changes something stand in two lines: changes may have to wait for somebody's lock, boards are
    asked for by crowds, and neither shall stop the other.
    """

    def __init__(
        self,
        application: Application,
        *,
        readers: int = HTTP_READERS,
        writers: int = HTTP_WRITERS,
        waiting: int = MAX_WAITING,
        open_paths: Collection[str] = (),
        chance: Callable[[int, int], int] = random.randint,
    ) -> None:
        """Nobody is in yet.

        Args:
            readers, writers: requests of each kind that are worked on at a time.
            waiting: requests of each kind that may wait for that.
            open_paths: what takes no slot and never waits; one that ends with a slash means all below it. It must not
                use the database in its request's thread.
        """
        self._application = application
        self._reading, self._changing = _Line(readers), _Line(writers)
        self._waiting = waiting
        self._open_paths = frozenset(open_paths)
        self._open_folders = tuple(path for path in open_paths if path.endswith("/"))
        self._chance = chance
        self._turned_away, self._told_at = 0, float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        path = routed_path(scope)
        if path in self._open_paths or path.startswith(self._open_folders):
            await self._application(scope, receive, send)
            return
        line = self._reading if scope["method"] in READING else self._changing
        if line.length >= self._waiting and not line.is_open:
            await self._turn_away(send)
            return
        inbox = _Inbox(receive)
        if not await line.admit(inbox):
            return
        try:
            await self._application(scope, inbox.receive, send)
        finally:
            line.pass_on()

    async def _turn_away(self, send: Send) -> None:
        """Answer 503 at once: nothing was done, and a little later there may be room."""
        self._note_turned_away()
        error = RateLimited("The server is busy. Try again a little later.", retry_after=self._chance(*RETRY_AFTER))
        headers = [
            (b"Content-Type", b"application/json"),
            (b"Cache-Control", b"no-store"),
            (b"Retry-After", str(error.retry_after).encode()),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": msgspec.json.encode(error.as_data())})

    def _note_turned_away(self) -> None:
        self._turned_away += 1
        metrics.ERRORS.labels(RateLimited.code).inc()
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= SILENCE:
            logger.warning("Too many requests at once: %s were answered 503 so far.", self._turned_away)
            self._told_at = now


class _Line:
    """Slots, and who waits for one, first come, first served."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._turns: deque[asyncio.Future[None]] = deque()

    @property
    def is_open(self) -> bool:
        """Whether there is a free slot."""
        return self._free > 0

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._turns)

    async def admit(self, inbox: "_Inbox") -> bool:
        """Take a slot, as soon as there is one; False: the client left before."""
        if self._free:
            self._free -= 1
            return True
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        left = asyncio.create_task(inbox.until_client_left())
        admitted = False
        try:
            await asyncio.wait({turn, left}, return_when=asyncio.FIRST_COMPLETED)
            left.cancel()
            # Until it has ended: the application reads on from where it stopped.
            await asyncio.gather(left, return_exceptions=True)
            admitted = turn.done() and not inbox.client_left
        finally:
            left.cancel()
            if not admitted:
                self._give_up(turn)
        return admitted

    def pass_on(self) -> None:
        """A slot is no longer used: it is the next one's."""
        if self._turns:
            self._turns.popleft().set_result(None)
        else:
            self._free += 1

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done():
            self.pass_on()
        else:
            self._turns.remove(turn)


class _Inbox:
    """What the client sent while its request waited, for the application to read, and whether it left."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self.client_left = False

    async def until_client_left(self) -> None:
        while self._bytes <= MAX_KEPT:
            message = await self._receive()
            self._messages.append(message)
            self._bytes += len(message.get("body", b""))
            if message["type"] == "http.disconnect":
                self.client_left = True
                return
        await asyncio.get_running_loop().create_future()

    async def receive(self) -> Message:
        """As the server's."""
        return self._messages.popleft() if self._messages else await self._receive()
