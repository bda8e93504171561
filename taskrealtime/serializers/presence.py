"""The wire format of presence in a project, of a task's viewers, and of typing."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from taskrealtime.contract.events import (
    TaskViewers,
    TypedField,
    UserObject,
    UserPresence,
    UsersPresence,
    UserTypingStatus,
)
from taskrealtime.contract.room_names import project_of_room
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.presence.attendance import Status
from taskrealtime.engine.wire.protocol import encode


class PresenceFrames:
    """The engine's `domain.PresenceEncoder`: rooms are projects, places are tasks."""

    def people(self, room: str, changes: list[tuple[UserKey, Status | None, float]]) -> str:
        """Encode `user_presence`, of one user or gathered."""
        users = [
            UserPresence(
                project_id=_project_of(room),
                user_id=user_id,
                status=status or "offline",
                last_seen_at=datetime.fromtimestamp(seen_at, UTC),
            )
            for user_id, status, seen_at in changes
        ]
        data = users[0] if len(users) == 1 else UsersPresence(project_id=_project_of(room), users=users)
        return encode("user_presence", data, room=room)

    def viewers(self, room: str, place: int, users: list[UserKey]) -> str:
        """Encode `task_viewers`."""
        return encode("task_viewers", TaskViewers(_project_of(room), task_id=place, user_ids=users), room=room)

    def typing(self, room: str, place: int, user: dict[str, Any], is_typing: bool, subject: str) -> str:
        """Encode `user_typing_status`."""
        who = msgspec.convert(user, UserObject)
        field = msgspec.convert(subject, TypedField) if subject else msgspec.UNSET
        data = UserTypingStatus(_project_of(room), task_id=place, user=who, is_typing=is_typing, field=field)
        return encode("user_typing_status", data, room=room)


def _project_of(room: str) -> int:
    project_id = project_of_room(room)
    assert project_id is not None, "only projects have people"
    return project_id
