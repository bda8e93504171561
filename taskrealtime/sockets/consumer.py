"""The board's socket: a visible table from client event to handler."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET

from taskrealtime import access, actions
from taskrealtime.contract import commands, events
from taskrealtime.contract.room_names import project_of_room, project_room, user_room
from taskrealtime.engine import log
from taskrealtime.engine.conf import settings
from taskrealtime.engine.db.fair_line import Share
from taskrealtime.engine.db.threads import in_reading_thread, in_writing_thread
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.process import process
from taskrealtime.engine.rooms import watching
from taskrealtime.engine.sockets.connection import MessageId, SocketConnection
from taskrealtime.engine.wire import protocol
from taskrealtime.engine.wire.errors import (
    Forbidden,
    InvalidData,
    Unauthenticated,
)
from taskrealtime.serializers.objects import user_object

#: How long live events of the user room wait for the client's first message, seconds.
RESUME_GRACE = 1.0
#: Bytes of a ping's data.
MAX_PING = 125


class TaskBoardConsumer(SocketConnection):
    """One client of the board: in its user's room, and in those of the projects that it joins."""

    event_types = commands.CLIENT_EVENTS

    def set_up(self) -> None:
        """Start without rooms that were left, and without a question that a client may still ask."""
        #: Projects left whose end one of two has announced so far: their own room, and the user's. (Lists: sets would
        #: take four times the memory while they are empty, as they mostly are.)
        self._half_left: list[str] = []
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
            self._depart(room, at_once=True)
            if project_of_room(room) is not None:
                self._note_half_left(room)
            self._send_removed(room)

    def membership_ended(self, room: str) -> None:
        """Report the end of a membership, or of a project; if it is joined, `unsubscribed` comes sooner or later."""
        if room in self.subscriptions or room in self._half_left:
            self._note_half_left(room)
        else:
            self._send_removed(room)

    def _note_half_left(self, room: str) -> None:
        if room in self._half_left:
            self._half_left.remove(room)
        else:
            self._half_left.append(room)

    def _send_removed(self, room: str) -> None:
        project_id = project_of_room(room)
        if project_id is None:
            self.send_event("removed_from_room", events.RemovedFromRoom(room=room))
        else:
            self.send_event("removed_from_project", events.RemovedFromProject(project_id=project_id))

    def watch_ended(self) -> None:
        """Report that the user is no longer staff (`watching.Watcher`)."""
        self.send_event("ops_ended", events.OpsEnded())

    @property
    def _share(self) -> Share:
        return Share(f"user:{self.user_id}")

    async def handle(self, envelope: protocol.Envelope) -> None:
        """Carry out a client event: by a handler of this class, or as a change."""
        if envelope.event != commands.Connect.event:
            self._begin_user_room()
        asked = commands.CLIENT_EVENTS.get(envelope.event, commands.Command)
        await rate_limits.spend_event(
            self.user_id, kind=asked.__name__, slowness=asked.slowness, size=memoryview(envelope.data).nbytes
        )
        type = protocol.find_type(envelope.event, commands.CLIENT_EVENTS)
        command = protocol.parse(envelope.data, type)
        if handler := CONNECTION_HANDLERS.get(type):
            await handler(self, command, envelope)
            return
        key = None if envelope.key is UNSET else envelope.key
        answer = await in_writing_thread(self.user_id, actions.perform, self.user, command, key=key)
        if isinstance(command, commands.NewComment):
            process().typists.stop(self.session, place=command.task_id)
        self.acknowledge(answer, envelope.id)

    # -- signing in --

    async def sign_in_by(self, envelope: protocol.Envelope) -> None:
        """Sign in by `connect`."""
        if envelope.event != commands.Connect.event:
            raise Unauthenticated("Sign in first: by header, subprotocol or `connect`.")
        command = protocol.parse(envelope.data, commands.Connect)
        if command.token is UNSET:
            raise Unauthenticated("The first `connect` needs a token.")
        await self.let_in(command.token, command.since, command.epoch, envelope.id)
        self._begin_user_room()

    def signed_in_by_upgrade(self) -> None:
        """Let the client ask, once, for what its user room missed."""
        self._may_resume = True

    # -- rooms --

    async def prepare_room(self, room: str, stand: log.Stand) -> None:
        """Read a project's presence; make a user's room that is not there yet."""
        if project_of_room(room) is not None:
            await process().presence.open(room)
        elif not stand.exists:
            # Made before it is served: the sweep takes a served room without a row for one that is gone.
            await in_reading_thread(self._share, log.create_room, room)

    def leave_everything(self) -> None:
        """Leave all rooms, and stop typing."""
        self._begin = None
        super().leave_everything()
        if self.identity is not None:
            process().typists.stop(self.session)

    async def welcome(self, since: int | None, epoch: str | None, id: MessageId) -> None:
        """Send `connected`, with where the user's own room stands; its live events begin a moment later."""
        assert self.identity is not None
        name = user_room(self.user_id)
        stand, self._begin = await self.enter_room(name, since, epoch)
        asyncio.get_running_loop().call_later(RESUME_GRACE, self._begin_user_room)
        connected = events.Connected(
            session=self.session,
            user=user_object(self.user),
            server_time=datetime.now(UTC),
            token_expires_at=_moment(self.identity.expires_at),
            ping_interval=settings.WEBSOCKET_PING_INTERVAL,
            room=name,
            seq=stand.head,
            epoch=stand.epoch,
            reset=stand.reset,
            unread=stand.unread,
        )
        self.send_event("connected", connected, id)

    def _begin_user_room(self) -> None:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            begin()

    # -- handlers --

    async def connect(self, command: commands.Connect, envelope: protocol.Envelope) -> None:
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

    async def join_project(self, command: commands.JoinProject, envelope: protocol.Envelope) -> None:
        """Subscribe to a project: first what was missed since, then everything."""
        room = project_room(command.project_id)
        stand, begin = await self._join(room, command.since, command.epoch)
        # From here to the answer nothing is awaited: what changes later is sent after it, and not before.
        present, viewers = process().presence.enter(room, self)
        answer = commands.ProjectJoined(
            project_id=command.project_id,
            room=room,
            seq=stand.head,
            epoch=stand.epoch,
            reset=stand.reset,
            presence=[events.PresentUser(user_id, status) for user_id, status in present],
        )
        self.acknowledge(answer, envelope.id)
        self.outbox.put(viewers)
        if begin is not None:
            begin()

    async def leave_project(self, command: commands.LeaveProject, envelope: protocol.Envelope) -> None:
        """Unsubscribe from a project."""
        self._leave(project_room(command.project_id))
        self.acknowledge(commands.ProjectAnswer(project_id=command.project_id), envelope.id)

    async def join_room(self, command: commands.JoinRoom, envelope: protocol.Envelope) -> None:
        """Subscribe to a room of whatever kind: first what was missed since, then everything."""
        stand, begin = await self._join(command.room, command.since, command.epoch)
        answer = commands.RoomJoined(room=command.room, seq=stand.head, epoch=stand.epoch, reset=stand.reset)
        self.acknowledge(answer, envelope.id)
        if begin is not None:
            begin()

    async def leave_room(self, command: commands.LeaveRoom, envelope: protocol.Envelope) -> None:
        """Unsubscribe from a room; a connection stays in its user's own."""
        if command.room == user_room(self.user_id):
            raise Forbidden("A connection stays in the room of its user.")
        self._leave(command.room)
        self.acknowledge(commands.RoomAnswer(room=command.room), envelope.id)

    async def _join(
        self, room: str, since: int | None, epoch: str | None
    ) -> tuple[log.Stand, Callable[[], None] | None]:
        """Return where a room stands, and what begins its delivery, if it was not joined before."""
        if room in self.subscriptions:
            return await self.ask_stand(room), None
        if len(self.subscriptions) > settings.WEBSOCKET_MAX_PROJECTS:  # One of them is the user's own room.
            raise Forbidden("This connection has joined too many projects and rooms: leave one first.")
        return await self.enter_room(room, since, epoch)

    def _leave(self, room: str) -> None:
        if subscription := self.subscriptions.pop(room, None):
            subscription.room.unsubscribe(subscription)
        self._depart(room)

    async def ping(self, command: commands.Ping, envelope: protocol.Envelope) -> None:
        """Answer with the same data and the server's time."""
        if len(bytes(envelope.data)) > MAX_PING:
            raise InvalidData.at("", f"A ping's data may have {MAX_PING} bytes.")
        data = protocol.parse_object(envelope.data)
        if envelope.id is not UNSET:
            self.send_event("pong", {**data, "server_time": datetime.now(UTC)}, envelope.id)

    def _depart(self, room: str, *, at_once: bool = False) -> None:
        """Remove the user from the room's presence; `at_once`: without the moment in which a client may come back."""
        process().typists.stop(self.session, room=room)
        process().presence.leave(room, self, at_once=at_once)

    async def presence_update(self, command: commands.PresenceUpdate, envelope: protocol.Envelope) -> None:
        """Publish whether the user is here, busy or away."""
        process().presence.set_status(self, command.status)
        self.acknowledge(commands.PresenceUpdated(status=command.status), envelope.id)

    async def user_typing(self, command: commands.UserTyping, envelope: protocol.Envelope) -> None:
        """Publish to all other users that the user types."""
        task = await in_reading_thread(self._share, access.find_task_to_type_at, self.user, command.task_id)
        if not self.is_ending:
            process().typists.set_typing(
                project_room(task.project_id),
                task.pk,
                msgspec.to_builtins(user_object(self.user)),
                connection=self.session,
                is_typing=command.is_typing,
            )
        self.acknowledge(commands.Answer(), envelope.id)

    async def task_viewing(self, command: commands.TaskViewing, envelope: protocol.Envelope) -> None:
        """Publish which task the user looks at."""
        if command.task_id is None:
            process().presence.view(self, None)
        else:
            task = await in_reading_thread(self._share, access.find_task, self.user, command.task_id)
            process().presence.view(self, project_room(task.project_id), task.pk)
        self.acknowledge(commands.Answer(), envelope.id)

    async def ops_watch(self, command: commands.OpsWatch, envelope: protocol.Envelope) -> None:
        """Send staff the server's figures, or no longer."""
        await in_reading_thread(self._share, access.require_staff, self.user)
        self.acknowledge(commands.OpsWatched(watching=command.watching, every=watching.REPORT_SECONDS), envelope.id)
        if command.watching and not self.is_ending:
            process().watch.enter(self)
        else:
            process().watch.leave(self)

    async def token_refresh(self, command: commands.TokenRefresh, envelope: protocol.Envelope) -> None:
        """Go on with a fresh token of the same user."""
        await self.identify(command.token)
        assert self.identity is not None
        expires_at = _moment(self.identity.expires_at)
        self.acknowledge(commands.TokenRefreshed(token_expires_at=expires_at), envelope.id)


Handler = Callable[[TaskBoardConsumer, Any, protocol.Envelope], Awaitable[None]]

#: What concerns the connection itself. Every other client event is a change: `actions.ACTIONS` has it.
CONNECTION_HANDLERS: dict[type[commands.Command], Handler] = {
    commands.Connect: TaskBoardConsumer.connect,
    commands.JoinProject: TaskBoardConsumer.join_project,
    commands.LeaveProject: TaskBoardConsumer.leave_project,
    commands.JoinRoom: TaskBoardConsumer.join_room,
    commands.LeaveRoom: TaskBoardConsumer.leave_room,
    commands.Ping: TaskBoardConsumer.ping,
    commands.PresenceUpdate: TaskBoardConsumer.presence_update,
    commands.UserTyping: TaskBoardConsumer.user_typing,
    commands.TaskViewing: TaskBoardConsumer.task_viewing,
    commands.OpsWatch: TaskBoardConsumer.ops_watch,
    commands.TokenRefresh: TaskBoardConsumer.token_refresh,
}


def _moment(unix_time: float) -> datetime:
    return datetime.fromtimestamp(unix_time, UTC)
