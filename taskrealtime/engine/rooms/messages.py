"""Dispatches the messages of other processes, and of this one, to the part that each is for."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from taskrealtime.engine import log
from taskrealtime.engine.conf.user_model import UserKey, parse_key
from taskrealtime.engine.installation import epochs
from taskrealtime.engine.presence.presence import Presence
from taskrealtime.engine.presence.typists import Typists
from taskrealtime.engine.wire.errors import RealTimeError

from .hub import Hub
from .watching import Watch

logger = logging.getLogger(__name__)

#: Other installations that are logged, each once: not each of their messages is to be a line.
MAX_FOREIGN = 20


class Messages:
    """Takes messages from the channel layer."""

    def __init__(
        self, hub: Hub, presence: Presence, typists: Typists, watch: Watch, number: Callable[[], None] = lambda: None
    ) -> None:
        """Create it.

        Args:
            number: called when committed events wait for their numbers.
        """
        self._hub = hub
        self._presence = presence
        self._typists = typists
        self._watch = watch
        self._number = number
        #: Other installations whose messages arrived here.
        self._foreign: set[str] = set()
        #: Lookups of what messages without an installation's name announced.
        self._looking: set[asyncio.Task[None]] = set()

    def take(self, message: dict[str, Any]) -> None:
        """Carry out a message of another process, or of this one; one that fails is logged and skipped."""
        try:
            theirs = message.get("installation")
            ours = self._hub.epoch and epochs.installation_of(self._hub.epoch)
            if theirs is None or ours is None:
                self._take_unproven(message)
            elif theirs == ours:
                self._handle(message)
            else:
                self._drop_foreign(theirs, ours)
        except Exception:
            logger.exception("Channel layer: a message of type %s could not be carried out.", message.get("type"))

    def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "room.presence":
                self._presence.receive(message)
            case "room.typing":
                self._typists.receive(message)
            case "processes.call" | "processes.told":
                self._watch.receive(message)
            case "log.waiting":
                self._number()
            case "room.departed":
                self._end_membership(message)
            case "room.events" | "room.read" | "room.closed":
                self._hub.handle(message)
            case _:
                pass  # A newer release, while one takes the other's place.

    def _end_membership(self, message: dict[str, Any]) -> None:
        if (user_id := parse_key(message["user"])) is not None:
            self._hub.end_membership(user_id, message["departed"])

    # -- messages that name no installation, or come before this process knows its own --

    def _take_unproven(self, message: dict[str, Any]) -> None:
        """Take a message that names no installation, as those of the release before, for a hint where to look.

        It may be of another installation on the same Redis server, so nothing in it is believed that our database or
        our presence in Redis does not confirm.
        """
        if message["type"] == "log.waiting":
            # A writer that has not read which installation it is of. Nothing is believed: our own log is looked at.
            self._number()
        elif "process" in message:
            if self._presence.knows(message["process"]):
                self._handle(message)
        elif message["type"] == "room.departed":
            user_id = parse_key(message["user"])
            if user_id is not None and user_id in self._hub.listeners:
                self._look(self._look_at_departed(user_id, message["departed"]))
        elif message["type"] == "room.events":
            # The number alone: a room that gets a number which its log does not have reads, and finds nothing.
            self._hub.handle({**message, "events": []})
        elif message["room"] in self._hub.rooms:
            self._look(self._look_at_room(message["room"]))

    def _look(self, looking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(looking)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look_at_room(self, name: str) -> None:
        try:
            bounds = await self._hub.bounds(name)
        except Exception as error:
            logger.warning("Rooms: the next sweep looks at %s (%s).", name, type(error).__name__)
        else:
            if (room := self._hub.rooms.get(name)) is not None:
                self._hub.reconcile(room, bounds)

    async def _look_at_departed(self, user_id: UserKey, departed: str) -> None:
        try:
            await self._hub.resume_state(log.Reader(departed, user_id))
        except RealTimeError:
            self._hub.end_membership(user_id, departed)
        except Exception as error:
            logger.warning(
                "Rooms: whether user %s left %s could not be looked up (%s); the next sweep looks again.",
                user_id,
                departed,
                error,
            )

    def _drop_foreign(self, theirs: str, ours: str) -> None:
        if theirs in self._foreign or len(self._foreign) == MAX_FOREIGN:
            return
        self._foreign.add(theirs)
        logger.warning(
            "Channel layer: messages of the installation %s are dropped, since this is %s. Unless the epoch is new, "
            "the two share one database of one Redis: give each a REDIS_PREFIX of its own.",
            theirs,
            ours,
        )
