"""Appends the board's events to the rooms of projects: what a written or deleted row means to subscribers.

Every function appends to the log inside the open transaction; its commit delivers.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from msgspec import UNSET

from taskrealtime.actor import current_actor
from taskrealtime.announcing import notifying
from taskrealtime.announcing.redaction import subject_of
from taskrealtime.contract import events
from taskrealtime.contract.room_names import project_room, user_room
from taskrealtime.engine import log
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.installation import doorbell
from taskrealtime.models import Comment, Invitation, Membership, Project, Task
from taskrealtime.serializers.objects import actor_object, comment_object, label_objects, task_object, user_object

#: The columns of a task that `changes` may hold, in the order of the catalogue.
CHANGE_FIELDS = events.TaskChanges.__struct_fields__


def project_written(project: Project, previous: Project | None) -> None:
    """Announce a project that was created (it gets its room) or changed."""
    if previous is None:
        log.create_room(project.room)
        return
    changed = project.changed_since(previous)
    data = events.ProjectUpdated(by=acting_user(), project_id=project.pk, changes=_project_changes(project, changed))
    if "labels" in changed:
        data.previous = _project_changes(previous, ["labels"])
    append(project.pk, data, subject=subject_of(project))


def membership_written(membership: Membership, previous: Membership | None) -> None:
    """Announce a new member, or one with another role."""
    if previous is None:
        member_added(membership)
        return
    if (membership.project_id, membership.user_id) != (previous.project_id, previous.user_id):
        # The admin's form can give a membership to another user: one left, another came.
        membership_ending(previous)
        member_removed(previous.project_id, previous.user_id)
        member_added(membership)
        return
    if events.ROLES.index(membership.role) > events.ROLES.index(previous.role):
        _end_invitations(previous)
    append(
        membership.project_id,
        events.ProjectMemberUpdated(
            by=acting_user(),
            project_id=membership.project_id,
            user_id=membership.user_id,
            role=membership.role,  # type: ignore[arg-type]
        ),
    )


def membership_ending(membership: Membership) -> None:
    """Unassign the tasks of a member that is about to leave."""
    tasks = Task.all_objects.filter(project_id=membership.project_id, assignee_id=membership.user_id)
    tasks.update(assignee=None)
    _end_invitations(membership)


def task_written(task: Task, previous: Task | None) -> None:
    """Announce a task that was created, changed, deleted, archived, restored, or moved to another project."""
    was_there = previous is not None and previous.is_on_board
    if not was_there:
        if task.is_on_board:
            task_appeared(task, events.TaskCreated if previous is None else events.TaskRestored)
            notify_assignee_of_new_task(task, previous)
        return
    assert previous is not None
    if not task.is_on_board or task.project_id != previous.project_id:
        is_archived = task.deleted_at is None and task.archived_at is not None
        task_deleted(previous, at=task.updated_at, is_archived=is_archived)
        if task.is_on_board:
            task_appeared(task, events.TaskCreated)
            notify_assignee_of_new_task(task, previous)
        return
    _task_updated(task, previous, task.changed_since(previous, CHANGE_FIELDS))


def comment_written(comment: Comment, previous: Comment | None) -> None:
    """Announce a comment that was added, edited, or moved to another task."""
    if previous is not None and previous.task_id != comment.task_id:
        Task.lock_rows({previous.task_id, comment.task_id})
        comment_deleted(previous)
        previous = None
    comment_changed(comment, events.CommentAdded if previous is None else events.CommentUpdated)


def comment_deleted(comment: Comment) -> None:
    """Announce a comment that is gone (not as part of its task or project)."""
    if comment.task.is_on_board:
        project_id = comment.task.project_id
        data = events.CommentDeleted(
            by=acting_user(), comment_id=comment.pk, task_id=comment.task_id, project_id=project_id
        )
        append(project_id, data)


def append(
    project_id: int,
    data: events.LoggedData,
    *,
    at: datetime | None = None,
    subject: str = "",
    evicts: UserKey | None = None,
) -> None:
    """Append an event to a project's room, in the open transaction."""
    log.append(
        room=project_room(project_id),
        type=data.event,
        data=data,
        at=at or timezone.now(),
        subject=subject,
        evicts=evicts,
    )


def task_appeared(task: Task, event: type[events.TaskCreated] | type[events.TaskRestored]) -> None:
    """Announce a task that came to the board: it was created, restored, or moved here."""
    append(
        task.project_id, event(by=acting_user(), task=task_object(task)), at=task.updated_at, subject=subject_of(task)
    )


def task_deleted(task: Task, *, at: datetime, is_archived: bool = False) -> None:
    """Announce that a task left the board."""
    data = events.TaskDeleted(
        by=acting_user(), task_id=task.pk, project_id=task.project_id, archived=True if is_archived else UNSET
    )
    append(task.project_id, data, at=at)


def _task_updated(task: Task, previous: Task, changed: list[str]) -> None:
    if not changed:
        return
    data = events.TaskUpdated(
        by=acting_user(),
        task_id=task.pk,
        project_id=task.project_id,
        changes=events.TaskChanges(**{name: getattr(task, name) for name in changed}),
        previous=events.TaskChanges(**{name: getattr(previous, name) for name in changed}),
        version=task.version,
    )
    append(task.project_id, data, at=task.updated_at, subject=subject_of(task))
    if "status" in changed:
        status_changed(task, previous.status)
    if "assignee_id" in changed:
        assigned(task, previous.assignee_id)


def status_changed(task: Task, old_status: str) -> None:
    """Announce a task's new status."""
    data = events.TaskStatusChanged(
        by=acting_user(),
        task_id=task.pk,
        project_id=task.project_id,
        old_status=old_status,  # type: ignore[arg-type]
        new_status=task.status,  # type: ignore[arg-type]
        version=task.version,
    )
    append(task.project_id, data, at=task.updated_at)


def assigned(task: Task, previous_assignee_id: UserKey | None) -> None:
    """Announce a task's new assignee, and notify that user."""
    data = _assignment(task, previous_assignee_id)
    append(task.project_id, data, at=task.updated_at, subject=subject_of(task))
    if not task.is_restored:
        notifying.notify_assignee(task, data, at=task.updated_at)


def notify_assignee_of_new_task(task: Task, previous: Task | None) -> None:
    """Notify the assignee of a task that came to the board, if no `task_assigned` announces it."""
    previous_assignee_id = previous.assignee_id if previous else None
    if task.assignee_id != previous_assignee_id:
        author_id = None if previous else task.created_by_id
        data = _assignment(task, previous_assignee_id)
        notifying.notify_assignee(task, data, at=task.updated_at, author_id=author_id)


def comment_changed(comment: Comment, event: type[events.CommentAdded] | type[events.CommentUpdated]) -> None:
    """Announce a comment that was added or edited; notify the users that a new one concerns."""
    if not comment.task.is_on_board:
        return
    project_id = comment.task.project_id
    data = event(by=acting_user(), comment=comment_object(comment), task_id=comment.task_id, project_id=project_id)
    if comment.is_restored and isinstance(data, events.CommentAdded):
        data.restored = True
        append(project_id, data, subject=subject_of(comment))
        return
    append(project_id, data, at=comment.updated_at, subject=subject_of(comment))
    if isinstance(data, events.CommentAdded):
        notifying.notify_of_comment(comment, data, at=comment.updated_at)


def member_added(membership: Membership) -> None:
    """Announce a new member, and notify that user."""
    data = events.ProjectMemberAdded(
        by=acting_user(),
        project_id=membership.project_id,
        user=user_object(membership.user),
        role=membership.role,  # type: ignore[arg-type]
        restored=True if membership.is_restored else UNSET,
    )
    now = timezone.now()
    append(membership.project_id, data, at=now)
    notifying.notify_new_member(membership, data, at=now)


def member_removed(project_id: int, user_id: UserKey) -> None:
    """Announce that a member was removed, with the last event of the room that this user gets."""
    data = events.ProjectMemberRemoved(by=acting_user(), project_id=project_id, user_id=user_id)
    append(project_id, data, evicts=user_id)
    membership_ended(project_id, [user_id])


def project_deleted(project_id: int, user_ids: Iterable[UserKey]) -> None:
    """Announce that a project was deleted, in a way that it can be restored: none of its members reads it any more."""
    for user_id in user_ids:
        member_removed(project_id, user_id)


def membership_ended(project_id: int, user_ids: Iterable[UserKey]) -> None:
    """Notify users, whether or not they have joined a project just now, that they lost it, after the commit."""
    for user_id in user_ids:
        publish = partial(doorbell.publish_membership_ended, user_room(user_id), user_id, project_room(project_id))
        transaction.on_commit(publish, robust=True)


def _end_invitations(membership: Membership) -> None:
    """End the project's invitations, since a member lost rights: a link must not give them back under another name.

    Members and viewers that leave by choice were not removed: then the links stay.
    """
    actor = current_actor()
    if actor is None or actor.pk != membership.user_id or membership.role == "owner":
        Invitation.objects.filter(project_id=membership.project_id).delete()


def acting_user() -> events.Actor | None:
    """Return the acting user, as events name it."""
    return actor_object(current_actor())


def _assignment(task: Task, previous_assignee_id: UserKey | None) -> events.TaskAssigned:
    return events.TaskAssigned(
        by=acting_user(),
        task_id=task.pk,
        project_id=task.project_id,
        title=task.title,
        assignee_id=task.assignee_id,
        previous_assignee_id=previous_assignee_id,
        version=task.version,
    )


def _project_changes(project: Project, names: Iterable[str]) -> events.ProjectChanges:
    values: dict[str, Any] = {"name": project.name, "labels": label_objects(project)}
    return events.ProjectChanges(**{name: values[name] for name in names})
