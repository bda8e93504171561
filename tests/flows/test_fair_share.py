"""What one user or address asks for, at its full allowance, delays only themselves."""

import socket as sockets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.conftest import Connect
from tests.flows.conftest import StartServer
from tests.support.observing import wait_until
from tests.support.raw_http import KIB, Usage
from tests.support.stacks import Server, Stack, User

MIB = 1024 * KIB


@pytest.fixture
def eve(shared_stack: Stack) -> User:
    return shared_stack.user()


# --- Locked rows: PostgreSQL alone has them ---------------------------------------------------


@contextmanager
def locked(stack: Stack, task: int) -> Iterator[None]:
    """Hold the row of a task, as a long transaction of another program would."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        connection.execute("SELECT 1 FROM taskrealtime_task WHERE id = %s FOR UPDATE", [task])
        yield
        connection.rollback()


def waiting_for_locks(stack: Stack) -> int:
    """How many connections of this installation wait for a lock."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    assert found is not None
    return int(found[0])


def send_and_hang_up(server: Server, user: User, task: int) -> None:
    """Ask for a change and do not wait for the answer."""
    body = b'{"title": "B"}'
    where = urlsplit(server.url)
    with sockets.create_connection((where.hostname, where.port)) as connection:
        head = (
            f"PATCH /api/tasks/{task}/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token(user)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        time.sleep(0.02)  # It is on its way into Django; whether it came in does not matter to what is asserted.


@pytest.mark.installations("deployed")
@pytest.mark.parametrize("serve", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_client_that_hangs_up_on_a_locked_row_again_and_again_holds_two_connections(
    start_server: StartServer, shared_stack: Stack, ann: User, eve: User, serve: bool
) -> None:
    server = start_server(serve=serve, DATABASE_LOCK_TIMEOUT="0", DATABASE_TIMEOUT="0")
    project, other = server.project(eve), server.project(ann)
    task = server.api(eve).post("/api/tasks/", json={"project_id": project, "title": "A"}).json()["id"]
    with locked(shared_stack, task):
        for _ in range(30):
            send_and_hang_up(server, eve, task)
        wait_until(lambda: waiting_for_locks(shared_stack) == 2)
        time.sleep(13)  # Daphne gives up on each after ten seconds, and a moment later on what that left.
        for _ in range(30):
            send_and_hang_up(server, eve, task)
        assert server.api(ann).post("/api/tasks/", json={"project_id": other, "title": "C"}).status_code == 201
        assert waiting_for_locks(shared_stack) == 2
    wait_until(lambda: waiting_for_locks(shared_stack) == 0)
    assert server.api(eve).patch(f"/api/tasks/{task}/", json={"title": "D"}).status_code == 200


@pytest.mark.installations("deployed")
def test_sockets_that_hang_up_on_a_locked_row_hold_two_connections_of_their_user(
    start_server: StartServer, shared_stack: Stack, connect: Connect, ann: User, eve: User
) -> None:
    server = start_server(DATABASE_LOCK_TIMEOUT="0", DATABASE_TIMEOUT="0")
    project, other = server.project(eve), server.project(ann)
    task = server.api(eve).post("/api/tasks/", json={"project_id": project, "title": "A"}).json()["id"]
    ours = connect(server, ann)
    with locked(shared_stack, task):
        for _ in range(2):
            hanging = [connect(server, eve) for _ in range(12)]
            for socket in hanging:
                socket.send_event("task_update", {"task_id": task, "changes": {"title": "B"}})
            wait_until(lambda: waiting_for_locks(shared_stack) == 2)
            for socket in hanging:
                socket.close()
            time.sleep(2.5)  # A socket that closes waits two seconds for what it began.
        assert waiting_for_locks(shared_stack) == 2
        assert ours.ask("task_create", {"project_id": other, "title": "C"})


@pytest.mark.installations("deployed")
def test_what_waits_too_long_for_a_lock_is_asked_to_come_back_and_was_not_done(
    start_server: StartServer, shared_stack: Stack, connect: Connect, eve: User
) -> None:
    server = start_server(DATABASE_LOCK_TIMEOUT="0.5")
    project = server.project(eve)
    api, socket = server.api(eve), connect(server, eve)
    task = api.post("/api/tasks/", json={"project_id": project, "title": "A"}).json()["id"]
    with locked(shared_stack, task):
        refused = api.patch(f"/api/tasks/{task}/", json={"title": "B"})
        answer = socket.ask_frame("task_update", {"task_id": task, "changes": {"title": "B"}})["data"]
    assert refused.status_code == 503
    assert refused.json()["code"] == answer["code"] == "rate_limited"
    assert float(refused.headers["Retry-After"]) >= refused.json()["retry_after"] == answer["retry_after"] > 0
    assert api.get(f"/api/tasks/{task}/").json()["title"] == "A"
    assert "Traceback" not in server.log(lines=0)


@pytest.mark.installations("deployed")
def test_every_connection_of_a_server_has_limits_and_those_of_the_role_stay(
    stack: Stack, connect: Connect, eve: User
) -> None:
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{connection.info.dbname}" SET statement_timeout = 77000')
    code = (
        "from django.db import connection\n"
        "from taskrealtime.engine.db.time_limits import limit_statements\n"
        "limit_statements()\n"
        "connection.close()\n"
        "def read(name):\n"
        "    with connection.cursor() as cursor:\n"
        "        cursor.execute(f'SHOW {name}')\n"
        "        return cursor.fetchone()[0]\n"
        "result = [read(name) for name in ('lock_timeout', 'statement_timeout')]"
    )
    assert stack.run(code) == ["10s", "77s"]


# --- Passwords --------------------------------------------------------------------------------


def sign_in(server: Server, user: User, password: str | None = None) -> int:
    given = {"username": user.username, "password": password or user.password}
    return server.api().post("/api/token/", json=given).status_code


@pytest.fixture
def slow() -> Iterator[Stack]:
    """An installation with the project's own settings, with which to check a password takes time."""
    stack = Stack("deployed")
    yield stack
    stack.close()


@pytest.mark.parametrize("right", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_crowd_of_passwords_delays_no_change_and_no_other_sign_in(slow: Stack, connect: Connect, right: bool) -> None:
    """In order, whatever the machine's speed: each hash takes the same time."""
    server = slow.server(SIGN_IN_RATE_LIMIT="0")
    ann, eve = slow.user(), slow.user()
    project = server.project(ann)
    socket, api = connect(server, ann), server.api(ann)

    def attack() -> int | None:
        with suppress(httpx.TransportError):  # in the end the server is gone
            return sign_in(server, eve, None if right else "wrong")
        return None

    with ThreadPoolExecutor(40) as crowd:
        attacks = [crowd.submit(attack) for _ in range(40)]
        wait_until(lambda: any(one.done() for one in attacks))
        assert api.post("/api/tasks/", json={"project_id": project, "title": "A"}).status_code == 201
        assert socket.ask("task_create", {"project_id": project, "title": "B"})
        assert sign_in(server, ann) == 200
        with server.connect(ann) as another:
            assert another.next()["event"] == "connected"
        answered = [one.result() for one in attacks if one.done()]
        server.kill()
    assert len(answered) < 30, "in one line with them she would have come after all 40"
    assert set(answered) == {200 if right else 401}


def test_a_user_has_so_many_sign_ins_and_the_one_used_longest_ago_ends(shared_stack: Stack, eve: User) -> None:
    code = (
        "from taskrealtime.engine.auth import sign_ins\n"
        "from taskrealtime.engine.wire.errors import TokenInvalid\n"
        "user = User.objects.get(pk=id)\n"
        "tokens = [str(sign_ins.begin(user)) for _ in range(sign_ins.MAX_OF_USER + 5)]\n"
        "def is_good(token):\n"
        "    try:\n"
        "        return bool(sign_ins.exchange(token))\n"
        "    except TokenInvalid:\n"
        "        return False\n"
        "result = [len(sign_ins.of_user(user)), [is_good(token) for token in tokens[:6]], is_good(tokens[-1])]"
    )
    assert shared_stack.run(code, id=eve.id) == [100, [False] * 5 + [True], True]


# --- Bytes ------------------------------------------------------------------------------------


@pytest.mark.installations("deployed")
def test_replays_to_sockets_that_do_not_read_hold_few_bytes(
    start_server: StartServer, shared_stack: Stack, connect: Connect, ann: User, eve: User
) -> None:
    server = start_server(serve=True)
    project, other = server.project(eve), server.project(ann)
    code = (
        "from taskrealtime.models import Task\n"
        "task = Task.objects.create(project_id=project, title='A')\n"
        "for number in range(200):\n"
        "    task.description = chr(97 + number % 26) * 20_000\n"
        "    task.save()\n"
    )
    shared_stack.run(code, project=project)
    sockets = [connect(server, eve) for _ in range(25)]
    usage = Usage(server.pid)
    for number, socket in enumerate(sockets[1:]):
        socket.send_event("join_project", {"project_id": project, "since": number})
    # A reading client has received all of it meanwhile, and so has a client of another project.
    sockets[0].ask("join_project", {"project_id": project, "since": 0})
    while sockets[0].next().get("seq") != 202:
        pass
    assert connect(server, ann).ask("task_create", {"project_id": other, "title": "C"})
    peak = usage.peak_memory
    for socket in sockets:
        socket.drop()  # One that is not read would take five seconds to close.
    assert peak < 60 * MIB, f"{peak / MIB:.0f} MiB; whole pages of 200 events took 200"
