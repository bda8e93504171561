"""`RealTimeService`: for Python code that wrote past the ORM, or announces something by itself.

What is saved through the ORM announces itself. These methods only announce: they never change a task, but for the
version that announces the change.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from .actor import acting_as, current_actor
from .announcing import room_events
from .announcing.redaction import subject_of
from .contract import events
from .contract.room_names import project_room
from .engine import log
from .engine.conf import user_model
from .engine.conf.user_model import UserKey
from .engine.log import trimming
from .engine.models import Event
from .engine.wire.errors import InvalidData, NotFound
from .models import Comment, Membership, Project, Task


class RealTimeService:
    """Announces what happened. Every method appends to the log inside a transaction; the commit delivers it."""

    @classmethod
    def broadcast_task_updated(
        cls, *, task_id: int, updates: Mapping[str, Any], project_id: int, updater_id: UserKey | None = None
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
                by=room_events.acting_user(),
                task_id=task.pk,
                project_id=task.project_id,
                changes=changes,
                previous=events.TaskChanges(),
                version=task.version,
            )
            room_events.append(task.project_id, data, at=task.updated_at, subject=subject_of(task))
            if {"title", "description"}.intersection(updates):
                trimming.forget_replaced([subject_of(task)])

    @classmethod
    def broadcast_task_status_changed(
        cls, *, task_id: int, old_status: str, new_status: str, project_id: int, updater_id: UserKey | None = None
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
            room_events.status_changed(task, old_status)

    @classmethod
    def broadcast_task_assigned(
        cls,
        *,
        task_id: int,
        assignee_id: UserKey | None,
        project_id: int,
        previous_assignee_id: UserKey | None = None,
        updater_id: UserKey | None = None,
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
            room_events.assigned(task, previous_assignee_id)

    @classmethod
    def broadcast_task_created(cls, *, task_id: int, project_id: int, creator_id: UserKey | None = None) -> None:
        """Announce `task_created`, after an insert past the ORM.

        Raises:
            NotFound: no such task in that project, or no such creator.
        """
        with _announcing(creator_id):
            task = _locked_task(task_id, project_id)
            room_events.task_appeared(task, events.TaskCreated)
            room_events.notify_assignee_of_new_task(task, None)

    @classmethod
    def broadcast_task_deleted(cls, *, task_id: int, project_id: int, deleter_id: UserKey | None = None) -> None:
        """Announce `task_deleted`, after a deletion past the ORM.

        Raises:
            NotFound: no such project or deleter.
            InvalidData: the task is still there.
        """
        with _announcing(deleter_id):
            _project(project_id)
            if Task.objects.filter(pk=task_id).exists():
                raise InvalidData.at("task_id", f"Task {task_id} is still there.")
            room_events.task_deleted(Task(pk=task_id, project_id=project_id), at=timezone.now())

    @classmethod
    def broadcast_comment_added(
        cls, *, task_id: int, comment_data: Mapping[str, Any], project_id: int, author_id: UserKey
    ) -> Comment:
        """Announce `comment_added`; without an `id` in `comment_data` the comment is created first.

        Args:
            comment_data: `{"content": …}` for a new comment, `{"id": …}` for one that was written past the ORM;
                the latter is announced unless it already was. If the log was trimmed, one that is older than
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
                room_events.comment_changed(comment, events.CommentAdded)
            return comment

    @classmethod
    def broadcast_member_added(cls, *, project_id: int, user_id: UserKey, adder_id: UserKey | None = None) -> None:
        """Announce `project_member_added`, after an insert past the ORM.

        Raises:
            NotFound: no such membership or adder.
        """
        with _announcing(adder_id):
            members = Membership.objects.select_related("user")
            membership = members.filter(project_id=project_id, user_id=user_id).first()
            if membership is None:
                raise NotFound(f"User {user_id} is not a member of project {project_id}.")
            room_events.member_added(membership)

    @classmethod
    def broadcast_member_removed(cls, *, project_id: int, user_id: UserKey, remover_id: UserKey | None = None) -> None:
        """Announce `project_member_removed`, after a deletion past the ORM; their sockets leave the room.

        Raises:
            NotFound: no such project or remover.
            InvalidData: the user is still a member.
        """
        with _announcing(remover_id):
            _project(project_id)
            if Membership.objects.filter(project_id=project_id, user_id=user_id).exists():
                raise InvalidData.at("user_id", f"User {user_id} is still a member.")
            room_events.member_removed(project_id, user_id)


@contextmanager
def _announcing(user_id: UserKey | None) -> Iterator[None]:
    """Open one transaction in which `user_id` acts (None: the present actor)."""
    user = current_actor()
    if user_id is not None:
        user = user_model.users().filter(pk=user_id).first()
        if user is None:
            raise NotFound(f"No user {user_id}.")
    with acting_as(user), log.atomic():
        yield


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
        if name not in room_events.CHANGE_FIELDS:
            raise InvalidData.at(f"updates.{name}", "There is no such field.")
        actual = getattr(task, name)
        if isinstance(value, str) and isinstance(actual, datetime):
            value = parse_datetime(value)
        if value != actual:
            raise InvalidData.at(f"updates.{name}", f"The database has {actual!r}.")


def _was_announced(comment: Comment, room: str) -> bool:
    """Return whether the log says that this comment was added, or may have said so before it was trimmed."""
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
