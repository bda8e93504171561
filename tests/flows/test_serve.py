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
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import Connect
from tests.services import guard
from tests.services.process import free_port, scratch
from tests.support.raw import TEXT, RawSocket
from tests.support.sockets import Closed, Socket
from tests.support.stacks import ROOT, Server, Stack

MIB = 1024 * 1024
embedded = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
deployed = pytest.mark.parametrize("stack", ["deployed"], indirect=True)


def terminate(server: Server) -> None:
    """SIGTERM for the one process that was started, not for its children."""
    os.kill(server.pid, signal.SIGTERM)


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.05)
    return value


def memory(pid: int) -> int:
    """What a process holds of the machine's memory, bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


# --- Letting go --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@embedded
def test_everybody_is_sent_away_in_peace(stack: Stack, connect: Connect, number: signal.Signals) -> None:
    server = stack.server(serve=True)
    ann = stack.user()
    sockets = [connect(server, ann) for _ in range(30)]
    os.kill(server.pid, number)
    waits = [one.expect("going_away")["data"]["reconnect_in_ms"] for one in sockets]
    assert [one.wait_closed() for one in sockets] == [1012] * 30
    assert len(set(waits)) > 20
    assert all(0 < wait <= 5000 for wait in waits)
    assert server.ended() == 0
    assert "Traceback" not in server.log(0)


def test_who_comes_back_has_lost_nothing(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True)
    ann = stack.user()
    project = server.project(ann)
    socket = connect(server, ann)
    joined = socket.ask("join_project", {"project_id": project})
    terminate(server)
    assert socket.wait_closed() == 1012
    assert server.ended() == 0
    task = stack.run("result = Task.objects.create(project_id=project, title='Meanwhile').id", project=project)
    server.start()
    again = connect(server, ann)
    again.ask("join_project", {"project_id": project, "since": joined["seq"], "epoch": joined["epoch"]})
    assert again.expect("task_created")["data"]["task"]["id"] == task


@embedded
def test_thousands_are_let_go_within_ten_seconds(stack: Stack) -> None:
    """A part of them reads nothing and answers nothing."""
    server = stack.server(serve=True, WEBSOCKET_CONNECT_TIMEOUT="600")
    crowd = [RawSocket(server.port) for _ in range(1500)]
    began = time.monotonic()
    terminate(server)
    codes = [one.close_code() for one in crowd[:100]]
    assert server.ended() == 0
    assert time.monotonic() - began < 10
    assert codes == [1012] * 100
    for one in crowd:
        one.close()


@embedded
def test_readiness_fails_while_draining_and_nobody_new_is_let_in(stack: Stack) -> None:
    server = stack.server(serve=True)
    with server.api() as kept, RawSocket(server.port):  # who does not answer the close keeps it draining a while
        assert kept.get("/readyz").status_code == 200
        terminate(server)
        answer = wait_until(lambda: (answer := kept.get("/readyz")).status_code == 503 and answer)
        assert answer.json()["reasons"] == ["draining"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/healthz")
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        assert kept.get("/ws/", headers=upgrade | {"Sec-WebSocket-Key": "A" * 22 + "=="}).status_code == 503
    assert server.ended() == 0


@embedded
def test_a_long_poll_ends_with_its_answer(stack: Stack) -> None:
    server = stack.server(serve=True)
    ann = stack.user()
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
    assert time.monotonic() - began < 8


@deployed
def test_a_running_command_is_finished_and_answered(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True)
    ann = stack.user()
    project = server.project(ann)
    socket = connect(server, ann)
    with psycopg.connect(stack.env["DATABASE_URL"]) as holder:
        holder.execute("LOCK TABLE taskrealtime_task IN EXCLUSIVE MODE")
        socket.send_event("task_create", {"project_id": project, "title": "Just in time"}, id="last")
        wait_until(lambda: holder.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
        terminate(server)
        socket.expect("going_away")
    assert socket.expect("ack")["id"] == "last"
    assert socket.wait_closed() == 1012
    assert server.ended() == 0
    assert stack.run("result = Task.objects.filter(title='Just in time').count()") == 1


@embedded
def test_a_second_signal_changes_nothing(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True)
    sockets = [connect(server, stack.user()) for _ in range(3)]
    terminate(server)
    terminate(server)
    assert [one.wait_closed() for one in sockets] == [1012] * 3
    assert server.ended() == 0


# --- What one connection may hold ---------------------------------------------------------------


class Board:
    """A running server with a project, and somebody outside who writes to it as fast as possible."""

    def __init__(self, stack: Stack, **env: str) -> None:
        self.stack = stack
        self.server = stack.server(serve=True, SWEEP_INTERVAL="0.2", **env)
        self.ann = stack.user()
        self.project = self.server.project(self.ann)
        self.task = stack.run("result = Task.objects.create(project_id=project, title='A').id", project=self.project)

    def join_without_reading(self) -> RawSocket:
        """A client that has joined and reads nothing more."""
        socket = RawSocket(self.server.port, token=self.server.token(self.ann), buffer=8192)
        socket.read_event("connected")
        socket.send_event("join_project", {"project_id": self.project}, id=1)
        socket.read_event("ack")
        return socket

    def write(self, events: int) -> None:
        """So many events of about 40 KB, one after the other."""
        code = (
            "for number in range(events):\n"
            "    Task.objects.filter(id=task).update(description=f'{number % 10}' * 20_000)\n"
        )
        self.stack.run(code + "result = None", task=self.task, events=events)


def test_who_reads_nothing_is_cut_and_delays_nobody(stack: Stack, connect: Connect) -> None:
    board = Board(stack)
    reader = connect(board.server, board.ann, max_queue=None)
    reader.ask("join_project", {"project_id": board.project})
    with board.join_without_reading() as one, board.join_without_reading() as two:
        before = peak = memory(board.server.pid)
        for _ in range(12):
            board.write(25)
            for _ in range(25):
                reader.expect("task_updated")
            peak = max(peak, memory(board.server.pid))
        wait_until(lambda: one.is_cut() and two.is_cut())
    assert peak - before < 16 * MIB, f"{(peak - before) / MIB:.0f} MiB more"
    seqs = reader.seqs(f"project.{board.project}")
    assert seqs == list(range(seqs[0], seqs[0] + 300))


def test_a_burst_beyond_the_bound_cuts_nobody_who_reads(stack: Stack, connect: Connect) -> None:
    """Neither live nor as what was missed: both are passed on no faster than they are read."""
    board = Board(stack)
    reader = connect(board.server, board.ann, max_queue=None)
    joined = reader.ask("join_project", {"project_id": board.project})
    stack.run(
        "fields = dict(project_id=project, description='x' * 20_000)\n"
        "Task.objects.bulk_create(Task(title=f'{n}', position=f'a{n:04}', **fields) for n in range(200))\n"
        "result = None",
        project=board.project,
    )
    expected = list(range(joined["seq"] + 1, joined["seq"] + 201))
    late = connect(board.server, board.ann, max_queue=None)
    late.ask("join_project", {"project_id": board.project, "since": joined["seq"], "epoch": joined["epoch"]})
    for one in (reader, late):
        for _ in expected:
            one.expect("task_created")
        assert one.seqs(f"project.{board.project}") == expected


@embedded
def test_who_pings_without_reading_is_cut(stack: Stack) -> None:
    server = stack.server(serve=True, WEBSOCKET_SEND_BUFFER="65536")
    before = memory(server.pid)
    with RawSocket(server.port, token=server.token(stack.user()), buffer=4096) as socket:
        data = {"fill": "x" * 100}
        deadline = time.monotonic() + 40
        with pytest.raises(ConnectionError):
            while time.monotonic() < deadline:
                socket.send_event("ping", data, id=1)
    assert memory(server.pid) - before < 16 * MIB


@embedded
def test_a_slow_reader_is_told_why(stack: Stack, connect: Connect) -> None:
    """It reads what was on its way, then the close frame."""
    board = Board(stack, WEBSOCKET_SEND_BUFFER="200000")
    reader = connect(board.server, board.ann, max_queue=None)
    reader.ask("join_project", {"project_id": board.project})
    with board.join_without_reading() as slow:
        board.write(60)
        for _ in range(60):
            reader.expect("task_updated")
        assert slow.close_code() == 4410


@embedded
def test_a_large_frame_is_answered_by_1009_and_not_kept(stack: Stack) -> None:
    server = stack.server(serve=True)
    token = server.token(stack.user())
    with RawSocket(server.port, token=token) as socket:
        before = memory(server.pid)
        socket.send_frame(TEXT, b"", claim=1 << 30)
        for _ in range(64):
            socket.send(b"x" * MIB)
        assert memory(server.pid) - before < 8 * MIB
        assert socket.close_code() == 1009


@embedded
@pytest.mark.parametrize("frames", [1, 5])
def test_a_message_may_have_256_kib_and_not_one_byte_more(stack: Stack, frames: int) -> None:
    server = stack.server(serve=True)
    token = server.token(stack.user())
    for extra, outcome in ((0, "pong"), (1, 1009)):
        with RawSocket(server.port, token=token) as socket:
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


@embedded
def test_an_empty_frame_is_answered(stack: Stack) -> None:
    server = stack.server(serve=True)
    with RawSocket(server.port, token=server.token(stack.user())) as socket:
        socket.send_frame(TEXT, b"")
        assert socket.read_event("error")["code"] == "invalid_message"


@embedded
def test_switched_off_sockets_are_refused_with_503(stack: Stack) -> None:
    server = stack.server(serve=True, WEBSOCKET_ENABLED="0")
    with RawSocket(server.port) as socket:
        assert socket.status == 503


# --- Several processes, and where to listen ------------------------------------------------------


def children(pid: int) -> set[int]:
    """The processes that this one has started and that run."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


@pytest.fixture
def run(stack: Stack) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """`run("--port", "8000")` starts `manage.py serve`; `stderr` is a pipe."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
        command = [sys.executable, "manage.py", "serve", *arguments]
        env = options.pop("env", stack.env)
        options |= {"cwd": ROOT, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        process = subprocess.Popen(command, env=env, **options)
        guard.watch_process(process)
        started.append(process)
        return process

    yield run
    for process in started:
        with process:
            process.kill()
        guard.forget_process(process)


@deployed
def test_several_processes_are_kept_alive_and_drained(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True, processes=2)
    ann = stack.user()
    project = server.project(ann)
    first = wait_until(lambda: len(pids := children(server.pid)) == 2 and pids)
    sockets = [connect(server, ann) for _ in range(20)]
    for one in sockets:
        one.ask("join_project", {"project_id": project})

    os.kill(victim := min(first), signal.SIGKILL)
    assert wait_until(lambda: len(pids := children(server.pid) - {victim}) == 2 and pids) & first
    server.api(ann).post("/api/tasks/", json={"project_id": project, "title": "Told to all that are left"})
    survivors = [one for one in sockets if hears(one, "task_created")]
    survivors.append(connect(server, ann))

    terminate(server)
    assert [one.wait_closed() for one in survivors] == [1012] * len(survivors)
    assert server.ended() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/healthz")


def hears(one: Socket, event: str) -> bool:
    """Whether the event comes; where it does not, its server is the one that was killed."""
    try:
        one.expect(event)
    except Closed:
        return False
    return True


@deployed
def test_processes_end_in_peace_when_their_supervisor_is_killed(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True, processes=2)
    socket = connect(server, stack.user())
    processes = children(server.pid)
    os.kill(server.pid, signal.SIGKILL)
    assert socket.wait_closed() == 1012
    wait_until(lambda: not any(lives(pid) for pid in processes))


@embedded
def test_several_processes_need_postgresql_and_redis(stack: Stack, run: Callable[..., Any]) -> None:
    process = run("--processes", "2", "--port", str(free_port()))
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("CommandError: Several processes need PostgreSQL")
    assert said.count("\n") == 1


@embedded
def test_a_wrong_setting_is_told_before_anything_is_served(stack: Stack, run: Callable[..., Any]) -> None:
    process = run("--port", str(free_port()), env=stack.env | {"SWEEP_INTERVAL": "0"})
    _, said = process.communicate()
    assert process.returncode == 1
    assert "SWEEP_INTERVAL must be more than 0." in said


@embedded
def test_a_taken_port_is_told_in_a_sentence(stack: Stack, run: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = run("--port", str(taken.getsockname()[1]))
        _, said = process.communicate()
    assert process.returncode == 1
    assert "is taken" in said
    assert "Traceback" not in said


@embedded
def test_the_port_comes_from_the_environment_too(stack: Stack, run: Callable[..., Any]) -> None:
    port = free_port()
    process = run(env=stack.env | {"PORT": str(port)})
    assert f"http://127.0.0.1:{port}" in process.stderr.readline()
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == 200


@embedded
def test_an_origin_that_is_none_at_all_is_refused_like_a_foreign_one(stack: Stack) -> None:
    server = stack.server(serve=True)
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    handshake["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    api = server.api()
    for origin in ("garbage", "https://evil.example"):
        assert api.get("/ws/", headers=handshake | {"Origin": origin}).status_code == 403
    assert api.get("/ws/", headers=handshake | {"Sec-WebSocket-Key": "x"}).status_code == 400


@embedded
def test_an_inherited_socket_is_served_and_let_go(stack: Stack, run: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor, port = listening.fileno(), listening.getsockname()[1]
        process = run("--fd", str(descriptor), pass_fds=[descriptor])
    assert str(port) in process.stderr.readline()
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == 200
    process.terminate()
    assert process.wait(60) == 0


@embedded
def test_a_unix_socket_is_served_and_removed(stack: Stack, run: Callable[..., Any]) -> None:
    path = scratch() / "serve.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    process = run("--unix-socket", str(path))
    assert str(path) in process.stderr.readline()
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=60) as client:
        assert client.get("/readyz").status_code == 200
    second = run("--unix-socket", str(path))
    assert "is taken" in second.communicate()[1]
    assert second.returncode == 1
    process.terminate()
    assert process.wait(60) == 0
    assert not path.exists()
