"""What every server hands to the application: its path, the bound of a body, and a body kept or streamed."""

import asyncio
import json
import logging
import sys
from typing import Any

import pytest
from pytest_django import Settings

from taskrealtime.engine.asgi.body_limits import BodyLimit, is_streamed, limit_of
from taskrealtime.engine.asgi.concurrency_limit import ConcurrencyLimit
from taskrealtime.engine.asgi.paths import OnePath
from taskrealtime.engine.server.request_bodies import MESSAGE_BYTES, KeptBody, StreamedBody

Message = dict[str, Any]
GONE = {"type": "http.disconnect"}


def scope_of(path: str, root: str = "", *, method: str = "GET", headers: Any = (), kind: str = "http") -> Message:
    return {"type": kind, "path": path, "root_path": root, "method": method, "headers": list(headers)}


class Application:
    """Reads its request and answers with the body; keeps what it was handed."""

    def __init__(self, *, answers_first: bool = False) -> None:
        self.answers_first = answers_first
        self.scopes: list[Message] = []
        self.received: list[Message] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if self.answers_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        while (message := await receive())["type"] == "http.request":
            self.received.append(message)
            if not message["more_body"]:
                break
        if not self.answers_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


async def ask(application: Any, scope: Message, *bodies: bytes) -> list[Message]:
    """What is answered to a request whose body comes in these messages."""
    coming = [
        {"type": "http.request", "body": body, "more_body": place < len(bodies)} for place, body in enumerate(bodies, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0) if coming else GONE

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


# --- The path ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_what_a_server_says_of_a_root_counts_for_nothing(kind: str) -> None:
    application = Application()
    await ask(OnePath(application), scope_of("/x/metrics", "/x", kind=kind))
    assert (application.scopes[0]["path"], application.scopes[0]["root_path"]) == ("/x/metrics", "")


@pytest.mark.parametrize("path", ["/board/metrics", "/metrics"])
async def test_the_configured_root_counts_and_is_in_the_path(settings: Settings, path: str) -> None:
    settings.FORCE_SCRIPT_NAME = "/board"
    application = Application()
    await ask(OnePath(application), scope_of(path, "/x"))
    assert (application.scopes[0]["path"], application.scopes[0]["root_path"]) == ("/board/metrics", "/board")


async def test_the_concurrency_limit_goes_by_the_path_of_django(settings: Settings) -> None:
    concurrency_limit = ConcurrencyLimit(Application(), readers=0, waiting=0, open_paths=["/healthz", "/static/"])
    for path, root, status in (
        ("/static/x/api/tasks/", "/static/x", 503),
        ("/static/x", "", 200),
        ("/x/static/a", "/x", 200),
        ("/healthz", "", 200),
    ):
        assert (await ask(concurrency_limit, scope_of(path, root), b""))[0]["status"] == status, (path, root)
    settings.FORCE_SCRIPT_NAME = "/board"
    assert (await ask(concurrency_limit, scope_of("/board/static/a"), b""))[0]["status"] == 200


# --- The bound of a body ------------------------------------------------------------------------------


@pytest.fixture
def _small(settings: Settings) -> None:
    settings.HTTP_MAX_BODY = 10
    settings.HTTP_STREAMED_BODIES = {"/up/": 100, "/up/small/": 5, "/one": 20}


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    "path, limit, streamed",
    [
        ("/up/", 100, True),
        ("/up/x", 100, True),
        ("/up/small/x", 5, True),
        ("/one", 20, True),
        ("/one/x", 10, False),
        ("/up", 10, False),
        ("/x/up/", 10, False),
        ("/", 10, False),
    ],
)
def test_the_closest_path_says_how_large_a_body_may_be(path: str, limit: int, streamed: bool) -> None:
    assert (limit_of(path), is_streamed(path)) == (limit, streamed)


@pytest.mark.usefixtures("_small")
async def test_a_body_within_its_bound_passes() -> None:
    application = Application()
    sent = await ask(BodyLimit(application), scope_of("/", headers=[(b"content-length", b"10")]), b"12345", b"67890")
    assert [message["body"] for message in application.received] == [b"12345", b"67890"]
    assert sent[0]["status"] == 200


@pytest.mark.usefixtures("_small")
async def test_a_body_is_refused_at_its_head_and_the_application_does_not_see_it() -> None:
    application = Application()
    sent = await ask(BodyLimit(application), scope_of("/", headers=[(b"Content-Length", b"11")]), b"12345")
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"connection"]) == (413, b"close")
    assert json.loads(sent[1]["body"])["code"] == "invalid_message"
    assert application.scopes == []


@pytest.mark.usefixtures("_small")
async def test_a_body_is_refused_at_the_first_byte_too_many_and_breaks_off() -> None:
    application = Application()
    sent = await ask(BodyLimit(application), scope_of("/"), b"12345", b"67890", b"1", b"2")
    assert [message.get("status") for message in sent] == [413, None]
    assert [message["body"] for message in application.received] == [b"12345", b"67890"]


@pytest.mark.usefixtures("_small")
async def test_an_answer_that_has_begun_is_not_followed_by_another() -> None:
    sent = await ask(BodyLimit(Application(answers_first=True)), scope_of("/"), b"12345", b"678901")
    assert [message.get("status") for message in sent] == [200]


# --- What an application receives ------------------------------------------------------------------------


async def received(body: KeptBody | StreamedBody) -> list[Message]:
    """All that is there of a body that is whole."""
    messages = [await body.get()]
    while messages[-1].get("more_body"):
        messages.append(await body.get())
    return messages


@pytest.mark.parametrize("size", [0, 1, MESSAGE_BYTES, MESSAGE_BYTES + 1, 3 * MESSAGE_BYTES])
async def test_a_kept_body_comes_whole_and_then_the_end_of_the_request(size: int) -> None:
    body = KeptBody()
    for start in range(0, size, 10_000):
        body.feed(b"x" * min(10_000, size - start))
    body.end()
    messages = await received(body)
    assert b"".join(message["body"] for message in messages) == b"x" * size
    assert max(len(message["body"]) for message in messages) <= MESSAGE_BYTES
    waiting = asyncio.create_task(body.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    body.put_nowait(GONE)
    assert [await waiting, await body.get()] == [GONE, GONE]


async def test_the_rest_of_a_kept_body_is_not_delivered_once_its_client_left() -> None:
    body = KeptBody()
    body.feed(b"x" * 2 * MESSAGE_BYTES)
    body.end()
    await body.get()
    body.put_nowait(GONE)
    assert await body.get() == GONE


async def test_a_streamed_body_stops_its_client_while_the_application_does_not_receive() -> None:
    calls: list[str] = []
    body = StreamedBody(lambda: calls.append("pause"), lambda: calls.append("resume"))
    body.feed(b"a" * 60_000)
    assert calls == []
    body.feed(b"b" * 10_000)
    assert calls == ["pause"]
    assert await body.get() == {"type": "http.request", "body": b"a" * 60_000 + b"b" * 10_000, "more_body": True}
    assert calls == ["pause", "resume"]
    waiting = asyncio.create_task(body.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    body.feed(b"c")
    assert await waiting == {"type": "http.request", "body": b"c", "more_body": True}
    body.end()
    assert await body.get() == {"type": "http.request", "body": b"", "more_body": False}


async def test_what_came_before_a_client_left_is_handed_over() -> None:
    body = StreamedBody(lambda: None, lambda: None)
    body.feed(b"a")
    body.put_nowait(GONE)
    assert [await body.get(), await body.get()] == [{"type": "http.request", "body": b"a", "more_body": True}, GONE]


async def test_a_receive_that_is_given_up_loses_nothing() -> None:
    body = StreamedBody(lambda: None, lambda: None)
    given_up = asyncio.create_task(body.get())
    await asyncio.sleep(0)
    given_up.cancel()
    body.feed(b"a")
    assert (await body.get())["body"] == b"a"


# --- Stock daphne -------------------------------------------------------------------------------------------


def test_stock_daphne_says_at_its_start_what_it_does_not_bound(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import daphne.http_protocol

    from taskrealtime.engine.server import stock_daphne

    monkeypatch.setattr(daphne.http_protocol, "WebRequest", daphne.http_protocol.WebRequest)
    with caplog.at_level(logging.WARNING):
        stock_daphne.harden()
        assert caplog.messages == []
        monkeypatch.setitem(sys.modules, "daphne.cli", sys)
        stock_daphne.harden()
    assert len(caplog.messages) == 1
    assert "manage.py serve" in caplog.messages[0]
    assert daphne.http_protocol.WebRequest is stock_daphne.BoundedRequest
