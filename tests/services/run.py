"""What the processes of one test run share: the controller begins it, and its workers find it in the environment."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from tests.services.process import scratch

_FOLDER = "TESTS_SHARED_FOLDER"
#: The name of this process within the run, for what must not have the same name twice.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def begin() -> None:
    """Make this process, and the workers that it starts from now on, a run of their own."""
    os.environ[_FOLDER] = str(scratch())


def folder() -> Path:
    """Return the folder of the run; it is removed at the end."""
    if _FOLDER not in os.environ:
        begin()
    return Path(os.environ[_FOLDER])


def once(name: str, make: Callable[[], str]) -> str:
    """Return what `make` returned in the first process that asked for `name`; the others wait for it."""
    answer = folder() / name
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            answer.write_text(make())
    return answer.read_text()
