"""The snapshot of a board, which the log continues."""

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from taskrealtime import access
from taskrealtime.contract.room_names import project_of_room, project_room
from taskrealtime.engine import log
from taskrealtime.engine.log.shared_snapshots import SharedSnapshot, SharedSnapshots
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.models import Membership, Task
from taskrealtime.serializers.objects import member_object, project_object, shown_task_object

from .answers import Board
from .base import ApiView, user_of
from .openapi import documented


class BoardView(ApiView):
    """`/api/projects/<id>/board/`."""

    @documented("project_board", answer=Board, errors=[NotFound])
    def get(self, request: Request, project_id: int) -> HttpResponse:
        """The whole board exactly as after event `seq`; join or poll with this `seq` and `epoch` to go on from it."""
        user = user_of(request)
        access.require_member(user, project_id)
        board = boards.get(project_room(project_id), user.pk)
        # A user that was removed before its `seq` does not see it.
        if user.pk not in board.readers:
            raise NotFound("No such project.")
        # As it is: a renderer would copy it for each request.
        return HttpResponse(board.body, content_type="application/json")


def _build(room: str) -> SharedSnapshot:
    """Build the board of a room. It is the same for every role, so all members share it."""
    project_id = project_of_room(room)
    assert project_id is not None

    def read_state() -> tuple[list[Membership], list[Task]]:
        members = Membership.objects.filter(project_id=project_id).select_related("user", "project")
        tasks = Task.objects.filter(project_id=project_id).defer("folded").with_comment_count()
        return list(members.order_by("user_id")), list(tasks.order_by("position", "id"))

    snapshot = log.snapshot(room, read_state)
    members, tasks = snapshot.state
    if not members:
        raise NotFound("No such project.")
    project = members[0].project
    board = Board(
        project=project_object(project),
        members=[member_object(member) for member in members],
        tasks=[shown_task_object(task, project) for task in tasks],
        seq=snapshot.position.offset,
        epoch=snapshot.position.epoch,
    )
    readers = frozenset(member.user_id for member in members)
    return SharedSnapshot(msgspec.json.encode(board), snapshot.position, readers)


#: Those of this process.
boards = SharedSnapshots(_build)
