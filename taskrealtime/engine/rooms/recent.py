"""The last events of one room, kept so that a returning client is caught up without the database."""

import time
from collections.abc import Callable, Iterable, Sequence

from taskrealtime.engine.conf import settings
from taskrealtime.engine.log import LoggedEvent

#: Characters of frames that are kept of one room: some two hundred events. Older ones are read from the log.
MAX_KEPT = 64 * 1024
#: Seconds for which an event is kept: the log may hold it without texts that were edited away since.
MAX_AGE = 3600.0


class RecentEvents:
    """The events after number `start` up to number `end`, without a gap."""

    def __init__(self, position: int, most: int = MAX_KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty after number `position`; at most `most` characters are kept."""
        self.start = self.end = position
        #: A few hundred at most; most rooms of users have none, for which a deque would take 0.7 KB.
        self._events: list[LoggedEvent] = []
        #: When each of them was taken up, in ascending order.
        self._times: list[float] = []
        self._characters = 0
        self._most = most
        self._clock = clock

    def add(self, events: Iterable[LoggedEvent]) -> None:
        """Keep these, which follow `end`, and forget the oldest beyond the bound.

        If one says that content was deleted, all before it is forgotten: it may hold that content, and the log
        gives it blanked from now on.
        """
        now = self._clock()
        for event in events:
            if event.forgets:
                self._events.clear()
                self._times.clear()
                self._characters, self.start = 0, self.end
            self._events.append(event)
            self._times.append(now)
            self._characters += len(event.frame)
            self.end = event.seq
        while self._characters > self._most:
            self._forget_oldest()

    def extend_back(self, events: Sequence[LoggedEvent]) -> None:
        """Keep also these, read from the log, if they end at `start` and there is room for them."""
        characters = sum(len(event.frame) for event in events)
        if not events or events[-1].seq != self.start or self._characters + characters > self._most:
            return
        self._times[:0] = [self._times[0] if self._times else self._clock()] * len(events)
        self._events[:0] = events
        self._characters += characters
        self.start = events[0].seq - 1

    def after(self, seq: int) -> list[LoggedEvent] | None:
        """Return what follows `seq`, or None if that was forgotten, or is yet to come."""
        oldest = self._clock() - min(MAX_AGE, settings.REPLACED_TEXT_DAYS * 86400)
        while self._times and self._times[0] < oldest:
            self._forget_oldest()
        if not self.start <= seq <= self.end:
            return None
        return self._events[seq - self.start :]

    def _forget_oldest(self) -> None:
        oldest = self._events.pop(0)
        self._times.pop(0)
        self._characters -= len(oldest.frame)
        self.start = oldest.seq
