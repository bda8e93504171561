"""The models of the help desk: keys and columns of every kind that Django has."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class HelpDeskModel(models.Model):
    """A model of this app, also where Django does not have it among its apps yet."""

    #: Typed by hand, as the types of Django know the apps of the settings alone.
    objects: Any = models.Manager()

    class Meta:
        abstract = True
        app_label = "helpdesk"

    def __str__(self) -> str:
        return f"{self._meta.label} {self.pk}"


class Queue(HelpDeskModel):
    """Tickets that a team answers."""

    name = models.CharField(max_length=50)


class QueueMembership(HelpDeskModel):
    """A user that works on a queue."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")


class Ticket(HelpDeskModel):
    """What a customer asks for."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, null=True)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=20, default="open", db_column="the Status's")
    assigned_to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    votes = models.IntegerField(default=0)
    secret = models.TextField(default="never shown")


class Bot(Ticket):
    """The same rows, by another class."""

    class Meta:
        app_label = "helpdesk"
        proxy = True


class Incident(Ticket):
    """A ticket with columns in a table of its own."""

    severity = models.IntegerField(default=1)

    class Meta:
        app_label = "helpdesk"


class Handover(HelpDeskModel):
    """Work that goes from one queue to another, and is seen in both."""

    source = models.ForeignKey(Queue, on_delete=models.CASCADE, null=True, related_name="+")
    target = models.ForeignKey(Queue, on_delete=models.CASCADE, null=True, related_name="+")
    note = models.CharField(max_length=50, default="")


class Comment(HelpDeskModel):
    """What was said of a ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE)
    text = models.TextField()


class Customer(HelpDeskModel):
    """A person whose words others' rows hold."""

    name = models.CharField(max_length=50)


class Call(HelpDeskModel):
    """What a customer said on the telephone."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.SET_NULL, null=True)
    words = models.TextField()


class Desk(HelpDeskModel):
    """Named by a UUID."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Shelf(HelpDeskModel):
    """Named by a text."""

    code = models.CharField(max_length=20, primary_key=True)
    is_closed = models.BooleanField(default=False)


class Item(HelpDeskModel):
    """A row with a column of every type."""

    desk = models.ForeignKey(Desk, on_delete=models.CASCADE, null=True)
    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, null=True)
    uid = models.UUIDField(null=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    ratio = models.FloatField(null=True)
    opened_at = models.DateTimeField(null=True)
    due = models.DateField(null=True)
    at_time = models.TimeField(null=True)
    effort = models.DurationField(null=True)
    meta: Any = models.JSONField(null=True)
    done = models.BooleanField(null=True)
    blob = models.BinaryField(null=True)
    big = models.BigIntegerField(null=True)
    note = models.TextField(null=True)  # noqa: DJ001 -- a missing value and an empty one differ
    host = models.GenericIPAddressField(null=True)


class Sample(HelpDeskModel):
    """A row with columns that PostgreSQL alone has."""

    desk = models.ForeignKey(Desk, on_delete=models.CASCADE)
    tags = ArrayField(models.CharField(max_length=20), size=9, null=True)
    grid = ArrayField(ArrayField(models.IntegerField()), null=True)
    prices = ArrayField(models.DecimalField(max_digits=10, decimal_places=2), null=True)
    moments = ArrayField(models.DateTimeField(), null=True)
    efforts = ArrayField(models.DurationField(), null=True)
    uids = ArrayField(models.UUIDField(), null=True)
    metas = ArrayField(models.JSONField(), null=True)
    blobs = ArrayField(models.BinaryField(), null=True)

    class Meta:
        app_label = "helpdesk"
        required_db_vendor = "postgresql"


class Profile(HelpDeskModel):
    """Rows whose rooms are users'."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    motto = models.CharField(max_length=50)


class Notice(HelpDeskModel):
    """Rows with a room of their own, shown once they are published."""

    text = models.CharField(max_length=50)
    published = models.BooleanField(default=False)


class Legacy(HelpDeskModel):
    """A table of another program's."""

    queue = models.ForeignKey(Queue, on_delete=models.DO_NOTHING)
    text = models.CharField(max_length=50)

    class Meta:
        app_label = "helpdesk"
        managed = False
        db_table = "legacy rows"
