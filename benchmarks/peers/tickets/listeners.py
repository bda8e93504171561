"""The listener for django-pgpubsub: it sends what it gets to the queue's group."""

from dataclasses import dataclass

import pgpubsub
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from pgpubsub.channel import TriggerChannel

from .models import Ticket, payload


@dataclass
class TicketChannel(TriggerChannel):
    """Changes of tickets, which are stored until a listener has processed them."""

    model = Ticket
    lock_notifications = True


@pgpubsub.post_save_listener(TicketChannel)
def send(old, new):
    """Send a change to the queue's group."""
    message = {"type": "ticket.activity", "body": payload(new)}
    async_to_sync(get_channel_layer().group_send)(f"queue__{new.queue_id}", message)
