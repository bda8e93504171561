"""What was deleted comes back, or goes for good; and the deletion of a project, which is made to be undone."""

from taskrealtime import access
from taskrealtime.announcing import room_events
from taskrealtime.contract import commands
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.wire.errors import InvalidData, NotFound
from taskrealtime.models import Block, Deletion, Membership, Project, Task
from taskrealtime.models.deletions import comment_of, data_of_membership, membership_of

from .projects import insert_label
from .tasks import comment_answer

# --- Projects -------------------------------------------------------------------------------


def delete_project(user: User, command: commands.ProjectDelete) -> commands.ProjectAnswer:
    """Delete a project: all of it stays, and nobody is a member, until it is restored or deleted for good."""
    access.lock_owner(user, command.project_id)
    Project.objects.filter(pk=command.project_id).lock_against_writers()
    [project] = Project.lock_rows([command.project_id])
    deletion = Deletion.objects.keep("project", project.pk, project_id=project.pk, by=user)
    memberships = list(Membership.objects.filter(project=project).order_by("pk"))
    Deletion.objects.bulk_create(
        Deletion(
            project=project,
            kind="seat",
            item=user_model.as_text(one.user_id),
            user_id=one.user_id,
            by=user,
            data=data_of_membership(one),
            deleted_at=deletion.deleted_at,
        )
        for one in memberships
    )
    project.set_deleted_at(deletion.deleted_at)
    Membership.objects.filter(project=project).end_with_projects()
    # The user that deleted it goes first, and sees none of the others go.
    room_events.project_deleted(project.pk, sorted((one.user_id for one in memberships), key=lambda pk: pk != user.pk))
    return commands.ProjectAnswer(project_id=project.pk)


def restore_project(user: User, command: commands.ProjectRestore) -> commands.ProjectAnswer:
    """Bring a project back, with its members, but for those that do not want to be added by this user."""
    project = access.lock_deleted_project(user, command.project_id)
    kept = Deletion.objects.filter(project=project, kind__in=("project", "seat"))
    blockers = Block.objects.filter(blocked=user).values("user_id")
    seats = list(kept.filter(kind="seat").exclude(user_id__in=blockers).select_related("user").order_by("pk"))
    project.set_deleted_at(None)
    Membership.objects.bulk_create([membership_of(seat) for seat in seats])
    kept.delete()
    tasks = Task.all_objects.filter(project=project)
    tasks.exclude(assignee=None).exclude(assignee__in=[seat.user_id for seat in seats]).update(assignee=None)
    tasks.look_at_again()
    return commands.ProjectAnswer(project_id=project.pk)


def purge_project(user: User, command: commands.ProjectPurge) -> commands.ProjectAnswer:
    """Delete a deleted project for good, with all that is in it."""
    access.lock_deleted_project(user, command.project_id).delete()
    return commands.ProjectAnswer(project_id=command.project_id)


# --- Members --------------------------------------------------------------------------------


def restore_member(user: User, command: commands.MemberRestore) -> commands.MemberAnswer:
    """Bring a removed member back, in the same role, with the tasks that nobody was given since."""
    access.lock_owner(user, command.project_id)
    Project.lock_rows([command.project_id])
    kept = _kept_in(command.project_id, "member", user_model.as_text(command.user_id))
    newcomer = kept.user if kept else None
    if kept is None or newcomer is None or not user_model.is_active(newcomer) or not access.may_add(user, newcomer):
        raise NotFound("No such member.")
    if Membership.objects.filter(project_id=command.project_id, user=newcomer).exists():
        raise InvalidData("This person is already a member.")
    if not access.are_acquainted(user, newcomer):
        rate_limits.spend_addition(user.pk, newcomer.pk)
    membership_of(kept).save(force_insert=True)
    _assign_again(command.project_id, newcomer.pk, kept.data["tasks"])
    kept.delete()
    return commands.MemberAnswer(project_id=command.project_id, user_id=newcomer.pk)


def _assign_again(project_id: int, user_id: UserKey, task_ids: list[int]) -> None:
    for task in Task.lock_rows(task_ids):
        if task.project_id == project_id and task.assignee_id is None:
            task.assignee_id, task.is_restored = user_id, True
            task.save(update_fields=["assignee"])


# --- Labels ---------------------------------------------------------------------------------


def restore_label(user: User, command: commands.LabelRestore) -> commands.LabelAnswer:
    """Bring a label back on the tasks that carried it.

    With a new id: clients have forgotten which tasks had the old one, and learn it by their changes.
    """
    project = access.lock_project(user, command.project_id)
    kept = _kept_in(project.pk, "label", command.label_id)
    if kept is None:
        raise NotFound("No such label.")
    answer = insert_label(project, kept.data["name"], kept.data["color"], kept.data["index"])
    carriers = Task.all_objects.filter(project=project, labels__has=command.label_id).order_by("pk")
    for task in Task.lock_rows(list(carriers.values_list("pk", flat=True))):
        others = set(task.labels) - {command.label_id}
        if len(others & project.label_ids) < commands.MAX_CARRIED:
            task.labels = sorted(others | {answer.label_id})
            task.save(update_fields=["labels"])
    kept.delete()
    return answer


def purge_label(user: User, command: commands.LabelPurge) -> commands.LabelAnswer:
    """Delete a deleted label for good."""
    access.lock_owner(user, command.project_id)
    kept = _kept_in(command.project_id, "label", command.label_id)
    if kept is None:
        raise NotFound("No such label.")
    kept.delete()
    return commands.LabelAnswer(project_id=command.project_id, label_id=command.label_id)


def _kept_in(project_id: int, kind: str, item: object) -> Deletion | None:
    return Deletion.objects.filter(project_id=project_id).one(kind, item)


# --- Comments -------------------------------------------------------------------------------


def restore_comment(user: User, command: commands.CommentRestore) -> commands.CommentAnswer:
    """Bring a comment back where it was."""
    kept = access.lock_deleted_comment(user, command.comment_id, to_restore=True)
    comment = comment_of(kept)
    comment.save(force_insert=True)
    kept.delete()
    return comment_answer(comment)


def purge_comment(user: User, command: commands.CommentPurge) -> commands.CommentAnswer:
    """Delete a deleted comment for good."""
    kept = access.lock_deleted_comment(user, command.comment_id, to_restore=False)
    answer = commands.CommentAnswer(
        comment_id=command.comment_id, task_id=kept.task_id or 0, project_id=kept.project_id
    )
    kept.delete()
    return answer
