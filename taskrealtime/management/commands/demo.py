"""`manage.py demo`: users and a board to play with."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from taskrealtime.actor import acting_as
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.models import Comment, Membership, Project, Task

PASSWORD = "demo-taskrealtime"  # noqa: S105 -- public on purpose: it is printed, and refused outside of development
#: username, first name, last name, role on the demo board
PEOPLE = [
    ("alice", "Alice", "Okafor", "owner"),
    ("bob", "Bob", "Lindqvist", "member"),
    ("carol", "Carol", "Reyes", "member"),
    ("dave", "Dave", "Tanaka", "viewer"),
]
#: status, title, description, priority, assignee, due in hours
TASKS: list[tuple[str, str, str, str, str | None, int | None]] = [
    ("todo", "Write the release notes", "Three sentences per change, **newest first**.", "medium", "carol", 50),
    ("todo", "Ask beta testers about the new filters", "", "low", None, None),
    ("todo", "Rename the staging database", "Needs ten quiet minutes.", "high", "bob", 20),
    ("todo", "Collect screenshots for the press page", "", "low", "carol", 120),
    ("in_progress", "Dark theme for the e-mail templates", "Outlook is the hard one.", "medium", "carol", 30),
    ("in_progress", "Faster search on long boards", "Goal: under 50 ms with 2 000 cards.", "urgent", "alice", -3),
    ("in_progress", "Import from spreadsheets", "", "medium", "bob", 96),
    ("review", "Keyboard shortcuts for moving cards", "", "medium", "alice", 8),
    ("review", "Retry payments after a network error", "See the log of last Tuesday.", "high", "bob", 26),
    ("completed", "Sign in with a passkey", "", "high", "alice", None),
    ("completed", "Weekly backup drill", "", "medium", "bob", None),
]
#: name, colour; their ids count from 1
LABELS = [("Bug", "red"), ("Design", "purple"), ("Docs", "teal")]
#: title of a task, ids of the labels that it carries
LABELLED = {
    "Write the release notes": [3],
    "Dark theme for the e-mail templates": [2],
    "Collect screenshots for the press page": [2, 3],
    "Retry payments after a network error": [1],
}


class Command(BaseCommand):
    """Makes the demo users and their board, once; says how to sign in."""

    help = "Create demo users and a board to play with, and print the logins. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses outside of development, since the passwords are public."""
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are public: it is made with DEBUG=1 only.")
        with transaction.atomic():
            people = {name: self._person(name, first, last) for name, first, last, _ in PEOPLE}
            if not Project.objects.filter(memberships__user=people["alice"]).exists():
                with acting_as(people["alice"]):
                    self._board(people)
        self.stdout.write("Demo logins (name / password):")
        for name, *_, role in PEOPLE:
            self.stdout.write(f"  {name} / {PASSWORD}   ({role})")

    def _person(self, name: str, first: str, last: str) -> User:
        user, created = user_model.model().objects.get_or_create(
            username=name,
            defaults={
                "first_name": first,
                "last_name": last,
                "is_staff": name == "alice",
                "is_superuser": name == "alice",
            },
        )
        if created:
            user.set_password(PASSWORD)
            user.save()
        return user

    def _board(self, people: dict[str, User]) -> None:
        labels = [{"id": id, "name": name, "color": color} for id, (name, color) in enumerate(LABELS, start=1)]
        project = Project.objects.create(name="Spring release", labels=labels)
        for name, *_, role in PEOPLE:
            Membership.objects.create(project=project, user=people[name], role=role)
        for status, title, description, priority, assignee, due_in in TASKS:
            Task.objects.create(
                project=project,
                title=title,
                description=description,
                status=status,
                priority=priority,
                assignee=people[assignee] if assignee else None,
                created_by=people["alice"],
                labels=LABELLED.get(title, []),
                due_at=timezone.now() + timedelta(hours=due_in) if due_in is not None else None,
            )
        self._comment(people["bob"], "Faster search on long boards", "A trigram index brought it to 41 ms here.")
        self._comment(people["carol"], "Faster search on long boards", "Lovely! Does it survive `typos` too?")
        self._comment(people["alice"], "Keyboard shortcuts for moving cards", "Tried it on a Mac: feels right.")
        self._comment(people["carol"], "Retry payments after a network error", "@bob, the sandbox is back. @dave asks.")

    def _comment(self, author: User, title: str, content: str) -> None:
        with acting_as(author):
            Comment.objects.create(task=Task.objects.get(title=title), author=author, content=content)
