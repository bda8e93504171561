"""What is live of the help desk."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from taskrealtime.live import live

from .models import (
    Call,
    Comment,
    Desk,
    Handover,
    Incident,
    Item,
    Legacy,
    Notice,
    Profile,
    Queue,
    QueueMembership,
    Sample,
    Shelf,
    Ticket,
)

ITEM = ["uid", "price", "ratio", "opened_at", "due", "at_time", "effort", "meta", "done", "blob", "big", "note", "host"]
SAMPLE = ["tags", "grid", "prices", "moments", "efforts", "uids", "metas", "blobs"]

live(Ticket, room="queue", fields=["title", "status", "assigned_to", "votes"], members=QueueMembership)
live(Comment, room="ticket.queue", fields=["text"])
live(Incident, room="queue", fields=["title", "severity"])
live(Legacy, room="queue", fields=["text"])
live(Handover, room="source", fields=["note"])
live(Handover, room="target", fields=["note"])
live(Item, room="desk", fields=ITEM, may_read=lambda user, desk: True)
live(Item, room="shelf", fields=["note"], may_read=lambda user, shelf: not shelf.is_closed)
if connection.vendor == "postgresql":
    live(Sample, room="desk", fields=SAMPLE)
live(Call, room="queue", fields=["words"], subject="customer")
live(Profile, room="user", fields=["motto"], may_read=lambda user, owner: user == owner)
live(
    Notice,
    room=None,
    fields=["text"],
    when=lambda notice: notice.published,
    render=lambda notice: {"shout": notice.text.upper()},
    may_read=lambda user, notice: True,
)
DECLARED: list[Any] = [Ticket, Comment, Handover, Incident, Legacy, Item, Sample, Call, Profile, Notice]
OWNERS: list[Any] = [Queue, Desk, Shelf, get_user_model(), Notice]
