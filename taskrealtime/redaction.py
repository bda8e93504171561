"""Blanks what the log still says about tasks and comments that are gone."""

from collections.abc import Sequence
from typing import Any

import msgspec

from .engine.models import Event
from .models import Comment, Project, Task

#: The events that tell that content is gone.
DELETIONS = {"task_deleted", "comment_deleted"}
#: The fields that hold what people wrote.
CONTENT = {"title", "description", "content", "content_html"}


def subject_of(content: Task | Comment) -> str:
    """What the log calls this task or comment (`Event.subject`)."""
    return f"{content._meta.model_name}.{content.pk}"


def subjects_in(project: Project) -> list[str]:
    """The subjects of all tasks, deleted ones too, and comments of a project."""
    tasks = Task.all_objects.filter(project=project).order_by().values_list("pk", flat=True)
    comments = Comment.objects.filter(task__project=project).order_by().values_list("pk", flat=True)
    return [*(f"task.{pk}" for pk in tasks), *(f"comment.{pk}" for pk in comments)]


def redact_deleted(events: Sequence[Event]) -> dict[int, str]:
    """For events whose task or comment was deleted since: their data with the texts empty and `redacted: true`.

    Returns:
        JSON text by event id, only for those that are blanked.
    """
    by_subject: dict[str, list[Event]] = {}
    for event in events:
        if event.subject:
            by_subject.setdefault(event.subject, []).append(event)
    gone = by_subject.keys() - _present(by_subject) if by_subject else set()
    return {event.id: _blanked(event.data) for subject in gone for event in by_subject[subject]}


def _present(subjects: Sequence[str] | Any) -> set[str]:
    tasks = [int(subject[5:]) for subject in subjects if subject.startswith("task.")]
    comments = [int(subject[8:]) for subject in subjects if subject.startswith("comment.")]
    found: set[str] = set()
    if tasks:
        found |= {f"task.{pk}" for pk in Task.objects.filter(pk__in=tasks).values_list("pk", flat=True)}
    if comments:
        living = Comment.objects.filter(pk__in=comments, task__deleted_at=None)
        found |= {f"comment.{pk}" for pk in living.values_list("pk", flat=True)}
    return found


def _blanked(data: str) -> str:
    value = _without_content(msgspec.json.decode(data))
    value["redacted"] = True
    return msgspec.json.encode(value).decode()


def _without_content(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "" if name in CONTENT and isinstance(item, str) else _without_content(item)
            for name, item in value.items()
        }
    return value
