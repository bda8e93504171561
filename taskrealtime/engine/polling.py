"""Long polling: lets an HTTP request wait for the next event of a room while no thread waits with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from . import draining
from .frames import Frames
from .rooms import hub

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The key under which a view finds its `Wait` in the ASGI scope.
WAIT_KEY = "taskrealtime.wait"
#: Seconds; no request waits longer.
MAX_WAIT = 25.0


@dataclass
class Wait:
    """What a view that has nothing to tell yet is waiting for."""

    room: str
    since: int
    user_id: int
    seconds: float


def wait_for_events(request: HttpRequest, *, room: str, since: int, user_id: int, seconds: float) -> None:
    """Called by a view that answers "nothing yet": ask it again once `room` passed `since`.

    The view's answer is held back; it is sent if the time ends without an event. Outside of ASGI (the test
    client, WSGI) nothing waits and the answer goes out at once.
    """
    scope = getattr(request, "scope", None)
    if scope is not None and seconds > 0:
        scope[WAIT_KEY] = Wait(room, since, user_id, min(seconds, MAX_WAIT))


class LongPolling:
    """ASGI middleware round Django: asks a view again when what it waits for has happened.

    Django's own async views would hold a thread per waiting request for their synchronous middleware. Here each
    asking is an ordinary, short request, authorised anew; between them there is only a listener in a room.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

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
        """What the view says once there is something, or the time has ended, or the client has `left`.

        Where waiting or asking again fails, it is what the view said before: that is still true.
        """
        deadline = asyncio.get_running_loop().time() + MAX_WAIT
        asked = dict(scope)
        messages = await self._ask(asked, left)
        while (wait := asked.get(WAIT_KEY)) is not None:
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                break
            deadline = min(deadline, asyncio.get_running_loop().time() + wait.seconds)
            asked = dict(scope)
            try:
                if not await self._wait(wait, min(wait.seconds, remaining), left):
                    break
                again = await self._ask(asked, left)
            except Exception as error:
                logger.warning("A long poll of %s ends early (%s: %s).", wait.room, type(error).__name__, error)
                break
            if _is_fault(again):
                break
            messages = again
        return messages

    async def _ask(self, scope: Scope, left: asyncio.Task[None]) -> list[Message]:
        """Run the application once, as if the request had just come, and keep its answer."""
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
        return messages

    async def _wait(self, wait: Wait, seconds: float, left: asyncio.Task[None]) -> bool:
        """Whether there is something new before the time ends or the client leaves."""
        room = await hub().open(wait.room)
        if room.position > wait.since:
            return True
        listener = _Waiter(wait.user_id)
        subscription = room.subscribe(listener, cursor=wait.since, authorised=wait.since)
        happened = asyncio.create_task(listener.happened.wait())
        draining.enter(listener)
        try:
            await room.go_live(subscription)
            await asyncio.wait({happened, left}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return listener.happened.is_set() and not left.done() and not draining.is_draining()
        finally:
            draining.leave(listener)
            happened.cancel()
            room.unsubscribe(subscription)


def _is_fault(messages: list[Message]) -> bool:
    """Whether the answer is none that the view meant to give."""
    return not messages or messages[0]["status"] >= 500


class _Waiter:
    """A listener that only notes that something happened."""

    lags = False

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.happened = asyncio.Event()

    def hear(self, frames: Frames) -> None:
        self.happened.set()

    def left(self, room: str) -> None:
        self.happened.set()

    def departed(self, room: str) -> None:
        pass  # what it waits for is told by `left`

    def give_up(self, code: int, reason: str) -> None:
        self.happened.set()

    def go_away(self, reconnect_in_ms: int) -> None:
        self.happened.set()

    async def drained(self) -> None:
        return


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
