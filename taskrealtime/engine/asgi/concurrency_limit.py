"""Lets a bounded number of HTTP requests into Django at a time; the others wait in line, and beyond it are turned away.

Each request in Django takes a thread and, once it asks the database, a connection. Without a bound, a storm of a
thousand took as many threads, most of which waited in vain for a connection and answered 500.
"""

import asyncio
import logging
import random
import re
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from taskrealtime.engine import metrics
from taskrealtime.engine.auth.shares import share_of, share_of_sign_in
from taskrealtime.engine.db.capacity import HASHERS, HTTP_READERS, HTTP_WRITERS
from taskrealtime.engine.db.fair_line import FairLine, Share
from taskrealtime.engine.db.time_limits import limit_statements
from taskrealtime.engine.wire.asgi import Application, Message, Receive, Scope, Send
from taskrealtime.engine.wire.errors import Busy

from .paths import routed_path
from .refusals import refusal
from .unread import Answer, Unread

logger = logging.getLogger(__name__)

#: Methods that change nothing and wait for no lock.
READING = {"GET", "HEAD", "OPTIONS"}
#: Requests of a kind that may wait: what one process answers in about ten seconds. Half of them of one user or address.
MAX_WAITING = 2000
#: Seconds after which a refused client may come back: spread out, so that they do not come at once.
RETRY_AFTER = (1, 5)
#: Bytes of a waiting request's body that are taken in; past them it is noticed at its turn that its client left.
MAX_KEPT = 32 * 1024
#: Seconds between two lines in the log about requests that were turned away.
SILENCE = 10.0


class ConcurrencyLimit:
    """ASGI middleware round Django. A request that leaves the line, since its client went away, frees its place.

    What reads, what changes something and what hashes a password stand in three lines: changes may have to wait for
    locks, boards are asked for by crowds, a hash takes a third of a second of a core on purpose, and none
    shall stop the others. In each, users and addresses take turns.

    A slot belongs to the work: it is free once Django is done, and not before, though the client left and the server
    gave up on it; nor later, though the client reads its answer slowly.
    """

    def __init__(
        self,
        application: Application,
        *,
        readers: int = HTTP_READERS,
        writers: int = HTTP_WRITERS,
        hashers: int = HASHERS,
        waiting: int = MAX_WAITING,
        open_paths: Collection[str] = (),
        hashing_paths: str = "",
        chance: Callable[[int, int], int] = random.randint,
    ) -> None:
        """Start empty. From now on this process serves, and its statements have limits.

        Args:
            readers, writers, hashers: requests of each kind that are worked on at a time.
            waiting: requests of each kind that may wait for that.
            open_paths: what takes no slot and never waits; one that ends with a slash means all below it. It must not
                use the database in its request's thread.
            hashing_paths: a pattern (`re`) of whole paths where a change hashes passwords.
        """
        self._application = application
        self._unread = Unread(self._hand_out)
        self._reading, self._changing, self._hashing = (
            FairLine(slots, may_begin=self._has_read) for slots in (readers, writers, hashers)
        )
        self._waiting = waiting
        self._open_paths = frozenset(open_paths)
        self._open_folders = tuple(path for path in open_paths if path.endswith("/"))
        self._hashes = re.compile(hashing_paths).fullmatch
        self._working: set[asyncio.Task[None]] = set()
        self._chance = chance
        self._turned_away, self._logged_at = 0, float("-inf")
        limit_statements()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        path = routed_path(scope)
        if path in self._open_paths or path.startswith(self._open_folders):
            await self._application(scope, receive, send)
            return
        inbox = _Inbox(receive)
        line, share = self._reading, share_of(scope)
        if scope["method"] not in READING:
            line = self._changing
            if self._hashes(path):
                line, share = self._hashing, share_of_sign_in(scope, await inbox.first_body())
        if self._is_full(line, share.group):
            await self._turn_away(send)
        elif await _admit(line, share, inbox):
            await self._serve(line, share, scope, inbox, send)

    async def _serve(self, line: FairLine, share: Share, scope: Scope, inbox: "_Inbox", send: Send) -> None:
        """Have Django work on a request that holds a slot."""
        answer = Answer(send, self._unread, share.group)
        work = asyncio.create_task(self._work(line, share, scope, inbox, answer))
        self._working.add(work)
        try:
            await asyncio.shield(work)
            await answer.written()
        finally:
            # If the server has given up: Django learns of it, and keeps the slot until its thread has ended.
            inbox.leave()
            answer.drop()

    async def _work(self, line: FairLine, share: Share, scope: Scope, inbox: "_Inbox", answer: Answer) -> None:
        try:
            await self._application(scope, inbox.receive, answer.send)
        finally:
            line.pass_on(share)
            self._working.discard(asyncio.current_task())

    def _is_full(self, line: FairLine, group: str) -> bool:
        if line.is_open(group):
            return False
        return len(line) >= self._waiting or line.length_of(group) >= self._waiting - self._waiting // 2

    def _has_read(self, group: str) -> bool:
        return not self._unread.is_too_much(group)

    def _hand_out(self) -> None:
        for line in (self._reading, self._changing, self._hashing):
            line.hand_out()

    async def _turn_away(self, send: Send) -> None:
        """Answer 503 at once: nothing was done, and a little later there may be room."""
        self._note_turned_away()
        error = Busy("The server is busy. Try again a little later.", retry_after=self._chance(*RETRY_AFTER))
        for message in refusal(error):
            await send(message)

    def _note_turned_away(self) -> None:
        self._turned_away += 1
        metrics.ERRORS.labels(Busy.code).inc()
        now = asyncio.get_running_loop().time()
        if now - self._logged_at >= SILENCE:
            logger.warning(
                "Concurrency limit: %s requests were answered 503 so far. Add processes, or look for slow requests.",
                self._turned_away,
            )
            self._logged_at = now


async def _admit(line: FairLine, share: Share, inbox: "_Inbox") -> bool:
    """Take a slot, as soon as it is this share's turn; return False if the client left before."""
    if line.take(share):
        return True
    turn = line.wait(share)
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
            line.leave(share, turn)
    return admitted


class _Inbox:
    """What the client sent while its request waited, for the application to read, and whether it left."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self.client_left = False
        #: Done once the answer is no longer awaited.
        self._is_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def first_body(self) -> bytes:
        """Return the first bytes of the body; the application gets them all the same."""
        return bytes((await self._next()).get("body", b""))

    async def until_client_left(self) -> None:
        """Take in what the client sends, within bounds, and return once it left."""
        while self._bytes <= MAX_KEPT:
            if (await self._next())["type"] == "http.disconnect":
                self.client_left = True
                return
        await asyncio.get_running_loop().create_future()

    def leave(self) -> None:
        """Notify the application that its client left."""
        if not self._is_over.done():
            self._is_over.set_result(None)

    async def receive(self) -> Message:
        """As the server's."""
        if self._messages:
            return self._messages.popleft()
        receiving = asyncio.ensure_future(self._receive())
        either: set[asyncio.Future[Any]] = {receiving, self._is_over}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else {"type": "http.disconnect"}
        finally:
            receiving.cancel()

    async def _next(self) -> Message:
        message = await self._receive()
        self._messages.append(message)
        self._bytes += len(message.get("body", b""))
        return message
