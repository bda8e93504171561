"""The names of the board's rooms: one for each project, one for each user."""

from taskrealtime.engine.rooms.user_rooms import user_of_room as user_of_room
from taskrealtime.engine.rooms.user_rooms import user_room as user_room


def project_room(project_id: int) -> str:
    """Return the room of all clients that joined that project."""
    return f"project.{project_id}"


def project_of_room(room: str) -> int | None:
    """Return the project that a room belongs to; None: it is a user's."""
    kind, _, number = room.partition(".")
    return int(number) if kind == "project" and number.isdecimal() else None
