"""Permissions to see and change things. Sockets, HTTP, pages and replays all ask here.

What a user may not know of is "not found"; what one sees but may not change is "forbidden". The `lock_…` functions
lock the membership that allows a change until its transaction ends, so that a removal waits for the change or the
change sees the removal.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from .contract.room_names import project_of_room
from .engine.conf import user_model
from .engine.conf.user_model import User, UserKey
from .engine.log.trimming import cutoff
from .engine.wire.errors import Forbidden, InvalidData, NotFound, RealTimeError
from .models import AdditionRequest, Block, Comment, Deletion, Invitation, Membership, Project, Task, TaskQuerySet


def visible_projects(user: User) -> QuerySet[Project]:
    """Return the projects that this user may see."""
    return Project.objects.filter(memberships__user=user)


def visible_tasks(user: User) -> TaskQuerySet:
    """Return the tasks on boards that this user may see."""
    return Task.objects.filter(project__memberships__user=user)


def readable_tasks(user: User) -> TaskQuerySet:
    """As `visible_tasks`, with those in the archives."""
    return Task.all_objects.filter(project__memberships__user=user).kept()


def visible_comments(user: User) -> QuerySet[Comment]:
    """Return the comments that this user may see."""
    return Comment.objects.filter(task__project__memberships__user=user, task__deleted_at=None)


def require_staff(user: User) -> None:
    """Require a member of staff, as the database has them now: the server's figures are for staff alone.

    Raises:
        NotFound: the user is not staff.
    """
    if not user_model.staff_among([user.pk]):
        raise NotFound("Not found.")


def require_member(user: User, project_id: int) -> Membership:
    """Return the user's membership of the project.

    Raises:
        NotFound: there is no such project, or the user is not in it.
    """
    membership = Membership.objects.filter(project_id=project_id, user=user).first()
    if membership is None:
        raise NotFound("No such project.")
    return membership


def find_task(user: User, task_id: int) -> Task:
    """Return a task that the user may see.

    Raises:
        NotFound: there is no such task, or the user may not see it.
    """
    task = visible_tasks(user).filter(pk=task_id).first()
    if task is None:
        raise NotFound("No such task.")
    return task


def find_task_to_type_at(user: User, task_id: int) -> Task:
    """As `find_task`, for a user that begins a comment.

    Raises:
        NotFound: there is no such task, or the user may not see it.
        Forbidden: the user is a viewer.
    """
    task = find_task(user, task_id)
    if require_member(user, task.project_id).role == "viewer":
        raise Forbidden("Viewers cannot comment.")
    return task


def refuse_reading(pairs: Collection[tuple[str, UserKey]]) -> dict[tuple[str, UserKey], RealTimeError]:
    """Return the pairs of a room and a user's id where the user may not read the room, each with the error to raise."""
    projects = {pair: project_id for pair in pairs if (project_id := project_of_room(pair[0])) is not None}
    of_users = user_model.among({user_id for _, user_id in projects}, "user")
    memberships = Membership.objects.filter(of_users, project__id__any_of=set(projects.values()))
    allowed = set(memberships.values_list("project_id", "user_id"))
    return {
        (room, user_id): NotFound("No such project.")
        for room, user_id in pairs
        if (projects.get((room, user_id)), user_id) not in allowed
    }


def lock_member(user: User, project_id: int, *, others: Iterable[UserKey | None] = ()) -> Membership:
    """As `require_member`, with the membership (and those of the users `others`) locked.

    Raises:
        NotFound: there is no such project, or the user is not in it.
    """
    ids = {user.pk, *(other for other in others if other is not None)}
    rows = Membership.objects.filter(project_id=project_id, user_id__in=ids).order_by("pk")
    locked = {row.user_id: row for row in rows.select_for_update(no_key=True)}
    if user.pk not in locked:
        raise NotFound("No such project.")
    return locked[user.pk]


def lock_editor(user: User, project_id: int, *, others: Iterable[UserKey | None] = ()) -> Membership:
    """As `lock_member`, for a change of tasks or comments.

    Raises:
        NotFound: there is no such project, or the user is not in it.
        Forbidden: the user is a viewer.
    """
    membership = lock_member(user, project_id, others=others)
    if membership.role == "viewer":
        raise Forbidden("Viewers cannot make changes.")
    return membership


def lock_owner(user: User, project_id: int, *, others: Iterable[UserKey | None] = ()) -> Membership:
    """As `lock_member`, for a change of the project or its members.

    Raises:
        NotFound: there is no such project, or the user is not in it.
        Forbidden: the user is not an owner.
    """
    membership = lock_member(user, project_id, others=others)
    _require_owning(membership)
    return membership


def lock_project(user: User, project_id: int) -> Project:
    """Return the project, locked for a change by this owner of it.

    Raises:
        NotFound: there is no such project, or the user is not in it.
        Forbidden: the user is not an owner.
    """
    lock_owner(user, project_id)
    project = next(iter(Project.lock_rows([project_id])), None)
    if project is None:
        raise NotFound("No such project.")
    return project


def require_owner(user: User, project_id: int) -> Membership:
    """As `require_member`, for what only owners see.

    Raises:
        NotFound: there is no such project, or the user is not in it.
        Forbidden: the user is not an owner.
    """
    membership = require_member(user, project_id)
    _require_owning(membership)
    return membership


def _require_owning(membership: Membership) -> None:
    if membership.role != "owner":
        raise Forbidden("Only owners can do this.")


def lock_task(user: User, task_id: int, *, others: Iterable[UserKey | None] = (), gone: bool = False) -> Task:
    """Return the task, locked for a change by this user together with the membership that allows it.

    Args:
        others: users whose memberships are locked too.
        gone: whether a deleted or archived task is wanted as well.

    Raises:
        NotFound: there is no such task, or the user may not see it.
        Forbidden: the user is a viewer.
    """
    project_id = Task.all_objects.filter(pk=task_id).values_list("project_id", flat=True).first()
    if project_id is None:
        raise NotFound("No such task.")
    try:
        lock_editor(user, project_id, others=others)
    except NotFound:
        raise NotFound("No such task.") from None
    task = next(iter(Task.lock_rows([task_id])), None)
    if task is None or task.project_id != project_id or not (task.is_on_board or gone):
        raise NotFound("No such task.")
    return task


def lock_comment(user: User, comment_id: int, *, owners_too: bool) -> Comment:
    """Return the comment, for a change by its author, or by an owner if `owners_too`.

    Raises:
        NotFound: there is no such comment, or the user may not see it.
        Forbidden: it is another user's.
    """
    comments = visible_comments(user).filter(task__archived_at=None).select_related("task", "author")
    comment = comments.filter(pk=comment_id).first()
    if comment is None:
        raise NotFound("No such comment.")
    membership = lock_editor(user, comment.task.project_id)
    Task.lock_rows([comment.task_id])
    comment = comments.filter(pk=comment_id).first()
    if comment is None:
        raise NotFound("No such comment.")
    if comment.author_id != user.pk and not (owners_too and membership.role == "owner"):
        raise Forbidden("This comment belongs to someone else.")
    return comment


def lock_deleted_comment(user: User, comment_id: int, *, to_restore: bool) -> Deletion:
    """Return a deleted comment, for the user that deleted it; what another user deleted is for owners, too.

    Deleting it for good is for its author, as well.

    Raises:
        NotFound: there is none any more, or the user may not see it, or its task is not on the board.
        Forbidden: the user may not change it.
    """
    found = Deletion.objects.one("comment", comment_id)
    if found is None or found.task_id is None:
        raise NotFound("No such comment.")
    try:
        task = lock_task(user, found.task_id, gone=not to_restore)
    except NotFound:
        raise NotFound("No such comment.") from None
    is_own = user.pk == found.by_id or (user.pk == found.user_id and not to_restore)
    # What an author took back is not for owners to read.
    by_other = found.by_id is None or found.by_id != found.user_id
    if not is_own and not (by_other and require_member(user, task.project_id).role == "owner"):
        raise Forbidden("This comment belongs to someone else.")
    return found


def deletions(user: User, project_id: int) -> QuerySet[Deletion]:
    """Return what was deleted in a project and this user can restore, the last first.

    Raises:
        NotFound: there is no such project, or the user is not in it.
    """
    role = require_member(user, project_id).role
    found = Deletion.objects.restorable().filter(project_id=project_id).select_related("by", "user")
    if role == "viewer":
        return found.none()
    comments = Q(kind="comment", task__deleted_at=None, task__archived_at=None, task__project_id=project_id)
    own = comments & Q(by=user)
    if role != "owner":
        return found.filter(own).order_by("-deleted_at", "-pk")
    by_others = comments & (Q(by=None) | ~Q(by=F("user")) | Q(user=None))
    return found.filter(own | by_others | Q(kind__in=("label", "member"))).order_by("-deleted_at", "-pk")


def deleted_tasks(user: User, project_id: int) -> QuerySet[Task]:
    """Return the deleted tasks of a project that this user can restore, the last first.

    Raises:
        NotFound: there is no such project, or the user is not in it.
    """
    role = require_member(user, project_id).role
    found = Task.all_objects.filter(project_id=project_id, deleted_at__gte=cutoff(timezone.now()))
    return found.none() if role == "viewer" else found.order_by("-deleted_at", "-pk")


def restorable_projects(user: User) -> QuerySet[Project]:
    """Return the deleted projects that the user owned, and can restore."""
    seats = Deletion.objects.restorable().filter(kind="seat", user=user, data__role="owner")
    return Project.all_objects.filter(pk__in=seats.values("project_id"), deleted_at__isnull=False)


def lock_deleted_project(user: User, project_id: int) -> Project:
    """Return a deleted project, locked, for a user that owned it.

    Raises:
        NotFound: there is none any more, or the user did not own it.
    """
    Project.lock_rows([project_id])
    project = restorable_projects(user).filter(pk=project_id).first()
    if project is None:
        raise NotFound("No such project.")
    return project


def require_assignable(project_id: int, user_id: UserKey | None, field: str) -> None:
    """Require a member as assignee.

    Raises:
        InvalidData: at `field`, if `user_id` is not a member.
    """
    if user_id is not None and not Membership.objects.filter(project_id=project_id, user_id=user_id).exists():
        raise InvalidData.at(field, "This person is not a member of the project.")


def require_labels(project_id: int, labels: Collection[int] | None, field: str) -> None:
    """Require labels of the task's own project. One that is deleted at the same moment is not shown anywhere.

    Raises:
        InvalidData: at `field`, if one of `labels` is none of them.
    """
    if labels and not Project.objects.get(pk=project_id).label_ids.issuperset(labels):
        raise InvalidData.at(field, "Some of these labels do not belong to this project.")


def require_other_owner(membership: Membership) -> None:
    """Require another owner, so that a project keeps one that can sign in; lock the others: two cannot leave at once.

    Raises:
        Forbidden: this is the last one.
    """
    owners = Membership.objects.active_owners().filter(project_id=membership.project_id)
    others = owners.exclude(pk=membership.pk).order_by("pk").select_for_update(of=("self",), no_key=True)
    if membership.role == "owner" and not list(others):
        raise Forbidden("A project needs at least one owner with an active account.")


def find_invitation(secret_hash: str, *, now: datetime) -> Invitation:
    """Return the invitation with that secret, for anyone with the link, signed in or not.

    It is looked up by the secret's hash: how long that takes reveals nothing about a secret.

    Raises:
        NotFound: there is none, or it is no longer valid: revoked, expired, used up, or its maker no longer an owner.
    """
    invitations = Invitation.objects.good(now).select_related("project", "created_by")
    invitation = invitations.filter(secret_hash=secret_hash).first()
    if invitation is None:
        raise NotFound("This invitation is invalid or has expired.")
    return invitation


def find_addition_request(user: User, project_id: int) -> AdditionRequest:
    """Return the request to add this user to the project, locked.

    Raises:
        NotFound: there is none, or the user that asked is no longer an owner.
    """
    requests = addition_requests(user).filter(project_id=project_id)
    request = requests.select_for_update(of=("self",)).first()
    if request is None:
        raise NotFound("No such request.")
    return request


def addition_requests(user: User) -> QuerySet[AdditionRequest]:
    """Return the requests of owners to add this user to their projects, with both, oldest first."""
    owners = Membership.objects.active_owners().filter(project_id=OuterRef("project_id"))
    requests = AdditionRequest.objects.filter(Exists(owners.filter(user_id=OuterRef("asked_by_id"))), user=user)
    return requests.select_related("project", "asked_by").order_by("id")


def blocks(user: User) -> QuerySet[Block]:
    """Return the users that this one blocked, the first blocked first."""
    return Block.objects.filter(user=user).select_related("blocked").order_by("id")


def may_add(adder: User, user: User) -> bool:
    """Return whether the user did not block the adder."""
    return not Block.objects.filter(user=user, blocked=adder).exists()


def are_acquainted(adder: User, user: User) -> bool:
    """Return whether the user joined a project of the adder by choice: being added to one is not enough."""
    own = Membership.objects.filter(user=adder).values("project_id")
    return Membership.objects.filter(user=user, added_by=None, project_id__in=own).exists()


def lock_invited_project(secret_hash: str) -> int:
    """Lock and return the project that an invitation leads to, valid or not: concurrent joins take turns.

    Raises:
        NotFound: there is no such invitation.
    """
    project_id = Invitation.objects.filter(secret_hash=secret_hash).values_list("project_id", flat=True).first()
    if project_id is None:
        raise NotFound("This invitation is invalid or has expired.")
    Project.lock_rows([project_id])
    return project_id


def lock_invitation(secret_hash: str, *, now: datetime) -> Invitation:
    """As `find_invitation`, locked for a use of it; its project is locked before, as where that is deleted.

    Raises:
        NotFound: there is none, or it is no longer valid.
    """
    invitation = Invitation.objects.good(now).filter(secret_hash=secret_hash).select_for_update().first()
    if invitation is None:
        raise NotFound("This invitation is invalid or has expired.")
    return invitation
