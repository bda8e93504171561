"""The snapshot of a board, which the log continues."""

from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.engine import log
from taskrealtime.engine.errors import NotFound
from taskrealtime.models import Membership, Task, project_room
from taskrealtime.serializing import member_object, project_object, task_object

from .answers import Board
from .base import ApiView, user_of
from .openapi import documented


class BoardView(ApiView):
    """`/api/projects/<id>/board/`."""

    @documented("project_board", answer=Board, errors=[NotFound])
    def get(self, request: Request, project_id: int) -> Response:
        """The whole board exactly as after event `seq`; join or poll with this `seq` and `epoch` to go on from it."""

        def read_state() -> tuple[list[Membership], list[Task]]:
            # Inside the snapshot: who was removed before its `seq` does not see it.
            access.require_member(user_of(request), project_id)
            members = Membership.objects.filter(project_id=project_id).select_related("user", "project")
            tasks = Task.objects.filter(project_id=project_id).with_comment_count()
            return list(members.order_by("user_id")), list(tasks.order_by("position", "id"))

        snapshot = log.snapshot(project_room(project_id), read_state)
        members, tasks = snapshot.state
        board = Board(
            project=project_object(members[0].project),
            members=[member_object(member) for member in members],
            tasks=[task_object(task) for task in tasks],
            seq=snapshot.seq,
            epoch=snapshot.epoch,
        )
        return Response(board)
