"""Projects: list, create, read, rename, delete, leave."""

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.wire.errors import Forbidden, NotFound
from taskrealtime.models import Membership
from taskrealtime.serializers.objects import project_object, user_object

from .answers import ProjectDetail, ProjectPage
from .base import ApiView, PutIsPatch, carry_out, created, deleted, read_body, read_query, user_of
from .openapi import body_of, documented
from .paging import PageQuery, answer_page


class ProjectsView(ApiView):
    """`/api/projects/`."""

    @documented("project_list", query=PageQuery, answer=ProjectPage, errors=[NotFound])
    def get(self, request: Request) -> Response:
        """The projects that the caller is in, oldest first."""
        memberships = Membership.objects.filter(user=user_of(request)).select_related("project", "added_by", "owner_by")
        return answer_page(request, read_query(request, PageQuery), memberships.order_by("project_id"), _show)

    @documented("project_create", body=commands.ProjectCreate, answer=ProjectDetail, status=201, changes=True)
    def post(self, request: Request) -> Response:
        """Create a project, owned by the caller."""
        return created(_change(request, read_body(request, commands.ProjectCreate)))


class ProjectView(PutIsPatch):
    """`/api/projects/<id>/`."""

    @documented("project_read", answer=ProjectDetail, errors=[NotFound])
    def get(self, request: Request, project_id: int) -> Response:
        """One project."""
        return Response(_show(access.require_member(user_of(request), project_id)))

    @documented(
        "project_change",
        body=body_of(commands.ProjectUpdate, "project_id"),
        answer=ProjectDetail,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def patch(self, request: Request, project_id: int) -> Response:
        """Rename a project (owners)."""
        return Response(_change(request, read_body(request, commands.ProjectUpdate, project_id=project_id)))

    @documented("project_delete", status=204, changes=True, errors=[NotFound, Forbidden])
    def delete(self, request: Request, project_id: int) -> Response:
        """Delete a project with all that is in it (owners)."""
        carry_out(request, commands.ProjectDelete(project_id=project_id))
        return deleted()


class Leaving(msgspec.Struct):
    """How the caller leaves."""

    block: bool = False


class LeaveView(ApiView):
    """`/api/projects/<id>/leave/`."""

    @documented("project_leave", body=Leaving, status=204, changes=True, errors=[NotFound, Forbidden])
    def post(self, request: Request, project_id: int) -> Response:
        """End the caller's membership; the last owner stays.

        With `block`, the user that added the caller, or made the caller an owner, cannot add the caller again; the
        last owner gives the project back to the owner that gave it.
        """
        block = read_body(request, Leaving).block
        carry_out(request, commands.MemberRemove(project_id=project_id, user_id=user_of(request).pk, block=block))
        return deleted()


class HandOverView(ApiView):
    """`/api/projects/<id>/hand-over/`."""

    @documented(
        "project_hand_over",
        body=body_of(commands.ProjectHandOver, "project_id"),
        status=204,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Make a member an owner (owners), and then stay one, step down or leave: all of it, or nothing."""
        carry_out(request, read_body(request, commands.ProjectHandOver, project_id=project_id))
        return deleted()


def _change(request: Request, command: commands.Command) -> ProjectDetail | commands.Answer:
    """Carry out the command; the project as it is now, or the bare answer if it is gone again."""
    return show_project_of(user_of(request), carry_out(request, command))


def show_project_of(user: User, answer: commands.Answer) -> ProjectDetail | commands.Answer:
    """Return the project that an answer names, as it is now for this user; the bare answer if it is gone again."""
    assert isinstance(answer, commands.ProjectAnswer)
    membership = Membership.objects.filter(project_id=answer.project_id, user=user).first()
    if membership is None:
        return answer
    shown = _show(membership)
    shown.duplicate = answer.duplicate
    return shown


def _show(membership: Membership) -> ProjectDetail:
    return ProjectDetail(
        **asdict(project_object(membership.project)),
        role=membership.role,  # type: ignore[arg-type]
        added_by=user_object(membership.adder) if membership.adder else UNSET,
    )
