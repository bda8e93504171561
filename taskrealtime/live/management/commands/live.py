"""`manage.py live`: shows what is live, and installs or removes the triggers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from taskrealtime.live import checks, installing, room_names
from taskrealtime.live.registry import Rule, registry


class Command(BaseCommand):
    """Shows models, rooms, rules and triggers."""

    help = "Shows the live models with their rooms and readers, and whether the triggers are installed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what may be done beside showing."""
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--install", action="store_true", help="bring the triggers up to date, as migrate does")
        group.add_argument("--remove", action="store_true", help="remove all triggers; the log keeps its events")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for, and show what there is.

        Raises:
            CommandError: something is wrong.
        """
        if not installing.is_possible():
            raise CommandError("The database lacks the tables of taskrealtime.live: run manage.py migrate.")
        if options["remove"]:
            self.stdout.write(f"Removed {len(installing.remove())} triggers.")
            return
        if options["install"]:
            installing.install()
        self._show()
        wrong = [problem.message for problem in registry.resolved.problems]
        wrong += [sentence for sentence, _ in checks.problems()]
        if wrong:
            raise CommandError("\n".join(wrong))
        self.stdout.write(f"{len(installing.installed())} triggers are installed, all as declared.")

    def _show(self) -> None:
        for capture in registry.resolved.captures:
            fields = ", ".join(capture.declaration.fields)
            room = f"{room_names.prefix_of(capture.owner)}.<key>"
            readers = _described(registry.resolved.rules.get(capture.owner))
            self.stdout.write(f"{capture.label} ({fields}) in {room}, read by {readers}")


def _described(rule: Rule | None) -> str:
    if rule is None:
        return "no user: no rule is declared"
    if rule.members:
        return f"the members in {rule.members.model._meta.label}"
    function: Any = rule.may_read or rule.readers
    return f"the users that {function.__module__}.{function.__qualname__} allows"
