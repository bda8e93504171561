"""A client's socket with rooms: its user's own, and those that it joins. It knows nothing of what they are about."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from msgspec import UNSET

from taskrealtime.engine import log
from taskrealtime.engine.conf import settings
from taskrealtime.engine.db.fair_line import Share
from taskrealtime.engine.db.threads import in_reading_thread
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.rooms.user_rooms import user_room
from taskrealtime.engine.wire import catalogue, protocol
from taskrealtime.engine.wire.errors import Forbidden, InvalidData, Unauthenticated

from .connection import MessageId, SocketConnection

#: How long live events of the user room wait for the client's first message, seconds.
RESUME_GRACE = 1.0
#: Bytes of a ping's data.
MAX_PING = 125

Handler = Callable[[Any, Any, protocol.Envelope], Awaitable[None]]


class RoomsConnection(SocketConnection):
    """One client's connection: in its user's room, and in those that it joins.

    A subclass adds client events, and what carries them out.
    """

    event_types: Mapping[str, type[catalogue.Command]] = catalogue.CLIENT_EVENTS
    #: What carries out each client event.
    handlers: ClassVar[Mapping[type[catalogue.Command], Handler]]

    def set_up(self) -> None:
        """Start without a question that a client may still ask."""
        #: A client that signed in with the upgrade may still ask, once, for what its user room missed.
        self._may_resume = False
        #: Starts the user room's live events; they wait a moment for that question.
        self._begin: Callable[[], None] | None = None

    # -- what rooms call (`rooms.Listener`) --

    def unsubscribed(self, room: str) -> None:
        """Unsubscribe a connection whose membership ended, or whose room is gone."""
        self.subscriptions.pop(room, None)
        if room == user_room(self.user_id):
            self.disconnect(4403, "This account is gone.")
        else:
            self.left_room(room, at_once=True)
            self.send_removed(room)

    def membership_ended(self, room: str) -> None:
        """Report the end of a membership; if the room is joined, `unsubscribed` does so sooner or later."""
        if room not in self.subscriptions:
            self.send_removed(room)

    def send_removed(self, room: str) -> None:
        """Tell the client that it is in the room no longer."""
        self.send_event("removed_from_room", catalogue.RemovedFromRoom(room=room))

    def left_room(self, room: str, *, at_once: bool = False) -> None:
        """Do what follows when a room was left.

        Args:
            at_once: the user may not come back.
        """

    @property
    def share(self) -> Share:
        """Whose turn in the line for threads it is."""
        return Share(f"user:{self.user_id}")

    async def handle(self, envelope: protocol.Envelope) -> None:
        """Carry out a client event."""
        if envelope.event != catalogue.Connect.event:
            self._begin_user_room()
        asked = self.event_types.get(envelope.event, catalogue.Command)
        await rate_limits.spend_event(
            self.user_id, kind=asked.__name__, slowness=asked.slowness, size=memoryview(envelope.data).nbytes
        )
        type = protocol.find_type(envelope.event, self.event_types)
        command = protocol.parse(envelope.data, type)
        if handler := self.handlers.get(type):
            await handler(self, command, envelope)
        else:
            await self.change(command, envelope)

    async def change(self, command: Any, envelope: protocol.Envelope) -> None:
        """Carry out a client event that no handler is for."""
        raise NotImplementedError

    # -- signing in --

    async def sign_in_by(self, envelope: protocol.Envelope) -> None:
        """Sign in by `connect`."""
        if envelope.event != catalogue.Connect.event:
            raise Unauthenticated("Sign in first: by header, subprotocol or `connect`.")
        command = protocol.parse(envelope.data, catalogue.Connect)
        if command.token is UNSET:
            raise Unauthenticated("The first `connect` needs a token.")
        await self.let_in(command.token, command.since, command.epoch, envelope.id)
        self._begin_user_room()

    def signed_in_by_upgrade(self) -> None:
        """Let the client ask, once, for what its user room missed."""
        self._may_resume = True

    async def prepare_room(self, room: str, state: log.ResumeState) -> None:
        """Make a room that is not there yet."""
        if not state.exists:
            # Made before it is served: the sweep takes a served room without a row for one that is gone.
            await in_reading_thread(self.share, log.create_room, room)

    def leave_everything(self) -> None:
        """Leave all rooms."""
        self._begin = None
        super().leave_everything()

    async def welcome(self, since: int | None, epoch: str | None, id: MessageId) -> None:
        """Send `connected`, with where the log of the user's own room ends; its live events begin a moment later."""
        assert self.identity is not None
        name = user_room(self.user_id)
        state, self._begin = await self.enter_room(name, since, epoch)
        asyncio.get_running_loop().call_later(RESUME_GRACE, self._begin_user_room)
        connected = catalogue.Connected(
            session=self.session,
            user=catalogue.user_object(self.user),
            server_time=datetime.now(UTC),
            token_expires_at=_moment(self.identity.expires_at),
            ping_interval=settings.WEBSOCKET_PING_INTERVAL,
            room=name,
            seq=state.end.offset,
            epoch=state.end.epoch,
            reset=state.reset,
            unread=state.unread,
        )
        self.send_event("connected", connected, id)

    def _begin_user_room(self) -> None:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            begin()

    # -- handlers --

    async def connect(self, command: catalogue.Connect, envelope: protocol.Envelope) -> None:
        """Resume the user room of a connection that signed in with its upgrade."""
        if not self._may_resume:
            raise InvalidData.at("", "This connection is already connected.")
        if command.token is not UNSET:
            raise InvalidData.at("token", "This connection is already signed in: use token_refresh.")
        self._may_resume = False
        if self._begin is None and self.subscriptions[user_room(self.user_id)].received_anything:
            # Too late to replay in order: the client takes a snapshot, as after any reset.
            await self.welcome(0, "", envelope.id)
        else:
            await self.welcome(command.since, command.epoch, envelope.id)
        self._begin_user_room()

    async def join_room(self, command: catalogue.JoinRoom, envelope: protocol.Envelope) -> None:
        """Subscribe to a room of whatever kind: first what was missed since, then everything."""
        state, begin = await self.join(command.room, command.since, command.epoch)
        answer = catalogue.RoomJoined(room=command.room, seq=state.end.offset, epoch=state.end.epoch, reset=state.reset)
        self.acknowledge(answer, envelope.id)
        if begin is not None:
            begin()

    async def leave_room(self, command: catalogue.LeaveRoom, envelope: protocol.Envelope) -> None:
        """Unsubscribe from a room; a connection stays in its user's own."""
        if command.room == user_room(self.user_id):
            raise Forbidden("A connection stays in the room of its user.")
        self.leave(command.room)
        self.acknowledge(catalogue.RoomAnswer(room=command.room), envelope.id)

    async def join(
        self, room: str, since: int | None, epoch: str | None
    ) -> tuple[log.ResumeState, Callable[[], None] | None]:
        """Return where a room's log ends, and what begins its delivery, if it was not joined before."""
        if room in self.subscriptions:
            return await self.resume_state(room), None
        if len(self.subscriptions) > settings.WEBSOCKET_MAX_PROJECTS:  # One of them is the user's own room.
            raise Forbidden("This connection has joined too many projects and rooms: leave one first.")
        return await self.enter_room(room, since, epoch)

    def leave(self, room: str) -> None:
        """Unsubscribe from a room, if it is joined."""
        if subscription := self.subscriptions.pop(room, None):
            subscription.room.unsubscribe(subscription)
        self.left_room(room)

    async def ping(self, command: catalogue.Ping, envelope: protocol.Envelope) -> None:
        """Answer with the same data and the server's time."""
        if len(bytes(envelope.data)) > MAX_PING:
            raise InvalidData.at("", f"A ping's data may have {MAX_PING} bytes.")
        data = protocol.parse_object(envelope.data)
        if envelope.id is not UNSET:
            self.send_event("pong", {**data, "server_time": datetime.now(UTC)}, envelope.id)

    async def token_refresh(self, command: catalogue.TokenRefresh, envelope: protocol.Envelope) -> None:
        """Go on with a fresh token of the same user."""
        await self.identify(command.token)
        assert self.identity is not None
        expires_at = _moment(self.identity.expires_at)
        self.acknowledge(catalogue.TokenRefreshed(token_expires_at=expires_at), envelope.id)


RoomsConnection.handlers = {
    catalogue.Connect: RoomsConnection.connect,
    catalogue.JoinRoom: RoomsConnection.join_room,
    catalogue.LeaveRoom: RoomsConnection.leave_room,
    catalogue.Ping: RoomsConnection.ping,
    catalogue.TokenRefresh: RoomsConnection.token_refresh,
}


def _moment(unix_time: float) -> datetime:
    return datetime.fromtimestamp(unix_time, UTC)
