"""What `/healthz` and `/readyz` say, each in a process of its own that may be broken on purpose."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.services.process import scratch
from tests.services.redis import Redis
from tests.support.stacks import Stack, plain_environment, run_manage

ASK = """
import json, time
from django.test import Client

def ask(path):
    started = time.monotonic()
    answer = Client().get(path, headers={"Host": "localhost"})
    answers.append([answer.status_code, answer.json(), time.monotonic() - started])

answers = []
"""


def ask(code: str, **env: str) -> list[tuple[int, Any, float]]:
    """Run code that calls `ask(path)`; returns status, body and seconds of each."""
    output = run_manage(["shell", "-v0", "-c", f"{ASK}\n{code}\nprint(json.dumps(answers))"], plain_environment() | env)
    return [(status, body, seconds) for status, body, seconds in json.loads(output.splitlines()[-1])]


@pytest.fixture
def unresponsive_port() -> Any:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_alive_asks_no_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "degraded": []})


def test_not_ready_before_the_migrations(tmp_path: Path) -> None:
    [(status, body, _)] = ask("ask('/readyz')", DATABASE_URL=f"sqlite:///{tmp_path}/new.sqlite3")
    assert (status, body) == (503, {"status": "unavailable", "reasons": ["migrations"]})


def test_not_ready_without_a_database(unresponsive_port: int) -> None:
    def ask_on(port: int) -> list[tuple[int, Any, float]]:
        url = f"postgres://nobody:x@127.0.0.1:{port}/nothing"
        return ask("ask('/healthz'); ask('/readyz')", DATABASE_URL=url)

    with ThreadPoolExecutor() as threads:
        for alive, ready in threads.map(ask_on, (1, unresponsive_port)):
            assert alive[:2] == (200, {"status": "ok"})
            assert ready[:2] == (503, {"status": "unavailable", "reasons": ["database"]})
            assert ready[2] < 20, "a probe must not wait for long"


@pytest.mark.django_db
def test_a_lost_redis_degrades(client: Client, unresponsive_port: int, settings: Settings) -> None:
    redis = Redis()
    urls = [redis.url, "redis://127.0.0.1:1", f"redis://127.0.0.1:{unresponsive_port}"]
    for url, degraded in zip(urls, ([], ["redis"], ["redis"]), strict=True):
        settings.REDIS_URLS = [url]
        started = time.monotonic()
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready", "degraded": degraded}), url
        assert time.monotonic() - started < 20, "a probe must not wait for long"
    redis.kill()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options",
    [
        {"maxmemory": "1mb"},
        {"replicaof": "127.0.0.1 1"},
        {"cluster_enabled": "yes", "cluster_config_file": str(scratch() / "nodes-probed.conf")},
    ],
    ids=["full", "read-only", "cluster"],
)
def test_a_redis_that_takes_no_writes_degrades(client: Client, settings: Settings, options: dict[str, str]) -> None:
    redis = Redis(**options)
    settings.REDIS_URLS = [redis.url]
    assert client.get("/readyz").json() == {"status": "ready", "degraded": ["redis"]}
    redis.kill()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.django_db
def test_probes_are_answered_under_any_host_and_without_tls(client: Client, settings: Settings, path: str) -> None:
    settings.ALLOWED_HOSTS = ["board.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/login/", headers={"Host": "10.1.2.3:8000"}).status_code == 400


def test_a_cluster_stops_the_start() -> None:
    redis = Redis(cluster_enabled="yes", cluster_config_file=str(scratch() / "nodes.conf"))
    with pytest.raises(AssertionError, match=r"CommandError: REDIS_URL: this is a node of a Redis Cluster"):
        run_manage(["serve", "--skip-checks"], plain_environment() | {"REDIS_URL": redis.url})
    redis.kill()


@pytest.mark.end_to_end
def test_a_running_server_reports_its_lost_redis_and_its_return() -> None:
    stack = Stack("deployed")
    try:
        assert stack.redis
        api = stack.server(serve=True).api()
        stack.redis.pause()
        lost = api.get("/readyz")
        assert (lost.status_code, lost.json()) == (200, {"status": "ready", "degraded": ["redis"]})
        stack.redis.resume()
        assert api.get("/readyz").json() == {"status": "ready", "degraded": []}
    finally:
        stack.close()
