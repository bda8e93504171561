"""What a project says to live rooms by itself, or leaves unsaid."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import Max, Model

from taskrealtime.engine import log
from taskrealtime.engine.conf.domain import Rendered, domain
from taskrealtime.engine.db.clock import database_time
from taskrealtime.engine.log import NewEvent
from taskrealtime.engine.log.rows import insert_rows
from taskrealtime.engine.models import Event

from . import installing, room_names, writing
from .registry import registry
from .rendering import wire_value

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: What begins the names of events that are about rows.
_OF_ROWS = "record_"


def tell(room: str | Model, event: str, data: dict[str, Any]) -> None:
    """Append an event of the project's own to a live room, in the open transaction.

    Args:
        room: its name, or the row whose room it is.
        event: its name, such as `deployed`.
        data: what it says; `by` is added.

    Raises:
        ValueError: there can be no such event, or no such room.
        django.db.transaction.TransactionManagementError: outside of a transaction.
    """
    name = room if isinstance(room, str) else _room_of(room)
    if not _TYPE.fullmatch(event) or event.startswith(_OF_ROWS):
        raise ValueError(f"{event!r} cannot be the name of an event.")
    if not domain.is_captured(name):
        raise ValueError(f"{name} is no room of a live model.")
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An event belongs into a transaction.")
    text = msgspec.json.encode(wire_value(data) | {"by": writing.actor()}).decode()
    # At once, and not at the end as `log.append` does: in its order among the rows that are captured.
    insert_rows([(NewEvent(name, event, text, database_time()), None)])
    writing.note(connection)


def _room_of(row: Model) -> str:
    model: Any = type(row)._meta.concrete_model
    return room_names.room_name(model, row.pk)


@contextmanager
def silently(*models: type[Model]) -> Iterator[None]:
    """Capture nothing of what is written to these live models inside, in one transaction; none named: to all.

    For changes of very many rows: at the end their rooms are reset, and all clients take a new snapshot.
    """
    named = [model._meta.concrete_model for model in models]
    captures = [one for one in registry.resolved.captures if not named or one.model in named]
    labels = "," + ",".join(sorted({capture.label for capture in captures})) + ","
    with transaction.atomic():
        with writing.silent(connection, labels):
            yield
        installing.reset({room_names.prefix_of(capture.owner) for capture in captures})
        writing.note(connection)


@contextmanager
def captured() -> Iterator[list[dict[str, Any]]]:
    """Collect the events that are appended to live rooms inside, also without a commit, as in Django's `TestCase`.

    with live.captured() as events:
        ticket.save()
    assert events[0]["event"] == "record_updated"
    """
    events: list[dict[str, Any]] = []
    last = Event.objects.aggregate(last=Max("pk"))["last"] or 0
    yield events
    rows = [row for row in Event.objects.filter(pk__gt=last).order_by("pk") if domain.is_captured(row.room)]
    rendered = domain.render([row for row in rows if row.type == log.CAPTURED])
    for row in rows:
        shown = rendered.get(row.pk, Rendered(row.type, row.data))
        if shown is not None:
            events.append({"event": shown.type, "room": row.room, "data": json.loads(shown.data)})
