"""Signing a socket in: which clients are admitted, how, and for how long."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as open_socket

from tests.conftest import Connect
from tests.flows.conftest import StartServer, Users
from tests.flows.tokens import bad_tokens, mint
from tests.support.sockets import Closed, Refused, Socket
from tests.support.stacks import Server, Stack, User

CONNECTED = {
    "session", "user", "server_time", "token_expires_at", "ping_interval",
    "room", "seq", "epoch", "reset", "unread", "protocol",
}  # fmt: skip


def refusal(socket: Socket) -> tuple[dict[str, Any], int]:
    """The error that the server says, and the code that it then closes with."""
    frame = socket.next()
    assert frame["event"] == "error", frame
    assert set(frame["data"]) >= {"code", "message"}
    return frame, socket.wait_closed()


# --- Three ways in ---------------------------------------------------------------------------


def test_connected_is_the_first_and_only_frame(server: Server, users: Users, connect: Connect) -> None:
    socket = connect(server, users.ann)
    frame = socket.history[0]
    assert set(frame) == {"event", "data"}
    data = frame["data"]
    assert set(data) == CONNECTED
    assert data["user"] == {"id": users.ann.id, "username": users.ann.username, "name": data["user"]["name"]}
    assert data["room"] == f"user.{users.ann.id}"
    assert data["protocol"] == 1
    assert data["reset"] is False
    assert type(data["seq"]) is int
    assert isinstance(data["epoch"], str)
    assert data["epoch"]
    assert data["ping_interval"] == 25
    assert datetime.fromisoformat(data["token_expires_at"]) > datetime.fromisoformat(data["server_time"])
    assert socket.settle() == []


def test_two_connections_have_sessions_of_their_own(server: Server, users: Users, connect: Connect) -> None:
    one, two = connect(server, users.ann), connect(server, users.ann)
    assert one.history[0]["data"]["session"] != two.history[0]["data"]["session"]
    assert one.history[0]["data"]["epoch"] == two.history[0]["data"]["epoch"]


@pytest.mark.parametrize("order", [("taskrealtime.v1", "bearer"), ("bearer", "taskrealtime.v1")])
def test_a_browser_signs_in_by_subprotocol(server: Server, users: Users, order: tuple[str, str]) -> None:
    token = server.token(users.ann)
    offered = [f"bearer.{token}" if name == "bearer" else name for name in order]
    with server.connect(subprotocols=offered) as socket:
        assert socket.next()["data"]["user"]["id"] == users.ann.id
        assert socket.connection.subprotocol == "taskrealtime.v1"
        assert socket.connection.response
        assert token not in str(socket.connection.response.headers)


def test_the_token_is_never_chosen_as_subprotocol(server: Server, users: Users) -> None:
    token = server.token(users.ann)
    with server.connect(subprotocols=[f"bearer.{token}"]) as socket:
        assert socket.connection.subprotocol is None
        assert socket.connection.response
        assert token not in str(socket.connection.response.headers)


def test_the_subprotocol_is_selected_where_offered_and_only_then(server: Server, users: Users) -> None:
    with server.connect(users.ann, subprotocols=["other.v3", "taskrealtime.v1"]) as socket:
        assert socket.connection.subprotocol == "taskrealtime.v1"
    with server.connect(users.ann, subprotocols=["other.v3"]) as socket:
        assert socket.connection.subprotocol is None
    with server.connect(users.ann) as socket:
        assert socket.connection.subprotocol is None


@pytest.mark.parametrize("request_id", ["first", 7, 0, ""])
def test_connect_with_a_token_is_answered_by_connected(server: Server, users: Users, request_id: Any) -> None:
    with server.connect() as socket:
        socket.send_event("connect", {"token": server.token(users.ann)}, id=request_id)
        frame = socket.next()
        assert frame["event"] == "connected"
        assert frame["id"] == request_id
        assert type(frame["id"]) is type(request_id)
        assert set(frame["data"]) == CONNECTED
        assert socket.settle() == []


def test_connect_without_an_id_is_answered_too(server: Server, users: Users) -> None:
    with server.connect() as socket:
        socket.send_event("connect", {"token": server.token(users.ann)})
        frame = socket.next()
        assert frame["event"] == "connected"
        assert "id" not in frame
        assert socket.settle() == []


def test_nothing_is_said_before_connect(server: Server, users: Users) -> None:
    with server.connect() as socket, pytest.raises(AssertionError, match="in vain"):
        socket.next(timeout=0.3)


def test_a_token_in_the_url_is_never_read(server: Server, users: Users) -> None:
    for name in ("token", "access", "access_token", "jwt", "bearer", "authorization", "auth"):
        url = f"{server.ws_url}?{name}={server.token(users.ann)}"
        with Socket(open_socket(url, proxy=None, ping_interval=None)) as socket:
            socket.send_event("ping", {}, id=1)
            frame, code = refusal(socket)
            assert (frame["data"]["code"], code) == ("unauthenticated", 4401), name


def test_anything_but_connect_comes_too_early(server: Server) -> None:
    for event in ("ping", "join_project", "task_create", "leave_project", "token_refresh", "no_such_event"):
        with server.connect() as socket:
            socket.send_event(event, {"project_id": 1, "title": "x"}, id="early")
            frame, code = refusal(socket)
            assert (frame["data"]["code"], frame["id"], code) == ("unauthenticated", "early", 4401), event


def test_connect_without_a_token_is_unauthenticated(server: Server) -> None:
    with server.connect() as socket:
        socket.send_event("connect", {}, id=1)
        frame, code = refusal(socket)
        assert frame["data"]["code"] in {"unauthenticated", "token_invalid"}
        assert (frame["id"], code) == (1, 4401)


def test_a_token_of_the_wrong_kind_is_no_fault_of_ours(server: Server) -> None:
    token: Any
    for token in (None, 5, True, [], {}, "", "\x00", "\ud800", "é.é.é", "a" * 5000):
        with server.connect() as socket:
            socket.send_event("connect", {"token": token}, id=1)
            frame = socket.next()
            assert frame["event"] == "error", token
            assert frame["data"]["code"] in {"unauthenticated", "token_invalid", "invalid_data", "invalid_message"}


# --- Bad tokens ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bad(shared_stack: Stack, users: Users) -> dict[str, tuple[str, str]]:
    return bad_tokens(shared_stack, users.ann)


def test_a_bad_token_is_answered_with_an_error_on_the_socket(
    server: Server, users: Users, bad: dict[str, tuple[str, str]]
) -> None:
    for name, (token, expected) in bad.items():
        with server.connect(token=token) as socket:
            frame, code = refusal(socket)
            assert (frame["data"]["code"], code) == (expected, 4401), name
            assert "id" not in frame
        with server.connect(subprotocols=["taskrealtime.v1", f"bearer.{token}"]) as socket:
            frame, code = refusal(socket)
            assert (frame["data"]["code"], code) == (expected, 4401), name
            assert socket.connection.subprotocol == "taskrealtime.v1"
        with server.connect() as socket:
            socket.send_event("connect", {"token": token}, id="c")
            frame, code = refusal(socket)
            assert (frame["data"]["code"], code) == (expected, 4401), name
            assert frame["id"] == "c"


def test_a_bad_token_is_refused_by_rest_alike(server: Server, bad: dict[str, tuple[str, str]]) -> None:
    for name, (token, expected) in bad.items():
        answer = server.api().get("/api/projects/", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
        assert answer.json()["code"] == expected, name


def test_a_deactivated_user_does_not_get_in(server: Server) -> None:
    gone = server.stack.user(is_active=False)
    with server.connect(token=mint(server.stack, gone)) as socket:
        frame, code = refusal(socket)
        assert code in {4401, 4403}


# --- Where the page came from ----------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil.example:{port}",
        "file://",
        "http://user@evil.example",
    ],
)
def test_a_foreign_page_is_refused_before_the_upgrade(server: Server, users: Users, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        server.connect(users.ann, origin=origin.format(port=server.port))
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus):
        server.connect(origin=origin.format(port=server.port))


def test_our_own_page_and_a_script_come_in(server: Server, users: Users, connect: Connect) -> None:
    connect(server, users.ann, origin=f"http://127.0.0.1:{server.port}")
    connect(server, users.ann)


# --- Resuming the own room ---------------------------------------------------------------------


def test_one_connect_without_a_token_may_follow_the_header(server: Server, users: Users, connect: Connect) -> None:
    socket = connect(server, users.ann)
    first = socket.history[0]["data"]
    again = socket.ask_frame("connect", {"since": first["seq"], "epoch": first["epoch"]})
    assert again["event"] == "connected"
    assert set(again["data"]) == CONNECTED
    assert again["data"]["reset"] is False
    assert again["data"]["session"] == first["session"]
    for data in ({}, {"since": first["seq"], "epoch": first["epoch"]}, {"token": server.token(users.ann)}):
        with pytest.raises(Refused) as refused:
            socket.ask("connect", data)
        assert refused.value.code == "invalid_data"
    assert socket.settle() == []


def test_a_second_connect_with_a_token_is_invalid(server: Server, users: Users) -> None:
    with server.connect() as socket:
        socket.ask("connect", {"token": server.token(users.ann)})
        for data in ({}, {"token": server.token(users.ann)}, {"since": 0}):
            with pytest.raises(Refused) as refused:
                socket.ask("connect", data)
            assert refused.value.code == "invalid_data"
        assert socket.settle() == []


def test_a_since_that_the_log_cannot_continue_is_a_reset(server: Server, users: Users) -> None:
    with server.connect(users.ann) as socket:
        first = socket.next()["data"]
    for since, epoch in ((first["seq"] + 1, first["epoch"]), (first["seq"], "another"), (first["seq"], "")):
        with server.connect(users.ann) as socket:
            socket.next()
            data = socket.ask("connect", {"since": since, "epoch": epoch})
            assert data["reset"] is True, (since, epoch)
            assert data["seq"] == first["seq"]


def test_a_since_of_the_wrong_kind_is_refused(server: Server, users: Users) -> None:
    since: Any
    for since in (-1, "0", 1.5, True, [], 2**70):
        with server.connect(users.ann) as socket:
            socket.next()
            frame = socket.ask_frame("connect", {"since": since, "epoch": "e"})
            if since == 2**70 and frame["event"] == "connected":
                assert frame["data"]["reset"] is True
            else:
                assert frame["data"]["code"] in {"invalid_data", "invalid_message"}, since
            assert socket.ask("ping", {})


def test_the_missed_events_of_the_own_room_follow(server: Server, users: Users, connect: Connect) -> None:
    newcomer = server.stack.user()
    with server.connect(newcomer) as socket:
        before = socket.next()["data"]
    projects = [server.project(users.ann, members=[newcomer]) for _ in range(3)]
    with server.connect() as socket:
        socket.send_event(
            "connect",
            {"token": server.token(newcomer), "since": before["seq"], "epoch": before["epoch"]},
            id=1,
        )
        answer = socket.next()
        assert answer["event"] == "connected"
        assert answer["data"]["seq"] == before["seq"] + 3
        frames = [socket.next() for _ in projects]
        assert [frame["event"] for frame in frames] == ["project_member_added"] * 3
        assert [frame["data"]["project_id"] for frame in frames] == projects
        assert [frame["seq"] for frame in frames] == [before["seq"] + n for n in (1, 2, 3)]
    with server.connect(newcomer) as socket:  # by header, then `connect`
        socket.next()
        assert socket.ask("connect", {"since": before["seq"] + 1, "epoch": before["epoch"]})["reset"] is False
        assert [socket.next()["seq"] for _ in range(2)] == [before["seq"] + 2, before["seq"] + 3]
        more = server.project(users.ann, members=[newcomer])
        live = socket.next()
        assert (live["data"]["project_id"], live["seq"]) == (more, before["seq"] + 4)


# --- Time ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hurried(shared_stack: Stack) -> Iterator[Server]:
    """A server with little patience: `connect` within two seconds; other pages are welcome."""
    server = shared_stack.server(
        WEBSOCKET_CONNECT_TIMEOUT="2",
        ACCESS_TOKEN_MINUTES="0.5",
        WEBSOCKET_CORS_ORIGINS="https://board.example,https://other.example:8443",
        WEBSOCKET_PING_INTERVAL="7",
    )
    yield server
    server.discard()


def test_a_user_who_does_not_connect_in_time_is_sent_away(hurried: Server, users: Users) -> None:
    """Bad messages extend no time limit; a client that signed in, however late, has no limit any more."""
    token = mint(hurried.stack, users.ann)
    with hurried.connect(token=token) as early, hurried.connect() as late:
        late.ask("connect", {"token": token})
        with hurried.connect() as silent, hurried.connect() as babbling:
            with pytest.raises((Closed, ConnectionClosed)):
                while True:
                    babbling.send_text("{")
                    babbling.next()
                    time.sleep(0.2)
            assert babbling.wait_closed() in {4408, 4401}
            assert silent.wait_closed() == 4408
        assert early.next()["data"]["ping_interval"] == 7
        assert early.settle() == late.settle() == []


def test_only_the_listed_pages_come_in(hurried: Server, users: Users) -> None:
    token = mint(hurried.stack, users.ann)
    for origin in ("https://board.example", "https://other.example:8443"):
        with hurried.connect(token=token, origin=origin) as socket:
            assert socket.next()["event"] == "connected"
    for origin in ("http://board.example", "https://board.example:8443", "https://other.example", "https://x.example"):
        with pytest.raises(InvalidStatus) as refused:
            hurried.connect(token=token, origin=origin)
        assert refused.value.response.status_code == 403


@pytest.mark.installations("deployed")
def test_a_star_lets_every_page_in(start_server: StartServer, users: Users) -> None:
    server = start_server(WEBSOCKET_CORS_ORIGINS="*")
    with server.connect(users.ann, origin="https://evil.example") as socket:
        assert socket.next()["event"] == "connected"


def test_a_connection_ends_with_its_token(server: Server, users: Users) -> None:
    short, long = (mint(server.stack, users.ann, seconds=seconds) for seconds in (3, 600))
    with server.connect(token=short) as socket, server.connect(token=short) as refreshed:
        assert socket.next()["event"] == "connected"
        old = refreshed.next()["data"]["token_expires_at"]
        answer = refreshed.ask("token_refresh", {"token": long})
        assert set(answer) == {"token_expires_at"}
        assert datetime.fromisoformat(answer["token_expires_at"]) > datetime.fromisoformat(old)
        frame, code = refusal(socket)
        assert (frame["data"]["code"], code) == ("token_expired", 4401)
        assert refreshed.settle() == []


@pytest.mark.parametrize("name", ["other user", "refresh", "expired", "other secret", "garbage"])
def test_a_failed_refresh_ends_the_connection(
    server: Server, users: Users, connect: Connect, bad: dict[str, tuple[str, str]], name: str
) -> None:
    token, expected = (server.token(users.bob), "token_invalid") if name == "other user" else bad[name]
    socket = connect(server, users.ann)
    frame = socket.ask_frame("token_refresh", {"token": token})
    assert frame["event"] == "error"
    assert frame["data"]["code"] == expected
    assert socket.wait_closed() == 4401


# --- Signed out, deactivated --------------------------------------------------------------------


def test_signing_out_everywhere_ends_every_socket_and_token(
    server: Server, hurried: Server, users: Users, connect: Connect
) -> None:
    user = server.stack.user()
    pair = server.api().post("/api/token/", json={"username": user.username, "password": user.password}).json()
    sockets = [connect(server, user), connect(server, user), hurried.connect(token=pair["access"])]
    bystander = connect(server, users.bob)
    answer = server.api(user).post("/api/token/revoke/")
    assert answer.status_code in {200, 204, 205}
    assert [socket.wait_closed() for socket in sockets] == [4403] * 3
    assert bystander.settle() == []
    sockets[2].close()
    for token in (pair["access"], server.token(user)):
        with server.connect(token=token) as socket:
            assert refusal(socket)[1] == 4401
        assert server.api(user).get("/api/projects/").status_code == 401
    again = server.api().post("/api/token/refresh/", json={"refresh": pair["refresh"]})
    assert again.status_code == 401
    fresh = server.api().post("/api/token/", json={"username": user.username, "password": user.password})
    with server.connect(token=fresh.json()["access"]) as socket:
        assert socket.next()["event"] == "connected"


def close_after(server: Server, user: User, code: str) -> None:
    """Run code in another process; the user's socket must soon end with 4403."""
    with server.connect(token=mint(server.stack, user)) as socket:
        assert socket.next()["event"] == "connected"
        server.stack.run(code, user_id=user.id)
        assert socket.wait_closed() == 4403


@pytest.mark.parametrize(
    "code",
    [
        "User.objects.filter(id=user_id).update(is_active=False)",
        "user = User.objects.get(id=user_id); user.is_active = False; user.save()",
        "user = User.objects.get(id=user_id); user.set_password('another one entirely'); user.save()",
        "User.objects.get(id=user_id).delete()",
    ],
    ids=["update", "save", "password", "delete"],
)
def test_a_user_who_was_deactivated_in_a_shell_is_out(hurried: Server, code: str) -> None:
    close_after(hurried, hurried.stack.user(), code)


# --- The switch ------------------------------------------------------------------------------------


@pytest.mark.installations("deployed")
def test_sockets_can_be_switched_off(start_server: StartServer, users: Users) -> None:
    server = start_server(WEBSOCKET_ENABLED="0")
    with pytest.raises(InvalidStatus) as refused:
        server.connect(users.ann)
    assert refused.value.response.status_code in {503, 403}  # the latter from stock daphne, which knows no other
    project = server.project(users.ann)  # all else continues
    board = server.api(users.ann).get(f"/api/projects/{project}/board/").json()
    answer = server.api(users.ann).get(f"/api/projects/{project}/events/", params={"since": 0, "wait": 5})
    assert answer.json()["seq"] == board["seq"]


def test_every_frame_is_strict_json(server: Server, users: Users) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    with server.connect(users.ann) as socket:
        text = socket.connection.recv(timeout=10)
        assert isinstance(text, str)
        json.loads(text, parse_constant=refuse)


# --- Users that other code created --------------------------------------------------------------------


def test_a_user_without_a_room_yet_is_not_taken_for_deleted(start_server: StartServer, connect: Connect) -> None:
    """Users made in bulk have none, and a sweep may come at any moment of their first visit."""
    server = start_server(SWEEP_INTERVAL="0.001")
    code = "result = [user.pk for user in User.objects.bulk_create([User(username=f'bulk{n}') for n in range(20)])]"
    sockets = [connect(server, User(pk, f"bulk{n}")) for n, pk in enumerate(server.stack.run(code))]
    for socket in sockets:
        assert socket.ask("ping", {})
