"""`manage.py serve`, the reference server: how it lets go, what it bounds, and several processes on one socket."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.conftest import Connect
from tests.flows.conftest import INSTALLATIONS, StartServer
from tests.services import guard
from tests.services.process import Process, free_port, scratch
from tests.services.redis import Redis
from tests.support.observing import MIB, children, is_running, memory, wait_until
from tests.support.programs import printed, start_manage
from tests.support.raw import TEXT, RawSocket
from tests.support.raw_http import RawHTTP
from tests.support.sockets import Closed, Socket
from tests.support.stacks import ROOT, Server, Stack, User
from tests.support.tls import make_certificate, tls_before

# What a server does with its connections has nothing to do with the database or the layer.
pytestmark = pytest.mark.installations("embedded")


@pytest.fixture(scope="module")
def serving(shared_stack: Stack) -> Iterator[Server]:
    """A server that no test ends, with a bound that is soon reached on what a client may leave unread."""
    server = shared_stack.server(serve=True, WEBSOCKET_SEND_BUFFER="200000")
    yield server
    server.discard()


def terminate(server: Server) -> None:
    """SIGTERM for the one process that was started, not for its children."""
    os.kill(server.pid, signal.SIGTERM)


# --- Letting go --------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM] * 2], ids=["SIGINT", "SIGTERM, twice"])
def test_every_client_is_sent_away_in_peace(
    start_server: StartServer, connect: Connect, ann: User, numbers: list[signal.Signals]
) -> None:
    server = start_server(serve=True)
    sockets = [connect(server, ann) for _ in range(30)]
    for number in numbers:
        os.kill(server.pid, number)
    waits = [one.expect("going_away")["data"]["reconnect_in_ms"] for one in sockets]
    assert [one.wait_closed() for one in sockets] == [1012] * 30
    assert len(set(waits)) > 20
    assert all(0 < wait <= 5000 for wait in waits)
    assert server.ended() == 0
    assert "Traceback" not in server.log(0)


@pytest.mark.installations(*INSTALLATIONS)
def test_a_client_that_comes_back_has_lost_nothing(start_server: StartServer, connect: Connect, ann: User) -> None:
    server = start_server(serve=True)
    project = server.project(ann)
    socket = connect(server, ann)
    joined = socket.ask("join_project", {"project_id": project})
    terminate(server)
    assert socket.wait_closed() == 1012
    assert server.ended() == 0
    code = "result = Task.objects.create(project_id=project, title='Meanwhile').id"
    task = server.stack.run(code, project=project)
    server.start()
    again = connect(server, ann)
    again.ask("join_project", {"project_id": project, "since": joined["seq"], "epoch": joined["epoch"]})
    assert again.expect("task_created")["data"]["task"]["id"] == task


@pytest.mark.long
def test_thousands_are_let_go_within_ten_seconds(start_server: StartServer) -> None:
    """A part of them reads nothing and answers nothing."""
    server = start_server(serve=True, WEBSOCKET_CONNECT_TIMEOUT="600")
    crowd = [RawSocket(server.port) for _ in range(1500)]
    began = time.monotonic()
    terminate(server)
    codes = [one.close_code() for one in crowd[:100]]
    assert server.ended() == 0
    assert time.monotonic() - began < 10
    assert codes == [1012] * 100
    for one in crowd:
        one.close()


def test_readiness_fails_while_draining_and_no_new_client_is_let_in(start_server: StartServer) -> None:
    server = start_server(serve=True)
    with server.api() as kept, RawSocket(server.port):  # it does not answer the close: draining lasts a while
        assert kept.get("/readyz").status_code == 200
        terminate(server)
        answer = wait_until(lambda: (answer := kept.get("/readyz")).status_code == 503 and answer)
        assert answer.json()["reasons"] == ["draining"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/healthz")
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        assert kept.get("/ws/", headers=upgrade | {"Sec-WebSocket-Key": "A" * 22 + "=="}).status_code == 503
    assert server.ended() == 0


def test_a_request_that_has_begun_is_answered_and_the_last_one_of_its_connection(start_server: StartServer) -> None:
    """A proxy may not send it to another process once it has begun: half of it may have been carried out."""
    server = start_server(serve=True)
    with RawHTTP(server.port) as idle, RawHTTP(server.port) as begun:
        for kept in (idle, begun):
            kept.request("GET", "/healthz")
            assert kept.answer()[0] == 200
        begun.send(b"GET /healthz HTTP/1.1\r\n")
        terminate(server)
        assert idle.rest() == b""  # closed: the process takes no further requests
        begun.send(b"Host: localhost\r\n\r\n")
        status, headers, _ = begun.answer()
    assert status == 200
    assert headers["connection"] == "close"
    assert server.ended() == 0


def test_a_long_poll_ends_with_its_answer(start_server: StartServer, ann: User) -> None:
    server = start_server(serve=True)
    project = server.project(ann)
    with server.api(ann) as api, ThreadPoolExecutor() as threads:
        head = api.get(f"/api/projects/{project}/events/").json()["head"]
        poll = threads.submit(api.get, f"/api/projects/{project}/events/", params={"since": head, "wait": 25})
        with pytest.raises(TimeoutError):
            poll.result(timeout=1)
        began = time.monotonic()
        terminate(server)
        answer = poll.result()
    assert answer.status_code == 200
    assert answer.json()["events"] == []
    assert server.ended() == 0
    assert time.monotonic() - began < 20  # not as a poll whose time is over


@pytest.mark.installations("deployed")
def test_a_running_command_is_finished_and_answered(start_server: StartServer, connect: Connect, ann: User) -> None:
    server = start_server(serve=True)
    project = server.project(ann)
    socket = connect(server, ann)
    with psycopg.connect(server.env["DATABASE_URL"]) as holder:
        holder.execute("LOCK TABLE taskrealtime_task IN EXCLUSIVE MODE")
        socket.send_event("task_create", {"project_id": project, "title": "Just in time"}, id="last")
        wait_until(lambda: holder.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
        terminate(server)
        socket.expect("going_away")
    assert socket.expect("ack")["id"] == "last"
    assert socket.wait_closed() == 1012
    assert server.ended() == 0
    assert server.stack.run("result = Task.objects.filter(title='Just in time').count()") == 1


# --- What one connection may hold ---------------------------------------------------------------


@pytest.fixture
def project(serving: Server, ann: User) -> int:
    return serving.project(ann)


def join_without_reading(server: Server, ann: User, project: int) -> RawSocket:
    """A client that has joined and reads nothing more."""
    socket = RawSocket(server.port, token=server.token(ann), buffer=8192)
    socket.read_event("connected")
    socket.send_event("join_project", {"project_id": project}, id=1)
    socket.read_event("ack")
    return socket


def test_a_client_that_reads_nothing_is_cut_and_delays_no_client(
    serving: Server, connect: Connect, ann: User, project: int
) -> None:
    """A client that reads later gets the frames that were on their way, then the reason."""
    reader = connect(serving, ann, max_queue=None)
    head = reader.ask("join_project", {"project_id": project})["seq"]
    with join_without_reading(serving, ann, project) as never, join_without_reading(serving, ann, project) as late:
        events_of_40_kb = (
            "task = Task.objects.create(project_id=project, title='A')\n"
            "for n in range(59): Task.objects.filter(id=task.id).update(description=f'{n % 10}' * 20_000)"
        )
        serving.stack.run(events_of_40_kb, project=project)
        frames = reader.read_to(project, head + 60)
        assert [frame["seq"] for frame in frames] == list(range(head + 1, head + 61))
        assert late.close_code() == 4410
        wait_until(never.is_cut)


@pytest.mark.installations(*INSTALLATIONS)
def test_a_burst_beyond_the_bound_cuts_no_client_that_reads(
    serving: Server, connect: Connect, ann: User, project: int
) -> None:
    """Neither live nor as what was missed: both are passed on no faster than they are read."""
    reader, late = connect(serving, ann, max_queue=None), connect(serving, ann, max_queue=None)
    joined = reader.ask("join_project", {"project_id": project})
    serving.stack.run(
        "fields = dict(project_id=project, description='x' * 20_000)\n"
        "Task.objects.bulk_create(Task(title=f'{n}', position=f'a{n:04}', **fields) for n in range(100))",
        project=project,
    )
    late.ask("join_project", {"project_id": project, "since": joined["seq"], "epoch": joined["epoch"]})
    for one in (reader, late):
        frames = one.read_to(project, joined["seq"] + 100)
        assert [frame["seq"] for frame in frames] == list(range(joined["seq"] + 1, joined["seq"] + 101))


def test_a_client_that_pings_without_reading_is_cut(serving: Server, ann: User) -> None:
    before = memory(serving.pid)
    with RawSocket(serving.port, token=serving.token(ann), buffer=4096) as socket:
        with pytest.raises(ConnectionError):
            while True:
                socket.send_event("ping", {"fill": "x" * 900}, id=1)
        assert memory(serving.pid) - before < 16 * MIB


def test_a_large_frame_is_answered_by_1009_and_not_kept(serving: Server, ann: User) -> None:
    with RawSocket(serving.port, token=serving.token(ann)) as socket:
        before = memory(serving.pid)
        socket.send_frame(TEXT, b"", claim=1 << 30)
        for _ in range(64):
            socket.send(b"x" * MIB)
        assert memory(serving.pid) - before < 8 * MIB
        assert socket.close_code() == 1009


@pytest.mark.parametrize("frames", [1, 5])
def test_a_message_may_have_256_kib_and_not_one_byte_more(serving: Server, ann: User, frames: int) -> None:
    for extra, outcome in ((0, "pong"), (1, 1009)):
        with RawSocket(serving.port, token=serving.token(ann)) as socket:
            text = json.dumps({"event": "ping", "id": 1, "ignored": ""}).encode()
            text = text.replace(b'""', b'"' + b"x" * (256 * 1024 + extra - len(text)) + b'"')
            parts = split(text, frames)
            for number, part in enumerate(parts):
                socket.send_frame(TEXT if number == 0 else 0, part, final=number == len(parts) - 1)
            if outcome == "pong":
                socket.read_event("pong")
            else:
                assert socket.close_code() == outcome


def split(text: bytes, parts: int) -> list[bytes]:
    size = -(-len(text) // parts)
    return [text[start : start + size] for start in range(0, len(text), size)]


def test_an_empty_frame_is_answered(serving: Server, ann: User) -> None:
    with RawSocket(serving.port, token=serving.token(ann)) as socket:
        socket.send_frame(TEXT, b"")
        assert socket.read_event("error")["code"] == "invalid_message"


def test_an_origin_that_is_none_at_all_is_refused_like_a_foreign_one(serving: Server) -> None:
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    handshake["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    api = serving.api()
    for origin in ("garbage", "https://evil.example"):
        assert api.get("/ws/", headers=handshake | {"Origin": origin}).status_code == 403
    assert api.get("/ws/", headers=handshake | {"Sec-WebSocket-Key": "x"}).status_code == 400


def test_switched_off_sockets_are_refused_with_503(start_server: StartServer) -> None:
    server = start_server(serve=True, WEBSOCKET_ENABLED="0")
    with RawSocket(server.port) as socket:
        assert socket.status == 503


# --- Several processes, and where to listen ------------------------------------------------------


@pytest.mark.installations("deployed")
def test_several_processes_are_kept_alive_and_drained(start_server: StartServer, connect: Connect, ann: User) -> None:
    server = start_server(serve=True, processes=2)
    project = server.project(ann)
    first = wait_until(lambda: len(pids := children(server.pid)) == 2 and pids)
    sockets = [connect(server, ann) for _ in range(20)]
    for one in sockets:
        one.ask("join_project", {"project_id": project})

    os.kill(victim := min(first), signal.SIGKILL)
    assert wait_until(lambda: len(pids := children(server.pid) - {victim}) == 2 and pids) & first
    server.api(ann).post("/api/tasks/", json={"project_id": project, "title": "Told to all that are left"})
    survivors = [one for one in sockets if receives(one, "task_created")]
    survivors.append(connect(server, ann))

    terminate(server)
    assert [one.wait_closed() for one in survivors] == [1012] * len(survivors)
    assert server.ended() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/healthz")


def receives(one: Socket, event: str) -> bool:
    """Whether the event comes; where it does not, its server is the one that was killed."""
    try:
        one.expect(event)
    except Closed:
        return False
    return True


@pytest.mark.installations("deployed")
def test_no_client_connects_before_a_process_can_answer(shared_stack: Stack) -> None:
    """Where a connection is refused, a proxy goes to another server at once."""
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--processes", "2"]
    log = scratch() / f"serve-{port}.log"
    process = Process(command, log_path=log, env=shared_stack.env, cwd=ROOT, end_with=signal.SIGTERM)
    starting = wait_until(lambda: len(pids := children(process.pid)) == 2 and pids)
    for pid in starting:
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    for pid in starting:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "serves at" in log.read_text())
    assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
    assert process.end() == 0


@pytest.mark.long
@pytest.mark.installations("deployed")
def test_processes_end_in_peace_when_their_supervisor_is_killed(
    start_server: StartServer, connect: Connect, ann: User
) -> None:
    server = start_server(serve=True, processes=2)
    socket = connect(server, ann)
    processes = children(server.pid)
    os.kill(server.pid, signal.SIGKILL)
    assert socket.wait_closed() == 1012
    wait_until(lambda: not any(is_running(pid) for pid in processes))


@pytest.fixture
def run(shared_stack: Stack) -> Iterator[Callable[..., Process]]:
    """`run("--port", "8000")` starts `manage.py serve`; keywords are settings."""
    started: list[Process] = []

    def run(*arguments: str, **env: str) -> Process:
        process = start_manage(shared_stack.env | env, "serve", *arguments)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.running:
            process.end()


def test_several_processes_need_postgresql_and_redis(run: Callable[..., Process]) -> None:
    process = run("--processes", "2", "--port", str(free_port()))
    assert process.wait() == 1
    assert printed(process).startswith("CommandError: Several processes need PostgreSQL")
    assert printed(process).count("\n") == 1


def test_a_wrong_setting_is_reported_before_anything_is_served(run: Callable[..., Process]) -> None:
    process = run("--port", str(free_port()), SWEEP_INTERVAL="0")
    assert process.wait() == 1
    assert "SWEEP_INTERVAL: it must be more than 0" in printed(process)


@pytest.mark.installations("deployed")
def test_a_wrong_address_of_a_service_is_reported_in_a_sentence_without_its_password(
    run: Callable[..., Process], shared_stack: Stack, subtests: pytest.Subtests
) -> None:
    database, redis = (urlsplit(shared_stack.env[name]) for name in ("DATABASE_URL", "REDIS_URL"))
    tried = [
        {"DATABASE_URL": "mysql://ann:hunter2@localhost/board"},
        {"DATABASE_URL": database._replace(netloc=f"nobody:hunter2@{database.hostname}:{database.port}").geturl()},
        {"DATABASE_URL": "sqlite:////nowhere/board.sqlite3", "REDIS_URL": ""},
        {"REDIS_URL": redis._replace(netloc=f":hunter2@{redis.netloc}").geturl()},
    ]
    running = [(next(iter(env.items())), run("--port", str(free_port()), **env)) for env in tried]
    for (variable, value), process in running:
        with subtests.test(value):
            assert process.wait() == 1
            (line,) = (line for line in printed(process).splitlines() if variable in line and "HINT" not in line)
            assert line.endswith(".")
            assert "hunter2" not in printed(process)
            assert "Traceback" not in printed(process)


@pytest.mark.long
@pytest.mark.installations("deployed")
@pytest.mark.parametrize("scheme", ["valkey", "unix", "rediss"])
def test_a_server_works_with_each_spelling_of_its_services(
    start_server: StartServer, connect: Connect, ann: User, tmp_path: Path, scheme: str
) -> None:
    path = scratch() / f"{scheme}.sock"
    redis = Redis(unixsocket=str(path))
    certificate = make_certificate("localhost", tmp_path)
    with tls_before(redis.port, certificate) as secure_port:
        url = {
            "valkey": f"valkey://127.0.0.1:{redis.port}/3",
            "unix": f"unix://{path}?db=3",
            "rediss": f"rediss://localhost:{secure_port}/3?ssl_ca_certs={certificate[0]}",
        }[scheme]
        server = start_server(serve=True, REDIS_URL=url, SWEEP_INTERVAL="3600")
        assert server.api().get("/readyz").json() == {"status": "ready", "degraded": []}
        project = server.project(ann)
        with connect(server, ann) as socket:
            socket.ask("join_project", {"project_id": project})
            server.api(ann).post("/api/tasks/", json={"project_id": project, "title": "A"})
            socket.expect("task_created")
        server.discard()
    redis.kill()


@pytest.mark.installations("deployed")
def test_a_database_that_is_away_at_the_start_is_reported_and_waited_for(run: Callable[..., Process]) -> None:
    port = free_port()
    process = run("--port", str(port), DATABASE_URL=f"postgres://ann:hunter2@127.0.0.1:{free_port()}/board")
    wait_until(lambda: "serves at" in printed(process))
    assert "DATABASE_URL: connection failed: connection to server" in printed(process)
    assert "hunter2" not in printed(process)
    assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).json()["reasons"] == ["database"]


def test_a_taken_port_is_reported_in_a_sentence(run: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = run("--port", str(taken.getsockname()[1]))
        assert process.wait() == 1
    assert "is taken" in printed(process)
    assert "Traceback" not in printed(process)


def test_the_port_comes_from_the_environment_too(run: Callable[..., Process]) -> None:
    port = free_port()
    process = run(PORT=str(port))
    wait_until(lambda: f"http://127.0.0.1:{port}" in printed(process))
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == 200


def test_an_inherited_socket_is_served_and_let_go(shared_stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor, port = listening.fileno(), listening.getsockname()[1]
        command = [sys.executable, "manage.py", "serve", "--fd", str(descriptor)]
        process = subprocess.Popen(
            command,
            env=shared_stack.env,
            cwd=ROOT,
            pass_fds=[descriptor],
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    guard.watch_process(process)
    with process:
        assert process.stderr
        assert str(port) in process.stderr.readline().decode()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == 200
        process.terminate()
        assert process.wait(60) == 0
    guard.forget_process(process)


def test_of_two_that_start_at_one_unix_socket_one_serves(run: Callable[..., Process]) -> None:
    path = scratch() / "twice.sock"
    both = [run("--unix-socket", str(path)) for _ in range(2)]
    wait_until(lambda: not all(one.running for one in both))
    (refused, serving) = sorted(both, key=lambda one: one.running)
    assert refused.wait() == 1
    assert "is taken" in printed(refused)
    wait_until(lambda: str(path) in printed(serving))
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost", timeout=60) as client:
        assert client.get("/readyz").status_code == 200


def test_a_unix_socket_is_served_and_removed(run: Callable[..., Process]) -> None:
    path = scratch() / "serve.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    process = run("--unix-socket", str(path))
    wait_until(lambda: str(path) in printed(process))
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=60) as client:
        assert client.get("/readyz").status_code == 200
    second = run("--unix-socket", str(path))
    assert second.wait() == 1
    assert "is taken" in printed(second)
    assert process.end(signal.SIGTERM) == 0
    assert not path.exists()
