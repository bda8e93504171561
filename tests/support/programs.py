"""`manage.py` beside a test."""

import itertools
import sys
from collections.abc import Mapping

from tests.services.process import Process, scratch
from tests.support.stacks import forked

_numbers = itertools.count(1)


def start_manage(env: Mapping[str, str], *arguments: str) -> Process:
    """Start `manage.py` in the background; what it prints goes to its log."""
    command = [sys.executable, "manage.py", *arguments]
    log_path = scratch() / f"manage-{next(_numbers)}.log"
    return Process(command, log_path=log_path, env=env, start=forked())


def printed(process: Process) -> str:
    """Return what it has printed so far."""
    return process.log_path.read_text()
