"""Changes of projects and their labels."""

import unicodedata
from typing import Any

from msgspec import UNSET

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.wire.errors import Forbidden, InvalidData, NotFound
from taskrealtime.models import Deletion, Membership, Project

#: Labels of one project.
MAX_LABELS = 30


def create_project(user: User, command: commands.ProjectCreate) -> commands.ProjectAnswer:
    """Create a project, owned by the user."""
    project = Project.objects.create(name=command.name)
    Membership.objects.create(project=project, user=user, role="owner")
    return commands.ProjectAnswer(project_id=project.pk)


def update_project(user: User, command: commands.ProjectUpdate) -> commands.ProjectAnswer:
    """Rename a project."""
    project = access.lock_project(user, command.project_id)
    project.name = command.name
    project.save(update_fields=["name"])
    return commands.ProjectAnswer(project_id=project.pk)


def create_label(user: User, command: commands.LabelCreate) -> commands.LabelAnswer:
    """Create a label, after the existing ones."""
    project = access.lock_project(user, command.project_id)
    return insert_label(project, command.name, command.color, len(project.labels))


def insert_label(project: Project, name: str, color: str, index: int) -> commands.LabelAnswer:
    """Create a label at this place among the others."""
    if len(project.labels) >= MAX_LABELS:
        raise Forbidden(f"A project can have up to {MAX_LABELS} labels. Delete one first.")
    label_id = project.last_label_id + 1
    label = {"id": label_id, "name": _label_name(project, name), "color": color}
    return _save_labels(project, [*project.labels[:index], label, *project.labels[index:]], label_id)


def update_label(user: User, command: commands.LabelUpdate) -> commands.LabelAnswer:
    """Rename a label, or give it another colour."""
    project = access.lock_project(user, command.project_id)
    label = dict(_find_label(project, command.label_id))
    if command.name is not UNSET:
        label["name"] = _label_name(project, command.name, but=label["id"])
    if command.color is not UNSET:
        label["color"] = command.color
    labels = [label if other["id"] == label["id"] else other for other in project.labels]
    return _save_labels(project, labels, label["id"])


def delete_label(user: User, command: commands.LabelDelete) -> commands.LabelAnswer:
    """Delete a label; tasks keep its id, which is never another's, and is not shown."""
    project = access.lock_project(user, command.project_id)
    label = _find_label(project, command.label_id)
    data = {**label, "index": project.labels.index(label)}
    Deletion.objects.keep("label", label["id"], project_id=project.pk, by=user, data=data)
    return _save_labels(project, [other for other in project.labels if other is not label], label["id"])


def _find_label(project: Project, label_id: int) -> dict[str, Any]:
    for label in project.labels:
        if label["id"] == label_id:
            return label
    raise NotFound("No such label.")


def _label_name(project: Project, name: str, but: int | None = None) -> str:
    """Return the name, trimmed; `but` is the label that may have it already."""
    name = name.strip()
    key = compared(name)
    if any(compared(label["name"]) == key for label in project.labels if label["id"] != but):
        raise InvalidData.at("name", "A label with this name already exists.")
    return name


def compared(name: str) -> str:
    """Return the form in which names are compared: without case, and with compatible characters unified (NFKC)."""
    return unicodedata.normalize("NFKC", name).casefold()


def _save_labels(project: Project, labels: list[dict[str, Any]], label_id: int) -> commands.LabelAnswer:
    project.labels = labels
    project.save(update_fields=["labels"])
    return commands.LabelAnswer(project_id=project.pk, label_id=label_id)
