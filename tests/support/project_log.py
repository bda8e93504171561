"""The events of a project as they are in the log, numbered or not."""

import json
from typing import Any

from taskrealtime.engine.models import Event
from taskrealtime.models import Project


class ProjectLog:
    """Collects the events of a project from now on."""

    def __init__(self, project: Project) -> None:
        self._room = project.room
        self._last = self._events().count()

    def _events(self) -> Any:
        return Event.objects.filter(room=self._room).order_by("id")

    def data(self) -> list[dict[str, Any]]:
        """The data of the events since the last call, each with its `event`."""
        events = list(self._events()[self._last :])
        self._last += len(events)
        return [{"event": event.type, **json.loads(event.data)} for event in events]

    def names(self) -> list[str]:
        """The names of the events since the last call."""
        return [data["event"] for data in self.data()]
