"""The wire format of the server's figures, for staff."""

from datetime import UTC, datetime

from taskrealtime.contract.events import OpsFigures, OpsProject
from taskrealtime.contract.room_names import project_of_room, project_room
from taskrealtime.engine.rooms.watching import ProcessFigures, RoomFigures
from taskrealtime.engine.wire.protocol import encode
from taskrealtime.models import Project


class WatchingFrames:
    """The engine's `domain.FiguresEncoder`: rooms are projects."""

    def names(self, rooms: list[str]) -> dict[str, str]:
        """Return the projects' names."""
        ids = {project_id for room in rooms if (project_id := project_of_room(room)) is not None}
        return {project_room(pk): name for pk, name in Project.objects.filter(pk__in=ids).values_list("pk", "name")}

    def figures(self, processes: list[ProcessFigures], rooms: list[RoomFigures], names: dict[str, str]) -> str:
        """Encode `ops_figures`; a project that has no name so far goes by its id."""
        projects = [
            OpsProject(project_id, names.get(room.room, f"Project {project_id}"), room.people, room.listeners)
            for room in rooms
            if (project_id := project_of_room(room.room)) is not None
        ]
        return encode("ops_figures", OpsFigures(datetime.now(UTC), processes, projects))
