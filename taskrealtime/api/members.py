"""The members of a project: list, add, change, remove."""

from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.wire.errors import Forbidden, NotFound
from taskrealtime.models import Membership
from taskrealtime.serializers.objects import member_object

from .answers import MemberDetail, MemberPage
from .base import ApiView, PutIsPatch, carry_out, created, deleted, read_body, read_query, user_of
from .openapi import body_of, documented
from .paging import PageQuery, answer_page


class MembersView(ApiView):
    """`/api/projects/<id>/members/`."""

    @documented("member_list", query=PageQuery, answer=MemberPage, errors=[NotFound])
    def get(self, request: Request, project_id: int) -> Response:
        """The members of a project, in the order of joining."""
        access.require_member(user_of(request), project_id)
        members = Membership.objects.filter(project_id=project_id).select_related("user").order_by("id")
        return answer_page(request, read_query(request, PageQuery), members, member_object)

    @documented(
        "member_add",
        body=body_of(commands.MemberAdd, "project_id"),
        answer=MemberDetail,
        status=201,
        also={202: commands.MemberAnswer},
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Add a user to a project (owners); 202 if the user wants to be asked first."""
        added = _change(request, read_body(request, commands.MemberAdd, project_id=project_id))
        return Response(added, status=202) if isinstance(added, commands.MemberAnswer) else created(added)


class MemberView(PutIsPatch):
    """`/api/projects/<id>/members/<user_id>/`."""

    @documented(
        "member_change",
        body=body_of(commands.MemberUpdate, "project_id", "user_id"),
        answer=MemberDetail,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def patch(self, request: Request, project_id: int, user_id: UserKey) -> Response:
        """Give a member another role (owners)."""
        command = read_body(request, commands.MemberUpdate, project_id=project_id, user_id=user_id)
        return Response(_change(request, command))

    @documented("member_remove", status=204, changes=True, errors=[NotFound, Forbidden])
    def delete(self, request: Request, project_id: int, user_id: UserKey) -> Response:
        """Remove a member (owners); members may remove themselves."""
        carry_out(request, commands.MemberRemove(project_id=project_id, user_id=user_id))
        return deleted()


def _change(request: Request, command: commands.Command) -> MemberDetail | commands.Answer:
    """Carry out the command; the member as it is now, or the bare answer if it is gone again."""
    return show_member_of(carry_out(request, command))


def show_member_of(answer: commands.Answer) -> MemberDetail | commands.Answer:
    """Return the member that an answer names, as it is now; the bare answer if it is gone again."""
    assert isinstance(answer, commands.MemberAnswer)
    members = Membership.objects.filter(project_id=answer.project_id, user_id=answer.user_id)
    membership = members.select_related("user").first()
    if membership is None:
        return answer
    return MemberDetail(**asdict(member_object(membership)), duplicate=answer.duplicate)
