"""Tasks: list, create, read, change, move, delete, restore."""

from datetime import datetime
from typing import Annotated

import msgspec
from django.db.models import Q
from msgspec import UNSET, Meta
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.contract.events import Status, TaskObject
from taskrealtime.engine.wire.errors import Conflict, Forbidden, InvalidData, NotFound
from taskrealtime.models import Project, Task
from taskrealtime.models.markdown import render_kept
from taskrealtime.serializers.objects import shown_task_object

from .answers import TaskDetail, TaskPage
from .base import ApiView, PutIsPatch, carry_out, created, deleted, read_body, read_query, user_of
from .openapi import body_of, documented
from .paging import PageQuery, answer_page

#: Of an answer to a change, what the task as it is now does not say.
FIELDS_OF_CHANGES = {"added_labels", "removed_labels", "previous", "duplicate"}


class TaskQuery(PageQuery, kw_only=True):
    """Which tasks."""

    project: Annotated[commands.Id | None, Meta(description="Only this project's.")] = None
    status: Annotated[Status | None, Meta(description="Only in this column.")] = None
    assignee: Annotated[commands.Id | None, Meta(description="Only this user's.")] = None
    label: Annotated[
        commands.Id | None,
        Meta(description="Only with this label of the `project` that is given, too."),
    ] = None
    q: Annotated[
        Annotated[str, Meta(max_length=200)] | None,
        Meta(description="Only with each of these words in title or description, or as `#` and the number."),
    ] = None

    archived: Annotated[bool, Meta(description="`1`: those in the archives, the last archived first.")] = False


class TaskChange(commands.TaskEdit, kw_only=True, omit_defaults=True):
    """The fields to change, and the `version` that the user was looking at."""

    version: commands.Version | None = None


class TasksView(ApiView):
    """`/api/tasks/`."""

    @documented("task_list", query=TaskQuery, answer=TaskPage, errors=[NotFound])
    def get(self, request: Request) -> Response:
        """The tasks that the caller may see, of all projects, oldest first."""
        query, user = read_query(request, TaskQuery), user_of(request)
        if query.archived:
            tasks = access.readable_tasks(user).archived().order_by("-archived_at", "-id")
        else:
            tasks = access.visible_tasks(user).order_by("id")
        tasks = (
            tasks.filter(_wanted(query))
            .with_words(query.q or "")
            .with_comment_count()
            .select_related("project")
            .defer("folded")
        )
        return answer_page(request, query, tasks, shown_task_object)

    @documented(
        "task_create",
        body=commands.TaskCreate,
        answer=TaskDetail,
        status=201,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def post(self, request: Request) -> Response:
        """Create a task at the end of its column."""
        answer = carry_out(request, read_body(request, commands.TaskCreate))
        assert isinstance(answer, commands.TaskAnswer)
        return created(_show_answer(answer))


class TaskView(PutIsPatch):
    """`/api/tasks/<id>/`."""

    @documented("task_read", answer=TaskDetail, errors=[NotFound])
    def get(self, request: Request, task_id: int) -> Response:
        """One task, on a board or in the archive."""
        tasks = access.readable_tasks(user_of(request)).with_comment_count()
        task = tasks.filter(pk=task_id).first()
        if task is None:
            raise NotFound("No such task.")
        return Response(_show(shown_task_object(task), archived_at=task.archived_at))

    @documented("task_change", body=TaskChange, answer=TaskDetail, changes=True, errors=[NotFound, Forbidden, Conflict])
    def patch(self, request: Request, task_id: int) -> Response:
        """Change fields; one that another user changed since `version` is a conflict, without it the last wins."""
        given = read_body(request, TaskChange)
        changes = {name: getattr(given, name) for name in commands.TaskEdit.__struct_fields__}
        command = commands.TaskUpdate(task_id=task_id, changes=commands.TaskEdit(**changes), version=given.version)
        try:
            return Response(_change(request, command))
        except InvalidData as error:
            raise _named_as_here(error) from None

    @documented("task_delete", status=204, changes=True, errors=[NotFound, Forbidden])
    def delete(self, request: Request, task_id: int) -> Response:
        """Take a task off the board; it can be restored for as long as the log is kept."""
        carry_out(request, commands.TaskDelete(task_id=task_id))
        return deleted()


class TaskStatusView(ApiView):
    """`/api/tasks/<id>/status/`: the socket's `task_status_update`, so that it can be sent again here with its key."""

    @documented(
        "task_status",
        body=body_of(commands.TaskStatusUpdate, "task_id"),
        answer=TaskDetail,
        changes=True,
        errors=[NotFound, Forbidden, Conflict],
    )
    def post(self, request: Request, task_id: int) -> Response:
        """Move a task to another column, keeping its position."""
        return Response(_change(request, read_body(request, commands.TaskStatusUpdate, task_id=task_id)))


class TaskMoveView(ApiView):
    """`/api/tasks/<id>/move/`: the socket's `task_move`."""

    @documented(
        "task_move",
        body=body_of(commands.TaskMove, "task_id"),
        answer=TaskDetail,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def post(self, request: Request, task_id: int) -> Response:
        """Put a task before or after another one of a column, or at the column's end."""
        return Response(_change(request, read_body(request, commands.TaskMove, task_id=task_id)))


class TaskRestoreView(ApiView):
    """`/api/tasks/<id>/restore/`."""

    @documented("task_restore", answer=TaskDetail, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, task_id: int) -> Response:
        """Bring a deleted or archived task back."""
        answer = carry_out(request, commands.TaskRestore(task_id=task_id))
        assert isinstance(answer, commands.TaskAnswer)
        return Response(_show_answer(answer))


class TaskArchiveView(ApiView):
    """`/api/tasks/<id>/archive/`."""

    @documented("task_archive", status=204, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, task_id: int) -> Response:
        """Put a completed task into the archive; `restore` brings it back at any time."""
        carry_out(request, commands.TaskArchive(task_id=task_id))
        return deleted()


class CompletedArchiveView(ApiView):
    """`/api/projects/<id>/archive/`."""

    @documented("project_archive", answer=commands.Archived, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, project_id: int) -> Response:
        """Put completed tasks into the archive, up to 200; `more` says whether to ask again (with another key)."""
        return Response(carry_out(request, commands.CompletedArchive(project_id=project_id)))


def _wanted(query: TaskQuery) -> Q:
    wanted = {"project_id": query.project, "status": query.status, "assignee_id": query.assignee}
    condition = Q(**{name: value for name, value in wanted.items() if value is not None})
    if query.label is not None:
        condition &= _labelled(query.project, query.label)
    return condition


def _labelled(project_id: int | None, label: int) -> Q:
    """Match the tasks with a label. Tasks keep the ids of deleted labels, which match none any more."""
    if project_id is None:
        raise InvalidData.at("label", "Set the project that the label belongs to.")
    project = Project.objects.filter(pk=project_id).first()
    return Q(labels__has=label) if project and label in project.label_ids else Q(pk__in=[])


def _change(request: Request, command: commands.TaskUpdate | commands.TaskStatusUpdate | commands.TaskMove) -> object:
    """Carry out the command; the task as it is now, or the bare answer if it is gone again."""
    answer = carry_out(request, command)
    task = _find(request, command.task_id)
    if task is None:
        return answer
    changed = {name: value for name, value in asdict(answer).items() if name in FIELDS_OF_CHANGES}
    return msgspec.structs.replace(_show(shown_task_object(task)), **changed)


def _find(request: Request, task_id: int) -> Task | None:
    return access.visible_tasks(user_of(request)).with_comment_count().filter(pk=task_id).first()


def _show_answer(answer: commands.TaskAnswer) -> TaskDetail:
    return msgspec.structs.replace(_show(answer.task), duplicate=answer.duplicate, redacted=answer.redacted)


def _show(task: TaskObject, archived_at: datetime | None = None) -> TaskDetail:
    return TaskDetail(
        **asdict(task),
        description_html=render_kept(task.description),
        archived_at=archived_at or UNSET,
    )


def _named_as_here(error: InvalidData) -> InvalidData:
    """Name the fields without the prefix `changes.` of a `task_update`: here they are the body's own."""
    details = [{**detail, "field": detail["field"].removeprefix("changes.")} for detail in error.details]
    return InvalidData(error.message.removeprefix("changes."), details=details)
