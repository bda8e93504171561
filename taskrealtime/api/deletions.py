"""What was deleted: lists of it, restoring it, deleting it for good. Tasks are restored at their own addresses."""

from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.contract.events import UserObject
from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.engine.wire.errors import Forbidden, NotFound
from taskrealtime.models import Deletion, Task
from taskrealtime.serializers.objects import user_object

from .answers import (
    CommentDetail,
    Deleted,
    DeletedList,
    DeletedProject,
    DeletedProjectList,
    LabelDetail,
    MemberDetail,
    ProjectDetail,
)
from .base import ApiView, carry_out, deleted, user_of
from .comments import show_comment_of
from .labels import show_label_of
from .members import show_member_of
from .openapi import documented
from .projects import show_project_of

#: How many a list has.
SHOWN = 100


class DeletedProjectsView(ApiView):
    """`/api/projects/deleted/`."""

    @documented("project_deleted_list", answer=DeletedProjectList)
    def get(self, request: Request) -> Response:
        """The deleted projects that the caller owned."""
        projects = access.restorable_projects(user_of(request)).order_by("-deleted_at", "-pk")[:SHOWN]
        rows = Deletion.objects.filter(kind="project", project__in=[one.pk for one in projects]).select_related("by")
        makers = {row.project_id: row.by for row in rows}
        return Response(
            DeletedProjectList(
                [
                    DeletedProject(one.pk, one.name, one.deleted_at, _user(makers.get(one.pk)))  # type: ignore[arg-type]
                    for one in projects
                ]
            )
        )


class DeletedView(ApiView):
    """`/api/projects/<id>/deleted/`."""

    @documented("project_deleted", answer=DeletedList, errors=[NotFound])
    def get(self, request: Request, project_id: int) -> Response:
        """What was deleted in a project and the caller can restore: comments, labels, members and tasks."""
        user = user_of(request)
        found = list(access.deletions(user, project_id)[:SHOWN])
        titles = dict(Task.objects.filter(pk__in=[one.task_id for one in found]).values_list("pk", "title"))
        shown = [_show(one, titles.get(one.task_id or 0, "")) for one in found]
        shown += [_show_task(task) for task in access.deleted_tasks(user, project_id)[:SHOWN]]
        shown.sort(key=lambda one: one.deleted_at, reverse=True)
        return Response(DeletedList(shown[:SHOWN]))


class ProjectRestoreView(ApiView):
    """`/api/projects/<id>/restore/`."""

    @documented("project_restore", answer=ProjectDetail, changes=True, errors=[NotFound])
    def post(self, request: Request, project_id: int) -> Response:
        """Bring a deleted project back, with its members (users that owned it)."""
        return Response(
            show_project_of(user_of(request), carry_out(request, commands.ProjectRestore(project_id=project_id)))
        )


class ProjectPurgeView(ApiView):
    """`/api/projects/<id>/purge/`."""

    @documented("project_purge", status=204, changes=True, errors=[NotFound])
    def post(self, request: Request, project_id: int) -> Response:
        """Delete a deleted project for good (users that owned it)."""
        carry_out(request, commands.ProjectPurge(project_id=project_id))
        return deleted()


class MemberRestoreView(ApiView):
    """`/api/projects/<id>/members/<user_id>/restore/`."""

    @documented("member_restore", answer=MemberDetail, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, project_id: int, user_id: UserKey) -> Response:
        """Bring a removed member back, with the tasks that became unassigned (owners)."""
        return Response(
            show_member_of(carry_out(request, commands.MemberRestore(project_id=project_id, user_id=user_id)))
        )


class LabelRestoreView(ApiView):
    """`/api/projects/<id>/labels/<label_id>/restore/`."""

    @documented("label_restore", answer=LabelDetail, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, project_id: int, label_id: int) -> Response:
        """Bring a deleted label back on the tasks that carried it, with a new id (owners)."""
        return Response(
            show_label_of(carry_out(request, commands.LabelRestore(project_id=project_id, label_id=label_id)))
        )


class LabelPurgeView(ApiView):
    """`/api/projects/<id>/labels/<label_id>/purge/`."""

    @documented("label_purge", status=204, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, project_id: int, label_id: int) -> Response:
        """Delete a deleted label for good (owners)."""
        carry_out(request, commands.LabelPurge(project_id=project_id, label_id=label_id))
        return deleted()


class CommentRestoreView(ApiView):
    """`/api/comments/<id>/restore/`."""

    @documented("comment_restore", answer=CommentDetail, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, comment_id: int) -> Response:
        """Bring a deleted comment back: the user that deleted it, or an owner unless it was its author."""
        return Response(
            show_comment_of(user_of(request), carry_out(request, commands.CommentRestore(comment_id=comment_id)))
        )


class CommentPurgeView(ApiView):
    """`/api/comments/<id>/purge/`."""

    @documented("comment_purge", status=204, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, comment_id: int) -> Response:
        """Delete a deleted comment for good: its author, or a user that can restore it."""
        carry_out(request, commands.CommentPurge(comment_id=comment_id))
        return deleted()


def _show(one: Deletion, title: str) -> Deleted:
    common = {"deleted_at": one.deleted_at, "by": _user(one.by)}
    if one.kind == "comment":
        return Deleted(
            kind="comment",
            id=int(one.item),
            task_id=one.task_id or 0,
            title=title,
            content=one.data["content"],
            author=_user(one.user),
            **common,  # type: ignore[arg-type]
        )
    if one.kind == "label":
        return Deleted(
            kind="label",
            id=int(one.item),
            name=one.data["name"],
            color=one.data["color"],
            **common,  # type: ignore[arg-type]
        )
    assert one.user is not None
    return Deleted(
        kind="member",
        id=one.user.pk,
        user=user_object(one.user),
        role=one.data["role"],
        **common,  # type: ignore[arg-type]
    )


def _show_task(task: Task) -> Deleted:
    assert task.deleted_at is not None
    return Deleted(kind="task", id=task.pk, title=task.title, deleted_at=task.deleted_at, by=None)


def _user(user: User | None) -> UserObject | None:
    return user_object(user) if user else None
