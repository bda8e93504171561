"""Limits over running servers: of one user over connections and processes, and what a flood comes to."""

import time
from collections import Counter

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import Connect
from tests.support.sockets import Closed, Socket
from tests.support.stacks import Server, Stack

LOW = {"WEBSOCKET_RATE_LIMIT": "10/1h"}
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


@pytest.fixture
def servers(stack: Stack) -> list[Server]:
    """What one installation runs with a low limit: two processes where it can."""
    return [stack.server(**LOW) for _ in range(2 if stack.kind == "deployed" else 1)]


def test_too_much_is_refused_over_all_connections_and_processes(
    stack: Stack, servers: list[Server], connect: Connect
) -> None:
    ann, bob = stack.user(), stack.user()
    sockets = [connect(server, ann) for server in servers for _ in range(2)]
    answers = sum((ping_all(socket, 4) for socket in sockets), Counter())
    assert answers == {"pong": min(10, 4 * len(sockets)), **({"rate_limited": 6} if len(sockets) > 2 else {})}
    answers = ping_all(sockets[0], 12)
    assert answers["rate_limited"] == 12 if len(sockets) > 2 else 10
    refused = sockets[-1].ask_frame("ping", {})
    assert refused["data"]["code"] == "rate_limited"
    assert 0 < refused["data"]["retry_after"] <= 360.1
    assert connect(servers[0], bob).ask("ping", {})


def test_what_is_refused_was_not_done(stack: Stack, servers: list[Server], connect: Connect) -> None:
    ann = stack.user()
    project = servers[0].project(ann)
    socket = connect(servers[0], ann)
    codes = [
        socket.ask_frame("task_create", {"project_id": project, "title": "A"})["data"].get("code") for _ in range(15)
    ]
    assert codes == [None] * 9 + ["rate_limited"] * 6
    assert stack.run("result = Task.objects.filter(project_id=p).count()", p=project) == 9


def test_http_counts_with_sockets(stack: Stack, servers: list[Server], connect: Connect) -> None:
    ann = stack.user()
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
def test_after_retry_after_it_goes_on(stack: Stack, connect: Connect) -> None:
    socket = connect(stack.server(WEBSOCKET_RATE_LIMIT="4/4s"), stack.user())
    while (refused := socket.ask_frame("ping", {}))["event"] != "error":
        pass
    time.sleep(refused["data"]["retry_after"])  # what the server said is what is tested
    assert socket.ask("ping", {})


def test_a_flood_ends_the_connection(stack: Stack, servers: list[Server], connect: Connect) -> None:
    ann = stack.user()
    socket, other = connect(servers[0], ann), connect(servers[0], stack.user())
    for number in range(3000):
        try:
            socket.send_event("ping", {}, id=number)
        except Exception:
            break
    assert socket.wait_closed() in {4429, 1006}
    refusals = sum(frame["data"].get("code") == "rate_limited" for frame in socket.history)
    assert 150 < refusals <= 300
    assert other.ask("ping", {})


def test_the_default_lets_two_hundred_pass_at_once(stack: Stack, connect: Connect) -> None:
    server = stack.server(WEBSOCKET_RATE_LIMIT="")
    assert ping_all(connect(server, stack.user()), 200) == {"pong": 200}


def test_the_newest_connection_too_many_is_closed(stack: Stack, connect: Connect) -> None:
    limit = {"WEBSOCKET_MAX_CONNECTIONS_PER_USER": "3"}
    one = stack.server(**limit)
    other = stack.server(**limit) if stack.kind == "deployed" else one
    ann = stack.user()
    first = [connect(one, ann), connect(other, ann), connect(one, ann)]
    for server in (one, other):
        with server.connect(ann) as refused:
            assert refused.wait_closed() in {4409}
            assert refused.history == []
    assert all(socket.ask("ping", {}) for socket in first)
    assert connect(other, stack.user()).ask("ping", {})
    first[1].close()
    await_place(other, ann)


def await_place(server: Server, user: object) -> float:
    """Try to connect until there is a place; how long it took, seconds."""
    began = time.monotonic()
    while time.monotonic() < began + 60:
        with server.connect(user) as socket:  # type: ignore[arg-type]
            try:
                assert socket.next()["event"] == "connected"
                return time.monotonic() - began
            except Closed as closed:
                assert closed.code == 4409
                time.sleep(0.05)
    raise AssertionError("There was no place in 60 s.")


@pytest.mark.installations("deployed")
def test_connections_of_a_killed_process_do_not_count(stack: Stack, connect: Connect) -> None:
    one, other = (stack.server(WEBSOCKET_MAX_CONNECTIONS_PER_USER="3") for _ in range(2))
    ann = stack.user()
    for server in (one, one, other):
        connect(server, ann)
    one.kill()
    assert await_place(other, ann) < 10


@pytest.mark.installations("deployed")
def test_a_restarted_redis_is_told_of_all_connections(stack: Stack, connect: Connect) -> None:
    one, other = (stack.server(WEBSOCKET_MAX_CONNECTIONS_PER_USER="3") for _ in range(2))
    ann = stack.user()
    kept = [connect(server, ann) for server in (one, one, other)]
    assert stack.redis
    stack.redis.kill()
    with other.connect(ann) as third:  # each process goes by its own count
        assert third.next()["event"] == "connected"
    stack.redis.start()
    deadline = time.monotonic() + 60
    while True:
        with other.connect(ann) as refused:
            try:
                refused.next()
            except Closed as closed:
                assert closed.code == 4409
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert all(socket.ask("ping", {}) for socket in kept)


@pytest.mark.installations("embedded")  # in either the same code
def test_too_many_from_one_address_are_refused_before_the_upgrade(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True, WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS="2", TRUSTED_PROXIES="127.0.0.0/8")
    ann = stack.user()
    first = [connect(server, ann, additional_headers=CALLER) for _ in range(2)]
    with pytest.raises(InvalidStatus) as refused:
        server.connect(ann, additional_headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})
    assert refused.value.response.status_code == 429
    assert connect(server, ann, additional_headers={"X-Forwarded-For": "203.0.113.8"}).ask("ping", {})
    assert all(socket.ask("ping", {}) for socket in first)


@pytest.mark.installations("embedded")  # in either the same code
def test_who_does_not_sign_in_takes_few_places(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True, WEBSOCKET_MAX_HANDSHAKES="2", WEBSOCKET_CONNECT_TIMEOUT="5")
    idle = [server.connect(), server.connect()]
    ann = stack.user()
    with pytest.raises(InvalidStatus) as refused:
        server.connect(ann)
    assert refused.value.response.status_code == 503
    assert [socket.wait_closed() for socket in idle] == [4408, 4408]
    assert connect(server, ann).ask("ping", {})


@pytest.mark.installations("embedded")  # in either the same code
def test_a_connection_joins_so_many_projects(stack: Stack, connect: Connect) -> None:
    server = stack.server(WEBSOCKET_MAX_PROJECTS="2")
    ann = stack.user()
    projects = [server.project(ann) for _ in range(3)]
    socket = connect(server, ann)
    codes = [
        socket.ask_frame("join_project", {"project_id": id})["data"].get("code") for id in [*projects, projects[0]]
    ]
    assert codes == [None, None, "forbidden", None]
    socket.ask("leave_project", {"project_id": projects[0]})
    assert socket.ask("join_project", {"project_id": projects[2]})


def sign_in(server: Server, username: str, password: str, **headers: str) -> httpx.Response:
    return server.api(**headers).post("/api/token/", json={"username": username, "password": password})


def test_guessing_passwords_is_slow(stack: Stack) -> None:
    one = stack.server(SIGN_IN_RATE_LIMIT="3/1h", TRUSTED_PROXIES="127.0.0.1")
    other = stack.server(SIGN_IN_RATE_LIMIT="3/1h") if stack.kind == "deployed" else one
    ann, bob = stack.user(), stack.user()
    for _ in range(5):  # what was right does not count
        assert sign_in(one, ann.username, ann.password).status_code == 200
    statuses = [sign_in(server, ann.username, "wrong").status_code for server in (one, other, one, other)]
    assert statuses == [401, 401, 401, 429]
    refused = sign_in(one, ann.username, ann.password)
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    assert sign_in(one, bob.username, bob.password).status_code == 200


@pytest.mark.installations("embedded")  # in either the same code
@pytest.mark.parametrize("page", ["/login/", "/admin/login/"])
def test_the_sign_in_pages_count_with_the_api(stack: Stack, page: str) -> None:
    server = stack.server(SIGN_IN_ADDRESS_RATE_LIMIT="2/1h", TRUSTED_PROXIES="127.0.0.1")
    ann = stack.user()
    assert sign_in(server, ann.username, "wrong", **CALLER).status_code == 401
    assert sign_in(server, "nobody", "wrong", **CALLER).status_code == 401
    with server.api(**CALLER) as browser:
        browser.get(page)
        form = {"username": ann.username, "password": ann.password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        refused = browser.post(page, data=form)
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers
    assert "too often" in refused.text
    assert sign_in(server, ann.username, ann.password).status_code == 200


@pytest.mark.installations("embedded")  # in either the same code
def test_whom_nobody_trusts_cannot_lend_an_address(stack: Stack) -> None:
    server = stack.server(SIGN_IN_ADDRESS_RATE_LIMIT="1/1h", TRUSTED_PROXIES="192.0.2.1")
    assert [sign_in(server, f"n{n}", "x", **CALLER).status_code for n in range(3)] == [401] * 3
