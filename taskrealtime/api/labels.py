"""The labels of a project: create, change, delete. The project itself lists them."""

from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.contract import commands
from taskrealtime.engine.wire.errors import Forbidden, NotFound
from taskrealtime.models import Project
from taskrealtime.serializers.objects import label_objects

from .answers import LabelDetail
from .base import ApiView, PutIsPatch, carry_out, created, deleted, read_body
from .openapi import body_of, documented


class LabelsView(ApiView):
    """`/api/projects/<id>/labels/`."""

    @documented(
        "label_create",
        body=body_of(commands.LabelCreate, "project_id"),
        answer=LabelDetail,
        status=201,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Create a label (owners)."""
        return created(_change(request, read_body(request, commands.LabelCreate, project_id=project_id)))


class LabelView(PutIsPatch):
    """`/api/projects/<id>/labels/<label_id>/`."""

    @documented(
        "label_change",
        body=body_of(commands.LabelUpdate, "project_id", "label_id"),
        answer=LabelDetail,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def patch(self, request: Request, project_id: int, label_id: int) -> Response:
        """Rename a label, or give it another colour, on all tasks that carry it (owners)."""
        command = read_body(request, commands.LabelUpdate, project_id=project_id, label_id=label_id)
        return Response(_change(request, command))

    @documented("label_delete", status=204, changes=True, errors=[NotFound, Forbidden])
    def delete(self, request: Request, project_id: int, label_id: int) -> Response:
        """Delete a label, from all tasks, too (owners)."""
        carry_out(request, commands.LabelDelete(project_id=project_id, label_id=label_id))
        return deleted()


def _change(request: Request, command: commands.Command) -> LabelDetail | commands.Answer:
    """Carry out the command; the label as it is now, or the bare answer if it is gone again."""
    return show_label_of(carry_out(request, command))


def show_label_of(answer: commands.Answer) -> LabelDetail | commands.Answer:
    """Return the label that an answer names, as it is now; the bare answer if it is gone again."""
    assert isinstance(answer, commands.LabelAnswer)
    project = Project.objects.filter(pk=answer.project_id).first()
    for label in label_objects(project) if project else []:
        if label.id == answer.label_id:
            return LabelDetail(**asdict(label), duplicate=answer.duplicate)
    return answer
