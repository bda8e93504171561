"""`manage.py demo`: two users, two queues and some tickets."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from tickets.models import Membership, Note, Queue, Ticket

PASSWORD = "demo-helpdesk"  # noqa: S105 -- public on purpose, and refused outside of development
USERS = [("ann", "Ann", "Okafor"), ("bob", "Bob", "Lindqvist")]
TICKETS = {
    "Support": [
        ("Printer on floor 3 prints blank pages", "Accounting", "open", "ann"),
        ("Cannot sign in after the holidays", "Mara Stein", "open", None),
        ("Invoice 2041 shows the wrong address", "Kiosk North", "waiting", "bob"),
        ("New laptop for an intern, from Monday", "People team", "open", None),
        ("Calendar is two hours ahead", "Jonas Weber", "solved", "ann"),
    ],
    "Building": [
        ("Heating in room 204 stays cold", "Design", "open", "bob"),
        ("Bicycle shelter: the light flickers", "Reception", "waiting", None),
    ],
}
NOTES = [
    ("ann", "Cartridge replaced; the test page is still blank."),
    ("bob", "The driver was updated last night. Rolling it back now."),
]


class Command(BaseCommand):
    """Makes the demo data, once; says how to sign in."""

    help = "Create two users, two queues and some tickets, and print the logins. Safe to run again."

    def add_arguments(self, parser: Any) -> None:
        """Add what is printed as the address."""
        parser.add_argument("--url", default="http://localhost:8000/")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse outside of development, since the password is public."""
        if not settings.DEBUG:
            raise CommandError("The demo's password is public: it is made with DEBUG alone.")
        with transaction.atomic():
            if not Queue.objects.exists():
                self._make()
        self.stdout.write(f"Help desk at {options['url']}: sign in as ann or bob, with the password {PASSWORD}")

    def _make(self) -> None:
        users = {name: self._user(name, first, last) for name, first, last in USERS}
        for name, tickets in TICKETS.items():
            queue = Queue.objects.create(name=name)
            Membership.objects.bulk_create(Membership(queue=queue, user=user) for user in users.values())
            for title, customer, status, assigned_to in reversed(tickets):
                who = users.get(assigned_to)
                Ticket.objects.create(queue=queue, title=title, customer=customer, status=status, assigned_to=who)
        first = Ticket.objects.get(title=TICKETS["Support"][0][0])
        for author, text in NOTES:
            Note.objects.create(ticket=first, author=users[author], text=text)

    def _user(self, name: str, first: str, last: str) -> Any:
        return get_user_model().objects.create_user(name, password=PASSWORD, first_name=first, last_name=last)
