"""The state of live rooms: the rows that are shown there, as the events describe them."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from taskrealtime.engine.conf.domain import domain

from . import rendering, room_names
from .kinds import LiveRooms
from .registry import Capture, registry

Records = dict[str, list[dict[str, Any]]]


def read_records(room: str) -> Records:
    """Return all records of a live room, by their model; a room of another kind has none."""
    kind = domain.kind_of(room)
    if not isinstance(kind, LiveRooms):
        return {}
    key = room_names.key_of(kind.owner, room)
    records: Records = {}
    for capture in registry.resolved.captures_of(kind.owner):
        if not capture.earlier:
            records[capture.label] = _records([capture, *capture.siblings], key)
    return records


def is_live(room: str) -> bool:
    """Return whether this is a room of a live model."""
    return isinstance(domain.kind_of(room), LiveRooms)


def _records(captures: list[Capture], key: Any) -> list[dict[str, Any]]:
    """Return the rows of one model that one of its keys brings into the room, each once."""
    capture = captures[0]
    paths = ["__".join(step.field.name for step in one.steps) or "pk" for one in captures]
    is_there = reduce(or_, (Q(**{path: key}) for path in paths))
    rows = capture.model._base_manager.filter(is_there).order_by("pk")
    when = capture.declaration.when
    return [rendering.record(capture, row) for row in rows.iterator() if when is None or when(row)]
