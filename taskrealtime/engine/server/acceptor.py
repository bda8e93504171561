"""Takes connections in: the newest first, and none while those before them are signed in slowly.

When a crowd comes back at once, a server that works on all connections at the same time is done with all of them at the
same time. If that is later than the clients wait, none is ever let in, and the work done for clients that have given
up meanwhile makes it later still: a storm of 1 500 clients, on a machine so busy that it took 15 s for them all, never
ended. So connections wait here, where they cost nothing, until there is time for them. The newest goes first: the one
that has waited longest is about to give up. One whose client has left is not let in at all.
"""

import asyncio
import errno
import logging
import select
import socket
from collections import deque
from collections.abc import Callable

logger = logging.getLogger(__name__)

#: Connections that are taken from the kernel before others get a turn of the event loop.
TAKEN_AT_ONCE = 100
#: Connections that are handed over before others get a turn.
HANDED_AT_ONCE = 25
#: Connections that may wait here; beyond that they wait in the kernel.
MAX_WAITING = 1000
#: Seconds between two looks while the server is busy.
POLL_INTERVAL_SECONDS = 0.005
#: Seconds until the next try when there are no file descriptors left.
RETRY_SECONDS = 1.0
#: What accepting raises when the process or the system has no more descriptors or memory.
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
#: That the other side has closed; if it is not known (macOS) only a connection that was cut is found out.
_LEFT = getattr(select, "POLLRDHUP", 0)


class Acceptor:
    """Accepts the connections of one listening socket."""

    def __init__(
        self,
        listening: socket.socket,
        hand_over: Callable[[socket.socket], None],
        is_busy: Callable[[], bool],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Begin, as soon as the event loop runs.

        Args:
            listening: not blocking; it is closed by `stop`.
            hand_over: takes a connection, not blocking; it is closed when this returns: duplicate it.
            is_busy: whether no connection should be handed over now.
        """
        self._listening = listening
        self._hand_over = hand_over
        self._is_busy = is_busy
        self._loop = loop
        self._waiting: deque[socket.socket] = deque()
        self._next_look: asyncio.TimerHandle | None = None
        self._trying_again: asyncio.TimerHandle | None = None
        self._loop.add_reader(listening, self._take)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def stop(self) -> None:
        """Stop accepting. Hand over the connections that have arrived; if the server is busy, cut them.

        A proxy that has connected has sent a request, which it may not send to another process if it changes something.
        """
        self._take()
        self._loop.remove_reader(self._listening)
        for timer in (self._next_look, self._trying_again):
            if timer is not None:
                timer.cancel()
        while self._waiting and not self._is_busy():
            self._hand_over_last()
        while self._waiting:
            self._waiting.pop().close()
        self._listening.close()

    def _take(self) -> None:
        """Take the waiting connections from the kernel."""
        for _ in range(min(TAKEN_AT_ONCE, MAX_WAITING - len(self._waiting))):
            try:
                connection, _ = self._listening.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._pause(error)
                    break
                continue  # It was cut before it was accepted.
            connection.setblocking(False)
            self._waiting.append(connection)
        if len(self._waiting) >= MAX_WAITING:
            self._loop.remove_reader(self._listening)
        if self._next_look is None:
            self._look()

    def _pause(self, error: OSError) -> None:
        logger.error(
            "Server: connections cannot be accepted (%s); the next try is in %s s. Raise the limit of files.",
            error.strerror,
            RETRY_SECONDS,
        )
        self._loop.remove_reader(self._listening)
        self._trying_again = self._loop.call_later(RETRY_SECONDS, self._loop.add_reader, self._listening, self._take)

    def _look(self) -> None:
        """Hand over the connections for which there is time."""
        self._next_look = None
        was_full = len(self._waiting) >= MAX_WAITING
        handed = 0
        while self._waiting and handed < HANDED_AT_ONCE and not self._is_busy():
            handed += self._hand_over_last()
        if was_full and len(self._waiting) < MAX_WAITING:
            self._loop.add_reader(self._listening, self._take)
        if self._waiting:
            self._next_look = self._loop.call_later(0 if handed else POLL_INTERVAL_SECONDS, self._look)

    def _hand_over_last(self) -> bool:
        """Hand over the newest connection; return False if its client has left."""
        with self._waiting.pop() as connection:
            if has_left(connection):
                return False
            try:
                self._hand_over(connection)
            except OSError as error:  # It was cut in this moment, or there is no descriptor for the duplicate.
                logger.warning("Server: a connection was lost while it was accepted (%s).", error.strerror)
        return True


def has_left(connection: socket.socket) -> bool:
    """Return whether the other side has closed the connection."""
    poll = select.poll()
    poll.register(connection, _LEFT)
    return bool(poll.poll(0))
