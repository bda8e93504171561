"""`manage.py serve`, the reference server: what it does that other servers do not."""

from collections.abc import Callable

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.support.sockets import Closed, Socket
from tests.support.stacks import ROOT, Server, Stack, User


def stop_by_signal(server: Server) -> int:
    os.kill(server.pid, signal.SIGTERM)
    return server.stop()


def test_everybody_is_sent_away_in_peace(stack: Stack, connect) -> None:
    server = stack.server(serve=True)
    ann = stack.user()
    sockets = [connect(server, ann) for _ in range(30)]
    os.kill(server.pid, signal.SIGTERM)
    waits = [one.expect("going_away")["data"]["reconnect_in_ms"] for one in sockets]
    assert [one.wait_closed() for one in sockets] == [1012] * 30
    assert len(set(waits)) > 20
    assert all(0 < wait <= 5000 for wait in waits)
    assert server.stop() == 0
