"""A long poll that holds a good answer gives it, whatever fails while it waits for a better one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from taskrealtime.engine import polling
from taskrealtime.engine.polling import LongPolling, Wait

NOTHING_YET, SOMETHING = b'{"events":[]}', b'{"events":[1]}'
SCOPE = {"type": "http", "method": "GET", "query_string": b"wait=5"}


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

        monkeypatch.setattr(polling, "hub", Hub)
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
