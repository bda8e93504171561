"""The names of the board's rooms: one for each project, one for each user."""

from taskrealtime.engine.conf.user_model import UserKey, as_text, from_text

#: Characters of the longest name of a room of whatever kind: that of a group on the channel layer.
MAX_ROOM_NAME = 99


def project_room(project_id: int) -> str:
    """Return the room of all clients that joined that project."""
    return f"project.{project_id}"


def project_of_room(room: str) -> int | None:
    """Return the project that a room belongs to; None: it is a user's."""
    kind, _, number = room.partition(".")
    return int(number) if kind == "project" and number.isdecimal() else None


def user_of_room(room: str) -> UserKey | None:
    """Return the user that a room belongs to; None: it is a project's."""
    kind, _, key = room.partition(".")
    return from_text(key) if kind == "user" else None


def user_room(user_id: UserKey) -> str:
    """Return the room of every connection of that user."""
    return f"user.{as_text(user_id)}"
