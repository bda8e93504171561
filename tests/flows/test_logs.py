"""What the log of a server in production says: a JSON object a line, one for what is unusual, none for each frame."""

import contextlib
import json
import re
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.flows.conftest import StartServer
from tests.support.observing import wait_until
from tests.support.sockets import Closed, Socket
from tests.support.stacks import Server


def lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log_path.read_text().splitlines() if line.startswith("{")]


def send_on(socket: Socket, text: str, times: int) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in range(times):
            socket.send_text(text)


@pytest.mark.installations("deployed")
def test_what_is_unusual_has_one_line_with_its_session(start_server: StartServer) -> None:
    server = start_server(serve=True, WEBSOCKET_RATE_LIMIT="20/10s", WEBSOCKET_CONNECT_TIMEOUT="1")
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
    # The last one is written once the client has answered the close frame.
    logged = wait_until(lambda: len(logged := lines(server)[before:]) >= 6 and logged)
    assert "evil.example" in logged[0]["message"]
    codes = [re.search(r"Closed with (\d+)", line["message"]) for line in logged[1:]]
    assert [code and int(code[1]) for code in codes] == [4401, 4408, 4400, 4429, 1009]
    assert [line["session"] for line in logged[3:]] == sessions
    assert all(line["session"] for line in logged[1:])
    assert "secret" not in server.log_path.read_text()


@pytest.mark.installations("embedded")
def test_a_user_who_has_too_many_connections_is_named(start_server: StartServer) -> None:
    server = start_server(serve=True, LOG_FORMAT="json", WEBSOCKET_MAX_CONNECTIONS_PER_USER="1")
    user = server.stack.user()
    server.connect(user).expect("connected")
    assert server.connect(user).wait_closed() == 4409
    [line] = wait_until(lambda: [line for line in lines(server) if "Closed with 4409" in line["message"]])
    assert f"of user {user.id}: " in line["message"]
