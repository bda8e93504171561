"""The rooms of one event loop, and their subscribers."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from taskrealtime.engine import log, metrics
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db.batching import Batcher
from taskrealtime.engine.db.fair_line import Share
from taskrealtime.engine.db.threads import in_reading_thread
from taskrealtime.engine.installation.membership import LayerMembership
from taskrealtime.engine.log import LoggedEvent

from .room import CHUNK_CHARACTERS, Listener, Room, Subscription

logger = logging.getLogger(__name__)


class Hub:
    """A registry: rooms by name, listeners by user."""

    def __init__(self, layer: LayerMembership, *, on_evicted: Callable[[str, UserKey], None]) -> None:
        """Create a hub for the running event loop.

        Args:
            on_evicted: called with a room and a user, once the event that ends the user's right to read was delivered.
        """
        self.rooms: dict[str, Room] = {}
        #: All subscribers by user, for the sweep's search for revoked sign-ins. Values are `{listener: stamp}`.
        self.listeners: dict[UserKey, dict[Listener, str]] = {}
        #: The browsers' sessions that listeners belong to, by their marks.
        self.browsers: dict[Listener, str] = {}
        #: The log's epoch, as this process saw it last; None: not yet.
        self.epoch: str | None = None
        self._layer = layer
        self._on_evicted = on_evicted
        self._opening: dict[str, asyncio.Task[Room]] = {}
        #: The highest number that was published for a room that is just being opened.
        self._published_heads: dict[str, int] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        #: How readers go on, and what is known of rooms: both asked for in batches, since many clients reconnect at
        #: once after a lost connection.
        self._resume_states = Batcher(log.resume_states)
        self._bounds = Batcher(log.bounds_in_order)

    # -- subscribers --

    def enter(self, listener: Listener, stamp: str, browser: str | None = None) -> None:
        """Add a signed-in subscriber, with its token's session stamp and mark of the browser's session."""
        self.listeners.setdefault(listener.user_id, {})[listener] = stamp
        self.browsers.pop(listener, None)
        if browser is not None:
            self.browsers[listener] = browser

    def leave(self, listener: Listener) -> bool:
        """Remove a subscriber that is gone; return whether it was entered."""
        self.browsers.pop(listener, None)
        of_user = self.listeners.get(listener.user_id, {})
        was_there = of_user.pop(listener, None) is not None
        if not of_user:
            self.listeners.pop(listener.user_id, None)
        return was_there

    # -- rooms --

    async def open(self, name: str) -> Room:
        """Return the room `name`, joined to its group on the layer, its position not behind the log of this moment."""
        while (room := self.rooms.get(name)) is None:
            if name not in self._opening:
                self._opening[name] = asyncio.create_task(self._open(name))
            # Shielded: a cancelled caller must not take the room from the others.
            await asyncio.shield(self._opening[name])
        room.idle_since = None
        return room

    async def _open(self, name: str) -> Room:
        self._published_heads[name] = 0
        try:
            if leaving := self._leaving.get(name):
                await leaving  # Or it would take back the membership that is asked for next.
            # The group first, the log's head second: an event in between is published or read, never missed.
            detached = not await self._layer.join(name)
            bounds = await self._bounds.ask(name) or log.Bounds(0, 0, 0)
            room = Room(name, bounds.head, self._read_log, self._on_evicted)
            room.mark(bounds.read, bounds.floor)
            room.detached, room.renewed_at = detached, time.monotonic()
            self.rooms[name] = room
            room.advance_to(self._published_heads[name])
        finally:
            # Here, and not in a callback of the task: that would come a turn of the loop after the task has ended.
            del self._published_heads[name], self._opening[name]
        return room

    async def _read_log(self, name: str, *, since: int, limit: int) -> list[LoggedEvent]:
        # A chunk: what a slow subscriber is given waits in memory, and no more of it is read meanwhile.
        share = Share(f"room:{name}")
        return await in_reading_thread(share, log.read_on, name, since=since, limit=limit, most=CHUNK_CHARACTERS)

    def handle(self, message: dict[str, Any]) -> None:
        """Carry out a message about a room's log."""
        room = self.rooms.get(message["room"])
        if room is None:
            if message["room"] in self._published_heads:
                self._published_heads[message["room"]] = max(
                    self._published_heads[message["room"]], message.get("head", 0)
                )
            return
        if message["type"] == "room.closed":
            self.close(room)
        elif message["type"] == "room.read":
            room.mark(message["read"], message["floor"])
        else:
            room.receive([LoggedEvent.from_message(event) for event in message["events"]], message["head"])

    def end_membership(self, user_id: UserKey, departed: str) -> None:
        """Notify a user's subscribers that the room `departed` is no longer theirs to read."""
        for listener in list(self.listeners.get(user_id, ())):
            listener.membership_ended(departed)

    def close(self, room: Room) -> None:
        """Close a room that is gone."""
        self.rooms.pop(room.name, None)
        room.close()

    async def resume_state(self, reader: log.Reader) -> log.ResumeState:
        """Return where a room's log ends, and how a reader goes on from there.

        Raises:
            RealTimeError: it may not read.
        """
        state = await self._resume_states.ask(reader, share=str(reader.user_id))
        if self.epoch is None:
            # Before the first sweep: a client that gets this epoch of the log will be notified of the next one.
            self.epoch = state.end.epoch
        return state

    async def bounds(self, name: str) -> log.Bounds | None:
        """Return what is known of a room's log; None: there is no such room."""
        return await self._bounds.ask(name)

    def reconcile(self, room: Room, bounds: log.Bounds | None) -> None:
        """Bring a room to where its log is; None: the log has no such room."""
        if bounds is None:
            # A captured room has no row before its first event; whether it may be read is asked in another way.
            if not domain.is_captured(room.name):
                self.close(room)
        else:
            room.raise_floor(bounds.floor)
            if bounds.head > room.head:
                metrics.SWEEP_FINDINGS.labels("behind").inc()
            room.advance_to(bounds.head)
            room.mark(bounds.read, bounds.floor)

    def readers_to_confirm(self) -> dict[tuple[str, UserKey], list[Subscription]]:
        """Return the subscriptions whose right to read may end without an event, by room and user."""
        readers: dict[tuple[str, UserKey], list[Subscription]] = {}
        for room in self.rooms.values():
            if domain.is_captured(room.name):
                for subscription in room.subscriptions():
                    readers.setdefault((room.name, subscription.listener.user_id), []).append(subscription)
        return readers

    def start_over(self) -> None:
        """Disconnect all clients, since the log was restored: they come back and have to reset."""
        logger.warning("Event log: its epoch changed, so all connections are closed and start over.")
        for of_user in list(self.listeners.values()):
            for listener in list(of_user):
                listener.disconnect(1012, "The event log was restored.")
        for room in self.rooms.values():
            for subscription in room.subscriptions():  # Long polls are in no list of users.
                subscription.listener.disconnect(1012, "The event log was restored.")
        self.rooms.clear()

    def retire(self, room: Room) -> None:
        """Leave the group of a room that has had no subscriber for a while."""
        del self.rooms[room.name]
        self._leaving[room.name] = asyncio.create_task(self._leave_group(room.name))

    async def _leave_group(self, name: str) -> None:
        try:
            await self._layer.leave(name)
        finally:
            del self._leaving[name]
