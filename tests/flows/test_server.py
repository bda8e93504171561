"""The reference server under an application that does what its input says: the additions to daphne."""

import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from taskrealtime.engine.server import supervisor
from tests.services.process import Process, free_port, scratch
from tests.support.observing import memory
from tests.support.raw import CLOSE, PING, PONG, TEXT, RawSocket
from tests.support.stacks import forked, plain_environment

KIB = 1024
PING_INTERVAL, PING_TIMEOUT = 1.0, 3.0


@contextmanager
def serve(*options: str, **settings: float) -> Iterator[tuple[int, Process]]:
    port = free_port()
    env = plain_environment() | {"DJANGO_SETTINGS_MODULE": "project.settings"}
    env |= {name: str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "tests.support.plain_server", str(port), *options]
    process = Process(command, log_path=scratch() / f"plain-server-{port}.log", env=env, start=forked())
    process.wait_until(lambda: answers(port))
    yield port, process
    assert process.end(signal.SIGTERM) == 0, process.log_tail()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Process]]:
    """The port and the process of a server of this module."""
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def ordinary_server() -> Iterator[tuple[int, Process]]:
    """Another one, which sees nothing that it may push to: as with TLS."""
    with serve("ordinary") as server:
        yield server


@pytest.fixture
def port(server: tuple[int, Process]) -> int:
    return server[0]


def answers(port: int) -> bool:
    try:
        return handed_over(port) >= 0
    except httpx.TransportError:
        return False


def handed_over(port: int) -> int:
    """How much the application of `/flood` was able to send."""
    return int(httpx.get(f"http://127.0.0.1:{port}/", timeout=5).text)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1009, 1011, 1012, 1013, 3000, 4401, 4999])
def test_every_close_code_goes_out_as_it_is(port: int, code: int) -> None:
    with RawSocket(port, f"/close/{code}/because") as socket:
        assert socket.read_frame() == (CLOSE, code.to_bytes(2, "big") + b"because")


def test_a_long_reason_is_cut_between_characters(port: int) -> None:
    with RawSocket(port, f"/close/4400/{'%E2%82%AC' * 100}") as socket:
        _, payload = socket.read_frame()
    assert payload[2:].decode() == "€" * 41


def test_a_connection_does_not_keep_the_token_it_came_with(port: int) -> None:
    with RawSocket(port, "/kept", token="secret-of-this-test") as socket:
        kind, text = socket.read_frame()
    assert (kind, b"http_headers" in text, b"secret-of-this-test" in text) == (TEXT, True, False)


@pytest.mark.parametrize("status", [403, 429, 503])
def test_an_upgrade_is_refused_with_the_status_asked_for(port: int, status: int) -> None:
    with RawSocket(port, f"/refuse/{status}") as socket:
        assert socket.status == status


def test_an_application_that_fails_ends_its_socket_with_1011(port: int) -> None:
    with RawSocket(port, "/fail") as socket:
        assert socket.close_code() == 1011


def test_sending_waits_for_a_reader_who_does_not_read(server: tuple[int, Process]) -> None:
    port, process = server
    before, memory_before = handed_over(port), memory(process.pid)
    with RawSocket(port, "/flood", buffer=4 * KIB):
        stuck_at = wait_until_constant(lambda: handed_over(port))
        assert stuck_at > before
        assert memory(process.pid) - memory_before < 8 * KIB * KIB


def test_a_reader_who_reads_again_gets_everything(port: int) -> None:
    with RawSocket(port, "/flood") as socket:
        before = wait_until_constant(lambda: handed_over(port))
        for _ in range(1000):
            opcode, payload = socket.read_frame()
            if opcode == PING:
                socket.send_frame(PONG, payload)
            else:
                assert payload == b"x" * 16_000
        assert handed_over(port) > before


@pytest.mark.parametrize("size", [10, 1000, 100 * KIB], ids=["small", "middling", "more than the kernel takes"])
def test_what_is_pushed_and_what_is_sent_comes_whole_and_in_order(port: int, size: int) -> None:
    assert read_mixed(port, count=16 * KIB * KIB // (size + 4 * KIB), size=size) > 0


def test_where_nothing_can_be_pushed_all_is_sent(ordinary_server: tuple[int, Process]) -> None:
    assert read_mixed(ordinary_server[0], count=1000, size=1000) == 0


def read_mixed(port: int, *, count: int, size: int) -> int:
    """Read what `/mixed` says, once it cannot say more; how much of it was pushed."""
    with RawSocket(port, f"/mixed/{count}/{size}", buffer=4 * KIB) as socket:
        time.sleep(0.2)  # Let the kernel's buffers fill, so that the ways cross; the promise holds without, too.
        texts = [read_text(socket) for _ in range(count + 1)]
        assert [text.rstrip(".") for text in texts[:-1]] == [str(number) for number in range(count)]
        return int(texts[-1].removeprefix("pushed "))


def read_text(socket: RawSocket) -> str:
    """The next text; pings before it are answered."""
    while (frame := socket.read_frame())[0] == PING:
        socket.send_frame(PONG, frame[1])
    assert frame[0] == TEXT
    return frame[1].decode()


def test_pushing_to_a_client_that_is_gone_harms_no_client(server: tuple[int, Process]) -> None:
    port, process = server
    for _ in range(3):
        with RawSocket(port, f"/mixed/20000/{KIB}", buffer=4 * KIB) as socket:
            socket.read_frame()
            socket.close()
    assert read_mixed(port, count=100, size=10) > 0
    assert "mix(" not in process.log_tail(), process.log_tail()  # as a traceback would say


def test_a_client_that_sends_more_than_is_processed_is_not_read_any_more(server: tuple[int, Process]) -> None:
    port, process = server
    memory_before = memory(process.pid)
    with RawSocket(port, "/listen/2", timeout=0.5) as socket, pytest.raises(TimeoutError):
        for _ in range(10_000):
            socket.send_frame(TEXT, b"x" * 10_000)
    assert memory(process.pid) - memory_before < 8 * KIB * KIB


def test_a_client_that_said_too_much_is_read_again(port: int) -> None:
    with RawSocket(port, "/listen/1") as socket:
        for _ in range(1000):
            socket.send_frame(TEXT, b"x" * 1000)
        socket.send_frame(CLOSE, (1000).to_bytes(2, "big"))
        assert socket.close_code() == 1000


def wait_until_constant(measure: Callable[[], int], seconds: float = 0.6) -> int:
    """The value once it has not changed for that long."""
    value, since = measure(), time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.05)
        if (now := measure()) != value:
            value, since = now, time.monotonic()
    return value


@pytest.fixture(scope="module")
def keepalives() -> dict[str, Any]:
    """What became of clients of each kind, all of them connected for longer than a server waits for a pong.

    Of one that answers, the pings that it got; of others, how long they lived, seconds.
    """

    def answering(port: int) -> list[bytes]:
        pings: list[bytes] = []
        began = time.monotonic()
        with RawSocket(port, "/listen/0") as socket:
            while time.monotonic() - began < PING_TIMEOUT + PING_INTERVAL or len(pings) < 3:
                opcode, payload = socket.read_frame()
                assert opcode == PING
                pings.append(payload)
                socket.send_frame(PONG, payload)
        return pings

    def unresponsive(port: int, *, talks: bool) -> float:
        began = time.monotonic()
        with RawSocket(port, "/listen/0") as socket, suppress(ConnectionError):
            while not socket.is_cut():
                assert time.monotonic() - began < 60, "It is not cut."
                time.sleep(0.1)
                if talks:
                    socket.send_frame(TEXT, b"{}")
        return time.monotonic() - began

    pings = {"WEBSOCKET_PING_INTERVAL": PING_INTERVAL, "WEBSOCKET_PING_TIMEOUT": PING_TIMEOUT}
    with serve(**pings) as (port, _), serve("ordinary", **pings) as (ordinary, _), ThreadPoolExecutor() as threads:
        running: dict[str, Future[Any]] = {
            "answering": threads.submit(answering, port),
            "answering, ordinary": threads.submit(answering, ordinary),
            "silent": threads.submit(unresponsive, port, talks=False),
            "talking": threads.submit(unresponsive, port, talks=True),
        }
        return {name: future.result() for name, future in running.items()}


@pytest.mark.parametrize("name", ["answering", "answering, ordinary"])
def test_every_client_is_pinged_and_those_that_answer_stay(keepalives: dict[str, Any], name: str) -> None:
    pings = keepalives[name]
    assert {len(payload) for payload in pings} == {12}
    assert len(set(pings)) == len(pings)


@pytest.mark.parametrize("name", ["silent", "talking"])
def test_a_client_that_answers_no_pings_is_cut(keepalives: dict[str, Any], name: str) -> None:
    """A half-open connection, and a client that says something all the time but reads nothing."""
    assert keepalives[name] > PING_TIMEOUT - PING_INTERVAL


# --- The supervisor ------------------------------------------------------------------------------


async def supervise(script: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a script as one supervised process."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = [sys.executable, "-c", script, *arguments]
        return await supervisor.Supervisor(command, 1, inherited=listening.detach()).run()


async def test_a_process_that_dies_at_once_again_and_again_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    script = "import sys; open(sys.argv[1], 'a').write('x'); sys.exit(3)"
    assert await supervise(script, monkeypatch, str(tmp_path / "starts")) == 1
    assert (tmp_path / "starts").read_text() == "x" * supervisor.MAX_FAILURES
    assert "ended with status 3" in caplog.text
    assert "giving up" in caplog.messages[-1]


async def test_a_process_that_served_for_a_while_is_replaced_every_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It ends by itself seven times, and asks for the end of all then."""
    monkeypatch.setattr(supervisor, "SOON", 0.0)
    script = (
        "import os, pathlib, signal, sys, time; starts = pathlib.Path(sys.argv[1]); starts.open('a').write('x')\n"
        "if len(starts.read_text()) > 7: os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)"
    )
    assert await supervise(script, monkeypatch, str(tmp_path / "starts")) == 0
    assert (tmp_path / "starts").read_text() == "x" * 8
