"""What was told: the events of a project as they stand in the log, numbered or not."""

import json
from typing import Any

from taskrealtime.engine.models import Event
from taskrealtime.models import Project


class Ear:
    """Hears what is told of a project from now on."""

    def __init__(self, project: Project) -> None:
        self._room = project.room
        self._last = self._events().count()

    def _events(self) -> Any:
        return Event.objects.filter(room=self._room).order_by("id")

    def data(self) -> list[dict[str, Any]]:
        """The data of what was told since the last look, each with its `event`."""
        events = list(self._events()[self._last :])
        self._last += len(events)
        return [{"event": event.type, **json.loads(event.data)} for event in events]

    def names(self) -> list[str]:
        """The names of what was told since the last look."""
        return [data["event"] for data in self.data()]
