"""Makes events of captured rows, by the fields of Django: the same JSON whatever the database is."""

import base64
import datetime
import decimal
import json
import logging
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Field, JSONField, Model
from django.utils.dateparse import parse_duration

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.domain import Rendered
from taskrealtime.engine.log import CAPTURED
from taskrealtime.engine.models import Event
from taskrealtime.engine.wire.frames import wire_time
from taskrealtime.engine.wire.protocol import MAX_FRAME

from . import room_names
from .registry import Capture, Column, element_type, registry

logger = logging.getLogger(__name__)

#: Bytes of an event's data; a longer one is cut to the ids.
MAX_DATA = MAX_FRAME

Record = dict[str, Any]


def render(rows: Sequence[Event]) -> dict[int, Rendered | None]:
    """Return the event that each captured row becomes, by its id; None: it is no event of its room."""
    captures = {capture.name: capture for capture in registry.resolved.captures}
    return {row.id: _render(row, captures) for row in rows}


def _render(row: Event, captures: dict[str, Capture]) -> Rendered | None:
    raw = json.loads(row.data, parse_float=decimal.Decimal)
    by = json.loads(raw["by"]) if raw["by"] else None
    if raw["op"] == "evict":
        user = user_model.parse_key(raw["id"])
        return _encode("reader_removed", {"user_id": None if user is None else user_model.on_wire(user), "by": by})
    capture = captures.get(raw["of"])
    if capture is None:
        return None  # no longer declared
    try:
        return _render_change(capture, raw, by)
    except Exception:
        # A function of the project's, or a value that Django does not read: the client fetches the row.
        logger.exception("A change of %s could not be rendered.", capture.label)
        ids = {"model": capture.label, "id": raw["id"], "truncated": True, "by": by}
        return _encode(_TYPES[raw["op"]], ids)


#: What an operation becomes that could not be rendered.
_TYPES = {
    "insert": "record_created",
    "enter": "record_created",
    "update": "record_updated",
    "delete": "record_deleted",
    "leave": "record_deleted",
}


def _render_change(capture: Capture, raw: dict[str, Any], by: Any) -> Rendered | None:
    old, new = (_instance(capture, raw.get(name), raw["id"]) for name in ("old", "new"))
    ids = {"model": capture.label, "id": wire_value(_key(capture, raw["id"]))}
    was, is_now = _is_shown(capture, old), _is_shown(capture, new)
    if raw["op"] in {"delete", "leave"}:
        if capture.declaration.when is not None and not was:
            return None
        return _encode("record_deleted", ids | {"moved": raw["op"] == "leave", "by": by})
    if not is_now:
        # It has left those that `when` shows, or was none of them.
        return _encode("record_deleted", ids | {"moved": True, "by": by}) if was else None
    assert new is not None
    if not was:
        return _bounded("record_created", ids, {"record": record(capture, new)}, by)
    assert old is not None
    before, after = record(capture, old), record(capture, new)
    changes = {name: value for name, value in after.items() if name not in before or before[name] != value}
    previous = {name: before.get(name) for name in changes}
    if not changes:
        return None
    return _bounded("record_updated", ids, {"changes": changes, "previous": previous}, by)


def _is_shown(capture: Capture, instance: Model | None) -> bool:
    when = capture.declaration.when
    return instance is not None and (when is None or bool(when(instance)))


def _bounded(type: str, ids: Record, content: Record, by: Any) -> Rendered:
    rendered = _encode(type, ids | content | {"by": by})
    if len(rendered.data.encode()) <= MAX_DATA:
        return rendered
    return _encode(type, ids | {"truncated": True, "by": by})


def _encode(type: str, data: Record) -> Rendered:
    return Rendered(type, msgspec.json.encode(data).decode())


def blanked(row: Event) -> str:
    """Return the data of an event, or of a captured row, without what a deleted row held."""
    data = msgspec.json.decode(row.data)
    for name in ("record", "changes", "previous", "new", "old"):
        if name in data:
            data[name] = {}
    if row.type != CAPTURED:
        data["redacted"] = True
    return msgspec.json.encode(data).decode()


# --- Rows ------------------------------------------------------------------------------------


def record(capture: Capture, instance: Model) -> Record:
    """Return what is shown of a row."""
    if render := capture.declaration.render:
        return {"id": wire_value(instance.pk)} | {name: wire_value(value) for name, value in render(instance).items()}
    shown = capture.columns[: len(dict.fromkeys(capture.declaration.fields))]
    return {"id": wire_value(instance.pk)} | {
        column.name: wire_value(getattr(instance, column.field.attname), column.field) for column in shown
    }


def _instance(capture: Capture, raw: Record | None, key: Any) -> Model | None:
    """Return a row as it was captured; what was not captured is read when it is asked for."""
    if raw is None:
        return None
    pk = capture.model._meta.pk
    names, values = [pk.attname], [_key(capture, key)]
    for column in capture.columns:
        if column.name in raw and column.field.attname not in names:
            names.append(column.field.attname)
            values.append(_value(column, raw[column.name]))
    by_name = dict(zip(names, values, strict=True))
    # In the order of the model's fields, as `from_db` takes them; the keys of parents are the same key.
    for link in capture.model._meta.concrete_fields:
        if link.primary_key or (link.model is not capture.model and link.attname == link.model._meta.pk.attname):
            by_name.setdefault(link.attname, by_name[pk.attname])
    ordered = [field.attname for field in capture.model._meta.concrete_fields if field.attname in by_name]
    return capture.model.from_db(connection.alias, ordered, [by_name[name] for name in ordered])


def _key(capture: Capture, raw: Any) -> Any:
    return _python_value(room_names.key_field(capture.model), raw)


def _value(column: Column, raw: Any) -> Any:
    return _python_value(column.field, raw)


def _python_value(field: "Field[Any, Any]", raw: Any) -> Any:
    """Return a captured value as Django reads it from the database."""
    if raw is None:
        return None
    driver = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    target: Any = field
    while target.remote_field is not None and hasattr(target, "target_field"):
        target = target.target_field
    value = _driver_value(driver, (target.db_type(connection) or "").lower(), raw)
    expression: Any = field.get_col(field.model._meta.db_table)
    for convert in [*connection.ops.get_db_converters(expression), *field.get_db_converters(connection)]:
        value = convert(value, expression, connection)
    return value


def _driver_value(driver: dict[str, Any], type: str, raw: Any) -> Any:
    """Return what the database's driver would have returned."""
    if raw is None:
        return None
    if element := element_type(type):
        # Of an array of arrays, too, JSON says where each begins.
        return [_driver_value(driver, type if isinstance(one, list) else element, one) for one in raw]
    name = type.partition("(")[0].strip()
    for known, convert in driver.items():
        if name == known or name.startswith(f"{known} "):
            return convert(raw)
    return float(raw) if isinstance(raw, decimal.Decimal) else raw


def _duration(raw: str) -> datetime.timedelta:
    """Return a duration: of a column its seconds were captured, of an array the text that PostgreSQL makes of it."""
    try:
        return datetime.timedelta(microseconds=int(decimal.Decimal(raw) * 1_000_000))
    except decimal.InvalidOperation:
        parsed = parse_duration(raw)
    if parsed is None:
        raise ValueError(f"{raw!r} is no duration.")
    return parsed


def _bytes(raw: str) -> bytes:
    return bytes.fromhex(raw.removeprefix("\\x"))


def _moment(raw: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(raw)


_POSTGRESQL = {
    "timestamp": _moment,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "interval": _duration,
    "numeric": lambda raw: decimal.Decimal(str(raw)),
    "double precision": float,
    "real": float,
    "uuid": uuid.UUID,
    "bytea": _bytes,
}
_SQLITE = {
    "decimal": lambda raw: float(raw) if isinstance(raw, str) else raw,
    "real": float,
    "blob": bytes.fromhex,
}


# --- Values on the wire ----------------------------------------------------------------------


def wire_value(value: Any, field: "Field[Any, Any] | None" = None) -> Any:
    """Return a value as JSON has it: texts and numbers as they are, times in ISO 8601, all else as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(field, JSONField):
        return json.loads(json.dumps(value, cls=field.encoder))
    match value:
        case float():
            return value if value - value == 0 else None  # JSON has no infinity
        case datetime.datetime():
            return wire_time(value) if value.tzinfo else value.isoformat()
        case datetime.date() | datetime.time():
            return value.isoformat()
        case bytes() | memoryview():
            return base64.b64encode(value).decode()
        case list() | tuple() | set():
            return [wire_value(one) for one in value]
        case dict():
            return {str(name): wire_value(one) for name, one in value.items()}
        case datetime.timedelta():
            return msgspec.to_builtins(value)
        case Model():
            return wire_value(value.pk)
        case _:
            return str(value)
