"""The kinds of the board's rooms, as the engine asks for them: one room for each project, one for each user."""

from collections.abc import Collection, Sequence

from taskrealtime import access
from taskrealtime.contract.room_names import project_of_room
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.models import Event
from taskrealtime.engine.rooms import user_rooms
from taskrealtime.engine.wire.errors import RealTimeError
from taskrealtime.models import Project

from . import redaction


class ProjectRooms:
    """`project.7`: read by the project's members."""

    name = "project"
    personal = False
    deletions: Collection[str] = redaction.DELETIONS

    def refuse_reading(self, pairs: Collection[tuple[str, UserKey]]) -> dict[tuple[str, UserKey], RealTimeError]:
        """Refuse users that are no members."""
        return access.refuse_reading(pairs)

    def redact(self, events: Sequence[Event]) -> dict[int, str]:
        """Blank the events of deleted tasks and comments."""
        return redaction.redact(events)

    def without_owner(self, rooms: Collection[str]) -> set[str]:
        """Return the rooms whose project is gone."""
        projects = {room: pk for room in rooms if (pk := project_of_room(room)) is not None}
        there = set(Project.all_objects.filter(pk__in=projects.values()).values_list("pk", flat=True))
        return {room for room, pk in projects.items() if pk not in there}


class UserRooms(user_rooms.UserRooms):
    """`user.7`: one user's notifications."""

    deletions: Collection[str] = redaction.DELETIONS

    def redact(self, events: Sequence[Event]) -> dict[int, str]:
        """Blank the events of deleted tasks and comments, and of projects that the user may no longer see."""
        return redaction.redact(events)
