"""One client's socket, whatever its rooms are about: signing in, reading, answering, rooms, closing."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Container
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from channels.consumer import AsyncConsumer
from msgspec import UNSET, UnsetType

from taskrealtime.engine import draining, log, metrics
from taskrealtime.engine.auth import tokens
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.engine.limits import addresses, connections, rate_limits
from taskrealtime.engine.process import process
from taskrealtime.engine.rooms.room import Subscription
from taskrealtime.engine.wire import protocol
from taskrealtime.engine.wire.errors import (
    DATABASE_AWAY,
    Busy,
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

from .outbox import PUSH, Outbox

logger = logging.getLogger(__name__)

SUBPROTOCOL = "taskrealtime.v1"
#: Bad messages that end a connection.
MAX_BAD_MESSAGES = 20
#: Seconds within which they count.
BAD_MESSAGE_SECONDS = 60.0
#: Close codes that are worth a line in the log: a client broke a bound, or was refused.
UNUSUAL_ENDS = frozenset({1009, 4400, 4401, 4408, 4409, 4410, 4429})
#: Seconds that closing waits for a running command's answer, and again for frames that are not sent yet.
CLOSING_TIME = 2.0

MessageId = str | int | UnsetType


class Closed(Exception):
    """The connection is over: the client left, or it was closed with this code."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketConnection(AsyncConsumer):
    """One client's connection.

    It has no channel of its own on the layer and does not use channels' dispatch, which awaits a thread for every
    message: the process's rooms listen once for all of its sockets.

    A subclass declares its clients' events, and the rooms that they are in.
    """

    #: The client events that metrics name; all others count as unknown.
    event_types: Container[str] = ()

    # -- for subclasses --

    def set_up(self) -> None:
        """Prepare what a subclass needs; called before the connection is accepted."""

    async def sign_in_by(self, envelope: protocol.Envelope) -> None:
        """Sign in with the first message, by `let_in`.

        Raises:
            RealTimeError: the message does not sign in.
        """
        raise NotImplementedError

    def signed_in_by_upgrade(self) -> None:
        """The token came with the upgrade, not with a message."""

    async def welcome(self, since: int | None, epoch: str | None, id: MessageId) -> None:
        """Greet a client that has just signed in, and enter at least one room."""
        raise NotImplementedError

    async def prepare_room(self, room: str, state: log.ResumeState) -> None:
        """Do what a room needs before it is entered; the user may read it."""

    async def handle(self, envelope: protocol.Envelope) -> None:
        """Carry out a message of a signed-in client.

        Raises:
            RealTimeError: it was refused.
        """
        raise NotImplementedError

    def unsubscribed(self, room: str) -> None:
        """The user may no longer read a room that this connection was in (`rooms.Listener`)."""
        raise NotImplementedError

    def membership_ended(self, room: str) -> None:
        """The user may no longer read a room, whether or not this connection is in it (`rooms.Listener`)."""
        raise NotImplementedError

    # -- its life --

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the connection from upgrade to end. No exception leaves here: it would leak the rooms."""
        self.scope = scope
        self._receive = receive
        self._send = send
        self.session = secrets.token_hex(8)
        push = scope.get("extensions", {}).get(PUSH)
        self.outbox = Outbox(self._send_text, push, lambda: self.disconnect(4410, "Too slow."))
        self._ending: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self.identity: tokens.Identity | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self._replays: list[asyncio.Task[None]] = []
        self._expiry: asyncio.TimerHandle | None = None
        #: When the last of them came, on the event loop's clock.
        self._bad_messages: list[float] = []
        self._flood_guard: rate_limits.FloodGuard | None = None
        #: Among the connections of this user.
        self._slot: connections.ConnectionSlot | None = None
        #: Whether a message is being carried out, rather than waited for.
        self._busy = False
        self.set_up()
        if (await receive())["type"] != "websocket.connect":
            return
        await self._live()

    async def _live(self) -> None:
        offered = self.scope.get("subprotocols", [])
        await self._send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None})
        talk = asyncio.create_task(self._talk())
        talk.add_done_callback(self._end_with)
        draining.add(self)
        metrics.CONNECTIONS.inc()
        begun, code = time.monotonic(), None
        try:
            closed = await self._ending
            code = closed.code
            if code in UNUSUAL_ENDS:
                self._log(logging.WARNING, "Closed with %s: %s", code, closed)
            self.leave_everything()
            if self._busy:
                await asyncio.wait({talk}, timeout=CLOSING_TIME)
            if closed.code is not None:
                await self._close(closed)
        finally:
            metrics.CONNECTIONS.dec()
            metrics.CONNECTIONS_ENDED.labels("left" if code is None else str(code)).inc()
            metrics.CONNECTION_SECONDS.observe(time.monotonic() - begun)
            draining.remove(self)
            self.leave_everything()
            self.outbox.close()
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)

    def _end_with(self, talk: asyncio.Task[None]) -> None:
        error = None if talk.cancelled() else talk.exception()
        if error is not None and not isinstance(error, Closed):
            self._log(logging.ERROR, "Ended by a fault of ours.", exc_info=error)
            error = Closed(1011, "Internal error.")
        if error is not None and not self._ending.done():
            self._ending.set_result(error)

    def _log(self, level: int, message: str, *args: object, exc_info: Any = None) -> None:
        user = "no user" if self.identity is None else f"user {self.user_id}"
        text = f"Connection %s of %s: {message}"
        logger.log(level, text, self.session, user, *args, exc_info=exc_info, extra={"session": self.session})

    async def _close(self, closed: Closed) -> None:
        with suppress(asyncio.TimeoutError, TimeoutError):
            await asyncio.wait_for(self.outbox.drained(), CLOSING_TIME)
        try:
            await self._send({"type": "websocket.close", "code": closed.code, "reason": closed.reason})
        except Exception:
            # Stock daphne refuses to send 1001 to 2999; a socket that is gone already refuses this one, too.
            with suppress(Exception):
                await self._send({"type": "websocket.close", "code": 3000 + (closed.code or 0)})

    def leave_everything(self) -> None:
        """Leave rooms, replays and the clock; called more than once."""
        if self.identity is not None:
            process().leave(self)
        if self._slot is not None:
            self._slot.leave()
        for subscription in self.subscriptions.values():
            subscription.room.unsubscribe(subscription)
        for replay in self._replays:
            replay.cancel()
        if self._expiry is not None:
            self._expiry.cancel()

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    # -- what rooms call (`rooms.Listener`) --

    @property
    def user(self) -> User:
        """The user, once signed in."""
        assert self.identity is not None
        return self.identity.user

    @property
    def user_id(self) -> UserKey:
        """The user's id, once signed in."""
        key: UserKey = self.user.pk
        return key

    def deliver(self, frames: Frames) -> None:
        """Take frames of a room."""
        self.outbox.put(frames)

    @property
    def is_ending(self) -> bool:
        """Whether the connection is over, or about to be."""
        return self._ending.done()

    def disconnect(self, code: int, reason: str) -> None:
        """End the connection with this close code."""
        if not self._ending.done():
            self._ending.set_result(Closed(code, reason))

    @property
    def lags(self) -> bool:
        """Whether something that was delivered is not sent yet."""
        return self.outbox.lags

    async def drained(self) -> None:
        """Wait until what was delivered is sent."""
        await self.outbox.drained()

    # -- what the end of the process calls (`draining.Drainable`) --

    def shutdown(self, reconnect_in_ms: int) -> None:
        """Send the client the time to come back after, and close; a running command is answered before."""
        self.send_event("going_away", {"reconnect_in_ms": reconnect_in_ms})
        self.disconnect(1012, "The server restarts.")

    # -- reading --

    async def _talk(self) -> None:
        with connections.handshake(
            addresses.peer_of(self.scope), lambda: self.disconnect(4408, "Others wait for the place.")
        ):
            await self._sign_in()
        # Cookies and tokens are among them, and nothing reads them again.
        self.scope["headers"].clear()
        while not self._ending.done():
            await self._read_message(self.handle)

    async def _read_message(self, handle: Callable[[protocol.Envelope], Awaitable[None]]) -> None:
        """Read one message, carry it out and answer its errors.

        Raises:
            Closed: the client left, or the message ends the connection.
        """
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            if message.get("code") == 1009:  # The server closed it before the message came here.
                self._log(logging.WARNING, "Closed with 1009: a message of more than 256 KiB.")
            raise Closed
        self._busy = True
        try:
            await self._carry_out(message, handle)
        finally:
            self._busy = False

    async def _carry_out(self, message: Any, handle: Callable[[protocol.Envelope], Awaitable[None]]) -> None:
        text, envelope = message.get("text"), None
        if protocol.is_too_large(text if text is not None else message.get("bytes") or b""):
            raise Closed(1009, "Frames may have 256 KiB.")
        try:
            if text is None:
                raise InvalidMessage("Binary frames are not supported.")
            envelope = protocol.decode(text)
            with metrics.event_time(envelope.event if envelope.event in self.event_types else "unknown"):
                await handle(envelope)
        except RealTimeError as error:
            self.answer_error(error, envelope.id if envelope else protocol.id_of(text))
        except Closed:
            raise
        except Exception as error:
            self._answer_fault(error, envelope.id if envelope else UNSET)

    def _answer_fault(self, error: Exception, id: MessageId) -> None:
        if (refusal := busy(error)) is not None:
            self._log(logging.WARNING, "An event was given up: %s", error)
            self.answer_error(refusal, id)
            return
        reference = secrets.token_hex(6)
        if isinstance(error, DATABASE_AWAY):
            self._log(logging.WARNING, "Error %s: the database is away (%s).", reference, type(error).__name__)
        else:
            self._log(logging.ERROR, "Error %s.", reference, exc_info=error)
        fault = Internal("Something went wrong on our side.", details={"reference": reference})
        self.answer_error(fault, id)

    def answer_error(self, error: RealTimeError, id: MessageId) -> None:
        """Answer a message by an error.

        Raises:
            Closed: the error, or one too many of them, ends the connection.
        """
        metrics.ERRORS.labels(error.code).inc()
        self.outbox.put(Frames([protocol.encode_error(error, id)]))
        if error.closes_with is not None:
            raise Closed(error.closes_with, error.message)
        if isinstance(error, InvalidMessage | InvalidData):
            self._count_bad_message()
        if isinstance(error, RateLimited) and not isinstance(error, Busy):
            self._flood_guard = self._flood_guard or rate_limits.FloodGuard()
            if self._flood_guard.ends():
                raise Closed(4429, "Too many messages.")

    def _count_bad_message(self) -> None:
        now = asyncio.get_running_loop().time()
        self._bad_messages = [then for then in self._bad_messages if now - then < BAD_MESSAGE_SECONDS] + [now]
        if len(self._bad_messages) >= MAX_BAD_MESSAGES:
            raise Closed(4400, "Too many bad messages.")

    # -- answering --

    def send_event(self, event: str, data: Any, id: MessageId = UNSET) -> None:
        """Send an event to this client."""
        self.outbox.put(Frames([protocol.encode(event, data, id)]))

    def acknowledge(self, answer: msgspec.Struct, id: MessageId) -> None:
        """Answer a message that has an id."""
        if id is not UNSET:
            self.send_event("ack", answer, id)

    # -- signing in --

    async def _sign_in(self) -> None:
        """Sign in by header, by subprotocol, or by the first message.

        Raises:
            Closed: it did not work.
        """
        token = _token_of(self.scope)
        try:
            if token is None:
                async with asyncio.timeout(settings.WEBSOCKET_CONNECT_TIMEOUT):
                    while self.identity is None:
                        await self._read_message(self.sign_in_by)
            else:
                await self.let_in(token, None, None, UNSET)
                self.signed_in_by_upgrade()
        except TimeoutError:
            raise Closed(4408, "No connect in time.") from None
        except Unauthenticated as error:
            self.answer_error(error, UNSET)
        if not self.subscriptions:
            raise Closed(1013, "Try again later.")  # The database was away between the two steps.

    async def let_in(self, token: str, since: int | None, epoch: str | None, id: MessageId) -> None:
        """Identify the token's user, and send `connected`.

        Raises:
            Closed: there are too many connections, or the database is away.
        """
        try:
            with connections.signing_in():
                await self.identify(token)
                await self.welcome(since, epoch, id)
        except DATABASE_AWAY as error:
            self._log(logging.WARNING, "Not let in: the database is away (%s).", type(error).__name__)
            raise Closed(1013, "Try again later.") from error
        except RateLimited as error:
            self.answer_error(error, id)
            raise Closed(1013, "Too many connections in a short time.") from error

    async def identify(self, token: str) -> None:
        """Identify the token's user, and add the connection to that user's.

        Raises:
            RealTimeError: it is not valid, or another user's.
            Closed: the user has too many connections.
        """
        identity = await process().identities.ask(token, share=addresses.peer_of(self.scope))
        if self.identity is not None and identity.user.pk != self.user_id:
            raise TokenInvalid("This token belongs to another user.")
        self.identity = identity
        if self._slot is None:
            await self._take_slot(identity.user.pk)
        process().enter(self, identity.stamp, identity.browser)
        if self._expiry is not None:
            self._expiry.cancel()
        left = identity.expires_at - datetime.now(UTC).timestamp()
        self._expiry = asyncio.get_running_loop().call_later(max(0.0, left), self._expire)

    async def _take_slot(self, user_id: UserKey) -> None:
        """Count this connection among those of the user.

        Raises:
            Closed: there are too many.
            RateLimited: there were too many in a short time.
        """
        await rate_limits.spend_connection(user_id)
        rate_limits.forgive_opening(addresses.peer_of(self.scope))
        counts = process().connections
        self._slot = counts.enter(user_id)
        if await counts.is_full(user_id):
            raise Closed(4409, "Too many connections.")

    def _expire(self) -> None:
        self.outbox.put(Frames([protocol.encode_error(TokenExpired("The token has expired."))]))
        self.disconnect(4401, "The token has expired.")

    # -- rooms --

    async def enter_room(
        self, room: str, since: int | None, epoch: str | None
    ) -> tuple[log.ResumeState, Callable[[], None]]:
        """Enter a room.

        Returns:
            where its log ends, and what to call once the client has that: then what was missed and what is new
            follow.
        """
        state = await self.resume_state(room, since, epoch)
        await self.prepare_room(room, state)
        if since is not None:
            metrics.RESUMES.labels("reset" if state.reset else "continued").inc()
        served = await process().hub.open(room)
        cursor = state.end.offset if since is None or state.reset else since
        subscription = served.subscribe(self, cursor=cursor, authorised=state.end.offset, read=state.read)
        if earlier := self.subscriptions.get(room):
            earlier.room.unsubscribe(earlier)
        self.subscriptions[room] = subscription

        def begin() -> None:
            replay = asyncio.create_task(served.go_live(subscription))
            self._replays.append(replay)
            replay.add_done_callback(self._replays.remove)

        return state, begin

    async def resume_state(self, room: str, since: int | None = None, epoch: str | None = None) -> log.ResumeState:
        """Return where a room's log ends, and how this client goes on from there.

        Raises:
            RealTimeError: the user may not read it.
        """
        return await process().hub.resume_state(log.Reader(room, self.user_id, since, epoch))


def _token_of(scope: Any) -> str | None:
    """Return the token that came with the upgrade, by header or subprotocol; never from the URL, which logs keep."""
    for name, value in scope["headers"]:
        if name.lower() == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if kind.lower() == "bearer" else None
    for offered in scope.get("subprotocols", []):
        if offered.startswith("bearer."):
            return str(offered.removeprefix("bearer."))
    return None
