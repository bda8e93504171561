"""The model, and what the package in `WAY` wants beside it."""

from django.conf import settings
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver


class Queue(models.Model):
    """Tickets that belong together."""

    name = models.CharField(max_length=50)


class Ticket(models.Model):
    """What is saved."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=20, default="open")
    votes = models.IntegerField(default=0)
    text = models.TextField(default="x" * 200)


def payload(ticket):
    """What is reported of a ticket, by all alike."""
    return {"id": ticket.pk, "title": ticket.title, "status": ticket.status, "votes": ticket.votes}


if settings.WAY == "django-eventstream":
    from django_eventstream import send_event

    @receiver(post_save, sender=Ticket)
    def send(instance, **kwargs):
        """Send the event to the queue's channel."""
        send_event(f"queue-{instance.queue_id}", "message", payload(instance))


if settings.WAY == "djangochannelsrestframework":
    from djangochannelsrestframework.generics import GenericAsyncAPIConsumer
    from djangochannelsrestframework.observer import model_observer

    class TicketConsumer(GenericAsyncAPIConsumer):
        """The consumer that observes tickets by their queue."""

        queryset = Ticket.objects.all()

        @model_observer(Ticket)
        async def ticket_activity(self, message, observer=None, **kwargs):
            """Pass a change on."""
            await self.send_json(message)

        @ticket_activity.groups_for_signal
        def ticket_activity(self, instance, **kwargs):
            """Name the group of the ticket's queue."""
            yield f"queue__{instance.queue_id}"

        @ticket_activity.serializer
        def ticket_activity(self, instance, action, **kwargs):
            """Return what is sent."""
            return payload(instance)
