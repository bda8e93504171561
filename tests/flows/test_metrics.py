"""`/metrics` over running servers: what one process counts, and several together."""

import pytest

from tests.flows.conftest import StartServer
from tests.support.metrics import value
from tests.support.observing import wait_until
from tests.support.stacks import Server


def read(server: Server) -> str:
    answer = server.api().get("/metrics")
    assert answer.status_code == 200
    return answer.text


def read_until(server: Server, name: str, expected: float, **labels: str) -> str:
    """Gauges are measured once a second, and a socket's end is counted a moment later."""
    return wait_until(lambda: value(text := read(server), name, **labels) == expected and text)


@pytest.mark.installations("deployed")
@pytest.mark.parametrize("processes", [1, 2], ids=["one process", "two processes"])
def test_all_processes_are_counted_together(start_server: StartServer, processes: int) -> None:
    server = start_server(serve=True, processes=processes)
    owner = server.stack.user()
    project = server.project(owner)
    sockets = [server.connect(owner) for _ in range(8)]
    for socket in sockets:
        socket.ask("join_project", {"project_id": project})
    sockets[0].ask("task_create", {"project_id": project, "title": "Counted"})
    for socket in sockets:
        socket.expect("task_created")
    sockets[1].send_event("no_such_event")
    sockets[1].expect("error")
    text = read_until(server, "taskrealtime_listeners", 8, kind="project")
    assert value(text, "taskrealtime_connections") == 8
    assert value(text, "taskrealtime_present") >= 1
    assert value(text, "taskrealtime_deliveries_total") == 8
    assert value(text, "taskrealtime_client_event_seconds_count", event="join_project") == 8
    assert value(text, "taskrealtime_errors_total", code="unknown_event") == 1
    assert value(text, "taskrealtime_process_resident_bytes") > 20e6 * processes
    for socket in sockets:
        socket.close()
    text = read_until(server, "taskrealtime_connections", 0)
    assert value(text, "taskrealtime_connections_ended_total", code="left") == 8
