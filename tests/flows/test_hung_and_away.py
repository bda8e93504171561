"""A server process that hangs, a database that is away, and the permissions of a Unix socket."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Connect
from tests.services import guard
from tests.services.process import scratch
from tests.support.observing import children, wait_until
from tests.support.sockets import Closed
from tests.support.stacks import ROOT, Stack


@pytest.mark.installations("deployed")
def test_a_server_process_that_hangs_is_replaced_and_all_are_served(stack: Stack, connect: Connect) -> None:
    server = stack.server(serve=True, processes=2)
    ann = stack.user()
    first = wait_until(lambda: len(pids := children(server.pid)) == 2 and pids)
    wait_until(lambda: all(f"Process {pid} serves" in server.log(lines=0) for pid in first))
    os.kill(victim := min(first), signal.SIGSTOP)
    second = wait_until(lambda: len(pids := children(server.pid) - {victim}) == 2 and pids)
    assert first - {victim} <= second, "the other one was left alone"
    wait_until(lambda: "It is killed" in server.log())
    for _ in range(8):
        connect(server, ann)
    assert server.stop() == 0


# --- The database is away -------------------------------------------------------------------


@pytest.mark.installations("embedded")
def test_a_client_that_comes_while_the_database_is_away_is_asked_to_come_back_in_one_line(stack: Stack) -> None:
    server = stack.server(SWEEP_INTERVAL="3600")
    ann = stack.user()
    token = server.token(ann)
    path = stack.env["DATABASE_URL"].removeprefix("sqlite:///")
    earlier = server.connect(token=token)
    assert earlier.next()["event"] == "connected"
    earlier.close()
    files = [Path(path + ending) for ending in ("", "-wal", "-shm") if Path(path + ending).exists()]
    for file in files:
        file.rename(f"{file}.away")
    Path(path).mkdir()  # so that SQLite cannot create another one
    before = len(server.log(lines=0).splitlines())
    ways: list[dict[str, Any]] = [{"token": token}, {"subprotocols": ["taskrealtime.v1", f"bearer.{token}"]}, {}]
    for options in ways * 3:
        one = server.connect(**options)
        if not options:
            one.send_event("connect", {"token": token}, id=1)
        with pytest.raises(Closed) as closed:
            one.next()
        assert closed.value.code in (1013, 4013)
    logged = server.log(lines=0).splitlines()[before:]
    assert not [line for line in logged if "Traceback" in line or "traceback" in line]
    assert sum("Not let in: the database is away" in line for line in logged) == 9
    Path(path).rmdir()
    for file in files:
        Path(f"{file}.away").rename(file)
    back = server.connect(token=token)
    assert back.next()["event"] == "connected"
    back.close()


# --- Unix sockets ---------------------------------------------------------------------------


@pytest.fixture
def listen(stack: Stack) -> Iterator[Any]:
    started: list[subprocess.Popen[bytes]] = []

    def listen(*arguments: str) -> int:
        """Serve at a path; return the rights of the socket."""
        path = scratch() / f"{stack.name}.sock"
        command = [sys.executable, "manage.py", "serve", "--unix-socket", str(path), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=stack.env, start_new_session=True, umask=0o022)
        guard.watch_process(process)
        started.append(process)
        deadline = time.monotonic() + 60
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=60) as client:
            assert client.get("http://localhost/healthz").status_code == 200
        return stat.S_IMODE(path.stat().st_mode)

    yield listen
    for process in started:
        process.kill()
        process.wait()
        guard.forget_process(process)


@pytest.mark.installations("embedded")
@pytest.mark.parametrize("asked,mode", [([], 0o660), (["--unix-socket-mode", "666"], 0o666)])
def test_a_unix_socket_is_for_its_owner_and_group_unless_more_is_asked_for(
    listen: Any, asked: list[str], mode: int
) -> None:
    assert listen(*asked) == mode
