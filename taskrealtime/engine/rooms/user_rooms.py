"""The rooms of users: every connection of a user is in the user's own."""

from collections.abc import Collection, Sequence

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import UserKey, as_text, from_text
from taskrealtime.engine.models import Event
from taskrealtime.engine.wire.errors import NotFound, RealTimeError


def user_room(user_id: UserKey) -> str:
    """Return the room of every connection of that user."""
    return f"user.{as_text(user_id)}"


def user_of_room(room: str) -> UserKey | None:
    """Return the user that a room belongs to; None: it is another kind of room."""
    kind, _, key = room.partition(".")
    return from_text(key) if kind == "user" else None


class UserRooms:
    """`user.7`: what is for one user alone. An application that puts something there redacts it."""

    name = "user"
    personal = True
    deletions: Collection[str] = ()

    def refuse_reading(self, pairs: Collection[tuple[str, UserKey]]) -> dict[tuple[str, UserKey], RealTimeError]:
        """Refuse all users but the room's own."""
        return {(room, pk): NotFound("No such room.") for room, pk in pairs if room != user_room(pk)}

    def redact(self, events: Sequence[Event]) -> dict[int, str]:
        """Blank nothing."""
        return {}

    def without_owner(self, rooms: Collection[str]) -> set[str]:
        """Return the rooms whose user is gone."""
        users = {room: pk for room in rooms if (pk := user_of_room(room)) is not None}
        there = set(user_model.users().filter(pk__in=users.values()).values_list("pk", flat=True))
        return {room for room, pk in users.items() if pk not in there}
