"""The guard: a small process that outlives the test run by a moment and ends whatever the run left behind.

It holds the other end of a pipe. When the pipe closes (the run has finished, or was killed, even by
SIGKILL) it ends every process group and removes every folder that is registered with it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol


class Watched(Protocol):
    """What of `subprocess.Popen` is needed here."""

    pid: int

    def wait(self, timeout: float | None = None) -> int: ...


GRACE = 3.0  # seconds between a process's own signal and SIGKILL

_guard: subprocess.Popen[str] | None = None
_watched: dict[int, Watched] = {}


def watch_process(process: Watched, end_with: signal.Signals = signal.SIGKILL) -> None:
    """End the process, which leads a group of its own, and that group by that signal when the run ends."""
    _watched[process.pid] = process
    _send(f"process {process.pid} {int(end_with)}")


def forget_process(process: Watched) -> None:
    """Leave the process alone: it has ended, and its number may be used again."""
    _watched.pop(process.pid, None)
    _send(f"forget {process.pid}")


def watch_folder(path: Path) -> None:
    """Remove the folder when the run ends."""
    _send(f"folder {path}")


def end_all() -> None:
    """End everything that is watched, now."""
    global _guard
    if _guard and _guard.stdin:
        _guard.stdin.close()
        _guard.wait(GRACE + 120)  # to remove folders takes a busy machine a while
    _guard = None
    for process in _watched.values():
        process.wait()
    _watched.clear()


def _send(line: str) -> None:
    global _guard
    if _guard is None:
        # A session of its own: Ctrl-C at the terminal must not end the process that cleans up.
        _guard = subprocess.Popen(
            [sys.executable, "-I", __file__], stdin=subprocess.PIPE, text=True, start_new_session=True, cwd="/"
        )
    assert _guard.stdin
    _guard.stdin.write(line + "\n")
    _guard.stdin.flush()


def _main() -> None:
    processes: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "process":
            pid, number = rest.split()
            processes[int(pid)] = int(number)
        elif word == "forget":
            processes.pop(int(rest), None)
        elif word == "folder":
            folders.append(rest)
    _end(processes)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _end(processes: dict[int, int]) -> None:
    for pid, number in processes.items():
        _kill(pid, number)
    deadline = time.monotonic() + GRACE
    while any(_lives(pid) for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in processes:
        _kill(pid, signal.SIGKILL)


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _lives(pid: int) -> bool:
    """Whether it still runs; where /proc shows it, one that has ended but was not waited for does not."""
    if os.path.exists("/proc/self/stat"):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    _main()
