"""Changes of tasks and their comments."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from django.utils import timezone
from msgspec import UNSET, UnsetType

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.log.trimming import cutoff
from taskrealtime.engine.wire.errors import Conflict, InvalidData, NotFound
from taskrealtime.models import Comment, Deletion, Project, Task, ranks
from taskrealtime.models.deletions import data_of_comment
from taskrealtime.serializers.objects import comment_object, shown_task_object, task_object

#: Tasks that one request archives: the transaction holds their rows, and numbers their events, at once.
ARCHIVED_AT_ONCE = 200


def create_task(user: User, command: commands.TaskCreate) -> commands.TaskAnswer:
    """Create a task at the end of its column."""
    fields = _given(command)
    access.lock_editor(user, command.project_id, others=[fields.get("assignee_id")])
    access.require_assignable(command.project_id, fields.get("assignee_id"), "assignee_id")
    access.require_labels(command.project_id, fields.get("labels"), "labels")
    _lock_ranks(command.project_id)
    task = Task.objects.create(project_id=command.project_id, created_by=user, **fields)
    return commands.TaskAnswer(task=task_object(task))


def update_task(user: User, command: commands.TaskUpdate) -> commands.TaskVersion:
    """Change fields that did not change since `version`."""
    changes = command.changes
    task, carried = _change_task(user, command.task_id, changes, command.version, at="changes.")
    return commands.TaskVersion(
        task_id=task.pk,
        project_id=task.project_id,
        version=task.version,
        added_labels=_among(changes.add_labels, set(task.labels) - carried),
        removed_labels=_among(changes.remove_labels, carried.difference(task.labels)),
    )


def update_task_status(user: User, command: commands.TaskStatusUpdate) -> commands.TaskStatusAnswer:
    """Move a task to another column."""
    task, _ = _change_task(user, command.task_id, commands.TaskEdit(status=command.status), command.version)
    return commands.TaskStatusAnswer(
        task_id=task.pk,
        project_id=task.project_id,
        status=task.status,  # type: ignore[arg-type]
        version=task.version,
    )


def move_task(user: User, command: commands.TaskMove) -> commands.TaskMoved:
    """Put a task before or after another one of a column, or at the column's end."""
    if command.before_id is not None and command.after_id is not None:
        raise InvalidData.at("after_id", "Set before_id or after_id, not both.")
    task = access.lock_task(user, command.task_id)
    _lock_ranks(task.project_id)
    previous = commands.TaskPlace(status=task.status, position=task.position)  # type: ignore[arg-type]
    status = task.status if command.status is UNSET else command.status
    low, high = _neighbours(task, status, command)
    in_place = status == task.status and (low is None or low < task.position)
    if not (in_place and (high is None or task.position < high)):
        task.position = _rank(low, high)
    task.status = status
    task.save(update_fields=["status", "position"])
    return commands.TaskMoved(
        task_id=task.pk,
        project_id=task.project_id,
        status=task.status,  # type: ignore[arg-type]
        position=task.position,
        version=task.version,
        previous=previous if command.tell_previous else UNSET,
    )


def delete_task(user: User, command: commands.TaskDelete) -> commands.TaskGone:
    """Take a task off the board."""
    task = access.lock_task(user, command.task_id)
    task.delete()
    return commands.TaskGone(task_id=task.pk, project_id=task.project_id)


def restore_task(user: User, command: commands.TaskRestore) -> commands.TaskAnswer:
    """Bring a deleted task back, while it is kept, or an archived one."""
    task = access.lock_task(user, command.task_id, gone=True)
    if task.deleted_at is not None and task.deleted_at < cutoff(timezone.now()):
        raise NotFound("No such task.")
    task.restore()
    return commands.TaskAnswer(task=shown_task_object(task))


def archive_task(user: User, command: commands.TaskArchive) -> commands.TaskGone:
    """Put a completed task into the archive."""
    task = access.lock_task(user, command.task_id)
    if task.status != "completed":
        raise InvalidData("Only completed tasks can be archived.")
    task.archived_at = timezone.now()
    task.save(update_fields=["archived_at"])
    return commands.TaskGone(task_id=task.pk, project_id=task.project_id)


def archive_completed(user: User, command: commands.CompletedArchive) -> commands.Archived:
    """Put completed tasks into the archive, the first of the column first."""
    access.lock_editor(user, command.project_id)
    completed = Task.objects.filter(project_id=command.project_id, status="completed").order_by("position", "pk")
    ids = list(completed.values_list("pk", flat=True)[: ARCHIVED_AT_ONCE + 1])
    count = completed.filter(pk__in=ids[:ARCHIVED_AT_ONCE]).update(archived_at=timezone.now())
    return commands.Archived(archived=count, more=len(ids) > ARCHIVED_AT_ONCE)


def _change_task(
    user: User, task_id: int, changes: commands.TaskEdit, version: int | None, at: str = ""
) -> tuple[Task, set[int]]:
    """Return the task as it is then, and the labels that it carried before."""
    fields = _given(changes, at)
    task = access.lock_task(user, task_id, others=[fields.get("assignee_id")])
    access.require_assignable(task.project_id, fields.get("assignee_id"), f"{at}assignee_id")
    access.require_labels(task.project_id, fields.get("labels"), f"{at}labels")
    _refuse_stale(task, fields, version)
    before = set(task.labels)
    if changes.add_labels or changes.remove_labels:
        carried = fields.get("labels", task.labels)
        fields["labels"] = _relabelled(task, carried, changes.add_labels or [], changes.remove_labels or [], at)
    for name, value in fields.items():
        setattr(task, name, value)
    if fields:
        task.save(update_fields=list(fields))
    return task, before


def _among(asked: list[int] | UnsetType, changed: set[int]) -> list[int] | UnsetType:
    """Return the ids that were asked for and changed; nothing if none were asked for."""
    return UNSET if asked is UNSET else sorted(changed.intersection(asked))


def _refuse_stale(task: Task, fields: dict[str, Any], version: int | None) -> None:
    """Refuse a stale change field by field: two users that edit different fields both succeed."""
    if version is None:
        return
    stale = [name for name in fields if task.field_versions.get(name, 1) > version]
    if stale:
        raise Conflict(
            "Another user changed this in the meantime.",
            details={"task": msgspec.to_builtins(shown_task_object(task)), "fields": stale},
        )


def _relabelled(task: Task, carried: list[int], added: list[int], removed: list[int], at: str) -> list[int]:
    """Return the labels that a task carries then; the command names no others, so they cannot conflict."""
    project = Project.objects.get(pk=task.project_id)
    if any(label > project.last_label_id for label in added):
        raise InvalidData.at(f"{at}add_labels", "Some of these labels do not belong to this project.")
    new = project.label_ids.intersection(added).difference(carried, removed)
    labels = new.union(carried).difference(removed)
    if new and len(labels & project.label_ids) > commands.MAX_CARRIED:
        raise InvalidData.at(f"{at}add_labels", f"A task can have up to {commands.MAX_CARRIED} labels.")
    return sorted(labels)


def _rank(low: str | None, high: str | None) -> str:
    if high is None:
        return ranks.after_last(low)
    try:
        return ranks.between(low, high)
    except ValueError:
        # Written by other code, and with nothing before it.
        raise InvalidData.at("before_id", "There is no room left before this task.") from None


def _lock_ranks(project_id: int) -> None:
    """Have one transaction at a time decide on positions in a project: two users that drag at once get one order."""
    Project.lock_rows([project_id])


def _neighbours(task: Task, status: str, command: commands.TaskMove) -> tuple[str | None, str | None]:
    """Return the positions between which the task shall stand; None: the end of the column."""
    column = Task.objects.filter(project_id=task.project_id, status=status).exclude(pk=task.pk)
    positions = column.values_list("position", flat=True)

    def find(task_id: int | None) -> str | None:
        return None if task_id is None else positions.filter(pk=task_id).first()

    before, after = find(command.before_id), find(command.after_id)
    if command.after_id is not None and after is None:
        raise InvalidData.at("after_id", "No other task with this id is in that column.")
    if command.before_id is not None and before is None:
        if command.or_after_id is UNSET:
            raise InvalidData.at("before_id", "No other task with this id is in that column.")
        if command.or_after_id is None:
            before = positions.order_by("position").first()
        else:
            after = find(command.or_after_id)
    # Strictly less or more: of cards that happen to share a position, none is to be squeezed between.
    if before is not None:
        return positions.filter(position__lt=before).order_by("-position").first(), before
    if after is not None:
        return after, positions.filter(position__gt=after).order_by("position").first()
    return positions.order_by("-position").first(), None


def add_comment(user: User, command: commands.NewComment) -> commands.CommentAnswer:
    """Comment on a task."""
    task = access.lock_task(user, command.task_id)
    return comment_answer(Comment.objects.create(task=task, author=user, content=command.content))


def update_comment(user: User, command: commands.CommentUpdate) -> commands.CommentAnswer:
    """Change a comment of the user's own."""
    comment = access.lock_comment(user, command.comment_id, owners_too=False)
    if command.previous_content not in (UNSET, comment.content) and comment.content != command.content:
        raise Conflict(
            "The comment was changed in the meantime.",
            details={"comment": msgspec.to_builtins(comment_object(comment))},
        )
    comment.content = command.content
    comment.save(update_fields=["content"])
    return comment_answer(comment)


def delete_comment(user: User, command: commands.CommentDelete) -> commands.CommentAnswer:
    """Delete a comment of the user's own, or as an owner any comment."""
    comment = access.lock_comment(user, command.comment_id, owners_too=True)
    answer = comment_answer(comment)
    kept = {"task_id": comment.task_id, "user": comment.author, "data": data_of_comment(comment)}
    Deletion.objects.keep("comment", comment.pk, project_id=comment.task.project_id, by=user, **kept)
    comment.delete()
    return answer


def comment_answer(comment: Comment) -> commands.CommentAnswer:
    """Return the answer to a change of a comment."""
    return commands.CommentAnswer(comment_id=comment.pk, task_id=comment.task_id, project_id=comment.task.project_id)


def keep_task(answer: commands.TaskAnswer) -> commands.TaskAnswer:
    """Return the answer without the texts of the task."""
    return msgspec.structs.replace(answer, task=msgspec.structs.replace(answer.task, title="", description=""))


def recall_task(user: User, kept: commands.TaskAnswer) -> commands.TaskAnswer:
    """Return the task as it is now; if it was deleted since, what was kept of it.

    Raises:
        NotFound: the user is no longer a member of its project.
    """
    access.require_member(user, kept.task.project_id)
    task = access.readable_tasks(user).filter(pk=kept.task.id).first()
    if task is None:
        return msgspec.structs.replace(kept, redacted=True)
    return commands.TaskAnswer(task=shown_task_object(task))


def _given(fields: msgspec.Struct, at: str = "") -> dict[str, Any]:
    """Return the writable fields that were sent, with their values; times in UTC.

    Raises:
        InvalidData: a time that UTC cannot express, in the first or last year; `at` precedes the field's name.
    """
    names = commands.TaskFields.__struct_fields__
    given = {name: value for name in names if (value := getattr(fields, name)) is not UNSET}
    for name, value in given.items():
        if isinstance(value, datetime):
            try:
                given[name] = value.astimezone(UTC)
            except OverflowError:
                raise InvalidData.at(f"{at}{name}", "This date is out of range.") from None
    return given
