"""A long poll that holds a good answer gives it, whatever fails while it waits for a better one."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from taskrealtime.engine.asgi import polling
from taskrealtime.engine.asgi.polling import LongPolling, Wait

NOTHING_YET, SOMETHING = b'{"events":[]}', b'{"events":[1]}'
SCOPE = {"type": "http", "method": "GET", "path": "/", "query_string": b"wait=5", "headers": []}


class Uncounted:
    """The limit of connections is not reached."""

    def enter(self, user_id: int) -> Any:
        return self

    async def is_full(self, user_id: int) -> bool:
        return False

    def leave(self) -> None:
        pass


class Room:
    """A room whose next event is there at once, or that cannot be entered."""

    position = 3

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.entered = 0

    def subscribe(self, listener: Any, **where: Any) -> Any:
        self.entered += 1
        self.listener = listener
        return object()

    def unsubscribe(self, subscription: Any) -> None:
        self.entered -= 1

    async def go_live(self, subscription: Any) -> None:
        if self.fault == "enter":
            raise OperationalError("server closed the connection unexpectedly")
        self.listener.happened.set()


@pytest.fixture
def poll(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    async def poll(fault: str) -> tuple[list[Any], Room]:
        room, asked = Room(fault), 0

        class Hub:
            async def open(self, name: str) -> Room:
                if fault == "open":
                    raise OperationalError("server closed the connection unexpectedly")
                return room

        async def view(scope: Any, receive: Any, send: Any) -> None:
            nonlocal asked
            asked += 1
            if asked == 1:
                scope[polling.WAIT_KEY] = Wait("project.1", 3, 1, 5.0)
            if asked == 2 and fault == "ask":
                raise OperationalError("server closed the connection unexpectedly")
            status = 500 if asked == 2 and fault == "answer" else 200
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": NOTHING_YET if asked == 1 else SOMETHING})

        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        monkeypatch.setattr(polling, "process", lambda: SimpleNamespace(connections=Uncounted(), hub=Hub()))
        sent: list[Any] = []
        await LongPolling(view)(SCOPE, receive, send)
        return sent, room

    return poll


@pytest.mark.parametrize("fault", ["open", "enter", "ask", "answer"])
async def test_a_long_poll_gives_the_good_answer_that_it_has(fault: str, poll: Any) -> None:
    (start, body), room = await poll(fault)
    assert (start["status"], body["body"]) == (200, NOTHING_YET)
    assert room.entered == 0, "nobody is left in the room"


async def test_a_long_poll_without_a_fault_gives_what_happened(poll: Any) -> None:
    (start, body), room = await poll("none")
    assert (start["status"], body["body"]) == (200, SOMETHING)
    assert room.entered == 0


async def test_an_event_that_wakes_many_polls_of_one_user_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    room, asked = QuietRoom(), 0

    class Hub:
        async def open(self, name: str) -> Any:
            return room

    async def view(scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        if not room.happened:
            scope[polling.WAIT_KEY] = Wait("project.1", 3, 1, 60.0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": SOMETHING if room.happened else NOTHING_YET})

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def poll(user: bytes, sent: list[Any]) -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        await polls({**SCOPE, "headers": [(b"authorization", user)]}, receive, send)

    monkeypatch.setattr(polling, "process", lambda: SimpleNamespace(connections=Uncounted(), hub=Hub()))
    polls = LongPolling(view)
    answers: list[list[Any]] = [[] for _ in range(60)]
    waiting = [
        asyncio.create_task(poll(b"ann" if number % 2 else b"bob", answer)) for number, answer in enumerate(answers)
    ]
    async with asyncio.timeout(60):
        for _ in range(60):
            await room.entered.acquire()
        assert asked == 60
        room.happen()
        await asyncio.gather(*waiting)
    assert asked == 62, "once for each of the two"
    assert [answer[1]["body"] for answer in answers] == [SOMETHING] * 60


class QuietRoom:
    """A room in which nothing happens until `happen`."""

    position = 3
    happened = False

    def __init__(self) -> None:
        self.listeners: list[Any] = []
        self.entered = asyncio.Semaphore(0)

    def subscribe(self, listener: Any, **where: Any) -> Any:
        self.listeners.append(listener)
        self.entered.release()
        return listener

    def unsubscribe(self, subscription: Any) -> None:
        pass

    async def go_live(self, subscription: Any) -> None:
        pass

    def happen(self) -> None:
        self.happened = True
        for listener in self.listeners:
            listener.happened.set()
