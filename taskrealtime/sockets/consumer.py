"""The socket: its life, and a visible table from client event to handler."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from channels.consumer import AsyncConsumer
from django.contrib.auth.models import User
from msgspec import UNSET, UnsetType

from taskrealtime import access, actions
from taskrealtime.contract import commands, events
from taskrealtime.contract.room_names import project_of_room, project_room, user_room
from taskrealtime.engine import draining, log, metrics
from taskrealtime.engine.auth import tokens
from taskrealtime.engine.conf import settings
from taskrealtime.engine.db.threads import in_database_thread, in_writing_thread
from taskrealtime.engine.limits import addresses, connections, rate_limits
from taskrealtime.engine.process import process
from taskrealtime.engine.rooms import watching
from taskrealtime.engine.rooms.room import Subscription
from taskrealtime.engine.sockets.outbox import PUSH, Outbox
from taskrealtime.engine.wire import protocol
from taskrealtime.engine.wire.errors import (
    DATABASE_AWAY,
    Busy,
    Forbidden,
    Internal,
    InvalidData,
    InvalidMessage,
    RateLimited,
    RealTimeError,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
    busy,
)
from taskrealtime.engine.wire.frames import Frames
from taskrealtime.serializers.objects import user_object

logger = logging.getLogger(__name__)

SUBPROTOCOL = "taskrealtime.v1"
#: How long live events of the user room wait for the client's first message, seconds.
RESUME_GRACE = 1.0
#: Bad messages within this many seconds that end a connection.
MAX_BAD_MESSAGES, BAD_MESSAGE_SECONDS = 20, 60.0
#: Close codes that are worth a line in the log: a client broke a bound, or was not let in.
UNUSUAL_ENDS = frozenset({1009, 4400, 4401, 4408, 4409, 4410, 4429})
#: Bytes of a ping's data.
MAX_PING = 125
#: Seconds that closing waits for the answer to a running command, and as many for what is still to be written.
CLOSING_TIME = 2.0

MessageId = str | int | UnsetType


class _Closed(Exception):
    """The connection is over: the client left, or it was closed with this code."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class TaskBoardConsumer(AsyncConsumer):
    """One client's connection.

    It has no channel of its own on the layer and does not use channels' dispatch, which awaits a thread for every
    message: the process's rooms listen once for all of its sockets.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the connection from upgrade to end. No exception leaves here: it would leak the rooms."""
        self.scope = scope
        self._receive = receive
        self._send = send
        self._session = secrets.token_hex(8)
        push = scope.get("extensions", {}).get(PUSH)
        self._outbox = Outbox(self._send_text, push, lambda: self.give_up(4410, "Too slow."))
        self._ending: asyncio.Future[_Closed] = asyncio.get_running_loop().create_future()
        self._identity: tokens.Identity | None = None
        self._subscriptions: dict[str, Subscription] = {}
        #: Projects left whose end one of two has told so far: their own room, and the user's. (Lists: sets would take
        #: four times the memory while they are empty, as they mostly are.)
        self._half_left: list[str] = []
        self._replays: list[asyncio.Task[None]] = []
        #: A client that signed in with the upgrade may still ask, once, for what its user room missed.
        self._may_resume = False
        #: Starts the user room's live events; they wait a moment for that question.
        self._begin: Callable[[], None] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        #: When the last of them came, on the event loop's clock.
        self._bad_messages: list[float] = []
        self._patience: rate_limits.Patience | None = None
        #: Among the connections of this user.
        self._place: connections.Place | None = None
        #: Whether a message is being carried out, rather than waited for.
        self._busy = False
        if (await receive())["type"] != "websocket.connect":
            return
        await self._live()

    async def _live(self) -> None:
        offered = self.scope.get("subprotocols", [])
        await self._send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None})
        talk = asyncio.create_task(self._talk())
        talk.add_done_callback(self._end_with)
        draining.enter(self)
        metrics.CONNECTIONS.inc()
        begun, code = time.monotonic(), None
        try:
            closed = await self._ending
            code = closed.code
            if code in UNUSUAL_ENDS:
                self._log(logging.WARNING, "Closed with %s: %s", code, closed)
            self._leave_everything()
            if self._busy:
                await asyncio.wait({talk}, timeout=CLOSING_TIME)
            if closed.code is not None:
                await self._close(closed)
        finally:
            metrics.CONNECTIONS.dec()
            metrics.CONNECTIONS_ENDED.labels("left" if code is None else str(code)).inc()
            metrics.CONNECTION_SECONDS.observe(time.monotonic() - begun)
            draining.leave(self)
            self._leave_everything()
            self._outbox.close()
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)

    def _end_with(self, talk: asyncio.Task[None]) -> None:
        error = None if talk.cancelled() else talk.exception()
        if error is not None and not isinstance(error, _Closed):
            self._log(logging.ERROR, "Ended by a fault of ours.", exc_info=error)
            error = _Closed(1011, "Internal error.")
        if error is not None and not self._ending.done():
            self._ending.set_result(error)

    def _log(self, level: int, message: str, *args: object, exc_info: Any = None) -> None:
        user = "nobody" if self._identity is None else f"user {self.user_id}"
        text = f"Connection %s of %s: {message}"
        logger.log(level, text, self._session, user, *args, exc_info=exc_info, extra={"session": self._session})

    async def _close(self, closed: _Closed) -> None:
        with suppress(asyncio.TimeoutError, TimeoutError):
            await asyncio.wait_for(self._outbox.drained(), CLOSING_TIME)
        try:
            await self._send({"type": "websocket.close", "code": closed.code, "reason": closed.reason})
        except Exception:
            # Stock daphne refuses to send 1001 to 2999; a socket that is gone already refuses this one, too.
            with suppress(Exception):
                await self._send({"type": "websocket.close", "code": 3000 + (closed.code or 0)})

    def _leave_everything(self) -> None:
        """Hear nothing more: of rooms, replays or the clock."""
        if self._identity is not None:
            process().leave(self)
            process().typists.stop(self._session)
        if self._place is not None:
            self._place.leave()
        for subscription in self._subscriptions.values():
            subscription.room.unsubscribe(subscription)
        for replay in self._replays:
            replay.cancel()
        self._begin = None
        if self._expiry is not None:
            self._expiry.cancel()

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    # -- what rooms call (`rooms.Listener`) --

    @property
    def user(self) -> User:
        """The user, once signed in."""
        assert self._identity is not None
        return self._identity.user

    @property
    def user_id(self) -> int:
        """The user's id, once signed in."""
        return int(self.user.pk)

    def hear(self, frames: Frames) -> None:
        """Take frames of a room."""
        self._outbox.put(frames)

    def left(self, room: str) -> None:
        """The membership ended, or the room is gone."""
        self._subscriptions.pop(room, None)
        if room == user_room(self.user_id):
            self.give_up(4403, "This account is gone.")
        else:
            self._depart(room, at_once=True)
            self._tell_half(room)
            self._say_removed(room)

    def departed(self, room: str) -> None:
        """The membership ended, or the project is gone; where it is joined, `left` says so, sooner or later."""
        if room in self._subscriptions or room in self._half_left:
            self._tell_half(room)
        else:
            self._say_removed(room)

    def _tell_half(self, room: str) -> None:
        if room in self._half_left:
            self._half_left.remove(room)
        else:
            self._half_left.append(room)

    def _say_removed(self, room: str) -> None:
        project_id = project_of_room(room)
        assert project_id is not None
        self._say("removed_from_project", events.RemovedFromProject(project_id=project_id))

    def give_up(self, code: int, reason: str) -> None:
        """End the connection with this close code."""
        if not self._ending.done():
            self._ending.set_result(_Closed(code, reason))

    @property
    def lags(self) -> bool:
        """Whether something that was heard is not on its way yet."""
        return self._outbox.lags

    async def drained(self) -> None:
        """Wait until what was heard is on its way."""
        await self._outbox.drained()

    def watch_ended(self) -> None:
        """The user is no longer staff (`watching.Watcher`)."""
        self._say("ops_ended", events.OpsEnded())

    # -- what the end of the process calls (`draining.Guest`) --

    def go_away(self, reconnect_in_ms: int) -> None:
        """Tell the client when to come back, and close; a running command is answered before."""
        self._say("going_away", events.GoingAway(reconnect_in_ms=reconnect_in_ms))
        self.give_up(1012, "The server restarts.")

    # -- reading --

    async def _talk(self) -> None:
        with connections.handshake(
            addresses.peer_of(self.scope), lambda: self.give_up(4408, "Others wait for the place.")
        ):
            await self._sign_in()
        # Cookies and tokens are among them, and nobody asks for them again.
        self.scope["headers"].clear()
        while not self._ending.done():
            await self._hear_message(self._handle)

    async def _hear_message(self, handle: Callable[[protocol.Envelope], Awaitable[None]]) -> None:
        """Read one message, carry it out and answer its errors.

        Raises:
            _Closed: the client left, or the message ends the connection.
        """
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            if message.get("code") == 1009:  # The server closed it before the message came here.
                self._log(logging.WARNING, "Closed with 1009: a message of more than 256 KiB.")
            raise _Closed
        self._busy = True
        try:
            await self._carry_out(message, handle)
        finally:
            self._busy = False

    async def _carry_out(self, message: Any, handle: Callable[[protocol.Envelope], Awaitable[None]]) -> None:
        text, envelope = message.get("text"), None
        if protocol.is_too_large(text if text is not None else message.get("bytes") or b""):
            raise _Closed(1009, "Frames may have 256 KiB.")
        try:
            if text is None:
                raise InvalidMessage("Binary frames are not supported.")
            envelope = protocol.decode(text)
            with metrics.event_time(envelope.event if envelope.event in commands.CLIENT_EVENTS else "unknown"):
                await handle(envelope)
        except RealTimeError as error:
            self._answer_error(error, envelope.id if envelope else protocol.id_of(text))
        except _Closed:
            raise
        except Exception as error:
            self._answer_fault(error, envelope.id if envelope else UNSET)

    def _answer_fault(self, error: Exception, id: MessageId) -> None:
        if (told := busy(error)) is not None:
            self._log(logging.WARNING, "An event was given up: %s", error)
            self._answer_error(told, id)
            return
        reference = secrets.token_hex(6)
        if isinstance(error, DATABASE_AWAY):
            self._log(logging.WARNING, "Error %s: the database is away (%s).", reference, type(error).__name__)
        else:
            self._log(logging.ERROR, "Error %s.", reference, exc_info=error)
        fault = Internal("Something went wrong on our side.", details={"reference": reference})
        self._answer_error(fault, id)

    def _answer_error(self, error: RealTimeError, id: MessageId) -> None:
        metrics.ERRORS.labels(error.code).inc()
        self._outbox.put(Frames([protocol.encode_error(error, id)]))
        if error.closes_with is not None:
            raise _Closed(error.closes_with, error.message)
        if isinstance(error, InvalidMessage | InvalidData):
            self._count_bad_message()
        if isinstance(error, RateLimited) and not isinstance(error, Busy):
            self._patience = self._patience or rate_limits.Patience()
            if self._patience.ends():
                raise _Closed(4429, "Too many messages.")

    def _count_bad_message(self) -> None:
        now = asyncio.get_running_loop().time()
        self._bad_messages = [then for then in self._bad_messages if now - then < BAD_MESSAGE_SECONDS] + [now]
        if len(self._bad_messages) >= MAX_BAD_MESSAGES:
            raise _Closed(4400, "Too many bad messages.")

    async def _handle(self, envelope: protocol.Envelope) -> None:
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
            process().typists.stop(self._session, place=command.task_id)
        self._acknowledge(answer, envelope.id)

    # -- answering --

    def _say(self, event: str, data: Any, id: MessageId = UNSET) -> None:
        self._outbox.put(Frames([protocol.encode(event, data, id)]))

    def _acknowledge(self, answer: msgspec.Struct, id: MessageId) -> None:
        if id is not UNSET:
            self._say("ack", answer, id)

    # -- signing in --

    async def _sign_in(self) -> None:
        """By header, by subprotocol, or by the first message.

        Raises:
            _Closed: it did not work.
        """
        token = _token_of(self.scope)
        try:
            if token is None:
                async with asyncio.timeout(settings.WEBSOCKET_CONNECT_TIMEOUT):
                    while self._identity is None:
                        await self._hear_message(self._connect_by_message)
            else:
                await self._let_in(token, None, None, UNSET)
                self._may_resume = True
        except TimeoutError:
            raise _Closed(4408, "No connect in time.") from None
        except Unauthenticated as error:
            self._answer_error(error, UNSET)
        if user_room(self.user_id) not in self._subscriptions:
            raise _Closed(1013, "Try again later.")  # The database was away between the two steps.

    async def _connect_by_message(self, envelope: protocol.Envelope) -> None:
        if envelope.event != commands.Connect.event:
            raise Unauthenticated("Sign in first: by header, subprotocol or `connect`.")
        command = protocol.parse(envelope.data, commands.Connect)
        if command.token is UNSET:
            raise Unauthenticated("The first `connect` needs a token.")
        await self._let_in(command.token, command.since, command.epoch, envelope.id)
        self._begin_user_room()

    async def _let_in(self, token: str, since: int | None, epoch: str | None, id: MessageId) -> None:
        """Find out whose token it is, and say `connected`.

        Raises:
            _Closed: there are too many connections, or the database is away.
        """
        try:
            with connections.signing_in():
                await self._identify(token)
                await self._enter_user_room(since, epoch, id)
        except DATABASE_AWAY as error:
            self._log(logging.WARNING, "Not let in: the database is away (%s).", type(error).__name__)
            raise _Closed(1013, "Try again later.") from error
        except RateLimited as error:
            self._answer_error(error, id)
            raise _Closed(1013, "Too many connections in a short time.") from error

    async def _identify(self, token: str) -> None:
        identity = await process().identities.ask(token)
        if self._identity is not None and identity.user.pk != self.user_id:
            raise TokenInvalid("This token belongs to another user.")
        self._identity = identity
        if self._place is None:
            await self._take_place(identity.user.pk)
        process().enter(self, identity.stamp, identity.browser)
        if self._expiry is not None:
            self._expiry.cancel()
        left = identity.expires_at - datetime.now(UTC).timestamp()
        self._expiry = asyncio.get_running_loop().call_later(max(0.0, left), self._expire)

    async def _take_place(self, user_id: int) -> None:
        """Be counted among the connections of this user.

        Raises:
            _Closed: there are too many.
            RateLimited: there were too many in a short time.
        """
        await rate_limits.spend_connection(user_id)
        counts = process().connections
        self._place = counts.enter(user_id)
        if await counts.is_full(user_id):
            raise _Closed(4409, "Too many connections.")

    def _expire(self) -> None:
        self._outbox.put(Frames([protocol.encode_error(TokenExpired("The token has expired."))]))
        self.give_up(4401, "The token has expired.")

    # -- rooms --

    async def _subscribe(self, room: str, since: int | None, epoch: str | None) -> tuple[log.Stand, Callable[[], None]]:
        """Enter a room.

        Returns:
            where its log stands, and what to call once that was told: then what was missed and what is new follow.
        """
        stand = await self._ask_stand(room, since, epoch)
        if project_of_room(room) is not None:
            await process().presence.open(room)
        if not stand.exists and room == user_room(self.user_id):
            # Made before it is served: the sweep takes a served room without a row for one that is gone.
            await in_database_thread(log.create_room, room)
        if since is not None:
            metrics.RESUMES.labels("reset" if stand.reset else "continued").inc()
        served = await process().hub.open(room)
        cursor = stand.head if since is None or stand.reset else since
        subscription = served.subscribe(self, cursor=cursor, authorised=stand.head, read=stand.read)
        if earlier := self._subscriptions.get(room):
            earlier.room.unsubscribe(earlier)
        self._subscriptions[room] = subscription

        def begin() -> None:
            replay = asyncio.create_task(served.go_live(subscription))
            self._replays.append(replay)
            replay.add_done_callback(self._replays.remove)

        return stand, begin

    async def _ask_stand(self, room: str, since: int | None = None, epoch: str | None = None) -> log.Stand:
        return await process().hub.stand(log.Reader(room, self.user_id, since, epoch))

    async def _enter_user_room(self, since: int | None, epoch: str | None, id: MessageId) -> None:
        """Say `connected`, with where the user's own room stands; its live events begin a moment later."""
        assert self._identity is not None
        name = user_room(self.user_id)
        stand, self._begin = await self._subscribe(name, since, epoch)
        asyncio.get_running_loop().call_later(RESUME_GRACE, self._begin_user_room)
        connected = events.Connected(
            session=self._session,
            user=user_object(self.user),
            server_time=datetime.now(UTC),
            token_expires_at=_moment(self._identity.expires_at),
            ping_interval=settings.WEBSOCKET_PING_INTERVAL,
            room=name,
            seq=stand.head,
            epoch=stand.epoch,
            reset=stand.reset,
            unread=stand.unread,
        )
        self._say("connected", connected, id)

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
        if self._begin is None and self._subscriptions[user_room(self.user_id)].heard_anything:
            # Too late to replay in order: the client takes a snapshot, as after any reset.
            await self._enter_user_room(0, "", envelope.id)
        else:
            await self._enter_user_room(command.since, command.epoch, envelope.id)
        self._begin_user_room()

    async def join_project(self, command: commands.JoinProject, envelope: protocol.Envelope) -> None:
        """Hear a project: what was missed since, then everything."""
        room = project_room(command.project_id)
        begin: Callable[[], None] | None = None
        if room in self._subscriptions:
            stand = await self._ask_stand(room)
        elif len(self._subscriptions) > settings.WEBSOCKET_MAX_PROJECTS:  # One of them is the user's own room.
            raise Forbidden("This connection has joined too many projects: leave one first.")
        else:
            stand, begin = await self._subscribe(room, command.since, command.epoch)
        # From here to the answer nothing is waited for: what changes later is told after it, and not before.
        present, viewers = process().presence.enter(room, self)
        answer = commands.ProjectJoined(
            project_id=command.project_id,
            room=room,
            seq=stand.head,
            epoch=stand.epoch,
            reset=stand.reset,
            presence=[events.PresentUser(user_id, status) for user_id, status in present],
        )
        self._acknowledge(answer, envelope.id)
        self._outbox.put(viewers)
        if begin is not None:
            begin()

    async def leave_project(self, command: commands.LeaveProject, envelope: protocol.Envelope) -> None:
        """Hear no more of a project."""
        room = project_room(command.project_id)
        if subscription := self._subscriptions.pop(room, None):
            subscription.room.unsubscribe(subscription)
        self._depart(room)
        self._acknowledge(commands.ProjectAnswer(project_id=command.project_id), envelope.id)

    async def ping(self, command: commands.Ping, envelope: protocol.Envelope) -> None:
        """Answer with the same data and the server's time."""
        if len(bytes(envelope.data)) > MAX_PING:
            raise InvalidData.at("", f"A ping's data may have {MAX_PING} bytes.")
        data = protocol.parse_object(envelope.data)
        if envelope.id is not UNSET:
            self._say("pong", {**data, "server_time": datetime.now(UTC)}, envelope.id)

    def _depart(self, room: str, *, at_once: bool = False) -> None:
        """Be seen in the room no more; `at_once`: without the moment in which one may come back."""
        process().typists.stop(self._session, room=room)
        process().presence.leave(room, self, at_once=at_once)

    async def presence_update(self, command: commands.PresenceUpdate, envelope: protocol.Envelope) -> None:
        """Tell everybody whether the user is here, busy or away."""
        process().presence.set_status(self, command.status)
        self._acknowledge(commands.PresenceUpdated(status=command.status), envelope.id)

    async def user_typing(self, command: commands.UserTyping, envelope: protocol.Envelope) -> None:
        """Tell everybody else that the user types."""
        task = await in_database_thread(access.find_task_to_type_at, self.user, command.task_id)
        if not self._ending.done():
            process().typists.set_typing(
                project_room(task.project_id),
                task.pk,
                msgspec.to_builtins(user_object(self.user)),
                connection=self._session,
                is_typing=command.is_typing,
            )
        self._acknowledge(commands.Answer(), envelope.id)

    async def task_viewing(self, command: commands.TaskViewing, envelope: protocol.Envelope) -> None:
        """Tell everybody which task the user looks at."""
        if command.task_id is None:
            process().presence.view(self, None)
        else:
            task = await in_database_thread(access.find_task, self.user, command.task_id)
            process().presence.view(self, project_room(task.project_id), task.pk)
        self._acknowledge(commands.Answer(), envelope.id)

    async def ops_watch(self, command: commands.OpsWatch, envelope: protocol.Envelope) -> None:
        """Tell staff how the server does, or no longer."""
        await in_database_thread(access.require_staff, self.user)
        self._acknowledge(commands.OpsWatched(watching=command.watching, every=watching.EVERY), envelope.id)
        if command.watching and not self._ending.done():
            process().watch.enter(self)
        else:
            process().watch.leave(self)

    async def token_refresh(self, command: commands.TokenRefresh, envelope: protocol.Envelope) -> None:
        """Go on with a fresh token of the same user."""
        await self._identify(command.token)
        assert self._identity is not None
        expires_at = _moment(self._identity.expires_at)
        self._acknowledge(commands.TokenRefreshed(token_expires_at=expires_at), envelope.id)


Handler = Callable[[TaskBoardConsumer, Any, protocol.Envelope], Awaitable[None]]

#: What concerns the connection itself. Every other client event is a change: `actions.ACTIONS` has it.
CONNECTION_HANDLERS: dict[type[commands.Command], Handler] = {
    commands.Connect: TaskBoardConsumer.connect,
    commands.JoinProject: TaskBoardConsumer.join_project,
    commands.LeaveProject: TaskBoardConsumer.leave_project,
    commands.Ping: TaskBoardConsumer.ping,
    commands.PresenceUpdate: TaskBoardConsumer.presence_update,
    commands.UserTyping: TaskBoardConsumer.user_typing,
    commands.TaskViewing: TaskBoardConsumer.task_viewing,
    commands.OpsWatch: TaskBoardConsumer.ops_watch,
    commands.TokenRefresh: TaskBoardConsumer.token_refresh,
}


def _moment(unix_time: float) -> datetime:
    return datetime.fromtimestamp(unix_time, UTC)


def _token_of(scope: Any) -> str | None:
    """The token that came with the upgrade, by header or by subprotocol; never from the URL, which ends up in logs."""
    for name, value in scope["headers"]:
        if name.lower() == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if kind.lower() == "bearer" else None
    for offered in scope.get("subprotocols", []):
        if offered.startswith("bearer."):
            return str(offered.removeprefix("bearer."))
    return None
