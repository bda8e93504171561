"""Typing indicators, sent to a room as they begin and end. Nothing is stored; what is not renewed ends by itself.

Each process keeps every typing user's timer, its own users' at once and others' by a message, and ends it by its own
clock: so a process that dies leaves no indicator on.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey, parse_key
from taskrealtime.engine.installation import doorbell

from .presence import Presence

#: Seconds after the last renewal until a user no longer types.
TYPING_TIME = 6.0
#: Seconds between two frames that say that a user types at a place; the end of it is sent at once, once.
ANNOUNCE_SECONDS = 2.0
#: Seconds between two messages that renew.
RENEW_SECONDS = 1.0

#: A room, a place in it, what is typed there, a user.
_Key = tuple[str, int, str, UserKey]


class _Typing:
    """One user's typing at one place, perhaps over several connections."""

    def __init__(self, user: dict[str, Any]) -> None:
        self.user = user
        #: Until when each connection's typing lasts.
        self.until: dict[str, float] = {}
        self.is_announced = False
        self.announced_at = float("-inf")
        self.timer: asyncio.TimerHandle | None = None


class Typists:
    """All typing users in one event loop's rooms."""

    def __init__(
        self,
        presence: Presence,
        *,
        alone: bool,
        clock: Callable[[], float] | None = None,
        call_at: Callable[[float, Callable[[], None]], Any] | None = None,
    ) -> None:
        """Create it for the running event loop.

        Args:
            alone: whether no other process could receive a message.
            clock: returns the time in seconds.
            call_at: calls something at that time; returns what has a `cancel`.
        """
        loop = asyncio.get_running_loop()
        self._presence = presence
        self._alone = alone
        self._clock = clock or loop.time
        self._call_at = call_at or loop.call_at
        self._typing: dict[_Key, _Typing] = {}
        #: By connection of this process where it types, with the time of the last message.
        self._last_publications: dict[str, dict[_Key, float]] = {}

    def set_typing(
        self, room: str, place: int, user: dict[str, Any], *, connection: str, is_typing: bool, subject: str = ""
    ) -> None:
        """Record that the user of a connection of this process types at a place, still types, or no longer does.

        Args:
            user: as other users see this one, with an `id`.
            connection: names the connection, over all processes.
            subject: what the user types, where a place has several texts.
        """
        user_id = parse_key(user["id"])
        assert user_id is not None
        key = room, place, subject, user_id
        if not is_typing:
            self._end(key, connection)
            return
        self._receive_from(key, user, connection, True)
        announced, now = self._last_publications.setdefault(connection, {}), self._clock()
        if now - announced.get(key, float("-inf")) >= RENEW_SECONDS:
            announced[key] = now
            self._publish(key, user, connection, True)

    def stop(self, connection: str, *, room: str | None = None, place: int | None = None) -> None:
        """End the typing of a connection: all of it, in a room, or at a place."""
        for key in list(self._last_publications.get(connection, {})):
            if room in (None, key[0]) and place in (None, key[1]):
                self._end(key, connection)

    def _end(self, key: _Key, connection: str) -> None:
        announced = self._last_publications.get(connection, {})
        if announced.pop(key, None) is not None and (typing := self._typing.get(key)):
            self._receive_from(key, typing.user, connection, False)
            self._publish(key, typing.user, connection, False)
        if not announced:
            self._last_publications.pop(connection, None)

    def forget(self, room: str, user_id: UserKey) -> None:
        """Remove a user that may not be in the room any more."""
        for key, typing in list(self._typing.items()):
            if key[0] == room and key[3] == user_id:
                typing.until.clear()
                self._settle(key)

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message of another process."""
        if message["process"] != self._presence.process:
            user = message["user"]
            if (user_id := parse_key(user["id"])) is not None:
                # Processes of the release before name no subject.
                key = message["room"], message["place"], message.get("subject", ""), user_id
                self._receive_from(key, user, message["connection"], message["is_typing"])

    def _publish(self, key: _Key, user: dict[str, Any], connection: str, is_typing: bool) -> None:
        if not self._alone:
            room, place, subject, _ = key
            message = {
                "place": place,
                "subject": subject,
                "user": user,
                "connection": connection,
                "is_typing": is_typing,
            }
            doorbell.hint(room, {"type": "room.typing", "process": self._presence.process, **message})

    def _receive_from(self, key: _Key, user: dict[str, Any], connection: str, is_typing: bool) -> None:
        if not is_typing and key not in self._typing:
            return
        typing = self._typing.setdefault(key, _Typing(user))
        if is_typing:
            typing.until[connection] = self._clock() + TYPING_TIME
        else:
            typing.until.pop(connection, None)
        self._settle(key, renewed=is_typing)

    def _settle(self, key: _Key, *, renewed: bool = False) -> None:
        """Send what is due now, and look again when something ends."""
        typing, now = self._typing[key], self._clock()
        typing.until = {connection: until for connection, until in typing.until.items() if until > now}
        rested = now >= typing.announced_at + ANNOUNCE_SECONDS
        if typing.until and rested and (renewed or not typing.is_announced):
            typing.is_announced, typing.announced_at = True, now
            self._announce(key, typing, True)
        elif not typing.until and typing.is_announced:
            typing.is_announced = False
            self._announce(key, typing, False)
        if typing.timer is not None:
            typing.timer.cancel()
            typing.timer = None
        if not typing.until and rested:
            # Kept until then, lest a user that begins and ends all the time cause a frame each time.
            del self._typing[key]
            return
        again_at = [*typing.until.values()] + ([] if typing.is_announced else [typing.announced_at + ANNOUNCE_SECONDS])
        typing.timer = self._call_at(min(again_at), lambda: self._settle(key))

    def _announce(self, key: _Key, typing: _Typing, is_typing: bool) -> None:
        room, place, subject, user_id = key
        frame = domain.presence.typing(room, place, typing.user, is_typing, subject)
        self._presence.deliver(room, frame, not_to=user_id)
