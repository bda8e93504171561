"""`/metrics`: what is counted, for one process and for several, and who may read it."""

import re
import threading
from collections.abc import Iterator

import pytest
from django.test import Client
from prometheus_client.metrics import MetricWrapperBase
from pytest_django import Settings

from taskrealtime.api.asyncapi import CLOSE_CODES
from taskrealtime.engine import metrics
from tests.support.stacks import Server, Stack


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the samples with this name and these labels among theirs."""
    total, found = 0.0, False
    for line in text.splitlines():
        if match := re.fullmatch(rf"{name}(?:\{{(.*)\}})? ([-+.eE\dInfNa]+)", line):
            given = dict(re.findall(r'(\w+)="([^"]*)"', match[1] or ""))
            if labels.items() <= given.items():
                total, found = total + float(match[2]), True
    return total if found else float("nan")


def test_it_is_open_where_no_token_is_set(client: Client) -> None:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, metrics.CONTENT_TYPE)
    assert "# TYPE taskrealtime_connections gauge" in answer.content.decode()


@pytest.mark.parametrize("sent, status", [("", 401), ("Bearer wrong", 401), ("secret", 401), ("Bearer secret", 200)])
def test_a_token_closes_it(client: Client, settings: Settings, sent: str, status: int) -> None:
    settings.METRICS_TOKEN = "secret"
    answer = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == status
    assert (b"taskrealtime_" in answer.content) == (status == 200)


@pytest.mark.django_db
def test_errors_over_http_count(client: Client) -> None:
    before = value(metrics.exposition().decode(), "taskrealtime_errors_total", code="unauthenticated")
    assert client.get("/api/projects/").status_code == 401
    after = value(metrics.exposition().decode(), "taskrealtime_errors_total", code="unauthenticated")
    assert after == before + 1


def test_every_way_to_end_is_counted_from_the_start() -> None:
    ends = {labels["code"] for labels in _labels(metrics.CONNECTIONS_ENDED)}
    assert ends >= {str(code) for code in CLOSE_CODES if code != 1000} | {"left"}


def _labels(metric: MetricWrapperBase) -> list[dict[str, str]]:
    return [sample.labels for family in metric.collect() for sample in family.samples]


def test_no_label_holds_an_id() -> None:
    names = {name for metric in vars(metrics).values() for name in getattr(metric, "_labelnames", ())}
    assert names == {"code", "outcome", "source", "event", "kind", "what", "status", "state"}


# --- Over running servers ---------------------------------------------------------------------


@pytest.fixture(params=[1, 2], ids=["one process", "two processes"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    stack = Stack("deployed")
    try:
        yield stack.server(serve=True, processes=request.param)
    finally:
        stack.close()


def read(server: Server) -> str:
    answer = server.api().get("/metrics")
    assert answer.status_code == 200
    return answer.text


def read_until(server: Server, name: str, expected: float, **labels: str) -> str:
    """Gauges are measured once a second, and a socket's end is heard a moment later."""
    for _ in range(200):
        if value(text := read(server), name, **labels) == expected:
            return text
        threading.Event().wait(0.05)
    raise AssertionError(f"{name} {labels} is {value(text, name, **labels)}, not {expected}.\n{text}")


@pytest.mark.end_to_end
def test_all_processes_are_counted_together(server: Server) -> None:
    stack = server.stack
    owner = stack.user()
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
    assert value(text, "taskrealtime_process_resident_bytes") > 20e6 * server.processes
    for socket in sockets:
        socket.close()
    text = read_until(server, "taskrealtime_connections", 0)
    assert value(text, "taskrealtime_connections_ended_total", code="left") == 8
