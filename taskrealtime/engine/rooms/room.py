"""One room of this process: delivers its events to each subscriber, in order."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from taskrealtime.engine import metrics
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.crash_points import crash_point
from taskrealtime.engine.log import LoggedEvent
from taskrealtime.engine.wire import protocol
from taskrealtime.engine.wire.frames import Frames

from .recent import MAX_KEPT, RecentEvents

logger = logging.getLogger(__name__)

#: Events read from the log at a time; and no further one once they have a chunk.
PAGE = 200
#: Events that are kept when they arrive ahead of their turn; beyond this they are read again from the log.
MAX_RECEIVED = 1000
#: Characters of their frames that are kept.
MAX_RECEIVED_CHARACTERS = 1024 * 1024
#: Characters of frames after which subscribers get the time to read, lest a burst look like slowness.
CHUNK_CHARACTERS = 64 * 1024
#: Seconds of that time, at most.
READ_TIMEOUT_SECONDS = 0.5
#: Subscribers that are served before others get a turn of the event loop: 1 ms. A turn costs a twentieth of that; to be
#: read, carried out and answered takes a message about five of them.
LISTENERS_AT_ONCE = 100


class Listener(Protocol):
    """A subscriber of rooms: a socket, or a waiting long poll."""

    user_id: UserKey

    @property
    def lags(self) -> bool:
        """Whether something that was delivered is not sent yet."""

    def deliver(self, frames: Frames) -> None:
        """Take these frames, in order, without waiting."""

    def unsubscribed(self, room: str) -> None:
        """The user may no longer read this room, or it is gone."""

    def membership_ended(self, room: str) -> None:
        """The user may no longer read a room, subscribed here or not; where it is, `unsubscribed` comes, too."""

    def disconnect(self, code: int, reason: str) -> None:
        """End the connection with this close code."""

    async def drained(self) -> None:
        """Wait until what was delivered is sent, so that a long replay does not pile up."""


class Subscription:
    """One subscriber's place in one room: `cursor` is the last number that it was given."""

    __slots__ = ("authorised", "cursor", "ended", "listener", "read", "received_anything", "room")

    def __init__(self, room: "Room", listener: Listener, cursor: int, authorised: int, read: int | None) -> None:
        self.room = room
        self.listener = listener
        self.cursor = cursor
        #: The membership was checked as of this number: later evictions count, earlier ones do not.
        self.authorised = authorised
        #: How far the subscriber knows a personal room to be read; None: it does not want to know.
        self.read = read
        self.ended = False
        self.received_anything = False

    def give(self, frames: Frames, cursor: int) -> None:
        """Deliver these frames to the subscriber; the last one has the number `cursor`."""
        self.listener.deliver(frames)
        self.cursor = cursor
        self.received_anything = True

    def evicted_by(self, event: LoggedEvent) -> bool:
        """Return whether this event ends the subscriber's right to read the room."""
        return event.evicts == self.listener.user_id and event.seq > self.authorised


class Room:
    """One room as this process serves it."""

    def __init__(
        self,
        name: str,
        position: int,
        read: Callable[..., Any],
        evicted: Callable[[str, UserKey], None] = lambda room, user_id: None,
    ) -> None:
        """Create a room that has delivered everything up to `position`.

        Args:
            read: reads its log.
            evicted: called when the event that ends a user's right to read the room was delivered.
        """
        self.name = name
        #: What the names of all rooms of its kind begin with.
        self.kind = domain.kind_of(name).name or name.partition(".")[0]
        self._evicted = evicted
        #: What was delivered to live subscribers last.
        self._recent = self._remember_from(position)
        #: How far a personal room was read, and trimmed.
        self._marker = self._floor = 0
        #: The highest number that is known to exist.
        self.head = position
        self.detached = True
        self.idle_since: float | None = None
        self.renewed_at = 0.0
        self._read = read
        self._received: dict[int, LoggedEvent] = {}
        self._live: set[Subscription] = set()
        #: The number after which a subscription ends, since its user's right to read has ended.
        self._last_numbers: dict[Subscription, int] = {}
        #: Subscribers that are not live yet. True: they already have more than `position`, since they read the log
        #: after us; False: they are still reading what they missed.
        self._coming: dict[Subscription, bool] = {}
        #: Subscribers that still read an earlier chunk.
        self._reading: dict[Subscription, asyncio.Task[None]] = {}
        self._pumping: asyncio.Task[None] | None = None
        #: Pages being read from the log for returning subscribers, by the number that they follow.
        self._pages: dict[int, asyncio.Task[list[LoggedEvent]]] = {}

    @property
    def position(self) -> int:
        """The last number that was delivered to live subscribers."""
        return self._recent.end

    # -- subscribers --

    def subscribe(self, listener: Listener, *, cursor: int, authorised: int, read: int | None = None) -> Subscription:
        """Enter a subscriber that has everything up to `cursor`. It gets nothing before `go_live`."""
        subscription = Subscription(self, listener, cursor, authorised, read)
        self._coming[subscription] = False
        return subscription

    async def go_live(self, subscription: Subscription) -> None:
        """Give the subscriber what it missed, then what the room passed meanwhile, then every new event."""
        while not subscription.ended and subscription.cursor < self.position:
            await self._catch_up(subscription)
        if subscription.ended:
            return
        # No await between the comparison above and here: no event can slip in between.
        if subscription.cursor == self.position:
            del self._coming[subscription]
            self._live.add(subscription)
            self._deliver_marker()
        else:
            self._coming[subscription] = True
            self.advance_to(subscription.cursor)

    async def _catch_up(self, subscription: Subscription) -> None:
        try:
            page = self._recent.after(subscription.cursor)
            metrics.REPLAYED_PAGES.labels("memory" if page else "log").inc()
            page = page or await self._page_after(subscription.cursor)
        except Exception as error:
            logger.warning("Rooms: a replay of %s waits for the database (%s).", self.name, type(error).__name__)
            await asyncio.sleep(settings.SWEEP_INTERVAL)
            return
        if page:
            await self._replay(subscription, page)
        elif not subscription.ended:
            # Trimmed meanwhile, or another life of the log: the client comes back and has to reset.
            self.unsubscribe(subscription)
            subscription.listener.disconnect(1012, "The log no longer reaches back that far.")

    async def _page_after(self, cursor: int) -> list[LoggedEvent]:
        """Return what follows `cursor` in the log, read once for all that wait for it; empty if nothing follows."""
        if cursor not in self._pages:
            self._pages[cursor] = asyncio.create_task(self._read_page(cursor))
        return await asyncio.shield(self._pages[cursor])

    async def _read_page(self, cursor: int) -> list[LoggedEvent]:
        # As of now: what is forgotten while the page is being read must not come back with it.
        recent, start = self._recent, self._recent.start
        try:
            page = await self._read(self.name, since=cursor, limit=PAGE)
        finally:
            del self._pages[cursor]
        if page and page[0].seq != cursor + 1:
            return []
        recent.extend_back([event for event in page if event.seq <= start])
        return page

    async def _replay(self, subscription: Subscription, events: Iterable[LoggedEvent]) -> None:
        for batch in _chunks(events):
            if subscription.ended:
                return
            subscription.give(Frames(event.frame for event in batch), batch[-1].seq)
            if subscription.evicted_by(batch[-1]):
                self._evict(subscription)
                return
            await subscription.listener.drained()

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; the subscriber gets nothing more of this room."""
        subscription.ended = True
        self._live.discard(subscription)
        self._coming.pop(subscription, None)
        self._last_numbers.pop(subscription, None)

    def subscriptions(self) -> list[Subscription]:
        """Return all subscriptions, live or not yet."""
        return [*self._live, *self._coming]

    @property
    def size(self) -> int:
        """The number of subscribers."""
        return len(self._live) + len(self._coming)

    def close(self) -> None:
        """Unsubscribe all, since the room is gone."""
        for subscription in self.subscriptions():
            self._evict(subscription)

    def evict(self, subscription: Subscription, *, after: int) -> None:
        """End a subscription whose user may no longer read the room, once the room has come to the number `after`.

        What was committed before the right was lost is delivered; called again, it is not waited for.
        """
        if after > self.position and subscription not in self._last_numbers:
            self._last_numbers[subscription] = after
            return
        self._evict(subscription)
        self._evicted(self.name, subscription.listener.user_id)

    def _remember_from(self, position: int) -> RecentEvents:
        # Personal events must be read anew each time: their reader may have lost access to the content since.
        return RecentEvents(position, most=0 if domain.is_personal(self.name) else MAX_KEPT)

    def _evict(self, subscription: Subscription) -> None:
        self.unsubscribe(subscription)
        subscription.listener.unsubscribed(self.name)

    # -- how far it was read --

    def mark(self, read: int, floor: int) -> None:
        """Record how far a personal room was read and trimmed, by a publication or as the sweep found."""
        self._marker, self._floor = max(self._marker, read), max(self._floor, floor)
        self._deliver_marker()

    def _deliver_marker(self) -> None:
        """Send the mark to live subscribers that do not have it; not before they have what was read elsewhere."""
        if not self._marker or self._marker > self.position:
            return
        unread = self.position - max(self._marker, min(self._floor, self.position))
        marker = {"up_to": self._marker, "unread": unread}
        frames = Frames([protocol.encode("notifications_read", marker, room=self.name)])
        for subscription in list(self._live):
            if subscription.read is not None and subscription.read < self._marker:
                subscription.read = self._marker
                subscription.listener.deliver(frames)

    # -- what is passed on --

    def receive(self, events: Iterable[LoggedEvent], head: int) -> None:
        """Take a publication: these events exist, and the log reaches at least to `head`."""
        for event in events:
            if event.seq > self.position:
                self._received[event.seq] = event
        characters = sum(len(event.frame) for event in self._received.values())
        if len(self._received) > MAX_RECEIVED or characters > MAX_RECEIVED_CHARACTERS:
            self._received.clear()
        self.advance_to(head)

    def advance_to(self, head: int) -> None:
        """Deliver everything up to `head`, reading from the log what was not received."""
        self.head = max(self.head, head)
        if self.head > self.position and self._pumping is None:
            self._pumping = asyncio.create_task(self._pump())

    def raise_floor(self, floor: int) -> None:
        """Skip what was trimmed up to `floor`: a client that is behind that comes back and has to reset."""
        if floor > self.position and self._pumping is None:
            self._skip_to(floor)

    async def _pump(self) -> None:
        try:
            while self.head > self.position:
                if self.position + 1 not in self._received:
                    metrics.GAPS_FILLED.inc()
                    page = await self._read(self.name, since=self.position, limit=PAGE)
                    if not page:
                        # The log has less than announced: a publication from another epoch. The sweep sorts it out.
                        self.head = self.position
                    elif page[0].seq != self.position + 1:
                        self._skip_to(page[0].seq - 1)
                    self._received.update((event.seq, event) for event in page)
                while batch := self._next_batch():
                    await self._pass_on(batch)
                    if sum(len(event.frame) for event in batch) > CHUNK_CHARACTERS:
                        await self._let_read()
        except Exception:
            # The database is away, say. The next sweep or publication starts again from `position`.
            logger.exception(
                "Rooms: events of %s after %s could not be read; the next sweep reads them.", self.name, self.position
            )
        finally:
            self._pumping = None

    def _skip_to(self, position: int) -> None:
        """Skip what was trimmed or lost after our position: all clients come back and have to reset."""
        logger.error(
            "Event log: %s has nothing between %s and %s. Look for deleted rows of engine_event.",
            self.name,
            self.position,
            position + 1,
        )
        self._recent = self._remember_from(position)
        for subscription in self.subscriptions():
            self.unsubscribe(subscription)
            subscription.listener.disconnect(1012, "The log no longer reaches back that far.")

    def _next_batch(self) -> list[LoggedEvent]:
        """Return the received events that follow `position` without a gap, up to one that evicts a user."""
        batch: list[LoggedEvent] = []
        seq, characters = self.position + 1, 0
        while event := self._received.pop(seq, None):
            batch.append(event)
            seq += 1
            characters += len(event.frame)
            if event.evicts is not None or characters > CHUNK_CHARACTERS:
                break
        return batch

    async def _pass_on(self, batch: list[LoggedEvent]) -> None:
        # Moved first: a subscriber that joins during the awaits below reads this batch from the log.
        self._recent.add(batch)
        self.head = max(self.head, self.position)
        frames, listeners = Frames(event.frame for event in batch), list(self._live)
        for count, subscription in enumerate(listeners, start=1):
            if subscription.ended:
                continue
            subscription.give(frames, self.position)
            crash_point("passing_on")
            if count % LISTENERS_AT_ONCE == 0:
                await asyncio.sleep(0)
        metrics.count_passed_on(frames, kind=self.kind, wire_bytes=len(frames.wire), listeners=len(listeners))
        self._let_catch_up(batch)
        self._deliver_marker()
        if batch[-1].evicts is not None:
            for subscription in self.subscriptions():
                if subscription.evicted_by(batch[-1]):
                    self._evict(subscription)
            self._evicted(self.name, batch[-1].evicts)
        for subscription, last in list(self._last_numbers.items()):
            if last <= self.position:
                self.evict(subscription, after=last)

    async def _let_read(self) -> None:
        """Wait for the live subscribers; for a slow one only once, until it has caught up or was cut."""
        waits = []
        for subscription in [one for one in self._live if one.listener.lags and one not in self._reading]:
            wait = self._reading[subscription] = asyncio.create_task(self._wait_for_reader(subscription))
            waits.append(wait)
        if waits:
            await asyncio.wait(waits, timeout=READ_TIMEOUT_SECONDS)

    async def _wait_for_reader(self, subscription: Subscription) -> None:
        try:
            await subscription.listener.drained()
        finally:
            del self._reading[subscription]

    def _let_catch_up(self, batch: list[LoggedEvent]) -> None:
        """Make subscribers that were ahead live once the room has come to where they are."""
        for subscription in [one for one, ahead in self._coming.items() if ahead and one.cursor <= self.position]:
            missed = Frames(event.frame for event in batch if event.seq > subscription.cursor)
            if missed:
                subscription.give(missed, self.position)
            del self._coming[subscription]
            self._live.add(subscription)


def _chunks(events: Iterable[LoggedEvent]) -> Iterator[list[LoggedEvent]]:
    """Return the events in batches, each ending where a chunk is reached or where a user is evicted."""
    batch: list[LoggedEvent] = []
    characters = 0
    for event in events:
        batch.append(event)
        characters += len(event.frame)
        if event.evicts is not None or characters > CHUNK_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
