"""The tests run on what they claim to run on, and leave nothing behind."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import connection

from tests import services
from tests.services import postgres
from tests.services.postgres import Postgres
from tests.services.process import Process, scratch
from tests.services.redis import Redis
from tests.support.observing import is_running, wait_until
from tests.support.stacks import ROOT, forked, plain_environment

EXPECTED = {
    "deployed": ("postgresql", RedisPubSubChannelLayer),
    "embedded": ("sqlite", InMemoryChannelLayer),
}


@pytest.mark.services
def test_these_tests_use_the_database_and_the_layer_that_they_claim() -> None:
    vendor, layer = EXPECTED[services.TEST_STACK]
    assert connection.vendor == vendor
    assert type(get_channel_layer()) is layer


def test_the_wheels_postgresql_runs_in_every_way_that_this_machine_allows() -> None:
    allowed = [way for way in postgres.launchers() if subprocess.run([*way, "true"]).returncode == 0]
    assert allowed
    for way in allowed:
        server = Postgres(postgres.wheel_binaries(), way)
        with psycopg.connect(server.create_database("here")) as database:
            assert database.info.server_version >= 150_000
        server.kill()


def test_a_restarted_redis_is_found_at_its_old_address() -> None:
    redis = Redis()
    redis.kill()
    assert not redis.answers()
    redis.start()
    assert redis.answers()
    redis.kill()


def test_a_killed_test_run_leaves_no_process_and_no_folder() -> None:
    code = (
        "import os, signal\n"
        "from tests.services.redis import Redis\n"
        "from tests.services.process import scratch\n"
        "redis = Redis()\n"
        "print(redis._process.pid, scratch(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    pid, folder = run.stdout.split()
    wait_until(lambda: not is_running(int(pid)) and not os.path.exists(folder))


def test_a_program_of_the_fork_server_ends_as_its_command_would() -> None:
    def start(*command: str) -> Process:
        env = plain_environment() | {"SAID": "so"}
        log_path = scratch() / "program.log"
        return Process([sys.executable, *command], log_path=log_path, env=env, start=forked())

    program = scratch() / "program.py"
    program.write_text("import os, sys, time; print(os.environ['SAID'], sys.argv[1:]); time.sleep(int(sys.argv[1]))")
    assert start(str(program), "0").wait() == 0
    assert start(str(program), "no number").wait() == 1
    assert start("-m", "django", "no_such_command").wait() == 1
    endless = start(str(program), "600")
    assert is_running(endless.pid)
    assert os.getpgid(endless.pid) == endless.pid
    assert endless.end(signal.SIGKILL) == -signal.SIGKILL
    assert not is_running(endless.pid)
    log = endless.log_tail()
    assert "so ['0']" in log
    assert "ValueError" in log
    assert "Unknown command: 'no_such_command'" in log
