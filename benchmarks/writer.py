"""A process that saves tasks when asked: other code of the same installation, as a shell or a cron job is.

`python -m benchmarks.writer together|apart TASK_ID…` reads numbers from standard input, a line each, and saves so
many of the tasks, in turn, in one transaction or each in its own. `python -m benchmarks.writer tutorial` does it with
the `Task` of peers/tutorial.py.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from .bench import ROOT

#: Characters that fill the title.
PAD = "x" * 25


class Writer:
    """Such a process, as the driver sees it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(env), cwd=ROOT, text=True
        )
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("The writer did not start.")
        self.pid = self._process.pid

    @property
    def trigger(self) -> int:
        """The descriptor that it reads from."""
        assert self._process.stdin
        return self._process.stdin.fileno()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def main(kind: str, *task_ids: str) -> None:
    """Save on each line of the input until it ends."""
    save_some = tutorial() if kind == "tutorial" else ours(task_ids, apart=kind == "apart")
    serve(save_some, sys.stdin)


def serve(save_some: Callable[[int], None], asked: IO[str]) -> None:
    """Answer each line by saving so many."""
    print("ready", flush=True)
    for line in asked:
        save_some(int(line))


def ours(task_ids: Sequence[str], *, apart: bool) -> Callable[[int], None]:
    """Saves our tasks."""
    import os
    from contextlib import nullcontext

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from django.db import transaction

    from taskrealtime.models import Task

    # In the order given.
    found = Task.objects.in_bulk([int(id) for id in task_ids])
    tasks = [found[int(id)] for id in task_ids]

    def save_some(count: int) -> None:
        with nullcontext() if apart else transaction.atomic():
            for task in tasks[:count]:
                save(task)

    def save_one(task: Any) -> None:
        save(task)

    return lambda count: save_some(count) if count > 1 else save_one(tasks[0])


def save(task: Any) -> None:
    """Give the task a title that holds the time, and save it."""
    task.title = f"@{time.monotonic_ns()}@{PAD}"
    task.save()


def tutorial() -> Callable[[int], None]:
    """Saves the tutorial's task."""
    from .peers.tutorial import Task, create_table

    create_table()
    task = Task(title="")
    number = 0

    def save_some(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            task.title = f"seq {number} @{time.monotonic_ns()}@{'x' * 240}"
            task.save()

    return save_some


if __name__ == "__main__":
    main(*sys.argv[1:])
