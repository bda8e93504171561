"""`manage.py renew_epoch`: a new life of the log, after a backup was restored."""

from typing import Any

from django.core.management.base import BaseCommand

from taskrealtime.engine import log


class Command(BaseCommand):
    """Run it after restoring a backup, before the servers start, or while they run."""

    help = (
        "Gives the event log a new epoch, so that all clients fetch their state anew. Run it after a backup was "
        "restored: the log then gives the same numbers to other events."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Renew it, and print the old and the new one."""
        before = log.epoch()
        after = log.renew_epoch()
        self.stdout.write(
            f"The log's epoch was {before} and is {after} now. Running servers close all connections with their next "
            "sweep; every client comes back and fetches its state anew."
        )
