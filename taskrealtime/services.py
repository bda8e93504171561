"""`RealTimeService`: a fact of the domain becomes events in rooms.

Django's signals call the `…_written` and `…_deleted` methods; code that wrote past the ORM calls the
`broadcast_…` doors. Both only announce: they never change a task, but for the version that tells the change.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from msgspec import UNSET

from .actor import acting_as, current_actor
from .announcing import notifying
from .announcing.redaction import subject_of
from .contract import events
from .contract.room_names import project_room, user_room
from .engine import log
from .engine.installation import doorbell
from .engine.log import trimming
from .engine.models import Event
from .engine.wire.errors import InvalidData, NotFound
from .models import Comment, Invitation, Membership, Project, Task
from .serializers.objects import actor_object, comment_object, label_objects, task_object, user_object

#: The columns of a task that `changes` may hold, in the order of the catalogue.
CHANGE_FIELDS = events.TaskChanges.__struct_fields__


class RealTimeService:
    """Announces what happened. Every method appends to the log inside a transaction; the commit delivers it."""

    # --- Called by signals: a row was written ---------------------------------------------

    @classmethod
    def project_written(cls, project: Project, previous: Project | None) -> None:
        """A project was made (it gets its room) or changed."""
        if previous is None:
            log.create_room(project.room)
            return
        changed = project.changed_since(previous)
        data = events.ProjectUpdated(by=_by(), project_id=project.pk, changes=_project_changes(project, changed))
        if "labels" in changed:
            data.previous = _project_changes(previous, ["labels"])
        cls._announce(project.pk, data)

    @classmethod
    def membership_written(cls, membership: Membership, previous: Membership | None) -> None:
        """Somebody became a member, or got another role."""
        if previous is None:
            cls._announce_member_added(membership)
            return
        if (membership.project_id, membership.user_id) != (previous.project_id, previous.user_id):
            # The admin's form can give a membership to somebody else: one left, another came.
            cls.membership_ending(previous)
            cls.membership_deleted(previous)
            cls._announce_member_added(membership)
            return
        if events.ROLES.index(membership.role) > events.ROLES.index(previous.role):
            _end_invitations(previous)
        cls._announce(
            membership.project_id,
            events.ProjectMemberUpdated(
                by=_by(),
                project_id=membership.project_id,
                user_id=membership.user_id,
                role=membership.role,  # type: ignore[arg-type]
            ),
        )

    @classmethod
    def membership_ending(cls, membership: Membership) -> None:
        """Somebody is about to leave: their tasks are unassigned first."""
        tasks = Task.all_objects.filter(project_id=membership.project_id, assignee_id=membership.user_id)
        tasks.update(assignee=None)
        _end_invitations(membership)

    @classmethod
    def membership_deleted(cls, membership: Membership) -> None:
        """Somebody is no longer a member: the last event of this room that they hear."""
        cls._announce_member_removed(membership.project_id, membership.user_id)

    @classmethod
    def task_written(cls, task: Task, previous: Task | None) -> None:
        """A task was made, changed, deleted, archived, brought back, or moved to another project."""
        was_there = previous is not None and previous.is_on_board
        if not was_there:
            if task.is_on_board:
                cls._announce_task_there(task, events.TaskCreated if previous is None else events.TaskRestored)
                cls._notify_assignee(task, previous)
            return
        assert previous is not None
        if not task.is_on_board or task.project_id != previous.project_id:
            is_archived = task.deleted_at is None and task.archived_at is not None
            cls._announce_task_deleted(previous, at=task.updated_at, is_archived=is_archived)
            if task.is_on_board:
                cls._announce_task_there(task, events.TaskCreated)
                cls._notify_assignee(task, previous)
            return
        cls._announce_task_updated(task, previous, task.changed_since(previous, CHANGE_FIELDS))

    @classmethod
    def comment_written(cls, comment: Comment, previous: Comment | None) -> None:
        """Somebody commented, edited a comment, or moved it to another task."""
        if previous is not None and previous.task_id != comment.task_id:
            Task.lock_rows({previous.task_id, comment.task_id})
            cls.comment_deleted(previous)
            previous = None
        cls._announce_comment(comment, events.CommentAdded if previous is None else events.CommentUpdated)

    @classmethod
    def comment_deleted(cls, comment: Comment) -> None:
        """A comment is gone (not as part of its task or project)."""
        if comment.task.is_on_board:
            project_id = comment.task.project_id
            data = events.CommentDeleted(
                by=_by(), comment_id=comment.pk, task_id=comment.task_id, project_id=project_id
            )
            cls._announce(project_id, data)

    # --- Doors for code that wrote past the ORM -------------------------------------------

    @classmethod
    def broadcast_task_updated(
        cls, *, task_id: int, updates: Mapping[str, Any], project_id: int, updater_id: int | None = None
    ) -> None:
        """Announce `task_updated` for the named fields, with the values that the database has.

        For code that changed the row without the ORM (raw SQL, another program). The task's version moves by one.

        Args:
            updates: field → value, as the caller believes it to be; checked against the row.

        Raises:
            NotFound: no such task in that project, or no such updater.
            InvalidData: no fields, an unknown field, or a value that is not the row's.
        """
        with _announcing(updater_id):
            task = _locked_task(task_id, project_id)
            _check_values(task, updates)
            _move_version(task, updates)
            changes = events.TaskChanges(**{name: getattr(task, name) for name in updates})
            data = events.TaskUpdated(
                by=_by(),
                task_id=task.pk,
                project_id=task.project_id,
                changes=changes,
                previous=events.TaskChanges(),
                version=task.version,
            )
            cls._announce(task.project_id, data, at=task.updated_at, subject=subject_of(task))
            if {"title", "description"}.intersection(updates):
                trimming.forget_replaced([subject_of(task)])

    @classmethod
    def broadcast_task_status_changed(
        cls, *, task_id: int, old_status: str, new_status: str, project_id: int, updater_id: int | None = None
    ) -> None:
        """Announce `task_status_changed`, after a write past the ORM. The task's version moves by one.

        Raises:
            NotFound: no such task in that project, or no such updater.
            InvalidData: `new_status` is not the row's, or `old_status` is none.
        """
        with _announcing(updater_id):
            task = _locked_task(task_id, project_id)
            _check_values(task, {"status": new_status})
            if old_status not in events.STATUSES:
                raise InvalidData.at("old_status", f"There is no status {old_status!r}.")
            _move_version(task, ["status"])
            cls._announce_status_changed(task, old_status)

    @classmethod
    def broadcast_task_assigned(
        cls,
        *,
        task_id: int,
        assignee_id: int | None,
        project_id: int,
        previous_assignee_id: int | None = None,
        updater_id: int | None = None,
    ) -> None:
        """Announce `task_assigned`, after a write past the ORM. The task's version moves by one.

        Raises:
            NotFound: no such task in that project, or no such updater.
            InvalidData: `assignee_id` is not the row's.
        """
        with _announcing(updater_id):
            task = _locked_task(task_id, project_id)
            _check_values(task, {"assignee_id": assignee_id})
            _move_version(task, ["assignee_id"])
            cls._announce_assigned(task, previous_assignee_id)

    @classmethod
    def broadcast_task_created(cls, *, task_id: int, project_id: int, creator_id: int | None = None) -> None:
        """Announce `task_created`, after an insert past the ORM.

        Raises:
            NotFound: no such task in that project, or no such creator.
        """
        with _announcing(creator_id):
            task = _locked_task(task_id, project_id)
            cls._announce_task_there(task, events.TaskCreated)
            cls._notify_assignee(task, None)

    @classmethod
    def broadcast_task_deleted(cls, *, task_id: int, project_id: int, deleter_id: int | None = None) -> None:
        """Announce `task_deleted`, after a deletion past the ORM.

        Raises:
            NotFound: no such project or deleter.
            InvalidData: the task is still there.
        """
        with _announcing(deleter_id):
            _project(project_id)
            if Task.objects.filter(pk=task_id).exists():
                raise InvalidData.at("task_id", f"Task {task_id} is still there.")
            cls._announce_task_deleted(Task(pk=task_id, project_id=project_id), at=timezone.now())

    @classmethod
    def broadcast_comment_added(
        cls, *, task_id: int, comment_data: Mapping[str, Any], project_id: int, author_id: int
    ) -> Comment:
        """Announce `comment_added`; without an `id` in `comment_data` the comment is created first.

        Args:
            comment_data: `{"content": …}` for a new comment, `{"id": …}` for one that was written past the ORM;
                the latter is announced unless it already was. Where the log was trimmed, one that is older than
                what the log keeps counts as announced: its event may be among those that are gone.

        Returns:
            the comment.

        Raises:
            NotFound: no such task in that project, no such comment or author.
            InvalidData: the content is empty, too long or not the row's, or the author is not the row's.
        """
        with _announcing(author_id):
            task = _locked_task(task_id, project_id)
            if comment_data.get("id") is None:
                return Comment.objects.create(task=task, author_id=author_id, content=_content(comment_data))
            comment = Comment.objects.select_related("author", "task").filter(pk=comment_data["id"], task=task).first()
            if comment is None:
                raise NotFound(f"No comment {comment_data['id']} of task {task_id}.")
            if comment_data.get("content", comment.content) != comment.content:
                raise InvalidData.at("content", "The comment says something else in the database.")
            if comment.author_id != author_id:
                raise InvalidData.at("author_id", f"The comment's author is {comment.author_id}.")
            if not _was_announced(comment, project_room(project_id)):
                cls._announce_comment(comment, events.CommentAdded)
            return comment

    @classmethod
    def broadcast_member_added(cls, *, project_id: int, user_id: int, adder_id: int | None = None) -> None:
        """Announce `project_member_added`, after an insert past the ORM.

        Raises:
            NotFound: no such membership or adder.
        """
        with _announcing(adder_id):
            members = Membership.objects.select_related("user")
            membership = members.filter(project_id=project_id, user_id=user_id).first()
            if membership is None:
                raise NotFound(f"User {user_id} is not a member of project {project_id}.")
            cls._announce_member_added(membership)

    @classmethod
    def broadcast_member_removed(cls, *, project_id: int, user_id: int, remover_id: int | None = None) -> None:
        """Announce `project_member_removed`, after a deletion past the ORM; their sockets leave the room.

        Raises:
            NotFound: no such project or remover.
            InvalidData: the user is still a member.
        """
        with _announcing(remover_id):
            _project(project_id)
            if Membership.objects.filter(project_id=project_id, user_id=user_id).exists():
                raise InvalidData.at("user_id", f"User {user_id} is still a member.")
            cls._announce_member_removed(project_id, user_id)

    # --- The events themselves ------------------------------------------------------------

    @classmethod
    def _announce(
        cls,
        project_id: int,
        data: events.LoggedData,
        *,
        at: datetime | None = None,
        subject: str = "",
        evicts: int | None = None,
    ) -> None:
        log.append(
            room=project_room(project_id),
            type=data.event,
            data=data,
            at=at or timezone.now(),
            subject=subject,
            evicts=evicts,
        )

    @classmethod
    def _announce_task_there(cls, task: Task, event: type[events.TaskCreated] | type[events.TaskRestored]) -> None:
        cls._announce(
            task.project_id, event(by=_by(), task=task_object(task)), at=task.updated_at, subject=subject_of(task)
        )

    @classmethod
    def _announce_task_deleted(cls, task: Task, *, at: datetime, is_archived: bool = False) -> None:
        data = events.TaskDeleted(
            by=_by(), task_id=task.pk, project_id=task.project_id, archived=True if is_archived else UNSET
        )
        cls._announce(task.project_id, data, at=at)

    @classmethod
    def _announce_task_updated(cls, task: Task, previous: Task, changed: list[str]) -> None:
        if not changed:
            return
        data = events.TaskUpdated(
            by=_by(),
            task_id=task.pk,
            project_id=task.project_id,
            changes=events.TaskChanges(**{name: getattr(task, name) for name in changed}),
            previous=events.TaskChanges(**{name: getattr(previous, name) for name in changed}),
            version=task.version,
        )
        cls._announce(task.project_id, data, at=task.updated_at, subject=subject_of(task))
        if "status" in changed:
            cls._announce_status_changed(task, previous.status)
        if "assignee_id" in changed:
            cls._announce_assigned(task, previous.assignee_id)

    @classmethod
    def _announce_status_changed(cls, task: Task, old_status: str) -> None:
        data = events.TaskStatusChanged(
            by=_by(),
            task_id=task.pk,
            project_id=task.project_id,
            old_status=old_status,  # type: ignore[arg-type]
            new_status=task.status,  # type: ignore[arg-type]
            version=task.version,
        )
        cls._announce(task.project_id, data, at=task.updated_at)

    @classmethod
    def _announce_assigned(cls, task: Task, previous_assignee_id: int | None) -> None:
        data = _assignment(task, previous_assignee_id)
        cls._announce(task.project_id, data, at=task.updated_at, subject=subject_of(task))
        notifying.notify_assignee(task, data, at=task.updated_at)

    @classmethod
    def _notify_assignee(cls, task: Task, previous: Task | None) -> None:
        """A task came to the board, which no `task_assigned` tells there: its assignee hears of it all the same."""
        previous_assignee_id = previous.assignee_id if previous else None
        if task.assignee_id != previous_assignee_id:
            author_id = None if previous else task.created_by_id
            data = _assignment(task, previous_assignee_id)
            notifying.notify_assignee(task, data, at=task.updated_at, author_id=author_id)

    @classmethod
    def _announce_comment(
        cls, comment: Comment, event: type[events.CommentAdded] | type[events.CommentUpdated]
    ) -> None:
        if not comment.task.is_on_board:
            return
        project_id = comment.task.project_id
        data = event(by=_by(), comment=comment_object(comment), task_id=comment.task_id, project_id=project_id)
        cls._announce(project_id, data, at=comment.updated_at, subject=subject_of(comment))
        if isinstance(data, events.CommentAdded):
            notifying.notify_of_comment(comment, data, at=comment.updated_at)

    @classmethod
    def _announce_member_added(cls, membership: Membership) -> None:
        data = events.ProjectMemberAdded(
            by=_by(),
            project_id=membership.project_id,
            user=user_object(membership.user),
            role=membership.role,  # type: ignore[arg-type]
        )
        now = timezone.now()
        cls._announce(membership.project_id, data, at=now)
        notifying.notify_new_member(membership, data, at=now)

    @classmethod
    def _announce_member_removed(cls, project_id: int, user_id: int) -> None:
        data = events.ProjectMemberRemoved(by=_by(), project_id=project_id, user_id=user_id)
        cls._announce(project_id, data, evicts=user_id)
        cls.tell_departed(project_id, [user_id])

    @classmethod
    def tell_departed(cls, project_id: int, user_ids: Iterable[int]) -> None:
        """Tell users who need not have joined a project just now that it is no longer theirs, after the commit."""
        for user_id in user_ids:
            ring = partial(doorbell.ring_departed, user_room(user_id), user_id, project_room(project_id))
            transaction.on_commit(ring, robust=True)


# --- Helpers of the doors -------------------------------------------------------------------


@contextmanager
def _announcing(user_id: int | None) -> Iterator[None]:
    """One transaction in which `user_id` acts (None: whoever acts already)."""
    user = current_actor()
    if user_id is not None:
        user = User.objects.filter(pk=user_id).first()
        if user is None:
            raise NotFound(f"No user {user_id}.")
    with acting_as(user), log.atomic():
        yield


def _end_invitations(membership: Membership) -> None:
    """Somebody may do less than as this: a link that they kept must not give it back to them, under whatever name.

    Only a member or viewer who leaves by themselves was not told to go.
    """
    actor = current_actor()
    if actor is None or actor.pk != membership.user_id or membership.role == "owner":
        Invitation.objects.filter(project_id=membership.project_id).delete()


def _by() -> events.Actor | None:
    return actor_object(current_actor())


def _assignment(task: Task, previous_assignee_id: int | None) -> events.TaskAssigned:
    return events.TaskAssigned(
        by=_by(),
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


def _project(project_id: int) -> Project:
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        raise NotFound(f"No project {project_id}.")
    return project


def _locked_task(task_id: int, project_id: int) -> Task:
    task = next((task for task in Task.lock_rows([task_id]) if task.is_on_board), None)
    if task is None or task.project_id != project_id:
        raise NotFound(f"No task {task_id} in project {project_id}.")
    return task


def _check_values(task: Task, updates: Mapping[str, Any]) -> None:
    if not isinstance(updates, Mapping) or not updates:
        raise InvalidData.at("updates", "Name at least one field with its value.")
    for name, value in updates.items():
        if name not in CHANGE_FIELDS:
            raise InvalidData.at(f"updates.{name}", "There is no such field.")
        actual = getattr(task, name)
        if isinstance(value, str) and isinstance(actual, datetime):
            value = parse_datetime(value)
        if value != actual:
            raise InvalidData.at(f"updates.{name}", f"The database has {actual!r}.")


def _was_announced(comment: Comment, room: str) -> bool:
    """Whether the log says that this comment was added, or may have said so before it was trimmed."""
    log.write_appended()
    if Event.objects.filter(room=room, type="comment_added", subject=subject_of(comment)).exists():
        return True
    floor = log.bounds([room]).get(room, log.Bounds(0, 0, 0)).floor
    return floor > 0 and comment.created_at < trimming.cutoff()


def _move_version(task: Task, names: Iterable[str]) -> None:
    task.version += 1
    task.updated_at = timezone.now()
    task.field_versions = task.field_versions | dict.fromkeys(names, task.version)
    task.remind_at = task.first_look()
    task.write_past_tracking(["version", "updated_at", "field_versions", "remind_at"], using=connection.alias)


def _content(comment_data: Mapping[str, Any]) -> str:
    content = comment_data.get("content")
    if not isinstance(content, str) or not 1 <= len(content) <= 10_000 or "\0" in content:
        raise InvalidData.at("comment_data.content", "Must be a text of 1 to 10 000 characters.")
    return content
