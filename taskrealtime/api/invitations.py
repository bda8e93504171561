"""Invitations: links by which users join a project."""

from typing import Annotated

import msgspec
from django.urls import reverse
from django.utils import timezone
from msgspec import Meta
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.engine.conf import settings
from taskrealtime.engine.wire.errors import Forbidden, NotFound
from taskrealtime.models import Invitation
from taskrealtime.models.invitations import hash_of
from taskrealtime.serializers.objects import user_object

from .answers import InvitationObject, InvitationPage, NewInvitation, ProjectDetail
from .base import ApiView, carry_out, created, deleted, read_body, read_query, user_of
from .openapi import body_of, documented
from .paging import PageQuery, answer_page
from .projects import show_project_of


class Secret(msgspec.Struct):
    """An invitation's secret, which proves that the user was sent it."""

    #: What stands behind the `#` of the link, or the whole link.
    secret: Annotated[str, Meta(min_length=1, max_length=2000)]


class InvitationsView(ApiView):
    """`/api/projects/<id>/invitations/`."""

    @documented("invitation_list", query=PageQuery, answer=InvitationPage, errors=[NotFound, Forbidden])
    def get(self, request: Request, project_id: int) -> Response:
        """The links that are still valid (owners); none of them can be read again."""
        access.require_owner(user_of(request), project_id)
        good = Invitation.objects.good(timezone.now()).filter(project_id=project_id).select_related("created_by")
        return answer_page(request, read_query(request, PageQuery), good.order_by("id"), _show)

    @documented(
        "invitation_create",
        body=body_of(commands.InvitationCreate, "project_id"),
        answer=NewInvitation,
        status=201,
        errors=[NotFound, Forbidden],
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Make a link (owners). It takes no `Idempotency-Key`, since answers are kept with their keys."""
        made = carry_out(request, read_body(request, commands.InvitationCreate, project_id=project_id))
        assert isinstance(made, commands.InvitationMade)
        invitation = Invitation.objects.select_related("created_by").filter(pk=made.invitation_id).first()
        if invitation is None:
            raise NotFound("The invitation was revoked at once.")
        base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
        url = f"{base}{reverse('taskrealtime:join')}#{made.secret}"
        return created(NewInvitation(**asdict(_show(invitation)), url=url))


class InvitationView(ApiView):
    """`/api/projects/<id>/invitations/<invitation_id>/`."""

    @documented("invitation_revoke", status=204, changes=True, errors=[NotFound, Forbidden])
    def delete(self, request: Request, project_id: int, invitation_id: int) -> Response:
        """Revoke a link (owners): it can no longer be used to join."""
        carry_out(request, commands.InvitationRevoke(project_id=project_id, invitation_id=invitation_id))
        return deleted()


class AcceptView(ApiView):
    """`/api/invitations/accept/`."""

    @documented("invitation_accept", body=Secret, answer=ProjectDetail, changes=True, errors=[NotFound])
    def post(self, request: Request) -> Response:
        """Join the project of an invitation; an existing member keeps the role."""
        secret = read_body(request, Secret).secret
        answer = carry_out(request, commands.InvitationAccept(secret_hash=hash_of(secret)))
        return Response(show_project_of(user_of(request), answer))


def _show(invitation: Invitation) -> InvitationObject:
    return InvitationObject(
        id=invitation.pk,
        role=invitation.role,  # type: ignore[arg-type]
        created_by=user_object(invitation.created_by),
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        max_uses=invitation.max_uses,
        uses=invitation.uses,
    )
