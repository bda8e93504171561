"""The pytest plugin that brings up the real services: Redis, PostgreSQL, Chromium.

It runs before pytest-django reads the settings, which `-p tests.services` in pyproject.toml sees to.
The tests inside the pytest process run on PostgreSQL and Redis, or on SQLite and memory with
`TEST_STACK=embedded`. Each service is started when first asked for and ended by the guard. All workers of a run use one
PostgreSQL; each worker has a Redis of its own, because Pub/Sub knows no databases.
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.services import chromium, guard, run
from tests.services.postgres import Cluster, Postgres
from tests.services.process import scratch
from tests.services.redis import Redis

TEST_STACK = os.environ.get("TEST_STACK", "deployed")
# What a developer's shell may hold and no test should see.
SETTINGS_OF_THE_SHELL = ("DEBUG", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL")


@cache
def shared_postgres() -> Cluster:
    """Return the cluster that all tests of this run share, each with its own database."""
    port, log_path = json.loads(run.once("postgres", _start_postgres))
    return Cluster(port, Path(log_path))


def _start_postgres() -> str:
    cluster = Postgres()
    return json.dumps([cluster.port, str(cluster.log_path)])


@cache
def shared_redis() -> Redis:
    """The Redis of the tests inside the pytest process; every deployed stack has one of its own."""
    return Redis()


def set_environment(runs_tests: bool) -> None:
    """Point the settings of this process at the services (at nothing, where its workers run the tests)."""
    for name in SETTINGS_OF_THE_SHELL:
        os.environ.pop(name, None)
    os.environ["SECRET_KEY"] = "the-key-of-the-tests-which-is-long-enough-for-hs256"
    # Counts outlive a test's rolled back users, whose ids come again.
    os.environ["WEBSOCKET_RATE_LIMIT"] = os.environ["HTTP_READ_LIMIT"] = "0"
    if not runs_tests:
        os.environ["DATABASE_URL"] = "sqlite://:memory:"
    elif TEST_STACK == "deployed":
        os.environ["DATABASE_URL"] = shared_postgres().url("taskrealtime")
        os.environ["REDIS_URL"] = shared_redis().url
    elif TEST_STACK == "embedded":
        os.environ["DATABASE_URL"] = f"sqlite:///{scratch() / 'in-process.sqlite3'}"
    else:
        raise pytest.UsageError(f"TEST_STACK must be deployed or embedded, not {TEST_STACK!r}.")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    has_workers = getattr(early_config.known_args_namespace, "numprocesses", None) and not is_worker
    if not is_worker:
        run.begin()
        if TEST_STACK == "deployed":
            shared_postgres()  # it must outlive each worker
    set_environment(runs_tests=not has_workers)
    return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    # Here and not in the fixture, whose time counts towards a test's limit: installing takes a while.
    if any("browser" in getattr(item, "fixturenames", ()) for item in session.items):
        chromium.ensure()


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    guard.end_all()
