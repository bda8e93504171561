"""Queues of tickets, the users that work on them, and notes. Nothing here knows that pages are live."""

from django.conf import settings
from django.db import models
from django.urls import reverse


class Queue(models.Model):
    """Tickets that a team answers."""

    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the page with the queue's tickets."""
        return reverse("queue", args=[self.pk])


class Membership(models.Model):
    """A user that works on a queue."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "user"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.user} in {self.queue}"


class Ticket(models.Model):
    """What a customer asks for."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        WAITING = "waiting", "Waiting"
        SOLVED = "solved", "Solved"

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="tickets")
    title = models.CharField(max_length=120)
    customer = models.CharField(max_length=80)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the ticket's page."""
        return reverse("ticket", args=[self.pk])


class Note(models.Model):
    """What was done about a ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.TextField(max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.text[:50]
