"""What protects from being added: requests that wait for consent, and blocked users."""

from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.contract.events import ProjectName
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.models import AdditionRequest
from taskrealtime.serializers.objects import user_object

from .answers import BlockList, BlockObject, ProjectDetail, RequestList, RequestObject
from .base import ApiView, carry_out, deleted, read_body, user_of
from .openapi import body_of, documented
from .projects import show_project_of


class RequestsView(ApiView):
    """`/api/me/requests/`."""

    @documented("request_list", answer=RequestList)
    def get(self, request: Request) -> Response:
        """The projects to which owners want to add the caller, if the caller wants to be asked first."""
        return Response(RequestList([_show_request(one) for one in access.addition_requests(user_of(request))]))


class RequestAcceptView(ApiView):
    """`/api/me/requests/<project_id>/accept/`."""

    @documented("request_accept", answer=ProjectDetail, changes=True, errors=[NotFound])
    def post(self, request: Request, project_id: int) -> Response:
        """Join that project."""
        answer = carry_out(request, commands.RequestAccept(project_id=project_id))
        return Response(show_project_of(user_of(request), answer))


class RequestDeclineView(ApiView):
    """`/api/me/requests/<project_id>/decline/`."""

    @documented(
        "request_decline",
        body=body_of(commands.RequestDecline, "project_id"),
        status=204,
        changes=True,
        errors=[NotFound],
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Do not join that project."""
        carry_out(request, read_body(request, commands.RequestDecline, project_id=project_id))
        return deleted()


class BlocksView(ApiView):
    """`/api/me/blocks/`."""

    @documented("block_list", answer=BlockList)
    def get(self, request: Request) -> Response:
        """The users that cannot add the caller to projects."""
        blocks = access.blocks(user_of(request))
        return Response(BlockList([BlockObject(user_object(one.blocked), one.created_at) for one in blocks]))


class BlockView(ApiView):
    """`/api/me/blocks/<user_id>/`."""

    @documented("block_remove", status=204, changes=True, errors=[NotFound])
    def delete(self, request: Request, user_id: UserKey) -> Response:
        """Let that user add the caller again."""
        carry_out(request, commands.BlockRemove(user_id=user_id))
        return deleted()


def _show_request(one: AdditionRequest) -> RequestObject:
    return RequestObject(
        project=ProjectName(id=one.project_id, name=one.project.name),
        role=one.role,  # type: ignore[arg-type]
        asked_by=user_object(one.asked_by),
        created_at=one.created_at,
    )
