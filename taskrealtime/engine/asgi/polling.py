"""Long polling: lets an HTTP request wait for the next event of a room while no thread waits with it."""

import asyncio
import logging
from dataclasses import dataclass

from django.http import HttpRequest

from taskrealtime.engine import draining
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.process import process
from taskrealtime.engine.rooms.room import Room
from taskrealtime.engine.wire.asgi import Application, Message, Receive, Scope, Send
from taskrealtime.engine.wire.errors import RateLimited
from taskrealtime.engine.wire.frames import Frames

from .refusals import refusal

logger = logging.getLogger(__name__)


#: The key under which a view finds its `Wait` in the ASGI scope.
WAIT_KEY = "taskrealtime.wait"
#: Seconds; no request waits longer.
MAX_WAIT = 25.0
#: Seconds after which a user with too many connections may try again.
RETRY_AFTER = 5.0


@dataclass
class Wait:
    """What a view with nothing to return yet is waiting for."""

    room: str
    since: int
    user_id: UserKey
    seconds: float


def wait_for_events(request: HttpRequest, *, room: str, since: int, user_id: UserKey, seconds: float) -> None:
    """Called by a view that answers "nothing yet": ask it again once `room` passed `since`.

    The view's answer is held back; it is sent if the time ends without an event. Outside of ASGI (the test
    client, WSGI) nothing waits and the answer goes out at once.
    """
    scope = getattr(request, "scope", None)
    if scope is not None and seconds > 0:
        scope[WAIT_KEY] = Wait(room, since, user_id, min(seconds, MAX_WAIT))


#: An answer, and what its view still waits for.
Asked = tuple[list[Message], Wait | None]


class LongPolling:
    """ASGI middleware round Django: asks a view again when what it waits for has happened.

    Django's own async views would hold a thread per waiting request for their synchronous middleware. Here each
    asking is an ordinary, short request, authorised anew; between them there is only a listener in a room.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        #: What is being asked again for several polls that are the same, by path, query and headers.
        self._shared: dict[object, asyncio.Task[Asked]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["type"] != "http" or scope["method"] != "GET" or b"wait=" not in scope.get("query_string", b""):
            await self._application(scope, receive, send)
            return
        left = asyncio.create_task(_disconnected(receive))
        try:
            messages = await self._answer(scope, left)
        finally:
            left.cancel()
        for message in messages:
            await send(message)

    async def _answer(self, scope: Scope, left: asyncio.Task[None]) -> list[Message]:
        """Return what the view says once there is something, or the time has ended, or the client has `left`.

        If waiting or asking again fails, it is what the view said before: that is still true.
        """
        deadline = asyncio.get_running_loop().time() + MAX_WAIT
        messages, wait = await self._ask(scope, left)
        while wait is not None:
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                break
            deadline = min(deadline, asyncio.get_running_loop().time() + wait.seconds)
            try:
                if not await self._wait(wait, min(wait.seconds, remaining), left):
                    break
                again, wait_again = await self._ask_together(scope)
            except RateLimited as error:
                return refusal(error)
            except Exception as error:
                logger.warning(
                    "Long polling: a poll of %s ends early (%s: %s).", wait.room, type(error).__name__, error
                )
                break
            if _is_fault(again):
                break
            messages, wait = again, wait_again
        return messages

    async def _ask_together(self, scope: Scope) -> Asked:
        """Ask again, once for all polls of the same user and cursor that the same event has woken."""
        same = (scope["path"], scope["query_string"], tuple(map(tuple, scope["headers"])))
        if same not in self._shared:
            self._shared[same] = asyncio.create_task(self._ask_for_all(same, scope))
        # Shielded: a cancelled caller must not take the answer from the others.
        return await asyncio.shield(self._shared[same])

    async def _ask_for_all(self, same: object, scope: Scope) -> Asked:
        try:
            return await self._ask(scope, asyncio.get_running_loop().create_future())
        finally:
            del self._shared[same]

    async def _ask(self, scope: Scope, left: asyncio.Future[None]) -> Asked:
        """Run the application once, as if the request had just come; return its answer, and what it waits for."""
        scope = dict(scope)
        messages: list[Message] = []
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.wait({left})
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            messages.append(message)

        await self._application(scope, receive, send)
        return messages, scope.get(WAIT_KEY)

    async def _wait(self, wait: Wait, seconds: float, left: asyncio.Task[None]) -> bool:
        """Return whether there is something new before the time ends or the client leaves.

        Raises:
            RateLimited: the user has too many connections: a poll that waits is one.
        """
        room = await process().hub.open(wait.room)
        if room.position > wait.since:
            return True
        place = process().connections.enter(wait.user_id)
        try:
            if await process().connections.is_full(wait.user_id):
                raise RateLimited("Too many connections.", retry_after=RETRY_AFTER)
            return await self._listen(room, wait, seconds, left)
        finally:
            place.leave()

    async def _listen(self, room: Room, wait: Wait, seconds: float, left: asyncio.Task[None]) -> bool:
        listener = _Waiter(wait.user_id)
        subscription = room.subscribe(listener, cursor=wait.since, authorised=wait.since)
        happened = asyncio.create_task(listener.happened.wait())
        draining.add(listener)
        try:
            await room.go_live(subscription)
            await asyncio.wait({happened, left}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return listener.happened.is_set() and not left.done() and not draining.is_draining()
        finally:
            draining.remove(listener)
            happened.cancel()
            room.unsubscribe(subscription)


def _is_fault(messages: list[Message]) -> bool:
    """Return whether the answer is none that the view meant to give."""
    return not messages or messages[0]["status"] >= 500


class _Waiter:
    """A listener that only notes that something happened."""

    lags = False

    def __init__(self, user_id: UserKey) -> None:
        self.user_id = user_id
        self.happened = asyncio.Event()

    def deliver(self, frames: Frames) -> None:
        self.happened.set()

    def unsubscribed(self, room: str) -> None:
        self.happened.set()

    def membership_ended(self, room: str) -> None:
        pass  # `unsubscribed` covers what it waits for

    def disconnect(self, code: int, reason: str) -> None:
        self.happened.set()

    def shutdown(self, reconnect_in_ms: int) -> None:
        self.happened.set()

    async def drained(self) -> None:
        return


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
