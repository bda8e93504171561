"""Changes of a project's members: adding, requests to add, invitations, new accounts."""

import hashlib
import re
from collections.abc import Iterable
from datetime import timedelta

import msgspec
from django.db import IntegrityError, connection
from django.utils import timezone

from taskrealtime import access
from taskrealtime.announcing import notifying
from taskrealtime.contract import commands, events
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.engine.db import writing
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.wire.errors import Forbidden, InvalidData, NotFound
from taskrealtime.models import (
    AdditionRequest,
    Block,
    Deletion,
    Invitation,
    Membership,
    Preferences,
    Project,
    Task,
    invitations,
)
from taskrealtime.models.deletions import data_of_membership

from .committing import committed
from .projects import compared

#: Links of one project that are valid at the same time.
MAX_INVITATIONS = 20


def add_member(user: User, command: commands.MemberAdd) -> commands.MemberAnswer:
    """Add a user to a project, or ask for the user's consent."""
    access.lock_owner(user, command.project_id)
    newcomer = user_model.by_username(command.username)
    # A user that blocked the adder looks like none.
    if newcomer is None or not user_model.is_active(newcomer) or not access.may_add(user, newcomer):
        raise InvalidData.at("username", "No user has this username.")
    # Locks the project, so that of two owners that add the same user one gets an error.
    [project] = Project.lock_rows([command.project_id])
    if Membership.objects.filter(project=project, user=newcomer).exists():
        raise InvalidData.at("username", "This person is already a member.")
    if not access.are_acquainted(user, newcomer):
        rate_limits.spend_addition(user.pk, newcomer.pk)
    answer = commands.MemberAnswer(project_id=project.pk, user_id=newcomer.pk)
    if Preferences.objects.filter(user=newcomer, ask_first=True).exists():
        _ask_first(user, newcomer, project, command.role)
        return msgspec.structs.replace(answer, requested=True)
    if not _let_in(project.pk, newcomer, command.role, added_by_id=user.pk):
        raise InvalidData.at("username", "This person is already a member.")
    return answer


def _ask_first(user: User, newcomer: User, project: Project, role: events.Role) -> None:
    """Ask a user that wants to be asked; asked again, the last role and owner count, without a new notification."""
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
    """Decline to join a project to which an owner wants to add the user."""
    request = access.find_addition_request(user, command.project_id)
    if command.block:
        _block(user, [request.asked_by_id])
    request.delete()
    return commands.ProjectAnswer(project_id=command.project_id)


def unblock(user: User, command: commands.BlockRemove) -> commands.BlockAnswer:
    """Let a blocked user add this one again."""
    if not Block.objects.filter(user=user, blocked_id=command.user_id).delete()[0]:
        raise NotFound("No such block.")
    return commands.BlockAnswer(user_id=command.user_id)


def _block(user: User, user_ids: Iterable[UserKey]) -> None:
    there = list(user_model.users().filter(pk__in=user_ids).exclude(pk=user.pk))
    Block.objects.bulk_create((Block(user=user, blocked=blocked) for blocked in there), ignore_conflicts=True)
    AdditionRequest.objects.filter(user=user, asked_by__in=there).delete()


def _let_in(project_id: int, user: User, role: str, *, added_by_id: UserKey | None = None) -> bool:
    """Make a user a member; return False if the user is one already.

    Args:
        added_by_id: the user that does it without having asked.
    """
    AdditionRequest.objects.filter(project_id=project_id, user=user).delete()
    Deletion.objects.filter(kind="member", project_id=project_id, user=user).delete()
    if Membership.objects.filter(project_id=project_id, user=user).exists():
        return False
    owner_by_id = added_by_id if role == "owner" else None
    try:
        with writing.atomic():
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
    """Remove a member; members may remove themselves."""
    if command.user_id == user.pk:
        access.lock_member(user, command.project_id)
    else:
        access.lock_owner(user, command.project_id)
    membership = _lock_membership(command.project_id, command.user_id)
    if command.block:
        _block_adders(user, membership)
    access.require_other_owner(membership)
    if membership.user_id != user.pk:
        _keep(user, membership)
    membership.delete()
    return commands.MemberAnswer(project_id=command.project_id, user_id=command.user_id)


def _keep(user: User, membership: Membership) -> None:
    """Remember a member that an owner removes. One that leaves does not want to be brought back."""
    tasks = Task.all_objects.filter(project_id=membership.project_id, assignee_id=membership.user_id)
    data = {**data_of_membership(membership), "tasks": list(tasks.order_by("pk").values_list("pk", flat=True))}
    item = user_model.as_text(membership.user_id)
    kept = {"user_id": membership.user_id, "data": data}
    Deletion.objects.keep("member", item, project_id=membership.project_id, by=user, **kept)


def _block_adders(user: User, membership: Membership) -> None:
    """Block the users that put this one into the place; the last owner gives the project back to its giver."""
    adders = {pk for pk in (membership.added_by_id, membership.owner_by_id) if pk is not None}
    if membership.user_id != user.pk or not adders:
        raise InvalidData.at("block", "No one added you to this project.")
    _block(user, adders)
    giver = membership.owner_by
    owners = Membership.objects.active_owners().filter(project_id=membership.project_id).exclude(pk=membership.pk)
    if membership.role != "owner" or giver is None or not user_model.is_active(giver) or owners.exists():
        return
    if not _let_in(membership.project_id, giver, "owner"):
        _set_role(user, _lock_membership(membership.project_id, giver.pk), "owner")


def hand_over_project(user: User, command: commands.ProjectHandOver) -> commands.MemberAnswer:
    """Make a member an owner, and then stay one, step down or leave."""
    own = access.lock_owner(user, command.project_id, others=[command.user_id])
    if command.user_id == user.pk:
        raise InvalidData.at("user_id", "Choose another member, not yourself.")
    heir = _lock_membership(command.project_id, command.user_id)
    if not user_model.is_active(heir.user):
        raise InvalidData.at("user_id", "This account is not active.")
    _set_role(user, heir, "owner")
    if command.then == "leave":
        own.delete()
    elif command.then != "stay":
        own.role = command.then
        own.save(update_fields=["role"])
    return commands.MemberAnswer(project_id=command.project_id, user_id=command.user_id)


def _lock_membership(project_id: int, user_id: UserKey) -> Membership:
    membership = Membership.objects.select_for_update().filter(project_id=project_id, user_id=user_id).first()
    if membership is None:
        raise NotFound("No such member.")
    return membership


def create_invitation(user: User, command: commands.InvitationCreate) -> commands.InvitationMade:
    """Create a link by which users join the project."""
    access.lock_owner(user, command.project_id)
    Project.lock_rows([command.project_id])
    now = timezone.now()
    if Invitation.objects.good(now).filter(project_id=command.project_id).count() >= MAX_INVITATIONS:
        raise Forbidden(f"A project can have up to {MAX_INVITATIONS} invite links. Revoke one first.")
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
    """Join a project by a link; an existing member uses none up."""
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
        InvalidData: another account took that name, or one that differs in its case alone.
        NotFound: the invitation is no longer valid.
    """

    def save() -> User:
        user_model.forget_generated_key(user)
        _reserve(user_model.username(user))
        user.save(force_insert=True)
        if secret_hash is not None:
            accept_invitation(user, commands.InvitationAccept(secret_hash=secret_hash))
        return user

    try:
        return committed(user, save)
    except IntegrityError:
        raise _taken() from None


def _reserve(username: str) -> None:
    """Wait for other sign-ups under that name in any case, until the transaction ends; refuse one that is taken.

    The user model may be a project's own, whose table we give no constraint. SQLite has one writer at a time anyway.
    """
    name = compared(username)
    if connection.vendor == "postgresql":
        key = int.from_bytes(hashlib.sha256(f"sign-up:{name}".encode()).digest()[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
    # For SQLite itself only the letters of ASCII have a case; its regular expressions are Python's.
    sqlite = connection.vendor == "sqlite"
    lookup, value = ("iregex", rf"\A{re.escape(username)}\Z") if sqlite else ("iexact", username)
    if user_model.users().filter(**{f"{user_model.username_field()}__{lookup}": value}).exists():
        raise _taken()


def _taken() -> InvalidData:
    return InvalidData.at("username", "A user with that username already exists.")
