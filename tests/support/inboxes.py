"""What a user was notified of: the events of their room as they stand in the log, numbered or not."""

import json
from typing import Any

from django.contrib.auth.models import User

from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.models import Event


class Inbox:
    """Collects the notifications of one user from now on."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.room = user_room(user.pk)
        self._last = self._events().count()

    def _events(self) -> Any:
        return Event.objects.filter(room=self.room).order_by("id")

    def new(self) -> list[dict[str, Any]]:
        """The data of the notifications since the last call, each with its `event`."""
        events = list(self._events()[self._last :])
        self._last += len(events)
        return [{"event": event.type, **json.loads(event.data)} for event in events]

    def kinds(self) -> list[str]:
        """The notifications since the last call: names, of comments the reasons, of reminders the kinds."""
        return [one.get("reason") or one.get("kind") or one["event"] for one in self.new()]

    def replayed(self) -> list[dict[str, Any]]:
        """The data of everything as a replay shows it now."""
        frames = [json.loads(event.frame) for event in log.read(self.room, since=0, limit=1000)]
        return [{"event": frame["event"], "seq": frame["seq"], **frame["data"]} for frame in frames]
