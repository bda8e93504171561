"""`manage.py trim`: removes what the log keeps no longer."""

from typing import Any

from django.core.management.base import BaseCommand

from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.db import time_limits
from taskrealtime.engine.log import trimming


class Command(BaseCommand):
    """Does at once all that the servers do bit by bit."""

    help = (
        "Removes events, idempotency keys and deleted tasks older than EVENT_RETENTION_DAYS, and blanks texts in the "
        "log that were deleted or replaced. Servers do this by themselves; running it beside them is safe."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Trim until nothing is due, and print what was done."""
        time_limits.limit_statements()
        removed = trimming.trim().removed
        others = "".join(f", {removed[what]} {what}" for what in domain.removers)
        self.stdout.write(
            f"Removed {removed['events']} events, {removed['keys']} idempotency keys{others}; "
            f"blanked {removed['deleted texts']} deleted texts and {removed['replaced texts']} replaced ones "
            "in the log."
        )
