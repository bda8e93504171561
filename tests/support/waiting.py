"""Waiting for what comes true sooner or later, and what is measured meanwhile."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
MIB = 1024 * 1024


def wait_until(condition: Callable[[], T], seconds: float = 60) -> T:
    """Poll the condition until it is true, and return its value. The bound only tells that something hangs."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.02)
    return value


def memory(pid: int) -> int:
    """Return the resident memory of a process, bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
