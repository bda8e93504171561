"""`manage.py remind`: reminds users of tasks that are due soon or overdue."""

import logging
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from taskrealtime import reminders
from taskrealtime.engine.conf import settings
from taskrealtime.engine.db import time_limits

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Reminds once, for cron, or again and again until SIGTERM or SIGINT."""

    help = (
        "Sends reminders of tasks that are due soon or overdue to their assignees (or creators), each reminder once. "
        "Run it by cron, or with --loop as a process of its own; several at once are safe."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option to remind until a signal."""
        parser.add_argument("--loop", action="store_true", help="repeat every REMIND_INTERVAL until SIGTERM or Ctrl-C")
        parser.add_argument("--lifeline", type=int, metavar="N", help="exit when the other end of this pipe is closed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remind, and print how many reminders were sent."""
        time_limits.limit_statements()
        if not options["loop"]:
            self.stdout.write(f"Sent {reminders.remind()} reminders.")
            return
        with _ending(options["lifeline"]) as ends:
            while not _wait(ends, _remind_once()):
                pass


def _remind_once() -> float:
    """Run one round; return the pause until the next, seconds. A failure is logged, and tried again later."""
    close_old_connections()
    try:
        reminders.remind()
    except Exception as error:
        logger.warning("Reminders: a round failed (%s: %s); the next one tries again.", type(error).__name__, error)
    finally:
        close_old_connections()
    return settings.REMIND_INTERVAL


@contextmanager
def _ending(lifeline: int | None) -> Iterator[list[int]]:
    """Return file descriptors; one becomes readable when it is time to end. A round is never interrupted."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    before = signal.set_wakeup_fd(writable)
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield [readable] if lifeline is None else [readable, lifeline]
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(readable)
        os.close(writable)


def _wait(ends: list[int], seconds: float) -> bool:
    """Return whether it is time to end, at the latest after this pause."""
    return bool(select.select(ends, [], [], seconds)[0])
