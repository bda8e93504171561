"""Notifies users of events: copies of them in the rooms of users, in the same transaction.

The settings of the moment decide. A member that is removed at the same time may still get a copy; the log blanks it,
as it does everything about projects that its reader may no longer see.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from django.db.models import QuerySet
from django.utils import timezone

from taskrealtime.actor import current_actor
from taskrealtime.contract import events
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.conf import settings, user_model
from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.models import Comment, Membership, Project, Task
from taskrealtime.serializers.objects import actor_object

from .mentions import mentioned
from .redaction import subject_of

#: How a query of users names their preferences, and which of them it asks for.
PREFERENCES = "taskrealtime_preferences"
_ASKED = ("notify", "remind_before_hours")


class Reader(NamedTuple):
    """A member of a project, with the settings for notifications."""

    project_id: int
    user_id: UserKey
    username: str
    muted: bool
    #: Kind → whether it is wanted; empty or None: everything is.
    notify: Mapping[str, bool] | None
    #: None: as the settings say.
    remind_before_hours: float | None

    @property
    def lead_time(self) -> timedelta:
        """How long before a task is due this member is reminded."""
        hours = self.remind_before_hours
        return timedelta(hours=settings.REMIND_BEFORE_HOURS if hours is None else hours)

    def wants(self, kind: str) -> bool:
        """Return whether this member is notified of such an event of the project."""
        # A user cannot have muted a project before joining it.
        muted = self.muted and kind != events.ProjectMemberAdded.event
        return not muted and (self.notify or {}).get(kind, True)


def readers_of(memberships: QuerySet[Membership]) -> list[Reader]:
    """Return the members that these memberships are of."""
    about = [f"user__{user_model.username_field()}", "muted", *(f"user__{PREFERENCES}__{name}" for name in _ASKED)]
    return [Reader(*row) for row in memberships.order_by("user_id").values_list("project_id", "user_id", *about)]


def readers_in(project_id: int, user_ids: Collection[UserKey] | None = None) -> dict[UserKey, Reader]:
    """Return the members of a project by their ids; only those of `user_ids` if these are given."""
    members = Membership.objects.filter(project_id=project_id)
    if user_ids is not None:
        members = members.filter(user_id__in=user_ids)
    return {reader.user_id: reader for reader in readers_of(members)}


def notify_assignee(task: Task, data: events.TaskAssigned, *, at: datetime, author_id: UserKey | None = None) -> None:
    """Notify the new assignee, unless the assignee did it.

    Args:
        author_id: the user that made the task, if it is new.
    """
    if task.assignee_id is None or task.assignee_id in (_actor_id(), author_id):
        return
    readers = readers_in(task.project_id, [task.assignee_id])
    notify(data, readers.values(), at=at, subject=subject_of(task))


def notify_of_comment(comment: Comment, data: events.CommentAdded, *, at: datetime) -> None:
    """Notify mentioned users, the task's assignee and creator and its earlier commenters, each once."""
    reasons = _concerned(comment)
    readers = readers_in(data.project_id, None if "@" in comment.content else reasons.keys())
    names = mentioned(comment.content, {reader.username for reader in readers.values()})
    reasons |= {reader.user_id: "mention" for reader in readers.values() if reader.username in names}
    not_notified = {_actor_id(), comment.author_id}
    by_reason: dict[events.Reason, list[Reader]] = {}
    for user_id, reader in readers.items():
        if user_id in reasons and user_id not in not_notified:
            by_reason.setdefault(reasons[user_id], []).append(reader)
    copies = [(msgspec.structs.replace(data, reason=reason), readers) for reason, readers in by_reason.items()]
    log.append_all([copy for data, readers in copies for copy in _copies(data, readers, at, subject_of(comment))])


def notify_new_member(membership: Membership, data: events.ProjectMemberAdded, *, at: datetime) -> None:
    """Notify the new member, unless the member joined by choice."""
    if membership.user_id != _actor_id():
        notify(data, readers_in(membership.project_id, [membership.user_id]).values(), at=at)


def notify_of_request(user: User, project: Project, role: events.Role) -> None:
    """Ask a user that is not in the project yet, whatever the user mutes."""
    data = events.ProjectMemberRequested(
        by=actor_object(current_actor()), project=events.ProjectName(id=project.pk, name=project.name), role=role
    )
    room = user_room(user.pk)
    log.append(room=room, type=data.event, data=data, at=timezone.now(), subject=subject_of(project))


def notify(data: events.LoggedData, readers: Iterable[Reader], *, at: datetime, subject: str = "") -> None:
    """Append an event to the rooms of those of `readers` that want it."""
    log.append_all(_copies(data, readers, at, subject))


def _copies(data: events.LoggedData, readers: Iterable[Reader], at: datetime, subject: str) -> list[log.NewEvent]:
    text = log.encode(data)
    return [
        log.NewEvent(user_room(reader.user_id), data.event, text, at, subject)
        for reader in readers
        if reader.wants(data.event)
    ]


def _concerned(comment: Comment) -> dict[UserKey, events.Reason]:
    """Return the users that a comment concerns, apart from mentions, with the first reason that fits."""
    earlier = Comment.objects.filter(task_id=comment.task_id, author__isnull=False, pk__lt=comment.pk)
    authors = earlier.order_by().values_list("author_id", flat=True).distinct()
    reasons: dict[UserKey, events.Reason] = dict.fromkeys((pk for pk in authors if pk is not None), "participant")
    if comment.task.created_by_id is not None:
        reasons[comment.task.created_by_id] = "creator"
    if comment.task.assignee_id is not None:
        reasons[comment.task.assignee_id] = "assignee"
    return reasons


def _actor_id() -> UserKey | None:
    actor = current_actor()
    return actor.pk if actor else None
