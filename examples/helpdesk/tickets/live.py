"""What is live: two rooms, that of a queue and that of a ticket, and who may read them."""

from taskrealtime.live import live

from .models import Membership, Note, Ticket

SHOWN = ["title", "customer", "status", "assigned_to"]

# The room of a queue, tickets.queue.1: its tickets. Its members may read it.
live(Ticket, room="queue", fields=SHOWN, members=Membership)

# The room of a ticket, tickets.ticket.7: the ticket itself, and its notes.
live(Ticket, room=None, fields=SHOWN)
live(Note, room="ticket", fields=["author", "text"])


@live.readers(Ticket)
def readers(tickets, users):
    """Return who may read which ticket: the members of its queue."""
    found = Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets], queue__memberships__user__in=users)
    return found.values_list("pk", "queue__memberships__user")
