"""Process-local rooms: who listens in this process, and each room's events passed on in order.

A `Hub` per event loop holds the rooms that its sockets listen to. A `Room` knows the last number that it
passed on; rings and sweeps only tell it that there may be more. What follows the position it writes to every
live listener; where a number is missing it reads the log first.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import connection as database

from taskrealtime.engine import log, metrics
from taskrealtime.engine.auth import tokens
from taskrealtime.engine.conf import settings
from taskrealtime.engine.crash_points import crash_point
from taskrealtime.engine.db.batching import Batcher
from taskrealtime.engine.db.threads import in_database_thread
from taskrealtime.engine.installation import doorbell, epochs
from taskrealtime.engine.installation.names import layer_group
from taskrealtime.engine.limits import connections
from taskrealtime.engine.log import LoggedEvent, trimming
from taskrealtime.engine.presence.last_seen import LastSeenBook
from taskrealtime.engine.presence.presence import Presence
from taskrealtime.engine.presence.typists import Typists
from taskrealtime.engine.wire import protocol
from taskrealtime.engine.wire.errors import RealTimeError
from taskrealtime.engine.wire.frames import Frames

from .recent import MAX_KEPT, RecentEvents
from .watching import GROUP as ALL_PROCESSES
from .watching import Health, RoomFigures, Watch

logger = logging.getLogger(__name__)

#: Whose room it is: the first part of its name.
KINDS = ("project", "user")
#: Events read from the log at a time; and no further one once they have a mouthful.
PAGE = 200
#: Events, and characters of their frames, that were heard of ahead of their turn; beyond this they are read again from
#: the log.
MAX_HEARD, MAX_HEARD_CHARACTERS = 1000, 1024 * 1024
#: Characters of frames after which listeners get the time to read, lest a burst look like slowness; seconds of it.
MOUTHFUL, TIME_TO_READ = 64 * 1024, 0.5
#: Listeners that are served before others get a turn of the event loop: 1 ms. A turn costs a twentieth of that; to be
#: read, carried out and answered takes a message about five of them.
LISTENERS_AT_ONCE = 100
#: Seconds that a room without listeners is kept, and after which a group membership is renewed.
LINGER = 30.0
RENEW = 300.0
#: Seconds that a sweep may take before the database counts as away.
DATABASE_PATIENCE = 3.0
#: Other installations that are logged, each once: not each of their messages is to be a line.
MAX_FOREIGN = 20
#: Seconds that joining a group waits for this process's channel, which needs the layer to be there.
CHANNEL_TIMEOUT = 1.0


class Listener(Protocol):
    """Whoever listens to rooms: a socket, or a waiting long poll."""

    user_id: int

    @property
    def lags(self) -> bool:
        """Whether something that was heard is not on its way yet."""

    def hear(self, frames: Frames) -> None:
        """Take these frames, in order, without waiting."""

    def left(self, room: str) -> None:
        """The user may no longer hear this room, or it is gone."""

    def departed(self, room: str) -> None:
        """The user may no longer hear a room, whether or not it is heard here; where it is, `left` comes, too."""

    def give_up(self, code: int, reason: str) -> None:
        """The connection must end with this close code."""

    async def drained(self) -> None:
        """Wait until what was heard is on its way, so that a long replay does not pile up."""


class Subscription:
    """One listener's place in one room: `cursor` is the last number that it was given."""

    __slots__ = ("authorised", "cursor", "ended", "heard_anything", "listener", "read", "room")

    def __init__(self, room: "Room", listener: Listener, cursor: int, authorised: int, read: int | None) -> None:
        self.room = room
        self.listener = listener
        self.cursor = cursor
        #: The membership was checked as of this number: later evictions count, earlier ones do not.
        self.authorised = authorised
        #: How far the listener knows a personal room to be read; None: it does not want to know.
        self.read = read
        self.ended = False
        self.heard_anything = False

    def give(self, frames: Frames, cursor: int) -> None:
        """Let the listener hear these frames, the last of which is number `cursor`."""
        self.listener.hear(frames)
        self.cursor = cursor
        self.heard_anything = True

    def evicted_by(self, event: LoggedEvent) -> bool:
        """Whether this event ends the listener's right to hear the room."""
        return event.evicts == self.listener.user_id and event.seq > self.authorised


class Room:
    """One room as this process serves it."""

    def __init__(
        self,
        name: str,
        position: int,
        read: Callable[..., Any],
        evicted: Callable[[str, int], None] = lambda room, user_id: None,
    ) -> None:
        """A room that has passed on everything up to `position`.

        Args:
            read: reads its log.
            evicted: called when the event that ends a user's right to hear the room was passed on.
        """
        self.name = name
        #: `project` or `user`.
        self.kind = name.partition(".")[0]
        self._evicted = evicted
        #: What was passed on to live listeners last.
        self._recent = self._remember_from(position)
        #: How far a personal room was read, and trimmed.
        self._marker = self._floor = 0
        #: The highest number that anybody told us of.
        self.head = position
        self.deaf = True
        self.idle_since: float | None = None
        self.renewed_at = 0.0
        self._read = read
        self._heard: dict[int, LoggedEvent] = {}
        self._live: set[Subscription] = set()
        #: Listeners that are not live yet. True: they already have more than `position`, since they read the log after
        #: us; False: they are still reading what they missed.
        self._coming: dict[Subscription, bool] = {}
        #: Listeners that still read an earlier mouthful.
        self._reading: dict[Subscription, asyncio.Task[None]] = {}
        self._pumping: asyncio.Task[None] | None = None
        #: Pages being read from the log for those who come back, by the number that they follow.
        self._pages: dict[int, asyncio.Task[list[LoggedEvent]]] = {}

    @property
    def position(self) -> int:
        """The last number that was passed on to live listeners."""
        return self._recent.end

    # -- who listens --

    def subscribe(self, listener: Listener, *, cursor: int, authorised: int, read: int | None = None) -> Subscription:
        """Enter a listener that has everything up to `cursor`. It hears nothing before `go_live`."""
        subscription = Subscription(self, listener, cursor, authorised, read)
        self._coming[subscription] = False
        return subscription

    async def go_live(self, subscription: Subscription) -> None:
        """Give the listener what it missed, then what the room passed meanwhile, then every new event."""
        while not subscription.ended and subscription.cursor < self.position:
            await self._catch_up(subscription)
        if subscription.ended:
            return
        # No await between the comparison above and here: no event can slip in between.
        if subscription.cursor == self.position:
            del self._coming[subscription]
            self._live.add(subscription)
            self._tell_marker()
        else:
            self._coming[subscription] = True
            self.reach(subscription.cursor)

    async def _catch_up(self, subscription: Subscription) -> None:
        try:
            page = self._recent.after(subscription.cursor)
            metrics.REPLAYED_PAGES.labels("memory" if page else "log").inc()
            page = page or await self._page_after(subscription.cursor)
        except Exception as error:
            logger.warning("A replay of %s waits for the database (%s).", self.name, type(error).__name__)
            await asyncio.sleep(settings.SWEEP_INTERVAL)
            return
        if page:
            await self._replay(subscription, page)
        elif not subscription.ended:
            # Trimmed meanwhile, or another life of the log: it comes back and is told to reset.
            self.unsubscribe(subscription)
            subscription.listener.give_up(1012, "The log no longer reaches back that far.")

    async def _page_after(self, cursor: int) -> list[LoggedEvent]:
        """What follows `cursor` in the log, read once for all who wait for it; empty where nothing follows it."""
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
        for batch in _mouthfuls(events):
            if subscription.ended:
                return
            subscription.give(Frames(event.frame for event in batch), batch[-1].seq)
            if subscription.evicted_by(batch[-1]):
                self._evict(subscription)
                return
            await subscription.listener.drained()

    def unsubscribe(self, subscription: Subscription) -> None:
        """The listener leaves; it hears nothing more of this room."""
        subscription.ended = True
        self._live.discard(subscription)
        self._coming.pop(subscription, None)

    def subscriptions(self) -> list[Subscription]:
        """Everybody who listens, live or not yet."""
        return [*self._live, *self._coming]

    @property
    def size(self) -> int:
        """How many listen."""
        return len(self._live) + len(self._coming)

    def close(self) -> None:
        """The room is no more: everybody leaves."""
        for subscription in self.subscriptions():
            self._evict(subscription)

    def _remember_from(self, position: int) -> RecentEvents:
        # What one person was told must be looked at anew each time: it may be lost to them since.
        return RecentEvents(position, most=0 if log.is_personal(self.name) else MAX_KEPT)

    def _evict(self, subscription: Subscription) -> None:
        self.unsubscribe(subscription)
        subscription.listener.left(self.name)

    # -- how far it was read --

    def mark(self, read: int, floor: int) -> None:
        """A personal room was read and trimmed up to these numbers, as somebody rang or the sweep found."""
        self._marker, self._floor = max(self._marker, read), max(self._floor, floor)
        self._tell_marker()

    def _tell_marker(self) -> None:
        """Tell the live listeners that do not know it yet; not before they have what was read elsewhere."""
        if not self._marker or self._marker > self.position:
            return
        unread = self.position - max(self._marker, min(self._floor, self.position))
        told = {"up_to": self._marker, "unread": unread}
        frames = Frames([protocol.encode("notifications_read", told, room=self.name)])
        for subscription in list(self._live):
            if subscription.read is not None and subscription.read < self._marker:
                subscription.read = self._marker
                subscription.listener.hear(frames)

    # -- what is passed on --

    def hear(self, events: Iterable[LoggedEvent], head: int) -> None:
        """Somebody rang: these events exist, and the log reaches at least to `head`."""
        for event in events:
            if event.seq > self.position:
                self._heard[event.seq] = event
        characters = sum(len(event.frame) for event in self._heard.values())
        if len(self._heard) > MAX_HEARD or characters > MAX_HEARD_CHARACTERS:
            self._heard.clear()
        self.reach(head)

    def reach(self, head: int) -> None:
        """Pass on everything up to `head`, reading from the log what nobody told us."""
        self.head = max(self.head, head)
        if self.head > self.position and self._pumping is None:
            self._pumping = asyncio.create_task(self._pump())

    def rise(self, floor: int) -> None:
        """The log was trimmed up to `floor`: whoever is behind that comes back and is told to reset."""
        if floor > self.position and self._pumping is None:
            self._skip_to(floor)

    async def _pump(self) -> None:
        try:
            while self.head > self.position:
                if self.position + 1 not in self._heard:
                    metrics.GAPS_FILLED.inc()
                    page = await self._read(self.name, since=self.position, limit=PAGE)
                    if not page:
                        # The log has less than was told: a ring from another life of it. The sweep sorts it out.
                        self.head = self.position
                    elif page[0].seq != self.position + 1:
                        self._skip_to(page[0].seq - 1)
                    self._heard.update((event.seq, event) for event in page)
                while batch := self._next_batch():
                    await self._pass_on(batch)
                    if sum(len(event.frame) for event in batch) > MOUTHFUL:
                        await self._let_read()
        except Exception:
            # The database is away, say. The next sweep or ring starts again from `position`.
            logger.exception("Events of %s after %s could not be read.", self.name, self.position)
        finally:
            self._pumping = None

    def _skip_to(self, position: int) -> None:
        """What follows our position was trimmed, or lost: everybody comes back and is told to reset."""
        logger.error("The log of %s has nothing between %s and %s.", self.name, self.position, position + 1)
        self._recent = self._remember_from(position)
        for subscription in self.subscriptions():
            self.unsubscribe(subscription)
            subscription.listener.give_up(1012, "The log no longer reaches back that far.")

    def _next_batch(self) -> list[LoggedEvent]:
        """The heard events that follow `position` without a gap, up to one that evicts somebody."""
        batch: list[LoggedEvent] = []
        seq, characters = self.position + 1, 0
        while event := self._heard.pop(seq, None):
            batch.append(event)
            seq += 1
            characters += len(event.frame)
            if event.evicts is not None or characters > MOUTHFUL:
                break
        return batch

    async def _pass_on(self, batch: list[LoggedEvent]) -> None:
        # Moved first: whoever joins during the awaits below reads this batch from the log.
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
        self._tell_marker()
        if batch[-1].evicts is not None:
            for subscription in self.subscriptions():
                if subscription.evicted_by(batch[-1]):
                    self._evict(subscription)
            self._evicted(self.name, batch[-1].evicts)

    async def _let_read(self) -> None:
        """Wait for the live listeners; for a slow one only once, until it has caught up or was cut."""
        waits = []
        for subscription in [one for one in self._live if one.listener.lags and one not in self._reading]:
            wait = self._reading[subscription] = asyncio.create_task(self._wait_for_reader(subscription))
            waits.append(wait)
        if waits:
            await asyncio.wait(waits, timeout=TIME_TO_READ)

    async def _wait_for_reader(self, subscription: Subscription) -> None:
        try:
            await subscription.listener.drained()
        finally:
            del self._reading[subscription]

    def _let_catch_up(self, batch: list[LoggedEvent]) -> None:
        """Listeners who were ahead turn live once the room has come to where they are."""
        for subscription in [one for one, ahead in self._coming.items() if ahead and one.cursor <= self.position]:
            unheard = Frames(event.frame for event in batch if event.seq > subscription.cursor)
            if unheard:
                subscription.give(unheard, self.position)
            del self._coming[subscription]
            self._live.add(subscription)


def _mouthfuls(events: Iterable[LoggedEvent]) -> Iterator[list[LoggedEvent]]:
    """The events in batches, each ending where a mouthful is reached or where somebody is evicted."""
    batch: list[LoggedEvent] = []
    characters = 0
    for event in events:
        batch.append(event)
        characters += len(event.frame)
        if event.evicts is not None or characters > MOUTHFUL:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


class Hub:
    """All rooms that one event loop serves, their one channel on the layer, and the sweep."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        #: Everything that listens by user, for the sweep's look at who was signed out. Values are `{listener: stamp}`.
        self.listeners: dict[int, dict[Listener, str]] = {}
        #: The browsers' sessions that listeners belong to, by their marks.
        self._browsers: dict[Listener, str] = {}
        self._opening: dict[str, asyncio.Task[Room]] = {}
        #: The highest number that was rung for a room that is just being opened.
        self._rung: dict[str, int] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._channel: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._epoch: str | None = None
        #: Other installations whose messages arrived here.
        self._foreign: set[str] = set()
        #: Looks at what messages that name no installation told of.
        self._looking: set[asyncio.Task[None]] = set()
        self._tending: asyncio.Task[None] | None = None
        #: Who a token belongs to, where a room's log stands for a reader, and what is known of a room: what everybody
        #: asks who comes back after a lost connection.
        self.identities = Batcher(tokens.identify_all)
        self._stands = Batcher(log.stand_all)
        self._bounds = Batcher(log.bounds_in_order)
        self.connections = connections.Counts()
        #: Who is here, and who types.
        self.presence = Presence(settings.REDIS_URLS)
        self.typists = Typists(self.presence, alone=not settings.REDIS_URLS)
        #: What staff are shown of this process and the others, while they watch.
        self.watch = Watch(self.presence.process, self._health)
        #: When the last sweep found the database there (monotonic).
        self._swept_at = time.monotonic()
        self._last_seen = LastSeenBook(lambda: list(self.listeners))
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._sweep_forever())]
        self._tasks.append(asyncio.create_task(trimming.trim_forever()))
        self._tasks += [asyncio.create_task(self.presence.run()), asyncio.create_task(self._last_seen.run())]

    # -- people --

    def enter(self, listener: Listener, stamp: str, browser: str | None = None) -> None:
        """A signed-in listener, with the session stamp and the mark of the browser's session that its token carried."""
        self.listeners.setdefault(listener.user_id, {})[listener] = stamp
        self._browsers.pop(listener, None)
        if browser is not None:
            self._browsers[listener] = browser

    def leave(self, listener: Listener) -> None:
        """The listener is gone."""
        self._browsers.pop(listener, None)
        self.watch.leave(listener)
        self.presence.leave_all(listener)
        of_user = self.listeners.get(listener.user_id, {})
        if of_user.pop(listener, None) is not None:
            self._last_seen.left(listener.user_id, time.time())
        if not of_user:
            self.listeners.pop(listener.user_id, None)

    def _evicted(self, room: str, user_id: int) -> None:
        """The user may not hear the room any more, and is not seen there."""
        self.presence.forget(room, user_id)
        self.typists.forget(room, user_id)

    # -- rooms --

    async def open(self, name: str) -> Room:
        """The room `name`, joined to its group on the layer, its position not behind the log of this moment."""
        while (room := self.rooms.get(name)) is None:
            if name not in self._opening:
                self._opening[name] = asyncio.create_task(self._open(name))
            # Shielded: who gives up waiting must not take the room from the others.
            await asyncio.shield(self._opening[name])
        room.idle_since = None
        return room

    async def _open(self, name: str) -> Room:
        self._rung[name] = 0
        try:
            if leaving := self._leaving.get(name):
                await leaving  # Or it would take back the membership that is asked for next.
            # The group first, the log's head second: an event in between is rung or read, never missed.
            deaf = not await self._join_group(name)
            bounds = await self._bounds.ask(name) or log.Bounds(0, 0, 0)
            room = Room(name, bounds.head, self._read_log, self._evicted)
            room.mark(bounds.read, bounds.floor)
            room.deaf, room.renewed_at = deaf, time.monotonic()
            self.rooms[name] = room
            room.reach(self._rung[name])
        finally:
            # Here, and not in a callback of the task: that would come a turn of the loop after the task has ended.
            del self._rung[name], self._opening[name]
        return room

    async def _read_log(self, name: str, *, since: int, limit: int) -> list[LoggedEvent]:
        # A mouthful: what a listener that does not read is given waits in memory, and no more of it is read meanwhile.
        return await in_database_thread(log.read_on, name, since=since, limit=limit, most=MOUTHFUL)

    # -- the layer --

    async def _join_group(self, name: str) -> bool:
        try:
            channel = await asyncio.wait_for(asyncio.shield(self._channel), CHANNEL_TIMEOUT)
            await asyncio.wait_for(get_channel_layer().group_add(layer_group(name), channel), doorbell.RING_TIMEOUT)
        except Exception as error:
            logger.warning("Not on the layer's group %s (%s): the sweep delivers.", name, type(error).__name__)
            return False
        return True

    async def _receive(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                if not self._channel.done():
                    self._channel.set_result(await layer.new_channel())
                message = await layer.receive(self._channel.result())
            except Exception as error:
                logger.warning("The channel layer is away (%s); the sweep delivers.", type(error).__name__)
                await asyncio.sleep(1)
            else:
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        """Carry out a message of another process, or of this one; one that cannot be is logged, and left out."""
        try:
            theirs = message.get("installation")
            ours = self._epoch and epochs.installation_of(self._epoch)
            if theirs is None or ours is None:
                self._take_unproven(message)
            elif theirs == ours:
                self._handle(message)
            else:
                self._drop_foreign(theirs, ours)
        except Exception:
            logger.exception("A message of type %s could not be carried out.", message.get("type"))

    def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "room.presence":
                self.presence.heard(message)
            case "room.typing":
                self.typists.heard(message)
            case "processes.call" | "processes.told":
                self.watch.heard(message)
            case "room.departed":
                self._depart(message["user"], message["departed"])
            case "room.events" | "room.read" | "room.closed":
                self._handle_log(message)
            case _:
                pass  # A newer release, while one takes the other's place.

    def _handle_log(self, message: dict[str, Any]) -> None:
        room = self.rooms.get(message["room"])
        if room is None:
            if message["room"] in self._rung:
                self._rung[message["room"]] = max(self._rung[message["room"]], message.get("head", 0))
            return
        if message["type"] == "room.closed":
            self._close(room)
        elif message["type"] == "room.read":
            room.mark(message["read"], message["floor"])
        else:
            room.hear([LoggedEvent(*event) for event in message["events"]], message["head"])

    def _depart(self, user_id: int, departed: str) -> None:
        for listener in list(self.listeners.get(user_id, ())):
            listener.departed(departed)

    # -- messages that name no installation, or come before this process knows its own --

    def _take_unproven(self, message: dict[str, Any]) -> None:
        """Take a message that names no installation, as those of the release before, for a hint where to look.

        It may be of another installation on the same Redis server, so nothing in it is believed that our database or
        our presence in Redis does not confirm.
        """
        if "process" in message:
            if self.presence.knows(message["process"]):
                self._handle(message)
        elif message["type"] == "room.departed":
            if message["user"] in self.listeners:
                self._look(self._look_at_departed(message["user"], message["departed"]))
        elif message["type"] == "room.events":
            # The number alone: a room that is told a number which its log does not have reads, and finds nothing.
            self._handle_log({**message, "events": []})
        elif message["room"] in self.rooms:
            self._look(self._look_at_room(message["room"]))

    def _look(self, looking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(looking)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look_at_room(self, name: str) -> None:
        try:
            bounds = await self._bounds.ask(name)
        except Exception as error:
            logger.warning("A look at %s waits for the sweep (%s).", name, type(error).__name__)
        else:
            if (room := self.rooms.get(name)) is not None:
                self._settle(room, bounds)

    async def _look_at_departed(self, user_id: int, departed: str) -> None:
        try:
            await self.stand(log.Reader(departed, user_id))
        except RealTimeError:
            self._depart(user_id, departed)
        except Exception as error:
            logger.warning("Whether user %s left %s could not be looked up (%s).", user_id, departed, error)

    def _drop_foreign(self, theirs: str, ours: str) -> None:
        if theirs in self._foreign or len(self._foreign) == MAX_FOREIGN:
            return
        self._foreign.add(theirs)
        logger.warning(
            "Messages of the installation %s are dropped: this is %s. Unless the epoch was renewed just now, the two "
            "share one database of one Redis: give each a REDIS_PREFIX of its own.",
            theirs,
            ours,
        )

    def _close(self, room: Room) -> None:
        self.rooms.pop(room.name, None)
        room.close()

    # -- the log --

    async def stand(self, reader: log.Reader) -> log.Stand:
        """Where a room's log stands for a reader.

        Raises:
            RealTimeError: it may not read.
        """
        stand = await self._stands.ask(reader)
        if self._epoch is None:
            # Before the first sweep: whoever is told of this life of the log will be told of the next one.
            self._epoch = stand.epoch
        return stand

    # -- the sweep --

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(settings.SWEEP_INTERVAL)
            try:
                await self.sweep()
            except Exception as error:
                logger.warning("A sweep failed (%s: %s); the next one tries again.", type(error).__name__, error)

    async def sweep(self) -> None:
        """Look at the log once: what moved on, what is unnumbered, who was signed out, what is gone."""
        names = list(self.rooms)
        users = {user: set(of_user.values()) for user, of_user in self.listeners.items()}
        found = await in_database_thread(_look_at_the_log, names, users, set(self._browsers.values()))
        self._swept_at = time.monotonic()
        if self._epoch is not None and found.epoch != self._epoch:
            self._start_over()
        self._epoch = found.epoch
        for name in names:
            if (room := self.rooms.get(name)) is not None:
                self._settle(room, found.bounds.get(name))
        for user_id, valid in found.revoked.items():
            for listener, stamp in list(self.listeners.get(user_id, {}).items()):
                if stamp != valid:
                    metrics.SWEEP_FINDINGS.labels("signed_out").inc()
                    listener.give_up(4403, "You were signed out.")
        for listener, browser in list(self._browsers.items()) if found.ended else ():
            if browser in found.ended:
                metrics.SWEEP_FINDINGS.labels("signed_out").inc()
                listener.give_up(4403, "You were signed out.")
        # Not waited for: while the layer is away each room costs seconds there, and delivery hangs on the sweep alone.
        if self._tending is None or self._tending.done():
            self._tending = asyncio.create_task(self._tend_groups())
        self._measure()

    def _measure(self) -> None:
        for kind in KINDS:
            sizes = [room.size for room in self.rooms.values() if room.kind == kind]
            metrics.ROOMS.labels(kind).set(len(sizes))
            metrics.LISTENERS.labels(kind).set(sum(sizes))
        metrics.PRESENT.set(self.presence.people)
        # On PostgreSQL alone there is a pool.
        metrics.measure_process(getattr(database, "pool", None))

    def _health(self) -> Health:
        """What staff who watch are told of this process's rooms."""
        rooms = [
            RoomFigures(name, len(attendance.present()), len(attendance.listeners))
            for name, attendance in self.presence.known_rooms().items()
            if attendance.listeners
        ]
        late = time.monotonic() - self._swept_at > settings.SWEEP_INTERVAL + DATABASE_PATIENCE
        return Health(not late, self.presence.sees_redis, rooms)

    def _settle(self, room: Room, bounds: log.Bounds | None) -> None:
        if bounds is None:
            self._close(room)
        else:
            room.rise(bounds.floor)
            if bounds.head > room.head:
                metrics.SWEEP_FINDINGS.labels("behind").inc()
            room.reach(bounds.head)
            room.mark(bounds.read, bounds.floor)

    def _start_over(self) -> None:
        """The log has a new life (a restored backup): everybody comes back and is told to reset."""
        logger.warning("The log's epoch changed: all connections are closed to start over.")
        for of_user in list(self.listeners.values()):
            for listener in list(of_user):
                listener.give_up(1012, "The event log was restored.")
        for room in self.rooms.values():
            for subscription in room.subscriptions():  # Long polls are in no list of people.
                subscription.listener.give_up(1012, "The event log was restored.")
        self.rooms.clear()

    async def _tend_groups(self) -> None:
        for room in list(self.rooms.values()):
            now = time.monotonic()
            if self.rooms.get(room.name) is not room:
                continue  # Closed while others were tended.
            if room.size:
                room.idle_since = None
            elif room.idle_since is None:
                room.idle_since = now
            elif now - room.idle_since > LINGER:
                self._retire(room)
                continue
            if room.deaf or now - room.renewed_at > RENEW:
                room.deaf, room.renewed_at = not await self._join_group(room.name), now
        if self.watch.deaf or time.monotonic() - self.watch.renewed_at > RENEW:
            self.watch.deaf, self.watch.renewed_at = not await self._join_group(ALL_PROCESSES), time.monotonic()

    def _retire(self, room: Room) -> None:
        del self.rooms[room.name]
        self._leaving[room.name] = asyncio.create_task(self._leave_group(room.name))

    async def _leave_group(self, name: str) -> None:
        try:
            leaving = get_channel_layer().group_discard(layer_group(name), self._channel.result())
            await asyncio.wait_for(leaving, doorbell.RING_TIMEOUT)
        except Exception as error:
            logger.warning("Still on the layer's group %s (%s).", name, type(error).__name__)
        finally:
            del self._leaving[name]


class _Found:
    """What one look at the log brought."""

    def __init__(
        self, bounds: dict[str, log.Bounds], epoch: str, revoked: dict[int, str | None], ended: set[str]
    ) -> None:
        self.bounds = bounds
        self.epoch = epoch
        self.revoked = revoked
        self.ended = ended


def _look_at_the_log(names: list[str], users: dict[int, set[str]], browsers: set[str]) -> _Found:
    waiting = log.unnumbered_rooms()
    ages = [(datetime.now(UTC) - oldest).total_seconds() for oldest in waiting.values()]
    metrics.UNNUMBERED_SECONDS.set(max(0.0, *ages) if ages else 0.0)
    if waiting:
        metrics.SWEEP_FINDINGS.labels("unnumbered").inc(sum(age > settings.SWEEP_INTERVAL for age in ages))
        log.sequence(waiting)
    return _Found(log.bounds(names), log.epoch(), tokens.revoked_users(users), tokens.ended_sessions(browsers))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop; made, and its sweep started, when first asked for."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
        doorbell.set_server_loop(loop)
    return _hubs[loop]
