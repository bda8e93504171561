"""The declaration for taskrealtime."""

from taskrealtime.live import live

from .models import Queue, Ticket

live(Ticket, room="queue", fields=["title", "status", "votes"])


@live.readers(Queue)
def readers(queues, users):
    """Let all users read."""
    return [(queue, user) for queue in queues for user in users]
