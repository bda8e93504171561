"""What a test sees of processes, and waiting until it is so."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

T = TypeVar("T")
MIB = 1024 * 1024


def wait_until(condition: Callable[[], T | Literal[False] | None], seconds: float = 60) -> T:
    """Poll the condition until it is true, and return its value. The bound only shows that something hangs."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.02)
    return value


def memory(pid: int) -> int:
    """Return the resident memory of a process, bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def is_running(pid: int) -> bool:
    """Return whether a process runs and is no zombie."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children(pid: int) -> set[int]:
    """Return the processes that a process has started and that run."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
