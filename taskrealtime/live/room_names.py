"""The names of live rooms: `helpdesk.queue.7`, the room of the queue with the key 7.

A name is that of a group on the channel layer: `[A-Za-z0-9_.-]`, and under 100 characters. The triggers spell keys
in the same way (`triggers.key_sql`).
"""

import re
from typing import Any

from django.db.models import CharField, Field, IntegerField, SlugField, UUIDField

#: Characters of the longest name.
MAX_NAME = 99
#: Keys that stand in a name as they are; any other stands there as a dot and the hexadecimal digits of its UTF-8.
PLAIN = re.compile(r"[A-Za-z0-9_-]+")
#: What integer columns hold.
_INTEGERS = range(-(2**63), 2**63)


def prefix_of(model: type[Any]) -> str:
    """Return what the names of a model's rooms begin with, before the key."""
    return str(model._meta.label_lower)


def key_field(model: type[Any]) -> "Field[Any, Any]":
    """Return the field that holds a model's key: that of the parent where the model's own is a link to it."""
    field = model._meta.pk
    while field.remote_field is not None:
        field = field.target_field
    return field


def is_supported(field: "Field[Any, Any]") -> bool:
    """Return whether keys of this field can stand in names."""
    return isinstance(field, IntegerField | UUIDField | CharField)


def longest_name(model: type[Any]) -> int:
    """Return how long a name of a model's room may become; a text of ASCII at least fits then."""
    field: Any = key_field(model)
    if isinstance(field, UUIDField):
        key = 36
    elif isinstance(field, IntegerField):
        key = 20
    elif isinstance(field, SlugField) and not getattr(field, "allow_unicode", False):
        key = field.max_length or MAX_NAME
    else:
        key = 1 + 2 * (field.max_length or MAX_NAME)
    return len(prefix_of(model)) + 1 + key


def encode_key(value: Any) -> str:
    """Return a key as it stands in a name."""
    text = str(value)
    return text if PLAIN.fullmatch(text) else "." + text.encode().hex()


def room_name(model: type[Any], key: Any) -> str:
    """Return the name of the room of the row with this key.

    Raises:
        ValueError: it would be too long.
    """
    name = f"{prefix_of(model)}.{encode_key(key)}"
    if len(name) > MAX_NAME:
        raise ValueError(f"The name of this room would have more than {MAX_NAME} characters: {name}")
    return name


def key_of(model: type[Any], room: str) -> Any:
    """Return the key of the row whose room this is; None: it is no name of a room of this model."""
    prefix = f"{prefix_of(model)}."
    encoded = room.removeprefix(prefix)
    if encoded == room or len(room) > MAX_NAME:
        return None
    try:
        text = bytes.fromhex(encoded[1:]).decode() if encoded.startswith(".") else encoded
        key = key_field(model).to_python(text)
    except Exception:  # whatever the field raises: it is a text that a client sent
        return None
    if isinstance(key, int) and key not in _INTEGERS:
        return None
    # One room has one name: `7`, not `007`.
    return key if encode_key(key) == encoded and "\0" not in text else None
