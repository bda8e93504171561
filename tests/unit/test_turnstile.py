"""Requests in Django at a time are bounded: the rest waits in line, leaves it, or is told to come back."""

import asyncio
import json
import logging
from typing import Any

import pytest
from django.db import connection

from taskrealtime.engine import capacity
from taskrealtime.engine.turnstile import MAX_KEPT, RETRY_AFTER, Turnstile
from tests.support.stacks import ROOT

Message = dict[str, Any]


class Application:
    """Answers with the body that it read, when it is allowed to."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.most_inside = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside.append(scope["path"])
        self.most_inside = max(self.most_inside, len(self.inside))
        try:
            await self.go_on.wait()
            body = b""
            while (message := await receive())["type"] == "http.request":
                body += message["body"]
                if not message.get("more_body"):
                    break
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
        finally:
            self.inside.remove(scope["path"])


class Visitor:
    """One request, and what became of it."""

    def __init__(
        self, turnstile: Turnstile, path: str = "/", body: tuple[bytes, ...] = (b"",), method: str = "GET"
    ) -> None:
        self.sent: list[Message] = []
        self._arriving: asyncio.Queue[Message] = asyncio.Queue()
        for place, part in enumerate(body, 1):
            self.say({"type": "http.request", "body": part, "more_body": place < len(body)})
        scope = {"type": "http", "path": path, "method": method}
        self.task = asyncio.create_task(turnstile(scope, self._arriving.get, self._send))

    def say(self, message: Message) -> None:
        self._arriving.put_nowait(message)

    def leave(self) -> None:
        self.say({"type": "http.disconnect"})

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(10):
            await self.task
        return self.sent[0]["status"], b"".join(message.get("body", b"") for message in self.sent)


@pytest.fixture
def application() -> Application:
    return Application()


async def settled() -> None:
    """Until whoever can go on has done so: nothing here waits for anything but the loop."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_so_many_are_inside_and_the_others_follow_in_order(application: Application) -> None:
    turnstile = Turnstile(application, readers=2)
    visitors = [Visitor(turnstile, f"/{number}", (b"a", str(number).encode())) for number in range(7)]
    await settled()
    assert application.inside == ["/0", "/1"]
    application.go_on.set()
    assert [await visitor.answer() for visitor in visitors] == [(200, f"a{number}".encode()) for number in range(7)]
    assert application.most_inside == 2
    assert await Visitor(turnstile).answer() == (200, b"")


async def test_who_finds_the_line_full_is_told_at_once_to_come_back(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    turnstile = Turnstile(application, readers=1, waiting=2, chance=lambda low, high: low)
    waiting = [Visitor(turnstile) for _ in range(3)]
    await settled()
    with caplog.at_level(logging.WARNING):
        refused = [Visitor(turnstile) for _ in range(2)]
        for visitor in refused:
            status, body = await visitor.answer()
            assert status == 503
            assert json.loads(body)["code"] == "rate_limited"
            assert json.loads(body)["retry_after"] == RETRY_AFTER[0]
            headers = dict(visitor.sent[0]["headers"])
            assert headers[b"Retry-After"] == str(RETRY_AFTER[0]).encode()
            assert headers[b"Content-Type"] == b"application/json"
    assert len(caplog.records) == 1, "one line for all of a moment"
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in waiting] == [200] * 3
    assert (await Visitor(turnstile).answer())[0] == 200


async def test_who_leaves_the_line_gives_the_place_up(application: Application) -> None:
    turnstile = Turnstile(application, readers=1, waiting=2)
    first, gone, last = (Visitor(turnstile, path) for path in ("/first", "/gone", "/last"))
    await settled()
    gone.leave()
    await asyncio.wait_for(gone.task, 10)
    assert gone.sent == []
    late = Visitor(turnstile, "/late")
    await settled()
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in (first, last, late)] == [200] * 3


async def test_who_is_cut_while_it_is_their_turn_keeps_no_slot(application: Application) -> None:
    turnstile = Turnstile(application, readers=1)
    first, cut, last = (Visitor(turnstile) for _ in range(3))
    await settled()
    application.go_on.set()
    await first.task  # Now it is the next one's turn, who has not noticed yet.
    cut.task.cancel()
    assert (await last.answer())[0] == 200
    assert (await Visitor(turnstile).answer())[0] == 200


async def test_a_waiting_body_is_taken_in_up_to_a_bound(application: Application) -> None:
    turnstile = Turnstile(application, readers=1)
    first = Visitor(turnstile)
    large = Visitor(turnstile, body=(b"x" * MAX_KEPT,) * 5)
    await settled()
    assert large._arriving.qsize() == 3
    application.go_on.set()
    await first.answer()
    assert len((await large.answer())[1]) == 5 * MAX_KEPT


async def test_a_fault_of_the_application_frees_its_slot() -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError(scope["path"])

    turnstile = Turnstile(fail, readers=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="/x"):
            await Visitor(turnstile, "/x").task


async def test_changes_that_wait_stop_nobody_who_reads_and_the_other_way_round(application: Application) -> None:
    """A locked row may keep every change waiting, and a crowd that fetches boards all that read."""
    turnstile = Turnstile(application, readers=1, writers=1)
    changes = [Visitor(turnstile, "/change", method=method) for method in ("POST", "PATCH", "DELETE")]
    reads = [Visitor(turnstile, "/read", method=method) for method in ("GET", "HEAD", "OPTIONS")]
    await settled()
    assert sorted(application.inside) == ["/change", "/read"]
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in (*changes, *reads)] == [200] * 6
    assert application.most_inside == 2


async def test_open_paths_take_no_slot_and_never_wait(application: Application) -> None:
    turnstile = Turnstile(application, readers=1, waiting=0, open_paths=["/healthz", "/static/"])
    inside = [Visitor(turnstile, path) for path in ("/", "/healthz", "/static/a.js", "/static/b/c.js")]
    refused = [Visitor(turnstile, path) for path in ("/healthz/", "/healthz2", "/static", "/x/static/")]
    await settled()
    assert len(application.inside) == 4
    assert [(await visitor.answer())[0] for visitor in refused] == [503] * 4
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in inside] == [200] * 4


def test_the_readme_says_how_many_connections_a_process_takes() -> None:
    text = (ROOT / "README.md").read_text()
    assert f"{capacity.DATABASE_CONNECTIONS} connections of PostgreSQL" in text.replace("\n", " ")
    assert f"works on {capacity.HTTP_READERS + capacity.HTTP_WRITERS} HTTP requests" in text
    assert 4 * capacity.DATABASE_CONNECTIONS + 10 <= 150, "the README's example"


@pytest.mark.services
def test_every_thread_that_may_use_the_database_finds_a_connection() -> None:
    if connection.vendor == "postgresql":
        assert connection.settings_dict["OPTIONS"]["pool"]["max_size"] == capacity.DATABASE_CONNECTIONS
