"""Carries out any command: the table from command to action, and what a repeated one answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from taskrealtime.contract import commands
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.log import idempotency

from .committing import committed
from .me import read_notifications, snooze_reminder, update_me
from .members import (
    accept_invitation,
    accept_request,
    add_member,
    create_invitation,
    decline_request,
    hand_over_project,
    remove_member,
    revoke_invitation,
    unblock,
    update_member,
)
from .projects import create_label, create_project, delete_label, update_label, update_project
from .restoring import (
    delete_project,
    purge_comment,
    purge_label,
    purge_project,
    restore_comment,
    restore_label,
    restore_member,
    restore_project,
)
from .tasks import (
    add_comment,
    archive_completed,
    archive_task,
    create_task,
    delete_comment,
    delete_task,
    keep_task,
    move_task,
    recall_task,
    restore_task,
    update_comment,
    update_task,
    update_task_status,
)


def perform(user: User, command: commands.Command, *, key: str | None = None) -> commands.Answer:
    """Carry out a command for a user and return its answer; then it is committed.

    Args:
        key: makes it idempotent: the same key again has no second effect and gets the first answer, with
            `duplicate` set. A command that takes no key is carried out each time.

    Raises:
        RealTimeError: it was refused; nothing was changed.
    """
    return committed(user, lambda: _perform(user, command, key))


def _perform(user: User, command: commands.Command, key: str | None) -> commands.Answer:
    action = ACTIONS[type(command)]
    if key is None or not command.takes_key:
        return action.do(user, command)
    first: list[commands.Answer] = []

    def change() -> commands.Answer:
        first.append(action.do(user, command))
        return action.keep(first[0])

    kept, repeated = idempotency.once(
        user_id=user.pk,
        key=key,
        request=msgspec.json.encode([type(command).__name__, command]),
        answer_type=action.answer,
        change=change,
    )
    return msgspec.structs.replace(action.recall(user, kept), duplicate=True) if repeated else first[0]


class Action(NamedTuple):
    """How a command is carried out, and the type of its answer.

    `keep` reduces an answer to what may be kept with its key, which is no text that users wrote; `recall` answers the
    same key again.
    """

    do: Callable[[User, Any], commands.Answer]
    answer: type[commands.Answer]
    keep: Callable[[Any], commands.Answer] = lambda answer: answer
    recall: Callable[[User, Any], commands.Answer] = lambda user, kept: kept


ACTIONS: dict[type[commands.Command], Action] = {
    commands.TaskCreate: Action(create_task, commands.TaskAnswer, keep_task, recall_task),
    commands.TaskUpdate: Action(update_task, commands.TaskVersion),
    commands.TaskStatusUpdate: Action(update_task_status, commands.TaskStatusAnswer),
    commands.TaskMove: Action(move_task, commands.TaskMoved),
    commands.TaskDelete: Action(delete_task, commands.TaskGone),
    commands.TaskRestore: Action(restore_task, commands.TaskAnswer, keep_task, recall_task),
    commands.TaskArchive: Action(archive_task, commands.TaskGone),
    commands.CompletedArchive: Action(archive_completed, commands.Archived),
    commands.NewComment: Action(add_comment, commands.CommentAnswer),
    commands.CommentUpdate: Action(update_comment, commands.CommentAnswer),
    commands.CommentDelete: Action(delete_comment, commands.CommentAnswer),
    commands.CommentRestore: Action(restore_comment, commands.CommentAnswer),
    commands.CommentPurge: Action(purge_comment, commands.CommentAnswer),
    commands.ProjectCreate: Action(create_project, commands.ProjectAnswer),
    commands.ProjectUpdate: Action(update_project, commands.ProjectAnswer),
    commands.LabelCreate: Action(create_label, commands.LabelAnswer),
    commands.LabelUpdate: Action(update_label, commands.LabelAnswer),
    commands.LabelDelete: Action(delete_label, commands.LabelAnswer),
    commands.LabelRestore: Action(restore_label, commands.LabelAnswer),
    commands.LabelPurge: Action(purge_label, commands.LabelAnswer),
    commands.ProjectDelete: Action(delete_project, commands.ProjectAnswer),
    commands.ProjectRestore: Action(restore_project, commands.ProjectAnswer),
    commands.ProjectPurge: Action(purge_project, commands.ProjectAnswer),
    commands.MemberAdd: Action(add_member, commands.MemberAnswer),
    commands.MemberUpdate: Action(update_member, commands.MemberAnswer),
    commands.MemberRemove: Action(remove_member, commands.MemberAnswer),
    commands.MemberRestore: Action(restore_member, commands.MemberAnswer),
    commands.RequestAccept: Action(accept_request, commands.ProjectAnswer),
    commands.RequestDecline: Action(decline_request, commands.ProjectAnswer),
    commands.BlockRemove: Action(unblock, commands.BlockAnswer),
    commands.ProjectHandOver: Action(hand_over_project, commands.MemberAnswer),
    commands.InvitationCreate: Action(create_invitation, commands.InvitationMade),
    commands.InvitationRevoke: Action(revoke_invitation, commands.InvitationAnswer),
    commands.InvitationAccept: Action(accept_invitation, commands.ProjectAnswer),
    commands.NotificationsRead: Action(read_notifications, commands.Unread),
    commands.ReminderSnooze: Action(snooze_reminder, commands.Snoozed),
    commands.MeUpdate: Action(update_me, commands.MeAnswer),
}
