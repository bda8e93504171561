"""A process that saves tasks as fast as it can, with events or plainly: `python -m benchmarks.saving TASK_ID…`.

Reads `told SECONDS` or `plain SECONDS` from standard input and prints how many saves there were.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.db import models, transaction

from taskrealtime.models import Task


def told(task: Task) -> None:
    """As any code saves: with its event, numbered and published."""
    task.save()


def plain(task: Task) -> None:
    """As Django alone saves the same row, in a transaction."""
    with transaction.atomic():
        models.Model.save(task)


WAYS: dict[str, Callable[[Any], None]] = {"told": told, "plain": plain}


def save_for(seconds: float, save: Callable[[Any], None], tasks: list[Task]) -> int:
    """Save one task after the other; how many saves there were."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        task = tasks[count % len(tasks)]
        count += 1
        task.title = f"Title {time.monotonic_ns()}"
        save(task)
    return count


def main() -> None:
    """Follow the commands of the input until it ends."""
    tasks = list(Task.objects.filter(pk__in=[int(id) for id in sys.argv[1:]]))
    print("ready", flush=True)
    for line in sys.stdin:
        way, seconds = line.split()
        print(save_for(float(seconds), WAYS[way], tasks), flush=True)


if __name__ == "__main__":
    main()
