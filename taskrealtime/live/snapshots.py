"""The state of live rooms: the rows that are shown there, as the events describe them."""

from typing import Any

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
    captures = registry.resolved.captures_of(kind.owner)
    return {capture.label: _records(capture, key) for capture in captures}


def is_live(room: str) -> bool:
    """Return whether this is a room of a live model."""
    return isinstance(domain.kind_of(room), LiveRooms)


def _records(capture: Capture, key: Any) -> list[dict[str, Any]]:
    path = "__".join(step.field.name for step in capture.steps) or "pk"
    rows = capture.model._base_manager.filter(**{path: key}).order_by("pk")
    when = capture.declaration.when
    return [rendering.record(capture, row) for row in rows.iterator() if when is None or when(row)]
