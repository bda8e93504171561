"""A model was saved or deleted → `room_events`; nothing else."""

from typing import Any

from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver

from taskrealtime.contract.room_names import project_room, user_room
from taskrealtime.engine import log
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.log import trimming
from taskrealtime.models import Comment, Membership, Project, Reminder, Task
from taskrealtime.models.tracking import TrackedModel, receive, written

from . import redaction, room_events


@receiver(written, sender=Task)
def announce_task_written(instance: Task, previous: Task | None, **kwargs: Any) -> None:
    """Announce a task that was created or changed by a save or a bulk method."""
    room_events.task_written(instance, previous)
    _forget_replaced(instance, previous, "title", "description")


@receiver(written, sender=Comment)
def announce_comment_written(instance: Comment, previous: Comment | None, **kwargs: Any) -> None:
    """Announce a comment that was created or edited."""
    room_events.comment_written(instance, previous)
    _forget_replaced(instance, previous, "content")


HasTexts = Task | Comment | Project


def _forget_replaced(instance: HasTexts, previous: HasTexts | None, *texts: str) -> None:
    """Have replaced texts blanked in the log after a while."""
    if previous is not None and any(getattr(instance, name) != getattr(previous, name) for name in texts):
        trimming.forget_replaced([redaction.subject_of(instance)])


@receive(post_delete, Comment)
def announce_comment_deleted(instance: Comment, origin: Any, **kwargs: Any) -> None:
    """Announce a comment that was deleted by itself, not together with its task or project."""
    if _deletion_of(origin) is Comment:
        room_events.comment_deleted(instance)


@receive(post_delete, Comment)
@receive(post_delete, Task)
def forget_deleted_content(instance: Comment | Task, origin: Any, **kwargs: Any) -> None:
    """Blank in the log what a deleted comment, or a purged task, contained."""
    if _deletion_of(origin) is not Project:
        trimming.forget([redaction.subject_of(instance)])


@receiver(written, sender=Membership)
def announce_membership_written(instance: Membership, previous: Membership | None, **kwargs: Any) -> None:
    """Announce a new member, or one with another role."""
    room_events.membership_written(instance, previous)


@receive(pre_delete, Membership)
def unassign_leaving_member(instance: Membership, origin: Any, **kwargs: Any) -> None:
    """Unassign the tasks of a member that is about to leave a project that stays."""
    if _deletion_of(origin) is not Project:
        room_events.membership_ending(instance)


@receive(post_delete, Membership)
def announce_membership_deleted(instance: Membership, origin: Any, **kwargs: Any) -> None:
    """Announce that a member left a project that stays."""
    if _deletion_of(origin) is not Project:
        room_events.member_removed(instance.project_id, instance.user_id)


@receiver(written, sender=Project)
def announce_project_written(instance: Project, previous: Project | None, **kwargs: Any) -> None:
    """Announce a project that was created or changed."""
    room_events.project_written(instance, previous)
    _forget_replaced(instance, previous, "name", "labels")


@receive(post_save, Project, subclasses=True)
def make_room_of_loaded_project(instance: Project, raw: bool, **kwargs: Any) -> None:
    """Create the room of a project that `loaddata` wrote past our own saving."""
    if raw:
        log.create_room(instance.room)


@receive(pre_delete, Project)
def remember_what_is_in_it(instance: Project, **kwargs: Any) -> None:
    """Remember the content and the members of a project that is about to be deleted."""
    instance.subjects = redaction.subjects_in(instance)  # type: ignore[attr-defined]
    instance.member_ids = list(instance.memberships.values_list("user_id", flat=True))  # type: ignore[attr-defined]


@receive(post_delete, Project)
def close_project_room(instance: Project, **kwargs: Any) -> None:
    """Close a deleted project's room, notify its subscribers, and blank what other rooms say of its content."""
    log.drop_room(project_room(instance.pk))
    trimming.forget(instance.subjects)  # type: ignore[attr-defined]
    room_events.membership_ended(instance.pk, instance.member_ids)  # type: ignore[attr-defined]


@receive(post_save, user_model.model(), subclasses=True)
def make_user_room(instance: Any, created: bool, **kwargs: Any) -> None:
    """Create the room of a new user."""
    if created and user_model.fits_names(instance.pk):
        log.create_room(user_room(instance.pk))


@receive(post_delete, user_model.model())
def close_user_room(instance: Any, **kwargs: Any) -> None:
    """Close the room of a deleted user."""
    if not user_model.fits_names(instance.pk):
        return
    log.drop_room(user_room(instance.pk))
    Reminder.objects.of(instance.pk).delete()


def _deletion_of(origin: Any) -> type:
    """Return the model whose deletion was asked for, by instance or queryset; for a proxy or subclass its root."""
    model = getattr(origin, "model", type(origin))
    return model.root() if issubclass(model, TrackedModel) else model
