"""Writes static/js/client/wire.d.ts: the types of all that the scripts and the server say to each other.

    wire_types.py           writes the file
    wire_types.py --check   fails where the file is out of date

They come from the AsyncAPI document, for what goes over the socket, and from the OpenAPI document, for the bodies of
HTTP. `make js-build` and `make js` call it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "static/js/client/wire.d.ts"

Schema = dict[str, Any]

HEAD = '// Generated from the AsyncAPI and OpenAPI documents by "make js-build": change the catalogue, not this file.\n'

#: What the documents describe as an event with any data; here each event has its own.
FRAMES = """\
type Framed<Events, Envelope> = {
  [Name in keyof Events]: { event: Name; data: Events[Name] } & Envelope;
}[keyof Events];

/** An event of a room's log. */
export type LoggedFrame = Framed<LoggedEvents, { room: string; seq: number; at: string }>;

/** One of the own notifications: an event of the user room, and whether it was read. */
export type NotificationFrame = LoggedFrame & { read: boolean };
"""
WRITTEN_BY_HAND = {"LoggedFrame", "NotificationFrame"}

#: The groups of messages, each a type that says by name which data an event has.
GROUPS = {
    "LoggedEvents": "Events of the logs of projects and users, by name.",
    "EphemeralEvents": "Events that are never replayed, by name.",
    "ConnectionEvents": "What is said to one connection, by the event's name.",
    "ClientEvents": "What a client may send, by the event's name.",
    "Answers": "The data of the `ack` that answers what a client sent, by the event's name.",
}


def write(socket: Schema, http: Schema) -> str:
    """Return the text of the file for an AsyncAPI and an OpenAPI document."""
    schemas = {**http["components"]["schemas"], **socket["components"]["schemas"]}
    wanted = {name: schema for name, schema in sorted(schemas.items()) if name not in WRITTEN_BY_HAND}
    enumerations: dict[str, str] = {}
    _find_enumerations(wanted, enumerations)
    parts = [HEAD]
    parts += [f"export type {name} = {values};\n" for name, values in sorted(enumerations.items())]
    parts += [_declare(name, schema, enumerations) for name, schema in wanted.items()]
    parts += _groups(socket["components"]["messages"])
    return "\n".join([*parts, FRAMES])


def _find_enumerations(schema: Any, found: dict[str, str]) -> None:
    """Collect the lists of values that have a name."""
    if isinstance(schema, list):
        for item in schema:
            _find_enumerations(item, found)
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list) and isinstance(schema.get("title"), str):
            found[schema["title"]] = _union(json.dumps(value) for value in schema["enum"] if value is not None)
        for item in schema.values():
            _find_enumerations(item, found)


def _groups(messages: dict[str, Schema]) -> list[str]:
    groups: dict[str, list[str]] = {name: [] for name in GROUPS}
    for name, message in messages.items():
        direction, _, event = name.rpartition(".")
        data = message["payload"]["properties"]["data"]
        groups[_group_of(direction, message["payload"]["properties"])].append(f"  {event}: {_type(data, {})};\n")
    return [
        f"/** {GROUPS[name]} */\nexport interface {name} {{\n{''.join(lines)}}}\n" for name, lines in groups.items()
    ]


def _group_of(direction: str, envelope: Schema) -> str:
    if direction:
        return {"client": "ClientEvents", "ack": "Answers"}[direction]
    if "room" not in envelope:
        return "ConnectionEvents"
    return "LoggedEvents" if "seq" in envelope else "EphemeralEvents"


def _declare(name: str, schema: Schema, enumerations: dict[str, str]) -> str:
    comment = _comment(schema, "")
    if "properties" not in schema:
        return f"{comment}export type {name} = {_type(schema, enumerations)};\n"
    required = schema.get("required", [])
    lines = [
        f"{_comment(field, '  ')}  {key}{'' if key in required else '?'}: {_type(field, enumerations)};\n"
        for key, field in schema["properties"].items()
    ]
    return f"{comment}export interface {name} {{\n{''.join(lines)}}}\n"


def _comment(schema: Schema, indent: str) -> str:
    text = " ".join(str(schema.get("description", "")).split())
    return f"{indent}/** {text} */\n" if text else ""


def _type(schema: Schema, enumerations: dict[str, str]) -> str:
    """Return a schema as an expression of TypeScript."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for combination in ("anyOf", "oneOf"):
        if combination in schema:
            return _union(_type(item, enumerations) for item in schema[combination])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return _enumeration(schema, enumerations)
    if isinstance(schema.get("type"), list):
        return _union(_type({**schema, "type": one}, enumerations) for one in schema["type"])
    return _plain(schema, enumerations)


def _enumeration(schema: Schema, enumerations: dict[str, str]) -> str:
    values = _union(json.dumps(value) for value in schema["enum"] if value is not None)
    name = schema.get("title", "")
    known = name if enumerations.get(name) == values else values
    return f"{known} | null" if None in schema["enum"] else known


def _plain(schema: Schema, enumerations: dict[str, str]) -> str:
    match schema.get("type"):
        case "integer" | "number":
            return "number"
        case "string" | "boolean" | "null" as name:
            return str(name)
        case "array":
            item = _type(schema.get("items", {}), enumerations)
            return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
        case "object":
            key = _type(schema.get("propertyNames", {"type": "string"}), enumerations)
            values = schema.get("additionalProperties", {})
            return f"Record<{key}, {_type(values if isinstance(values, dict) else {}, enumerations)}>"
        case _:
            return "unknown"


def _union(types: Any) -> str:
    return " | ".join(dict.fromkeys(types))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    sys.path.insert(0, str(ROOT))
    django.setup()
    # Only now: the catalogue needs Django.
    from taskrealtime.api import asyncapi, documents

    socket = asyncapi.make_document(host="localhost", secure=True)
    text = write(socket, documents.openapi())
    if sys.argv[1:] != ["--check"]:
        TARGET.write_text(text)
    elif not TARGET.exists() or TARGET.read_text() != text:
        raise SystemExit(f"{TARGET.relative_to(ROOT)} is out of date: run 'make js-build'.")


if __name__ == "__main__":
    main()
