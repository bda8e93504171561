"""`make run` on a fresh checkout, interrupted wherever something is half made."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.services.process import Process, free_port, scratch
from tests.support.observing import wait_until
from tests.support.stacks import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

#: Seconds in which all packages are installed, also from a slow registry.
INSTALLING = 600
NOT_OF_A_CHECKOUT = (".git", ".venv", "node_modules", "__pycache__", ".*_cache", "screenshots")
MADE_BY_RUNNING = ("db.sqlite3*", ".secret_key*", ".setup.lock", "staticfiles")
#: A shell's background job ignores Ctrl-C, and so would its children.
TAKE_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
OF_THE_TESTS = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "WEBSOCKET_RATE_LIMIT"}


@pytest.fixture
def checkout() -> Path:
    path = scratch() / "checkout"
    shutil.copytree(ROOT, path, ignore=shutil.ignore_patterns(*NOT_OF_A_CHECKOUT, *MADE_BY_RUNNING))
    return path


def make_run(checkout: Path) -> tuple[Process, int]:
    port = free_port()
    env = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
    log_path = scratch() / f"make-run-{port}.log"
    command = [sys.executable, "-c", TAKE_CTRL_C, "make", "run", f"PORT={port}"]
    return Process(command, log_path=log_path, env=env, cwd=checkout), port


def unpacks_packages(checkout: Path) -> bool:
    return any(checkout.glob(".venv/lib/*/site-packages/django"))


def migrates(checkout: Path) -> bool:
    return (checkout / "db.sqlite3").exists()


def test_it_serves_after_an_interruption_at_any_moment_and_twice_at_once(checkout: Path) -> None:
    moments: list[Callable[[Path], bool]] = [unpacks_packages, migrates]
    for moment in moments:
        interrupted, _ = make_run(checkout)
        interrupted.wait_until(lambda moment=moment: moment(checkout), INSTALLING)  # type: ignore[misc]
        interrupted.end(signal.SIGKILL)
    both = [make_run(checkout) for _ in range(2)]
    for process, port in both:
        process.wait_until(lambda process=process: "taskrealtime is at" in process.log_tail(), INSTALLING)  # type: ignore[misc]
        credentials = {"username": "alice", "password": "demo-taskrealtime"}
        answer = httpx.post(f"http://localhost:{port}/api/token/", json=credentials, timeout=60)
        assert answer.status_code == 200, process.log_tail()
    for process, _ in both:
        process.end(signal.SIGINT)
    wait_until(lambda: not any(process.running for process, _ in both))
