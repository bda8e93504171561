"""Limits over running servers: of one user over connections and processes, and what a flood comes to."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import Connect
from tests.flows.conftest import INSTALLATIONS, StartServer
from tests.support.observing import wait_until
from tests.support.raw import CLOSE, PING, TEXT, RawSocket
from tests.support.sockets import Closed, Socket
from tests.support.stacks import LIGHT, Server, Stack, User

# What limits count is in Redis or in the process.
pytestmark = pytest.mark.installations("deployed", "embedded")
CALLER = {"X-Forwarded-For": "203.0.113.7"}


def ping_all(socket: Socket, count: int) -> Counter[str]:
    """Send so many pings at once; how many were answered by what."""
    for number in range(count):
        socket.send_event("ping", {}, id=number)
    answers: Counter[str] = Counter()
    while sum(answers.values()) < count:
        frame = socket.next()
        if "id" in frame:
            answers[frame["data"].get("code", frame["event"])] += 1
    return answers


@pytest.fixture(scope="module")
def servers(shared_stack: Stack) -> Iterator[list[Server]]:
    """What one installation runs with low limits of a user: two processes where it can."""
    processes = 2 if shared_stack.kind == "deployed" else 1
    started = [
        shared_stack.server(
            WEBSOCKET_RATE_LIMIT="10/1h",
            WEBSOCKET_MAX_CONNECTIONS_PER_USER="4",
            WEBSOCKET_MAX_PROJECTS="2",
            SIGN_IN_RATE_LIMIT="3/1h",
            TRUSTED_PROXIES="127.0.0.1",
        )
        for _ in range(processes)
    ]
    yield started
    for server in started:
        server.discard()


@pytest.fixture(scope="module")
def proxied(shared_stack: Stack) -> Iterator[Server]:
    """Behind a proxy, with low limits of an address."""
    server = shared_stack.server(
        serve=True,
        WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS="2",
        SIGN_IN_ADDRESS_RATE_LIMIT="2/1h",
        TRUSTED_PROXIES="127.0.0.0/8",
    )
    yield server
    server.discard()


@pytest.fixture
def bob(shared_stack: Stack) -> User:
    return shared_stack.user()


def test_too_much_is_refused_over_all_connections_and_processes(
    servers: list[Server], connect: Connect, ann: User, bob: User
) -> None:
    sockets = [connect(server, ann) for server in servers for _ in range(2)]
    answers = sum((ping_all(socket, 4) for socket in sockets), Counter())
    assert answers == {"pong": min(10, 4 * len(sockets)), **({"rate_limited": 6} if len(sockets) > 2 else {})}
    answers = ping_all(sockets[0], 12)
    assert answers["rate_limited"] == 12 if len(sockets) > 2 else 10
    refused = sockets[-1].ask_frame("ping", {})
    assert refused["data"]["code"] == "rate_limited"
    assert 0 < refused["data"]["retry_after"] <= 360.1
    assert connect(servers[0], bob).ask("ping", {})


def test_what_is_refused_was_not_done(servers: list[Server], connect: Connect, ann: User) -> None:
    project = servers[0].project(ann)
    socket = connect(servers[0], ann)
    codes = [
        socket.ask_frame("task_create", {"project_id": project, "title": "A"})["data"].get("code") for _ in range(15)
    ]
    assert codes == [None] * 9 + ["rate_limited"] * 6
    code = "result = Task.objects.filter(project_id=p).count()"
    assert servers[0].stack.run(code, p=project) == 9


def test_http_counts_with_sockets(servers: list[Server], connect: Connect, ann: User) -> None:
    api = servers[-1].api(ann)
    project = servers[0].project(ann)
    assert ping_all(connect(servers[0], ann), 7) == {"pong": 7}
    statuses = [api.post("/api/tasks/", json={"project_id": project, "title": "A"}).status_code for _ in range(4)]
    assert statuses == [201, 201, 429, 429]
    refused = api.patch(f"/api/projects/{project}/", json={"name": "B"})
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["retry_after"] > 0
    assert int(refused.headers["Retry-After"]) >= refused.json()["retry_after"]
    assert api.get("/api/tasks/").json()["count"] == 2


@pytest.mark.installations("embedded")  # in either the same code
def test_after_retry_after_it_goes_on(start_server: StartServer, connect: Connect, ann: User) -> None:
    socket = connect(start_server(WEBSOCKET_RATE_LIMIT="4/4s"), ann)
    while (refused := socket.ask_frame("ping", {}))["event"] != "error":
        pass
    time.sleep(refused["data"]["retry_after"])  # what the server said is what is tested
    assert socket.ask("ping", {})


def test_a_flood_ends_the_connection(servers: list[Server], connect: Connect, ann: User, bob: User) -> None:
    socket, other = connect(servers[0], ann), connect(servers[0], bob)
    for number in range(3000):
        try:
            socket.send_event("ping", {}, id=number)
        except Exception:
            break
    assert socket.wait_closed() in {4429, 1006}
    refusals = sum(frame["data"].get("code") == "rate_limited" for frame in socket.history)
    assert 150 < refusals <= 300
    assert other.ask("ping", {})


@pytest.mark.installations(*INSTALLATIONS)
def test_the_default_lets_two_hundred_pass_at_once(start_server: StartServer, connect: Connect, ann: User) -> None:
    assert ping_all(connect(start_server(WEBSOCKET_RATE_LIMIT=""), ann), 200) == {"pong": 200}


def test_the_newest_connection_too_many_is_closed(
    servers: list[Server], connect: Connect, ann: User, bob: User
) -> None:
    one, other = servers[0], servers[-1]
    first = [connect(server, ann) for server in (one, other, one, one)]
    for server in (one, other):
        with server.connect(ann) as refused:
            assert refused.wait_closed() == 4409
            assert refused.history == []
    assert all(socket.ask("ping", {}) for socket in first)
    assert connect(other, bob).ask("ping", {})
    first[1].close()
    await_place(other, ann)


def await_place(server: Server, user: User) -> None:
    """Try to connect until there is a place."""

    def is_let_in() -> bool:
        with server.connect(user) as socket:
            try:
                return socket.next()["event"] == "connected"
            except Closed as closed:
                assert closed.code == 4409
                return False

    wait_until(is_let_in)


# --- What becomes of the counts where a process or Redis is lost --------------------------------


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Stack]:
    """Two processes on an installation of their own, each of which may be lost."""
    stack = Stack("deployed", settings=LIGHT)
    for _ in range(2):
        stack.server(WEBSOCKET_MAX_CONNECTIONS_PER_USER="3")
    yield stack
    stack.close()


def test_connections_of_a_killed_process_do_not_count(disturbed: Stack, connect: Connect) -> None:
    (one, other), ann = disturbed.servers, disturbed.user()
    for server in (one, one, other):
        connect(server, ann)
    one.kill()
    await_place(other, ann)
    one.start()


def test_all_connections_are_counted_again_in_a_restarted_redis(disturbed: Stack, connect: Connect) -> None:
    (one, other), ann = disturbed.servers, disturbed.user()
    kept = [connect(server, ann) for server in (one, one, other)]
    assert disturbed.redis
    disturbed.redis.kill()
    with other.connect(ann) as third:  # each process goes by its own count
        assert third.next()["event"] == "connected"
    disturbed.redis.start()

    def is_refused() -> bool:
        with other.connect(ann) as socket:
            try:
                socket.next()
            except Closed as closed:
                return closed.code == 4409
        return False

    wait_until(is_refused)
    assert all(socket.ask("ping", {}) for socket in kept)


# --- Where it is the same code in either installation ------------------------------------------


@pytest.mark.installations("embedded")
def test_too_many_from_one_address_are_refused_before_the_upgrade(proxied: Server, connect: Connect, ann: User) -> None:
    first = [connect(proxied, ann, additional_headers=CALLER) for _ in range(2)]
    with pytest.raises(InvalidStatus) as refused:
        proxied.connect(ann, additional_headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})
    assert refused.value.response.status_code == 429
    assert connect(proxied, ann, additional_headers={"X-Forwarded-For": "203.0.113.8"}).ask("ping", {})
    assert all(socket.ask("ping", {}) for socket in first)


@pytest.mark.installations("embedded")
def test_opening_sockets_again_and_again_ends(start_server: StartServer, connect: Connect, ann: User) -> None:
    server = start_server(WEBSOCKET_RATE_LIMIT="10/1h")
    bob = server.stack.user()
    token = server.token(ann)
    answers: list[str] = []
    for _ in range(250):
        with RawSocket(server.port, token=token) as socket:
            _, payload = socket.read_frame()
            answers.append(json.loads(payload)["event"])
            if answers[-1] == "error":
                assert json.loads(payload)["data"]["code"] == "rate_limited"
                assert socket.close_code() in (1013, 4013)  # the second: from stock daphne
                break
    assert len(answers) > 200
    assert answers[-1] == "error"
    assert connect(server, bob).ask("ping", {})


@pytest.mark.installations("embedded")
def test_an_address_that_opens_and_drops_sockets_is_refused_and_clients_that_sign_in_do_not_count(
    start_server: StartServer, ann: User
) -> None:
    server = start_server(serve=True, WEBSOCKET_OPEN_LIMIT="3/1h", TRUSTED_PROXIES="127.0.0.1")
    office, elsewhere = ({"X-Forwarded-For": f"203.0.113.{number}"} for number in (7, 8))
    for _ in range(10):
        with server.connect(ann, additional_headers=office) as socket:
            socket.expect("connected")
    for _ in range(3):
        server.connect(additional_headers=office).drop()
    for user in (None, ann):
        with pytest.raises(InvalidStatus) as refused:
            server.connect(user, additional_headers=office)
        response = refused.value.response
        assert response.status_code == 429
        # Twenty minutes, and the hundredth of a second that each wait has for safety, in whole seconds.
        assert 0 < int(response.headers["Retry-After"]) <= 1201
    with server.connect(ann, additional_headers=elsewhere) as socket:
        assert socket.ask("ping", {})


@pytest.mark.installations("embedded")
def test_a_client_that_does_not_sign_in_takes_few_places(
    start_server: StartServer, connect: Connect, ann: User
) -> None:
    server = start_server(serve=True, WEBSOCKET_MAX_HANDSHAKES="2", WEBSOCKET_CONNECT_TIMEOUT="3")
    server.token(ann)
    idle = [server.connect(), server.connect()]
    with pytest.raises(InvalidStatus) as refused:
        server.connect(ann)
    assert refused.value.response.status_code == 503
    assert [socket.wait_closed() for socket in idle] == [4408, 4408]
    assert connect(server, ann).ask("ping", {})


@pytest.mark.installations("embedded")
def test_a_client_that_does_not_sign_in_keeps_no_other_address_out(
    start_server: StartServer, connect: Connect, ann: User
) -> None:
    server = start_server(serve=True, WEBSOCKET_MAX_HANDSHAKES="3", TRUSTED_PROXIES="127.0.0.1")
    idle = [server.connect(additional_headers=CALLER) for _ in range(3)]
    with pytest.raises(InvalidStatus) as refused:
        server.connect(additional_headers=CALLER)
    assert refused.value.response.status_code == 503
    other = {"X-Forwarded-For": "203.0.113.8"}
    assert connect(server, ann, additional_headers=other).ask("ping", {})
    assert idle[0].wait_closed() == 4408, "the oldest gave way"
    for socket in idle[1:]:
        socket.send_event("connect", {"token": server.token(ann)}, id=1)
        assert socket.next()["event"] == "connected"
        socket.close()


@pytest.mark.installations("embedded")
def test_a_client_that_connects_again_and_again_is_asked_to_wait(
    start_server: StartServer, connect: Connect, ann: User
) -> None:
    server = start_server(WEBSOCKET_RATE_LIMIT="200/1h", WEBSOCKET_MAX_CONNECTIONS_PER_USER="0")
    for _ in range(210):
        with server.connect(ann) as socket:
            first = socket.next()
            if first["event"] == "error":
                assert socket.wait_closed() == 4013
                break
    assert first["data"]["code"] == "rate_limited"
    assert first["data"]["retry_after"] > 0
    assert connect(server, server.stack.user()).ask("ping", {})


@pytest.mark.installations("embedded")
@pytest.mark.parametrize("opcode,final", [(PING, True), (TEXT, False)])
def test_too_many_frames_end_a_connection_whatever_they_are(
    start_server: StartServer, connect: Connect, ann: User, opcode: int, final: bool
) -> None:
    """Pings, and empty pieces of a message that never ends."""
    server = start_server(serve=True)
    with closing(RawSocket(server.port, token=server.token(ann))) as flood:
        flood.send_frame(opcode, b"", final=final)
        with suppress(OSError):
            for _ in range(3000):
                flood.send_frame(opcode if opcode == PING else 0, b"", final=final)
        with suppress(OSError):
            while (frame := flood.read_frame())[0] != CLOSE:
                pass
    assert frame[0] == CLOSE
    assert int.from_bytes(frame[1][:2], "big") == 4429
    assert "4429" in server.log()
    assert connect(server, ann).ask("ping", {})


@pytest.mark.installations("embedded")
def test_without_a_limit_thousands_of_events_in_a_row_are_answered(
    start_server: StartServer, connect: Connect, ann: User
) -> None:
    server = start_server(serve=True, WEBSOCKET_RATE_LIMIT="0")
    assert ping_all(connect(server, ann), 5000) == {"pong": 5000}


def test_a_poll_that_waits_is_one_of_the_users_connections(servers: list[Server], connect: Connect, ann: User) -> None:
    server = servers[0]
    project = server.project(ann)
    url, api = f"/api/projects/{project}/events/", server.api(ann)
    head = api.get(url).json()["head"]
    sockets = [connect(servers[-1], ann) for _ in range(4)]
    refused = api.get(url, params={"since": head, "wait": 20})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert float(refused.headers["Retry-After"]) >= refused.json()["retry_after"] > 0
    assert api.get(url, params={"since": head}).status_code == 200
    sockets[0].close()
    wait_until(lambda: api.get(url, params={"since": head, "wait": 0.1}).status_code == 200)


@pytest.mark.installations("embedded")
def test_much_reading_is_refused_and_given_a_time_to_come_back(
    start_server: StartServer, connect: Connect, ann: User, bob: User
) -> None:
    server = start_server(HTTP_READ_LIMIT="20/1h")
    project = server.project(ann, members=[bob])
    api = server.api(ann)
    answers = [api.get("/api/tasks/") for _ in range(25)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
    assert answers[-1].json()["code"] == "rate_limited"
    assert int(answers[-1].headers["Retry-After"]) >= answers[-1].json()["retry_after"] > 0
    assert api.post("/api/tasks/", json={"project_id": project, "title": "A"}).status_code == 201
    assert server.api(bob).get("/api/tasks/").status_code == 200


@pytest.mark.installations("embedded")
def test_a_connection_joins_so_many_projects(servers: list[Server], connect: Connect, ann: User) -> None:
    projects = [servers[0].project(ann) for _ in range(3)]
    socket = connect(servers[0], ann)
    codes = [
        socket.ask_frame("join_project", {"project_id": id})["data"].get("code") for id in [*projects, projects[0]]
    ]
    assert codes == [None, None, "forbidden", None]
    socket.ask("leave_project", {"project_id": projects[0]})
    assert socket.ask("join_project", {"project_id": projects[2]})


# --- Signing in -----------------------------------------------------------------------------------


def sign_in(server: Server, username: str, password: str, address: str = "") -> httpx.Response:
    headers = {"X-Forwarded-For": address} if address else {}
    return server.api().post("/api/token/", json={"username": username, "password": password}, headers=headers)


def test_guessing_passwords_is_slow(servers: list[Server], ann: User, bob: User) -> None:
    one, other = servers[0], servers[-1]
    for _ in range(5):  # what was right does not count
        assert sign_in(one, ann.username, ann.password).status_code == 200
    statuses = [sign_in(server, ann.username, "wrong").status_code for server in (one, other, one, other)]
    assert statuses == [401, 401, 401, 429]
    refused = sign_in(one, ann.username, ann.password)
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    assert sign_in(one, bob.username, bob.password).status_code == 200


@pytest.mark.installations("embedded")
@pytest.mark.parametrize("page,address", [("/login/", "203.0.113.10"), ("/admin/login/", "203.0.113.11")])
def test_the_sign_in_pages_count_with_the_api(proxied: Server, ann: User, page: str, address: str) -> None:
    assert sign_in(proxied, ann.username, "wrong", address).status_code == 401
    assert sign_in(proxied, "nobody", "wrong", address).status_code == 401
    with proxied.api() as browser:
        browser.headers["X-Forwarded-For"] = address
        browser.get(page)
        form = {"username": ann.username, "password": ann.password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        refused = browser.post(page, data=form)
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers
    assert "Too many attempts" in refused.text
    assert sign_in(proxied, ann.username, ann.password).status_code == 200


@pytest.mark.installations("embedded")
def test_an_untrusted_proxy_cannot_set_the_address(start_server: StartServer) -> None:
    server = start_server(SIGN_IN_ADDRESS_RATE_LIMIT="1/1h", TRUSTED_PROXIES="192.0.2.1")
    assert [sign_in(server, f"n{n}", "x", "203.0.113.7").status_code for n in range(3)] == [401] * 3
