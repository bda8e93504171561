"""The names of rooms in paths."""

from django.urls import register_converter
from django.urls.converters import StringConverter

from taskrealtime.engine.wire.catalogue import MAX_ROOM_NAME


class RoomConverter(StringConverter):
    """The name of a room."""

    regex = rf"[A-Za-z0-9_.-]{{1,{MAX_ROOM_NAME}}}"


# Here, and once: Django refuses a second one of the same name.
register_converter(RoomConverter, "room")
