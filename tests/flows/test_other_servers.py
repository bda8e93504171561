"""The application on other servers than its own, and behind a pooler: the same flow through each."""

import sys
from collections.abc import Callable, Iterator

import pytest

from tests import services
from tests.services.pgbouncer import PgBouncer
from tests.support.sockets import Socket
from tests.support.stacks import Server, Stack

pytestmark = [pytest.mark.long, pytest.mark.installations("deployed")]
CHANGES = 50


def daphne(port: int) -> list[str]:
    return ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]


def uvicorn(port: int) -> list[str]:
    return ["-m", "uvicorn", "--port", str(port), "--ws-per-message-deflate", "false"]


def gunicorn(port: int) -> list[str]:
    workers = ["--workers", "2", "--worker-class", "uvicorn_worker.UvicornWorker"]
    return ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *workers]


def hypercorn(port: int) -> list[str]:
    return ["-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "--workers", "2"]


def serve(port: int) -> list[str]:
    return ["manage.py", "serve", "--port", str(port)]


class OtherServer(Server):
    """A server with a command of its own."""

    arguments: Callable[[int], list[str]]

    def command(self) -> list[str]:
        arguments = type(self).arguments(self.port)
        has_application = "serve" in arguments or arguments[-1].endswith(":application")
        return [sys.executable, *arguments, *([] if has_application else [self.stack.application])]


@pytest.fixture(scope="module")
def pgbouncer() -> Iterator[PgBouncer]:
    pooler = PgBouncer(services.shared_postgres())
    yield pooler
    pooler.end()


@pytest.fixture(params=[daphne, uvicorn, gunicorn, hypercorn], ids=lambda arguments: arguments.__name__)
def other_server(request: pytest.FixtureRequest, shared_stack: Stack) -> Iterator[Server]:
    yield from run(shared_stack, request.param, {})


@pytest.fixture(params=[serve, gunicorn], ids=lambda arguments: arguments.__name__)
def pooled_server(request: pytest.FixtureRequest, shared_stack: Stack, pgbouncer: PgBouncer) -> Iterator[Server]:
    yield from run(shared_stack, request.param, {"DATABASE_URL": pgbouncer.url(shared_stack.env["DATABASE_URL"])})


def run(stack: Stack, arguments: Callable[[int], list[str]], env: dict[str, str]) -> Iterator[Server]:
    # With two processes, it is started by its command and not by the tests' fork server.
    server = type("Other", (OtherServer,), {"arguments": staticmethod(arguments)})(stack, env, processes=2)
    server.start()
    yield server
    server.discard()


def test_changes_arrive_in_order_and_what_was_missed_is_replayed(other_server: Server) -> None:
    go_through(other_server)


def test_behind_a_pooler_changes_arrive_in_order_and_what_was_missed_is_replayed(pooled_server: Server) -> None:
    go_through(pooled_server)


def go_through(server: Server) -> None:
    """Sign in, change, lose a connection, come back."""
    ann, bob = server.stack.user(), server.stack.user()
    tokens = [
        server.api().post("/api/token/", json={"username": user.username, "password": user.password}).json()["access"]
        for user in (ann, bob)
    ]
    project = server.project(ann, members=[bob])
    with server.connect(token=tokens[0]) as writer:
        writer.ask("join_project", {"project_id": project})
        reader = server.connect(token=tokens[1])
        joined = reader.ask("join_project", {"project_id": project})
        head = joined["seq"]
        change(server, writer, project, "before")
        assert titles(reader, project, head) == [f"before {number}" for number in range(CHANGES)]
        reader.drop()
        change(server, writer, project, "meanwhile")
        seen = head + CHANGES
        with server.connect(token=tokens[1]) as again:
            again.ask("join_project", {"project_id": project, "since": seen, "epoch": joined["epoch"]})
            change(server, writer, project, "after")
            expected = [f"{when} {number}" for when in ("meanwhile", "after") for number in range(CHANGES)]
            assert titles(again, project, seen, len(expected)) == expected
        assert titles(writer, project, head, 3 * CHANGES)[-1] == f"after {CHANGES - 1}"
    assert "Traceback" not in server.log(lines=0)


def change(server: Server, writer: Socket, project: int, when: str) -> None:
    """Create tasks, by the socket and by HTTP in turns."""
    api = server.api()
    api.headers["Authorization"] = str(writer.connection.request.headers["Authorization"])  # type: ignore[union-attr]
    for number in range(CHANGES):
        fields = {"project_id": project, "title": f"{when} {number}"}
        if number % 2:
            assert api.post("/api/tasks/", json=fields).status_code == 201
        else:
            writer.ask("task_create", fields)


def titles(socket: Socket, project: int, since: int, count: int = CHANGES) -> list[str]:
    """The titles of the next events, which come one after the other."""
    frames = socket.read_to(project, since + count)
    assert [frame["seq"] for frame in frames] == list(range(since + 1, since + 1 + count))
    return [frame["data"]["task"]["title"] for frame in frames]


def stuck(port: int) -> list[str]:
    return ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "tests.support.stuck_application:application"]


def test_stock_daphne_ends_also_with_a_thread_that_does_not(shared_stack: Stack) -> None:
    for server in run(shared_stack, stuck, {}):
        assert server.stop() == 0
