"""The JavaScript client against a running server, as scripted in `tests/js/real_server.js`."""

import json
import os
import subprocess

import pytest

from tests.support.stacks import ROOT, Server


@pytest.mark.timeout(180)
def test_the_javascript_client_keeps_its_promises(server: Server) -> None:
    users = [server.stack.user() for _ in range(2)]
    given = {
        "SERVER_URL": server.url,
        "SERVER_USERS": json.dumps([{"username": user.username, "password": user.password} for user in users]),
    }
    run = subprocess.run(
        ["node", "--test", "tests/js/real_server.js"],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert run.returncode == 0, run.stdout
    assert "\n# skipped 0\n" in run.stdout
