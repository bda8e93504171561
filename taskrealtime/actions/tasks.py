"""Every change that a user can ask for: check, then do, one transaction each."""

import hashlib
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from msgspec import UNSET, UnsetType

from taskrealtime import access, reminders
from taskrealtime.actor import acting_as
from taskrealtime.announcing import notifying
from taskrealtime.contract import commands, events
from taskrealtime.engine import log
from taskrealtime.engine.conf import settings
from taskrealtime.engine.crash_points import crash_point
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.log import idempotency
from taskrealtime.engine.wire.errors import Conflict, Forbidden, InvalidData, NotFound
from taskrealtime.models import (
    AdditionRequest,
    Block,
    Comment,
    Invitation,
    Membership,
    Preferences,
    Project,
    Task,
    invitations,
    ranks,
    user_room,
)
from taskrealtime.serializers.objects import shown_task_object, task_object

Result = TypeVar("Result")

#: Links of one project that are good at the same time.
MAX_INVITATIONS = 20
#: Labels of one project.
MAX_LABELS = 30
#: Tasks that one request archives: the transaction holds their rows, and numbers their events, at once.
ARCHIVED_AT_ONCE = 200
#: Attempts of a change that the database asks to try again (a deadlock, say).
ATTEMPTS = 5


def perform(user: User, command: commands.Command, *, key: str | None = None) -> commands.Answer:
    """Carry out a command for a user and return its answer; then it is committed.

    Args:
        key: makes it idempotent: the same key again has no second effect and gets the first answer, with
            `duplicate` set. A command that takes no key is carried out each time.

    Raises:
        RealTimeError: it was refused; nothing was changed.
    """
    return _committed(user, lambda: _perform(user, command, key))


def _committed(user: User, change: Callable[[], Result]) -> Result:
    """What `change` returned, once the transaction that it has for itself is committed."""
    for attempt in range(ATTEMPTS):
        try:
            with acting_as(user), log.atomic(durable=True):
                result = change()
                crash_point("changing")
            return result
        except OperationalError as error:
            if not log.is_retryable(error) or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


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


# --- Tasks ----------------------------------------------------------------------------------


def create_task(user: User, command: commands.TaskCreate) -> commands.TaskAnswer:
    """A new task at the end of its column."""
    fields = _given(command)
    access.lock_editor(user, command.project_id, others=[fields.get("assignee_id")])
    access.require_assignable(command.project_id, fields.get("assignee_id"), "assignee_id")
    access.require_labels(command.project_id, fields.get("labels"), "labels")
    _lock_ranks(command.project_id)
    task = Task.objects.create(project_id=command.project_id, created_by=user, **fields)
    return commands.TaskAnswer(task=task_object(task))


def update_task(user: User, command: commands.TaskUpdate) -> commands.TaskVersion:
    """Change fields that nobody changed since `version`."""
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
        raise InvalidData.at("after_id", "Give before_id or after_id, not both.")
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
    oldest = timezone.now() - timedelta(days=settings.EVENT_RETENTION_DAYS)
    if task.deleted_at is not None and task.deleted_at < oldest:
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
    """The task as it is then, and the labels that it carried before."""
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
    """Those that were asked for and changed; nothing where nobody asked."""
    return UNSET if asked is UNSET else sorted(changed.intersection(asked))


def _refuse_stale(task: Task, fields: dict[str, Any], version: int | None) -> None:
    """Field by field: two people who edit different fields both win."""
    if version is None:
        return
    stale = [name for name in fields if task.field_versions.get(name, 1) > version]
    if stale:
        raise Conflict(
            "Somebody changed this meanwhile.",
            details={"task": msgspec.to_builtins(shown_task_object(task)), "fields": stale},
        )


def _relabelled(task: Task, carried: list[int], added: list[int], removed: list[int], at: str) -> list[int]:
    """The labels that a task carries then; of the others nothing was said, so nobody can have been in the way."""
    project = Project.objects.get(pk=task.project_id)
    if any(label > project.last_label_id for label in added):
        raise InvalidData.at(f"{at}add_labels", "Not labels of this project.")
    new = project.label_ids.intersection(added).difference(carried, removed)
    labels = new.union(carried).difference(removed)
    if new and len(labels & project.label_ids) > commands.MAX_CARRIED:
        raise InvalidData.at(f"{at}add_labels", f"A task carries up to {commands.MAX_CARRIED} labels.")
    return sorted(labels)


def _rank(low: str | None, high: str | None) -> str:
    if high is None:
        return ranks.after_last(low)
    try:
        return ranks.between(low, high)
    except ValueError:
        # Written by other code, and with nothing before it.
        raise InvalidData.at("before_id", "There is no room before that task.") from None


def _lock_ranks(project_id: int) -> None:
    """One at a time decides on positions in a project: two people who drag at once get one order."""
    Project.lock_rows([project_id])


def _neighbours(task: Task, status: str, command: commands.TaskMove) -> tuple[str | None, str | None]:
    """The positions between which the task shall stand; None: the end of the column."""
    column = Task.objects.filter(project_id=task.project_id, status=status).exclude(pk=task.pk)
    positions = column.values_list("position", flat=True)

    def find(task_id: int | None) -> str | None:
        return None if task_id is None else positions.filter(pk=task_id).first()

    before, after = find(command.before_id), find(command.after_id)
    if command.after_id is not None and after is None:
        raise InvalidData.at("after_id", "Not another task of that column.")
    if command.before_id is not None and before is None:
        if command.or_after_id is UNSET:
            raise InvalidData.at("before_id", "Not another task of that column.")
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


# --- Comments -------------------------------------------------------------------------------


def add_comment(user: User, command: commands.NewComment) -> commands.CommentAnswer:
    """Say something about a task."""
    task = access.lock_task(user, command.task_id)
    return _comment_answer(Comment.objects.create(task=task, author=user, content=command.content))


def update_comment(user: User, command: commands.CommentUpdate) -> commands.CommentAnswer:
    """Change one's own comment."""
    comment = access.lock_comment(user, command.comment_id, owners_too=False)
    comment.content = command.content
    comment.save(update_fields=["content"])
    return _comment_answer(comment)


def delete_comment(user: User, command: commands.CommentDelete) -> commands.CommentAnswer:
    """Delete one's own comment, or as an owner anybody's."""
    comment = access.lock_comment(user, command.comment_id, owners_too=True)
    answer = _comment_answer(comment)
    comment.delete()
    return answer


def _comment_answer(comment: Comment) -> commands.CommentAnswer:
    return commands.CommentAnswer(comment_id=comment.pk, task_id=comment.task_id, project_id=comment.task.project_id)


# --- Projects and members -------------------------------------------------------------------


def create_project(user: User, command: commands.ProjectCreate) -> commands.ProjectAnswer:
    """A new project, owned by whoever asks."""
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
    """A new label, after those that there are."""
    project = access.lock_project(user, command.project_id)
    if len(project.labels) >= MAX_LABELS:
        raise Forbidden(f"A project has up to {MAX_LABELS} labels: delete one first.")
    label_id = project.last_label_id + 1
    label = {"id": label_id, "name": _label_name(project, command.name), "color": command.color}
    return _save_labels(project, [*project.labels, label], label_id)


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
    """Take a label away; tasks keep its id, which is never another's, and nobody is shown it."""
    project = access.lock_project(user, command.project_id)
    label = _find_label(project, command.label_id)
    return _save_labels(project, [other for other in project.labels if other is not label], label["id"])


def _find_label(project: Project, label_id: int) -> dict[str, Any]:
    for label in project.labels:
        if label["id"] == label_id:
            return label
    raise NotFound("No such label.")


def _label_name(project: Project, name: str, but: int | None = None) -> str:
    """The name, trimmed; `but` is the label that has it perhaps already."""
    name = name.strip()
    key = _compared(name)
    if any(_compared(label["name"]) == key for label in project.labels if label["id"] != but):
        raise InvalidData.at("name", "There is a label of that name already.")
    return name


def _compared(name: str) -> str:
    """Names are the same where nobody could tell them apart but by their case."""
    return unicodedata.normalize("NFKC", name).casefold()


def _save_labels(project: Project, labels: list[dict[str, Any]], label_id: int) -> commands.LabelAnswer:
    project.labels = labels
    project.save(update_fields=["labels"])
    return commands.LabelAnswer(project_id=project.pk, label_id=label_id)


def delete_project(user: User, command: commands.ProjectDelete) -> commands.ProjectAnswer:
    """Delete a project with all that is in it."""
    access.lock_owner(user, command.project_id)
    Project.objects.get(pk=command.project_id).delete()
    return commands.ProjectAnswer(project_id=command.project_id)


def add_member(user: User, command: commands.MemberAdd) -> commands.MemberAnswer:
    """Let somebody into a project."""
    access.lock_owner(user, command.project_id)
    newcomer = User.objects.filter(username=command.username, is_active=True).first()
    # One who blocked the adder is none to them.
    if newcomer is None or not access.may_add(user, newcomer):
        raise InvalidData.at("username", "There is no such user.")
    # Locks the project, so that of two who add the same person one is told.
    [project] = Project.lock_rows([command.project_id])
    if Membership.objects.filter(project=project, user=newcomer).exists():
        raise InvalidData.at("username", "Already a member.")
    if not access.are_acquainted(user, newcomer):
        rate_limits.spend_addition(user.pk, newcomer.pk)
    answer = commands.MemberAnswer(project_id=project.pk, user_id=newcomer.pk)
    if Preferences.objects.filter(user=newcomer, ask_first=True).exists():
        _ask_first(user, newcomer, project, command.role)
        return msgspec.structs.replace(answer, requested=True)
    if not _let_in(project.pk, newcomer, command.role, added_by_id=user.pk):
        raise InvalidData.at("username", "Already a member.")
    return answer


def _ask_first(user: User, newcomer: User, project: Project, role: events.Role) -> None:
    """Ask a user who wants that; asked again, the last role and owner count, and nothing more is told."""
    _, is_new = AdditionRequest.objects.update_or_create(
        project=project, user=newcomer, defaults={"role": role, "asked_by": user, "created_at": timezone.now()}
    )
    if is_new:
        notifying.notify_of_request(newcomer, project, role)


def accept_request(user: User, command: commands.RequestAccept) -> commands.ProjectAnswer:
    """Join a project to which an owner wants to add the user."""
    Project.lock_rows([command.project_id])
    request = access.find_addition_request(user, command.project_id)
    _let_in(command.project_id, user, request.role)
    return commands.ProjectAnswer(project_id=command.project_id)


def decline_request(user: User, command: commands.RequestDecline) -> commands.ProjectAnswer:
    """Take no part in a project to which an owner wants to add the user."""
    request = access.find_addition_request(user, command.project_id)
    if command.block:
        _block(user, [request.asked_by_id])
    request.delete()
    return commands.ProjectAnswer(project_id=command.project_id)


def unblock(user: User, command: commands.BlockRemove) -> commands.BlockAnswer:
    """Let a user add the asker again."""
    if not Block.objects.filter(user=user, blocked_id=command.user_id).delete()[0]:
        raise NotFound("No such block.")
    return commands.BlockAnswer(user_id=command.user_id)


def _block(user: User, user_ids: Iterable[int]) -> None:
    there = list(User.objects.filter(pk__in=user_ids).exclude(pk=user.pk))
    Block.objects.bulk_create((Block(user=user, blocked=blocked) for blocked in there), ignore_conflicts=True)
    AdditionRequest.objects.filter(user=user, asked_by__in=there).delete()


def _let_in(project_id: int, user: User, role: str, *, added_by_id: int | None = None) -> bool:
    """Make somebody a member; False: they are one already.

    Args:
        added_by_id: who does it without having asked them.
    """
    AdditionRequest.objects.filter(project_id=project_id, user=user).delete()
    if Membership.objects.filter(project_id=project_id, user=user).exists():
        return False
    owner_by_id = added_by_id if role == "owner" else None
    try:
        with transaction.atomic():
            Membership.objects.create(
                project_id=project_id, user=user, role=role, added_by_id=added_by_id, owner_by_id=owner_by_id
            )
    except IntegrityError:  # by code that does not lock the project: the admin, a shell
        return False
    return True


def update_member(user: User, command: commands.MemberUpdate) -> commands.MemberAnswer:
    """Give a member another role."""
    access.lock_owner(user, command.project_id)
    membership = _lock_membership(command.project_id, command.user_id)
    if command.role != "owner":
        access.require_other_owner(membership)
    _set_role(user, membership, command.role)
    return commands.MemberAnswer(project_id=command.project_id, user_id=command.user_id)


def _set_role(user: User, membership: Membership, role: events.Role) -> None:
    if role == "owner" and membership.role != "owner" and membership.user_id != user.pk:
        membership.owner_by_id = user.pk
    membership.role = role
    membership.save(update_fields=["role", "owner_by"])


def remove_member(user: User, command: commands.MemberRemove) -> commands.MemberAnswer:
    """Remove a member; everybody may remove themselves."""
    if command.user_id == user.pk:
        access.lock_member(user, command.project_id)
    else:
        access.lock_owner(user, command.project_id)
    membership = _lock_membership(command.project_id, command.user_id)
    if command.block:
        _block_adders(user, membership)
    access.require_other_owner(membership)
    membership.delete()
    return commands.MemberAnswer(project_id=command.project_id, user_id=command.user_id)


def _block_adders(user: User, membership: Membership) -> None:
    """Block whoever put the user into this place; the last owner gives the project back to whoever made them one."""
    adders = {pk for pk in (membership.added_by_id, membership.owner_by_id) if pk is not None}
    if membership.user_id != user.pk or not adders:
        raise InvalidData.at("block", "Nobody added you to this project.")
    _block(user, adders)
    giver = membership.owner_by
    owners = Membership.objects.filter(project_id=membership.project_id, role="owner", user__is_active=True)
    if membership.role != "owner" or giver is None or not giver.is_active or owners.exclude(pk=membership.pk).exists():
        return
    if not _let_in(membership.project_id, giver, "owner"):
        _set_role(user, _lock_membership(membership.project_id, giver.pk), "owner")


def hand_over_project(user: User, command: commands.ProjectHandOver) -> commands.MemberAnswer:
    """Make a member an owner, and then stay one, step down or leave."""
    own = access.lock_owner(user, command.project_id, others=[command.user_id])
    if command.user_id == user.pk:
        raise InvalidData.at("user_id", "That is you: name another member.")
    heir = _lock_membership(command.project_id, command.user_id)
    if not heir.user.is_active:
        raise InvalidData.at("user_id", "This account is not active.")
    _set_role(user, heir, "owner")
    if command.then == "leave":
        own.delete()
    elif command.then != "stay":
        own.role = command.then
        own.save(update_fields=["role"])
    return commands.MemberAnswer(project_id=command.project_id, user_id=command.user_id)


def _lock_membership(project_id: int, user_id: int) -> Membership:
    membership = Membership.objects.select_for_update().filter(project_id=project_id, user_id=user_id).first()
    if membership is None:
        raise NotFound("No such member.")
    return membership


# --- Invitations ----------------------------------------------------------------------------


def create_invitation(user: User, command: commands.InvitationCreate) -> commands.InvitationMade:
    """A link by which people join the project by themselves."""
    access.lock_owner(user, command.project_id)
    Project.lock_rows([command.project_id])
    now = timezone.now()
    if Invitation.objects.good(now).filter(project_id=command.project_id).count() >= MAX_INVITATIONS:
        raise Forbidden(f"A project has up to {MAX_INVITATIONS} links at a time: revoke one first.")
    secret = invitations.new_secret()
    invitation = Invitation.objects.create(
        project_id=command.project_id,
        role=command.role,
        secret_hash=invitations.hash_of(secret),
        created_by=user,
        created_at=now,
        expires_at=now + timedelta(hours=command.expires_in_hours),
        max_uses=command.max_uses,
    )
    return commands.InvitationMade(invitation_id=invitation.pk, secret=secret)


def revoke_invitation(user: User, command: commands.InvitationRevoke) -> commands.InvitationAnswer:
    """End a link."""
    access.lock_owner(user, command.project_id)
    found = Invitation.objects.filter(pk=command.invitation_id, project_id=command.project_id)
    if not found.delete()[0]:
        raise NotFound("No such invitation.")
    return commands.InvitationAnswer(invitation_id=command.invitation_id)


def accept_invitation(user: User, command: commands.InvitationAccept) -> commands.ProjectAnswer:
    """Join a project by a link; whoever is in it already uses none up."""
    project_id = access.lock_invited_project(command.secret_hash)
    if not Membership.objects.filter(project_id=project_id, user=user).exists():
        invitation = access.lock_invitation(command.secret_hash, now=timezone.now())
        if _let_in(project_id, user, invitation.role):
            invitation.uses += 1
            invitation.save(update_fields=["uses"])
    return commands.ProjectAnswer(project_id=project_id)


def sign_up(user: User, *, secret_hash: str | None = None) -> User:
    """Save a new account, and with an invitation make it a member: both, or neither.

    Args:
        user: not saved yet, with its password set.

    Raises:
        InvalidData: somebody was faster with that name, or with one that differs in its case alone.
        NotFound: the invitation is no longer good.
    """

    def save() -> User:
        user.pk = None
        _reserve(user.get_username())
        user.save(force_insert=True)
        if secret_hash is not None:
            accept_invitation(user, commands.InvitationAccept(secret_hash=secret_hash))
        return user

    try:
        return _committed(user, save)
    except IntegrityError:
        raise _taken() from None


def _reserve(username: str) -> None:
    """Wait for whoever signs up under that name in any case, until the transaction ends; refuse one that is taken.

    The user model may be a project's own, whose table we give no constraint. SQLite has one writer at a time anyway.
    """
    name = _compared(username)
    if connection.vendor == "postgresql":
        key = int.from_bytes(hashlib.sha256(f"sign-up:{name}".encode()).digest()[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
    # For SQLite itself only the letters of ASCII have a case; its regular expressions are Python's.
    sqlite = connection.vendor == "sqlite"
    lookup, value = ("iregex", rf"\A{re.escape(username)}\Z") if sqlite else ("iexact", username)
    if User.objects.filter(**{f"{User.USERNAME_FIELD}__{lookup}": value}).exists():
        raise _taken()


def _taken() -> InvalidData:
    return InvalidData.at("username", "A user with that username already exists.")


# --- One's own notifications and preferences ------------------------------------------------


def read_notifications(user: User, command: commands.NotificationsRead) -> commands.Unread:
    """Everything up to one of the own notifications was read."""
    return commands.Unread(unread=log.mark_read(user_room(user.pk), command.up_to))


def snooze_reminder(user: User, command: commands.ReminderSnooze) -> commands.Snoozed:
    """A reminder comes again later, once."""
    remind_at = reminders.snooze(user, command.seq, timedelta(minutes=command.minutes))
    return commands.Snoozed(seq=command.seq, remind_at=remind_at)


def update_me(user: User, command: commands.MeUpdate) -> commands.MeAnswer:
    """Change the own name, address and preferences."""
    if command.email is not UNSET:
        _change_email(user, command.email)
    if command.name is not UNSET:
        # The user model has two fields, whose words stand together in this order wherever the name is shown.
        first, _, last = command.name.strip().partition(" ")
        User.objects.filter(pk=user.pk).update(first_name=first, last_name=last)
    if command.muted_projects is not UNSET:
        _mute(user, set(command.muted_projects))
    _change_preferences(user, command)
    return commands.MeAnswer(user_id=user.pk)


def _change_email(user: User, email: str) -> None:
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise InvalidData.at("email", "This is no e-mail address.") from None
    # By a save, which sends mails to both addresses.
    account = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    account.email = email
    account.save(update_fields=["email"])


def _change_preferences(user: User, command: commands.MeUpdate) -> None:
    Preferences.objects.bulk_create([Preferences(user=user)], ignore_conflicts=True)
    preferences = Preferences.objects.select_for_update(no_key=True).get(user=user)
    if command.timezone is not UNSET:
        if command.timezone not in _timezones():
            raise InvalidData.at("timezone", "There is no such time zone.")
        preferences.timezone = command.timezone
    if command.notify is not UNSET:
        preferences.notify |= msgspec.to_builtins(command.notify)
    if command.remind_before_hours is not UNSET:
        preferences.remind_before_hours = command.remind_before_hours
        reminders.look_again(user)
    if command.ask_first is not UNSET:
        preferences.ask_first = command.ask_first
    preferences.save()


def _mute(user: User, project_ids: set[int]) -> None:
    memberships = Membership.objects.filter(user=user)
    own = set(memberships.values_list("project_id", flat=True))
    if project_ids - own:
        raise InvalidData.at("muted_projects", "Only projects that you are in can be muted.")
    memberships.filter(project_id__in=project_ids, muted=False).update(muted=True)
    memberships.exclude(project_id__in=project_ids).filter(muted=True).update(muted=False)


@cache
def _timezones() -> set[str]:
    return zoneinfo.available_timezones()


# --- The table ------------------------------------------------------------------------------


def _given(fields: msgspec.Struct, at: str = "") -> dict[str, Any]:
    """The writable fields that were sent, with their values; times in UTC.

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
                raise InvalidData.at(f"{at}{name}", "Out of range.") from None
    return given


def keep_task(answer: commands.TaskAnswer) -> commands.TaskAnswer:
    """Return the answer without the texts of the task."""
    return msgspec.structs.replace(answer, task=msgspec.structs.replace(answer.task, title="", description=""))


def recall_task(user: User, kept: commands.TaskAnswer) -> commands.TaskAnswer:
    """Return the task as it is now; where it was deleted since, what was kept of it.

    Raises:
        NotFound: the user is no longer a member of its project.
    """
    access.require_member(user, kept.task.project_id)
    task = access.readable_tasks(user).filter(pk=kept.task.id).first()
    if task is None:
        return msgspec.structs.replace(kept, redacted=True)
    return commands.TaskAnswer(task=shown_task_object(task))


class Action(NamedTuple):
    """How a command is carried out, and the type of its answer.

    `keep` reduces an answer to what may be kept with its key, which is no text of a person's; `recall` answers the same
    key again.
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
    commands.ProjectCreate: Action(create_project, commands.ProjectAnswer),
    commands.ProjectUpdate: Action(update_project, commands.ProjectAnswer),
    commands.LabelCreate: Action(create_label, commands.LabelAnswer),
    commands.LabelUpdate: Action(update_label, commands.LabelAnswer),
    commands.LabelDelete: Action(delete_label, commands.LabelAnswer),
    commands.ProjectDelete: Action(delete_project, commands.ProjectAnswer),
    commands.MemberAdd: Action(add_member, commands.MemberAnswer),
    commands.MemberUpdate: Action(update_member, commands.MemberAnswer),
    commands.MemberRemove: Action(remove_member, commands.MemberAnswer),
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
