"""What the log of a server in production says: a JSON object a line, one for what is unusual, none for each frame."""

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import DisallowedHost
from django.db import OperationalError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from project.logs import JsonLines, Seldom
from tests.support.sockets import Closed, Socket
from tests.support.stacks import Server, Stack


def record(
    text: object, *args: object, level: int = logging.WARNING, name: str = "somebody", error: Any = None
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, text, args, error)


def test_of_one_kind_so_many_are_written_in_a_minute() -> None:
    now = 0.0
    seldom = Seldom(3, clock=lambda: now)
    assert [seldom.filter(record("Lost %s", number)) for number in range(5)] == [True] * 3 + [False] * 2
    assert seldom.filter(record("Something else")), "another kind"
    now = 60.0
    first = record("Lost %s", 9)
    assert seldom.filter(first)
    assert first.getMessage() == "Lost 9 (2 like this were left out before.)"
    second = record("Lost %s", 10)
    assert seldom.filter(second)
    assert second.getMessage() == "Lost 10"


def test_a_fault_of_ours_is_never_left_out() -> None:
    seldom = Seldom(1, clock=lambda: 0.0)
    assert all(seldom.filter(record("Error %s.", number, level=logging.ERROR)) for number in range(5))


def test_refused_requests_are_no_faults_of_ours() -> None:
    """Django tells of each as an error, with a traceback, in words that whoever sent it chose."""
    seldom = Seldom(2, clock=lambda: 0.0)
    error = DisallowedHost()
    refused = [
        record(
            f"Invalid HTTP_HOST header: 'evil{number}'",
            level=logging.ERROR,
            name="django.security.DisallowedHost",
            error=(DisallowedHost, error, error.__traceback__),
        )
        for number in range(4)
    ]
    assert [seldom.filter(one) for one in refused] == [True, True, False, False]
    assert "traceback" not in json.loads(JsonLines().format(refused[0]))


def test_whatever_is_logged_is_counted() -> None:
    seldom = Seldom(1, clock=lambda: 0.0)
    for kind in (ValueError, dict):
        assert [seldom.filter(record(kind())) for _ in range(2)] == [True, False], kind


@pytest.fixture
def server() -> Iterator[Server]:
    stack = Stack("deployed")
    try:
        yield stack.server(serve=True, WEBSOCKET_RATE_LIMIT="20/10s", WEBSOCKET_CONNECT_TIMEOUT="1")
    finally:
        stack.close()


def lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log_path.read_text().splitlines() if line.startswith("{")]


def send_on(socket: Socket, text: str, times: int) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in range(times):
            socket.send_text(text)


@pytest.mark.end_to_end
def test_what_is_unusual_has_one_line_with_its_session(server: Server) -> None:
    users = [server.stack.user() for _ in range(4)]
    quiet = server.connect(users[0])
    for _ in range(15):
        quiet.ask("ping", {})
    before = len(lines(server))
    with pytest.raises(InvalidStatus):
        server.connect(users[0], origin="https://evil.example")
    assert server.connect(token="secret-nonsense").wait_closed() == 4401
    assert server.connect().wait_closed() == 4408
    sessions = []
    for user, text, code in (
        (users[1], "{", 4400),
        (users[2], '{"event":"ping"}', 4429),
        (users[3], "x" * 300_000, 1009),
    ):
        socket = server.connect(user)
        sessions.append(socket.expect("connected")["data"]["session"])
        send_on(socket, text, 1 if code == 1009 else 600)
        with contextlib.suppress(Closed):
            assert socket.wait_closed() == code
    deadline = time.monotonic() + 60  # The last one is written once the client has answered the close frame.
    while len(said := lines(server)[before:]) < 6 and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert "evil.example" in said[0]["message"]
    codes = [re.search(r"Closed with (\d+)", line["message"]) for line in said[1:]]
    assert [code and int(code[1]) for code in codes] == [4401, 4408, 4400, 4429, 1009]
    assert [line["session"] for line in said[3:]] == sessions
    assert all(line["session"] for line in said[1:])
    assert "secret" not in server.log_path.read_text()


def test_what_fails_because_the_database_is_away_has_one_line_and_is_left_out_beyond_a_bound() -> None:
    seldom = Seldom(2, clock=lambda: 0.0)
    error = OperationalError("connection failed:\n  no route to host")
    failed = [
        record("Internal Server Error: %s", "/", level=logging.ERROR, error=(type(error), error, error.__traceback__))
        for _ in range(4)
    ]
    assert [seldom.filter(one) for one in failed] == [True, True, False, False]
    line = json.loads(JsonLines().format(failed[0]))
    assert "traceback" not in line
    assert line["message"] == "Internal Server Error: / (OperationalError: connection failed: no route to host)"
