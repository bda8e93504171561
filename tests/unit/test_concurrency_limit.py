"""Requests in Django at a time are bounded: the others wait in a queue, leave it, or get a time to retry."""

import asyncio
import itertools
import json
import logging
from typing import Any

import pytest
from django.db import connection

from taskrealtime.engine.asgi import unread
from taskrealtime.engine.asgi.concurrency_limit import MAX_KEPT, RETRY_AFTER, ConcurrencyLimit
from taskrealtime.engine.db import capacity
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


_addresses = itertools.count(1)


class Visitor:
    """One request from an address of its own, unless one is given, and what became of it."""

    def __init__(
        self,
        concurrency_limit: ConcurrencyLimit,
        path: str = "/",
        body: tuple[bytes, ...] = (b"",),
        method: str = "GET",
        client: str = "",
    ) -> None:
        self.sent: list[Message] = []
        self._arriving: asyncio.Queue[Message] = asyncio.Queue()
        for place, part in enumerate(body, 1):
            self.say({"type": "http.request", "body": part, "more_body": place < len(body)})
        client = client or f"198.51.{next(_addresses) // 250}.{next(_addresses) % 250}"
        scope = {"type": "http", "path": path, "method": method, "client": [client, 1], "headers": []}
        self.task = asyncio.create_task(concurrency_limit(scope, self._arriving.get, self._send))

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
    """Wait until every task that can continue has done so: nothing here waits for anything but the loop."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_so_many_are_inside_and_the_others_follow_in_order(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=2)
    visitors = [Visitor(concurrency_limit, f"/{number}", (b"a", str(number).encode())) for number in range(7)]
    await settled()
    assert application.inside == ["/0", "/1"]
    application.go_on.set()
    assert [await visitor.answer() for visitor in visitors] == [(200, f"a{number}".encode()) for number in range(7)]
    assert application.most_inside == 2
    assert await Visitor(concurrency_limit).answer() == (200, b"")


async def test_a_client_that_finds_the_line_full_is_asked_at_once_to_come_back(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=1, waiting=2, chance=lambda low, high: low)
    waiting = [Visitor(concurrency_limit) for _ in range(3)]
    await settled()
    with caplog.at_level(logging.WARNING):
        refused = [Visitor(concurrency_limit) for _ in range(2)]
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
    assert (await Visitor(concurrency_limit).answer())[0] == 200


async def test_a_client_that_leaves_the_line_gives_the_place_up(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=1, waiting=2)
    first, gone, last = (Visitor(concurrency_limit, path) for path in ("/first", "/gone", "/last"))
    await settled()
    gone.leave()
    await asyncio.wait_for(gone.task, 10)
    assert gone.sent == []
    late = Visitor(concurrency_limit, "/late")
    await settled()
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in (first, last, late)] == [200] * 3


async def test_a_client_that_is_cut_during_its_turn_keeps_no_slot(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=1)
    first, cut, last = (Visitor(concurrency_limit) for _ in range(3))
    await settled()
    application.go_on.set()
    await first.task  # Now it is the turn of the next one, which has not noticed yet.
    cut.task.cancel()
    assert (await last.answer())[0] == 200
    assert (await Visitor(concurrency_limit).answer())[0] == 200


async def test_a_waiting_body_is_taken_in_up_to_a_bound(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=1)
    first = Visitor(concurrency_limit)
    large = Visitor(concurrency_limit, body=(b"x" * MAX_KEPT,) * 5)
    await settled()
    assert large._arriving.qsize() == 3
    application.go_on.set()
    await first.answer()
    assert len((await large.answer())[1]) == 5 * MAX_KEPT


async def test_a_fault_of_the_application_frees_its_slot() -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError(scope["path"])

    concurrency_limit = ConcurrencyLimit(fail, readers=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="/x"):
            await Visitor(concurrency_limit, "/x").task


async def test_waiting_changes_stop_no_reads_and_the_other_way_round(application: Application) -> None:
    """A locked row may keep every change waiting, and a crowd that fetches boards all that read."""
    concurrency_limit = ConcurrencyLimit(application, readers=1, writers=1)
    changes = [Visitor(concurrency_limit, "/change", method=method) for method in ("POST", "PATCH", "DELETE")]
    reads = [Visitor(concurrency_limit, "/read", method=method) for method in ("GET", "HEAD", "OPTIONS")]
    await settled()
    assert sorted(application.inside) == ["/change", "/read"]
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in (*changes, *reads)] == [200] * 6
    assert application.most_inside == 2


async def test_open_paths_take_no_slot_and_never_wait(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=1, waiting=0, open_paths=["/healthz", "/static/"])
    inside = [Visitor(concurrency_limit, path) for path in ("/", "/healthz", "/static/a.js", "/static/b/c.js")]
    refused = [Visitor(concurrency_limit, path) for path in ("/healthz/", "/healthz2", "/static", "/x/static/")]
    await settled()
    assert len(application.inside) == 4
    assert [(await visitor.answer())[0] for visitor in refused] == [503] * 4
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in inside] == [200] * 4


# --- A slot belongs to the work ---------------------------------------------------------------


async def test_a_slot_is_free_when_the_work_has_ended_and_not_when_the_server_gives_up(
    application: Application,
) -> None:
    """As daphne does, ten seconds after the client left; the thread still waits for a lock in PostgreSQL."""
    concurrency_limit = ConcurrencyLimit(application, readers=1)
    first, next_one = Visitor(concurrency_limit, "/first"), Visitor(concurrency_limit, "/next")
    await settled()
    for _ in range(3):
        first.task.cancel()
        await settled()
    assert first.task.cancelled()
    assert application.inside == ["/first"]
    application.go_on.set()
    assert (await next_one.answer())[0] == 200
    assert application.most_inside == 1


async def test_work_that_the_server_gave_up_learns_that_its_client_left() -> None:
    received: list[str] = []

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        received.append((await receive())["type"])
        received.append((await receive())["type"])

    visitor = Visitor(ConcurrencyLimit(listen, readers=1))
    await settled()
    visitor.task.cancel()
    await settled()
    assert received == ["http.request", "http.disconnect"]


async def test_a_slow_reader_holds_no_slot() -> None:
    concurrency_limit = ConcurrencyLimit(_answer_much, readers=2)
    slow = [SlowReader(concurrency_limit, f"203.0.113.{number}") for number in range(1, 9)]
    await settled()
    assert (await Visitor(concurrency_limit).answer())[0] == 200
    for reader in slow:
        reader.reads.set()
    assert [len((await reader.answer())[1]) for reader in slow] == [PIECES * PIECE] * 8


async def test_unread_answers_are_bounded_for_each_address_and_delay_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unread, "MAX_OF_GROUP", 3 * PIECES * PIECE)
    concurrency_limit = ConcurrencyLimit(_answer_much, readers=4)
    slow = [SlowReader(concurrency_limit, "203.0.113.7") for _ in range(50)]
    await settled()
    held = concurrency_limit._unread._bytes["address:203.0.113.7"]
    assert held <= 4 * PIECES * PIECE
    assert (await Visitor(concurrency_limit).answer())[0] == 200
    for reader in slow:
        reader.reads.set()
    assert [(await reader.answer())[0] for reader in slow] == [200] * 50
    assert not concurrency_limit._unread._bytes


async def test_an_answer_that_no_client_will_read_is_forgotten() -> None:
    concurrency_limit = ConcurrencyLimit(_answer_much, readers=1)
    reader = SlowReader(concurrency_limit, "203.0.113.7")
    await settled()
    reader.task.cancel()
    await settled()
    assert not concurrency_limit._unread._bytes


PIECES, PIECE = 10, 64 * 1024


async def _answer_much(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(1, PIECES + 1):
        await send({"type": "http.response.body", "body": b"x" * PIECE, "more_body": number < PIECES})


class SlowReader(Visitor):
    """Its server takes nothing until `reads` is set."""

    def __init__(self, concurrency_limit: ConcurrencyLimit, client: str) -> None:
        self.reads = asyncio.Event()
        super().__init__(concurrency_limit, client=client)

    async def _send(self, message: Any) -> None:
        await self.reads.wait()
        await super()._send(message)


# --- A fair share -----------------------------------------------------------------------------


async def test_an_address_with_a_thousand_requests_delays_no_other(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=2)
    crowd = [Visitor(concurrency_limit, "/crowd", client="203.0.113.7") for _ in range(1000)]
    other = Visitor(concurrency_limit, "/other")
    await settled()
    assert application.inside == ["/crowd", "/other"]
    application.go_on.set()
    assert (await other.answer())[0] == 200
    assert [(await visitor.answer())[0] for visitor in crowd] == [200] * 1000
    assert application.most_inside == 2


async def test_an_address_fills_half_of_the_line_and_is_asked_to_come_back(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, readers=1, waiting=20)
    crowd = [Visitor(concurrency_limit, client="203.0.113.7") for _ in range(30)]
    others = [Visitor(concurrency_limit) for _ in range(10)]
    await settled()
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in crowd] == [200] * 11 + [503] * 19
    assert [(await visitor.answer())[0] for visitor in others] == [200] * 10


async def test_hashing_passwords_stops_no_change(application: Application) -> None:
    concurrency_limit = ConcurrencyLimit(application, writers=1, hashers=1, hashing_paths="/token/")
    signing_in = [Visitor(concurrency_limit, "/token/", (b"{}",), "POST") for _ in range(40)]
    change = Visitor(concurrency_limit, "/change", (b"{}",), "POST")
    await settled()
    assert sorted(application.inside) == ["/change", "/token/"]
    application.go_on.set()
    assert [(await visitor.answer())[0] for visitor in (*signing_in, change)] == [200] * 41


def test_the_readme_says_how_many_connections_a_process_takes() -> None:
    text = (ROOT / "README.md").read_text()
    assert f"{capacity.DATABASE_CONNECTIONS} connections of PostgreSQL" in text.replace("\n", " ")
    assert f"works on {capacity.HTTP_READERS + capacity.HTTP_WRITERS + capacity.HASHERS} HTTP requests" in text
    assert 4 * capacity.DATABASE_CONNECTIONS + 10 <= 150, "the README's example"


@pytest.mark.services
def test_every_thread_that_may_use_the_database_finds_a_connection() -> None:
    if connection.vendor == "postgresql":
        assert connection.settings_dict["OPTIONS"]["pool"]["max_size"] == capacity.DATABASE_CONNECTIONS
