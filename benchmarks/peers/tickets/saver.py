"""A process that saves tickets while a package reports each save: `python -m benchmarks.peers.tickets.saver`.

The package is named by `WAY`: none (`Django alone`), one of the peers, `taskrealtime`, or `taskrealtime, as a user`.
Reads numbers from standard input and answers each with the seconds that so many saves took, as JSON.
"""

import json
import os
import sys
import time
from contextlib import nullcontext

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.tickets.settings"
import django

django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

from benchmarks.peers.tickets.models import Queue, Ticket

IS_OURS = settings.WAY.startswith("taskrealtime")


def main():
    """Follow the commands of the input until it ends."""
    call_command("migrate", "--run-syncdb", verbosity=0)
    ticket = Ticket.objects.create(queue=Queue.objects.create(name="Support"), title="Printer")
    user = User.objects.create(username="ann")
    print("ready", flush=True)
    for line in sys.stdin:
        with acting_as(user):
            seconds = [save(ticket) for _ in range(int(line))]
        print(json.dumps(seconds), flush=True)
        tidy()


def save(ticket):
    """Save the ticket with another title; return how long that took."""
    ticket.title = f"Title {time.monotonic_ns()}"
    begun = time.perf_counter()
    ticket.save()
    return time.perf_counter() - begun


def acting_as(user):
    """Name the user who acts, if that is what is measured."""
    if settings.WAY != "taskrealtime, as a user":
        return nullcontext()
    from taskrealtime.live import live

    return live.acting_as(user)


def tidy():
    """Do what a server does beside: number the events."""
    if IS_OURS:
        from taskrealtime.engine import log

        log.sequence(log.unnumbered_rooms())


if __name__ == "__main__":
    main()
