"""What reaches a server from outside is bounded before it is kept, parsed or believed."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.services.process import Process, free_port, scratch
from tests.support.raw import RawSocket
from tests.support.raw_http import RawHTTP, Usage
from tests.support.stacks import Server, Stack, forked, plain_environment

KIB, MIB = 1024, 1024 * 1024
#: Bytes that a body may have.
BOUND = MIB
#: A process that holds one body beyond the bound, or one large answer, holds more than this.
MEMORY = 20 * MIB
#: Seconds of a processor that no request of these tests takes, on no machine. Parsing one form took 17 and more.
CPU = 8.0
#: Seconds that a body may take, on a server that waits for its application for longer.
BODY_TIMEOUT = 5.0
FORM = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def embedded() -> Iterator[Stack]:
    stack = Stack("embedded")
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def server(embedded: Stack) -> Iterator[Server]:
    """The reference server."""
    server = embedded.server(serve=True)
    yield server
    assert "Traceback" not in server.log(lines=0), server.log()


@pytest.fixture(scope="module", params=["serve", "daphne", "uvicorn"])
def any_server(request: pytest.FixtureRequest, embedded: Stack, server: Server) -> Iterator[tuple[int, int]]:
    """The port and the process of each server that runs the application."""
    if request.param == "serve":
        yield server.port, server.pid
    elif request.param == "daphne":
        stock = embedded.server()
        yield stock.port, stock.pid
        assert "Traceback" not in stock.log(lines=0), stock.log()
    else:
        yield from run_uvicorn(embedded)


def run_uvicorn(stack: Stack) -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--ws-per-message-deflate",
        "false",
        "project.asgi:application",
    ]
    process = Process(command, log_path=scratch() / f"uvicorn-{port}.log", env=stack.env, start=forked())
    process.wait_until(lambda: is_up(port))
    yield port, process.pid
    process.end(signal.SIGTERM)
    assert "Traceback" not in process.log_tail(1000), process.log_tail()


def is_up(port: int, path: str = "/healthz") -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def eventually(found: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- Forms ------------------------------------------------------------------------------------------


def forms() -> list[tuple[str, bytes]]:
    part = b'--b\r\nContent-Disposition: form-data; name="a"; %s\r\n\r\nx\r\n--b--\r\n'
    return [
        (MULTIPART, part % (b"a;" * 500_000)),
        (MULTIPART, b"--b\r\n" + b"a:b\r\n" * 200_000 + b"\r\nx\r\n--b--\r\n"),
        (MULTIPART, part.replace(b"--b--", b"") % b"" * 10_000),
        (MULTIPART, b"\r\n--b" * 170_000),
        (FORM, b"a&" * 500_000),
        (FORM, b"a=%20&" * 170_000),
    ]


@pytest.mark.parametrize("form", range(6))
def test_a_form_costs_nothing_before_the_application_asks_for_it(any_server: tuple[int, int], form: int) -> None:
    port, pid = any_server
    kind, body = forms()[form]
    assert len(body) < BOUND
    usage = Usage(pid)
    with RawHTTP(port) as client:
        client.request("POST", "/login/", kind, f"Content-Length: {len(body)}")
        client.send(body)
        status, *_ = client.answer()
    assert status in {400, 403, 413}
    assert usage.cpu < CPU


# --- Bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login/", "/api/token/", "/healthz", "/nowhere", "/static/nowhere", "/ws/"])
def test_a_body_that_is_too_large_by_its_length_is_refused_at_its_head(any_server: tuple[int, int], path: str) -> None:
    port, _ = any_server
    with RawHTTP(port) as client:
        client.request("POST", path, f"Content-Length: {BOUND + 1}")
        status, headers, body = client.answer()
    assert (status, headers["connection"]) == (413, "close")
    assert json.loads(body)["code"] == "invalid_message"


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1, 1", "0x10", "1\r\nContent-Length: 2", "\xb2"])
def test_a_length_that_is_none_is_refused(server: Server, length: str) -> None:
    with RawHTTP(server.port) as client:
        client.request("POST", "/login/", f"Content-Length: {length}")
        client.send(b"x" * 100)
        assert client.answer()[0] == 400


def test_a_body_of_unknown_length_is_refused_at_the_first_byte_too_many(any_server: tuple[int, int]) -> None:
    port, _ = any_server
    with RawHTTP(port) as client:
        client.request("POST", "/api/token/", "Transfer-Encoding: chunked")
        for _ in range(BOUND // (32 * KIB)):
            client.send_chunk(b"x" * 32 * KIB)
        client.send(b"10\r\nx")
        assert client.answer()[0] == 413


def test_a_client_that_is_refused_is_not_asked_to_go_on(server: Server) -> None:
    with RawHTTP(server.port) as client:
        client.request("POST", "/login/", "Expect: 100-continue", f"Content-Length: {500 * MIB}")
        assert client.answer()[0] == 413


def test_what_is_refused_is_held_nowhere(server: Server) -> None:
    usage = Usage(server.pid)
    for size, chunked in ((200 * MIB, False), (200 * MIB, True), (BOUND + 1, False)) * 3:
        with RawHTTP(server.port) as client:
            client.request(
                "POST", "/api/token/", "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
            )
            client.try_to_send((b"%x\r\n" % size if chunked else b"") + b"x" * (size + 16))
            assert client.answer()[0] == 413
        assert usage.largest_file <= BOUND
    assert usage.peak_memory < MEMORY


def test_a_client_that_writes_all_before_it_reads_gets_its_answer(server: Server) -> None:
    answer = httpx.post(f"{server.url}/api/token/", content=b"x" * 3 * MIB, timeout=60)
    assert answer.status_code == 413


def test_bodies_that_stay_away_take_no_memory(server: Server) -> None:
    """A hundred at once claim as much as they may; half of them send nearly all of it."""
    usage = Usage(server.pid)
    clients = [RawHTTP(server.port, source=f"127.0.0.{2 + number % 20}") for number in range(100)]
    for number, client in enumerate(clients):
        client.request("POST", "/api/token/", f"Content-Length: {BOUND}")
        if number % 2:
            client.send(b"x" * (BOUND - 1))
    assert is_up(server.port)
    assert 0 < usage.largest_file <= BOUND
    assert usage.peak_memory < MEMORY
    for client in clients:
        client.close()


def test_a_body_in_crumbs_is_refused_before_it_costs(server: Server) -> None:
    usage = Usage(server.pid)
    for _ in range(5):
        with RawHTTP(server.port) as client:
            client.request("POST", "/api/token/", "Transfer-Encoding: chunked")
            client.try_to_send(b"1\r\nx\r\n" * 500_000)
            assert client.answer()[0] == 400
    assert usage.cpu < CPU / 4


def test_what_follows_a_body_of_unknown_length_is_bounded(server: Server) -> None:
    with RawHTTP(server.port) as client:
        client.request("POST", "/api/token/", "Transfer-Encoding: chunked")
        client.send(b"0\r\n" + b"a: b\r\n" * 2000)
        assert client.answer()[0] == 400


def test_no_compression_is_agreed_on_with_a_client_that_offers_it(any_server: tuple[int, int]) -> None:
    """An observer of the length of compressed frames could guess a secret beside text that they chose."""
    port, _ = any_server
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    upgrade += [f"Sec-WebSocket-Key: {'A' * 22}==", "Sec-WebSocket-Extensions: permessage-deflate"]
    with RawHTTP(port) as client:
        client.request("GET", "/ws/", *upgrade)
        status, headers = client.answer_head()
    assert status == 101
    assert "sec-websocket-extensions" not in headers


@pytest.mark.parametrize(
    "path", ["/static/", "/static/js/", "/static/../manage.py", "/static/%2e%2e/manage.py", "/.env"]
)
def test_no_folder_is_listed_and_no_other_file_served(server: Server, path: str) -> None:
    with RawHTTP(server.port) as client:
        client.request("GET", path, "Connection: close")
        status, _, body = client.answer()
    assert status == 404
    assert b"django.core.management" not in body


def test_a_body_within_the_bound_arrives_whole(any_server: tuple[int, int]) -> None:
    port, _ = any_server
    body = json.dumps({"username": "nobody", "password": "x" * 100 * KIB}).encode()
    for chunked in (False, True):
        with RawHTTP(port) as client:
            length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
            client.request("POST", "/api/token/", "Content-Type: application/json", length)
            if chunked:
                for start in range(0, len(body), 1000):
                    client.send_chunk(body[start : start + 1000])
                client.send_chunk(b"")
            else:
                client.send(body)
            status, _, answer = client.answer()
        assert status in {400, 401}, answer


def test_a_head_costs_little_however_it_is_filled(server: Server) -> None:
    usage = Usage(server.pid)
    with RawHTTP(server.port) as client:
        for _ in range(100):
            client.request("GET", "/nowhere?" + "a&" * 3500, "Cookie: " + "a;" * 3500)
            assert client.answer()[0] == 404
    assert usage.cpu < CPU


# --- Headers of libraries, and the path ---------------------------------------------------------------


@pytest.mark.parametrize("path", ["/x/metrics", "/x/admin/login/", "/static/x/api/schema/", "/x/healthz"])
@pytest.mark.parametrize("name", ["Daphne-Root-Path", "daphne-root-path", "DAPHNE-ROOT-PATH"])
def test_no_header_moves_a_path(any_server: tuple[int, int], path: str, name: str) -> None:
    port, _ = any_server
    prefix = path[: path.index("/x") + 2]
    for value in (prefix, prefix.replace("x", "%78"), "\xff"):
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers={name: value.encode("latin-1")}, timeout=60)  # type: ignore[arg-type]
        assert answer.status_code == 404, (value, answer.text)


@pytest.mark.parametrize("value", ["/x", "/ws", "/", "%ff"])
def test_no_header_moves_the_path_of_a_socket(any_server: tuple[int, int], value: str) -> None:
    """A fault would be in the log, which has none at the end."""
    port, _ = any_server
    with RawHTTP(port) as client:
        upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        client.request(
            "GET", "/ws/", *upgrade, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", f"Daphne-Root-Path: {value}"
        )
        assert client.answer_head()[0] == 101


@pytest.mark.parametrize(
    "header", ["Sec-WebSocket-Protocol: \xff", "Cookie: a=\xe2\x82\xac", "Sec-WebSocket-Protocol: %ff,,%0d%0aA"]
)
def test_an_upgrade_with_odd_headers_is_no_fault_of_ours(any_server: tuple[int, int], header: str) -> None:
    port, _ = any_server
    with RawHTTP(port) as client:
        upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        client.request("GET", "/ws/", *upgrade, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", header)
        assert client.answer_head()[0] in {101, 400}


# --- Clients that do not read ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def streaming() -> Iterator[tuple[int, Process]]:
    """The reference server under an application that streams."""
    yield from stream()


@pytest.fixture(scope="module")
def with_short_timeouts() -> Iterator[tuple[int, Process]]:
    """Another one, with little patience."""
    yield from stream(HTTP_HEAD_TIMEOUT="1", HTTP_BODY_TIMEOUT="1.5", HTTP_IDLE_TIMEOUT="2", HTTP_SEND_TIMEOUT="1")


@pytest.fixture
def unhurried() -> Iterator[tuple[int, Process]]:
    """A server whose time for a body outlasts the pauses of a client on a busy machine."""
    yield from stream(HTTP_BODY_TIMEOUT=str(BODY_TIMEOUT))


def stream(**env: str) -> Iterator[tuple[int, Process]]:
    port = free_port()
    env = plain_environment() | {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "HTTP_STREAMED_BODIES": f"/streamed/={400 * MIB},/streamed/small/={KIB}",
        **env,
    }
    command = [sys.executable, "-m", "tests.support.streaming_server", str(port)]
    process = Process(command, log_path=scratch() / f"streaming-{port}.log", env=env, start=forked())
    process.wait_until(lambda: is_up(port, "/progress"))
    yield port, process
    assert process.end(signal.SIGTERM) == 0, process.log_tail()
    assert "Traceback" not in process.log_tail(1000), process.log_tail()


def progress(port: int) -> dict[str, int]:
    """What the application has done so far."""
    return httpx.get(f"http://127.0.0.1:{port}/progress", timeout=60).json()


@pytest.mark.parametrize("path", ["/pieces", "/whole"])
def test_an_answer_waits_for_its_reader(streaming: tuple[int, Process], path: str) -> None:
    port, process = streaming
    usage = Usage(process.pid)
    clients = [RawHTTP(port, source=f"127.0.0.{2 + number % 20}", buffer=4 * KIB) for number in range(20)]
    for client in clients[: 1 if path == "/whole" else 20]:
        client.request("GET", path)
        assert client.answer_head()[0] == 200
    time.sleep(1)  # What an application without back-pressure would hand over: 300 MB.
    assert usage.peak_memory < (60 * MIB if path == "/whole" else MEMORY)
    for client in clients:
        client.close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_for_a_client_that_left_keeps_no_other_waiting(streaming: tuple[int, Process], method: str) -> None:
    port, _ = streaming
    before = progress(port)
    with RawHTTP(port, buffer=4 * KIB) as client:
        client.request(method, "/unending")
        assert client.answer_head()[0] == 200
    # Another request is answered while pieces are sent: `/go` alone ends them.
    eventually(lambda: progress(port)["unending"] > before["unending"])
    assert progress(port)["ended"] == before["ended"]
    assert httpx.get(f"http://127.0.0.1:{port}/go", timeout=60).status_code == 200
    eventually(lambda: progress(port)["ended"] > before["ended"])


def test_a_client_that_reads_gets_all_of_a_large_answer(streaming: tuple[int, Process]) -> None:
    port, process = streaming
    usage = Usage(process.pid)
    with httpx.stream("GET", f"http://127.0.0.1:{port}/pieces", timeout=60) as answer:
        assert sum(map(len, answer.iter_raw())) == 4800 * 64 * KIB
    assert usage.peak_memory < MEMORY


def test_answers_that_no_client_reads_stop_the_requests_behind_them(server: Server) -> None:
    usage = Usage(server.pid)
    clients = [RawHTTP(server.port, buffer=4 * KIB) for _ in range(50)]
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for client in clients:
        client.try_to_send(request * 10_000)
    assert usage.peak_memory < MEMORY
    for client in clients:
        client.close()


def test_requests_behind_each_other_are_all_answered(server: Server) -> None:
    with RawHTTP(server.port) as client:
        client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300)
        assert [client.answer()[0] for _ in range(300)] == [200] * 300


# --- Slow clients -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [b"GET /progress HTTP/1.1\r\nHos", b"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"]
)
def test_a_request_that_never_ends_is_cut_however_often_a_byte_comes(
    with_short_timeouts: tuple[int, Process], sent: bytes
) -> None:
    began = time.monotonic()
    with RawHTTP(with_short_timeouts[0], timeout=0.2) as client:
        client.send(sent)
        with pytest.raises(OSError, match=r"ended|reset|Broken"):
            while time.monotonic() - began < 60:
                client.send(b"x" if time.monotonic() - began < 0.9 else b"")
                try:
                    assert client.answer()[0] == 408
                except TimeoutError:
                    continue
                client.rest()
                raise ConnectionError("It was ended.")


def test_a_connection_that_says_nothing_is_closed(with_short_timeouts: tuple[int, Process]) -> None:
    with RawHTTP(with_short_timeouts[0]) as fresh, RawHTTP(with_short_timeouts[0]) as used:
        used.request("GET", "/progress")
        assert used.answer()[0] == 200
        assert (fresh.rest(), used.rest()) == (b"", b"")


def test_a_client_that_does_not_read_its_answer_is_cut(with_short_timeouts: tuple[int, Process]) -> None:
    port, process = with_short_timeouts
    before = len(os.listdir(f"/proc/{process.pid}/fd"))
    clients = [RawHTTP(port, buffer=4 * KIB) for _ in range(5)]
    for client in clients:
        client.request("GET", "/pieces")
    for client in clients:
        assert client.answer_head()[0] == 200
    eventually(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) <= before + 1)
    for client in clients:
        client.close()


def test_a_slow_answer_is_waited_for(with_short_timeouts: tuple[int, Process]) -> None:
    """The times are those of the client: an application may take longer than any of them."""
    port, _ = with_short_timeouts
    with RawHTTP(port) as client:
        client.request("GET", "/slow")
        time.sleep(2.5)
        httpx.get(f"http://127.0.0.1:{port}/go", timeout=60)
        assert client.answer()[0] == 200


# --- Bodies that an application reads while they come ---------------------------------------------------------


def test_a_large_body_streams_through(streaming: tuple[int, Process]) -> None:
    port, process = streaming
    usage = Usage(process.pid)
    for chunked in (False, True):
        with RawHTTP(port) as client:
            length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {200 * MIB}"
            client.request("PATCH", "/streamed/count", length)
            for _ in range(200):
                client.send_chunk(b"x" * MIB) if chunked else client.send(b"x" * MIB)
            if chunked:
                client.send_chunk(b"")
            status, _, body = client.answer()
            counted = json.loads(body)
            assert (status, counted["bytes"]) == (200, 200 * MIB)
            assert counted["messages"] > 100
            assert counted["largest"] <= 256 * KIB
            client.request("GET", "/progress")
            assert client.answer()[0] == 200, "the connection can be used again"
    assert usage.largest_file == 0
    assert usage.peak_memory < MEMORY


def test_the_application_has_the_first_bytes_before_the_last_come(streaming: tuple[int, Process]) -> None:
    port, _ = streaming
    with RawHTTP(port) as client:
        client.request("PATCH", "/streamed/echo", "Content-Length: 10", "Expect: 100-continue")
        assert client.answer_head()[0] == 100
        client.send(b"01234")
        status, headers = client.answer_head()
        assert (status, client._read_chunk()) == (200, b"01234")
        client.send(b"56789")
        assert client._read_chunk() == b"56789"


def test_a_client_is_not_read_while_the_application_does_not_receive(unhurried: tuple[int, Process]) -> None:
    port, process = unhurried
    usage = Usage(process.pid)
    with RawHTTP(port) as client:
        client.request("PATCH", "/streamed/slow", f"Content-Length: {200 * MIB}")
        sent = client.try_to_send(b"x" * 200 * MIB)
        assert 0 < sent < 100 * MIB
        assert usage.peak_memory < MEMORY
        time.sleep(BODY_TIMEOUT + 1)  # That is the application's time, not the client's.
        # Already on its way: from now on it is the client's time that counts.
        rest = threading.Thread(target=client.send, args=[b"x" * (200 * MIB - sent)])
        rest.start()
        httpx.get(f"http://127.0.0.1:{port}/go", timeout=60)
        rest.join()
        assert json.loads(client.answer()[2])["bytes"] == 200 * MIB
    assert usage.peak_memory < MEMORY


def test_the_application_learns_that_its_client_left(streaming: tuple[int, Process]) -> None:
    port, _ = streaming
    before = progress(port)
    with RawHTTP(port) as client:
        client.request("PATCH", "/streamed/count", f"Content-Length: {MIB}")
        client.send(b"x" * 1000)
        eventually(lambda: progress(port)["received"] == before["received"] + 1000)
    eventually(lambda: progress(port)["left"] == before["left"] + 1)


def test_a_body_that_the_application_does_not_read_is_answered_and_left(streaming: tuple[int, Process]) -> None:
    port, process = streaming
    usage = Usage(process.pid)
    with RawHTTP(port) as client:
        client.request("PATCH", "/streamed/refuse", f"Content-Length: {400 * MIB}")
        sent = client.try_to_send(b"x" * 100 * MIB)
        status, headers, _ = client.answer()
        assert (status, headers["connection"]) == (409, "close")
        assert sent < 100 * MIB
        assert client.rest() == b"", "nothing of the body is taken for a request"
    assert usage.peak_memory < MEMORY


def test_bodies_that_stream_have_bounds_of_their_own(streaming: tuple[int, Process]) -> None:
    port, _ = streaming
    for path, size in (("/streamed/count", 400 * MIB + 1), ("/streamed/small/count", KIB + 1), ("/count", MIB + 1)):
        with RawHTTP(port) as client:
            client.request("PATCH", path, f"Content-Length: {size}")
            assert client.answer()[0] == 413
    with RawHTTP(port) as client:
        client.request("PATCH", "/streamed/small/count", "Transfer-Encoding: chunked")
        client.send_chunk(b"x" * KIB)
        client.send_chunk(b"x")
        assert client.answer()[0] == 413


def test_a_body_that_hardly_streams_is_cut(with_short_timeouts: tuple[int, Process]) -> None:
    port, _ = with_short_timeouts
    before = progress(port)["left"]
    with RawHTTP(port) as client:
        client.request("PATCH", "/streamed/count", f"Content-Length: {MIB}")
        client.send(b"x" * 100)
        client.rest()
    eventually(lambda: progress(port)["left"] == before + 1)


def test_a_socket_opens_and_speaks_beside_all_of_it(server: Server, embedded: Stack) -> None:
    with RawSocket(server.port, token=server.token(embedded.user())) as socket:
        assert socket.read_event("connected")


def threads_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def test_static_answers_that_no_client_reads_hold_no_threads(server: Server) -> None:
    """A thread for each was what an open file took: any address could have thousands."""
    answer = httpx.get(f"{server.url}/static/js/websocket_client.js")
    assert answer.status_code == 200, (server.log(), answer.text[:200])
    before = threads_of(server.pid)
    with ExitStack() as held:
        for _ in range(60):
            client = held.enter_context(RawHTTP(server.port, buffer=4 * KIB))
            client.send(b"GET /static/js/websocket_client.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)
        eventually(lambda: files_of(server.pid, "websocket_client.js") > 40)
        assert threads_of(server.pid) < before + 20
        assert is_up(server.port)
    eventually(lambda: files_of(server.pid, "websocket_client.js") == 0)


def files_of(pid: int, name: str) -> int:
    """How often a process has this file open."""
    found = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with suppress(OSError):  # It was closed meanwhile.
            found += os.readlink(entry.path).endswith(name)
    return found
