"""What users deleted, kept as it was, so that it can be restored for `EVENT_RETENTION_DAYS`.

The rows themselves are gone, as after any deletion: no query, no other program and no server of the release before can
show them. Tasks and whole projects are kept in their own rows instead (`Task.deleted_at`, `Project.deleted_at`), of a
project only the memberships are kept here.
"""

from typing import Any, Self

from django.conf import settings as django_settings
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.engine.db.primary import PrimaryQuerySet
from taskrealtime.engine.log.trimming import cutoff

from .fields import choices
from .projects import Membership, Project
from .tasks import Comment, Task

#: `project`: the deletion of the project itself; `seat`: a membership that ended with it.
KINDS = ("project", "seat", "member", "label", "comment")


class DeletionQuerySet(PrimaryQuerySet):
    """Deletions."""

    def restorable(self) -> Self:
        """Return those that can be undone: younger than `EVENT_RETENTION_DAYS`."""
        return self.filter(deleted_at__gte=cutoff(timezone.now()))

    def one(self, kind: str, item: object) -> "Deletion | None":
        """Return the deletion of this thing, locked, if it can be undone."""
        found = self.restorable().filter(kind=kind, item=str(item))
        return found.order_by("-pk").select_for_update(of=("self",)).first()

    def keep(self, kind: str, item: object, *, project_id: int, by: User | None, **fields: Any) -> "Deletion":
        """Remember a deletion, instead of an earlier one of the same thing."""
        values = {"by": by, "deleted_at": timezone.now(), **fields}
        return self.update_or_create(project_id=project_id, kind=kind, item=str(item), defaults=values)[0]


class Deletion(models.Model):
    """Something of a project that a user deleted.

    Without constraints on its foreign keys: a server of the release before deletes the rows that they name, and knows
    no rows of this table.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_constraint=False, related_name="deletions")
    kind = models.CharField(max_length=10, choices=choices(KINDS))
    #: The key of what was deleted: of a label or comment its id, of a member or seat the user's as text.
    item = models.CharField(max_length=64)
    #: Of a comment.
    task = models.ForeignKey(Task, null=True, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    #: Of a membership the member, of a comment its author.
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    data = models.JSONField(default=dict)
    deleted_at = models.DateTimeField(db_index=True)

    objects = models.Manager.from_queryset(DeletionQuerySet)()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["project", "kind", "item"], name="deletion_once")]

    def __str__(self) -> str:
        return f"Deleted {self.kind} {self.item} of project {self.project_id}"


# --- Memberships ----------------------------------------------------------------------------


def data_of_membership(membership: Membership) -> dict[str, Any]:
    """Return what a membership has beside its project and its user."""
    return {
        "id": membership.pk,
        "role": membership.role,
        "muted": membership.muted,
        "added_by": _text(membership.added_by_id),
        "owner_by": _text(membership.owner_by_id),
        "created_at": membership.created_at.isoformat(),
    }


def membership_of(kept: Deletion) -> Membership:
    """Return the membership as it was, not saved yet."""
    data = kept.data
    membership = Membership(
        pk=data["id"],
        project_id=kept.project_id,
        user=kept.user,
        role=data["role"],
        muted=data["muted"],
        added_by_id=_user_id(data["added_by"]),
        owner_by_id=_user_id(data["owner_by"]),
        created_at=_moment(data["created_at"]),
    )
    membership.is_restored = True
    return membership


# --- Comments -------------------------------------------------------------------------------


def data_of_comment(comment: Comment) -> dict[str, Any]:
    """Return what a comment has beside its task and its author."""
    return {
        "content": comment.content,
        "created_at": comment.created_at.isoformat(),
        "updated_at": comment.updated_at.isoformat(),
    }


def comment_of(kept: Deletion) -> Comment:
    """Return the comment as it was, not saved yet."""
    comment = Comment(
        pk=int(kept.item),
        task=kept.task,
        author=kept.user,
        content=kept.data["content"],
        created_at=_moment(kept.data["created_at"]),
        updated_at=_moment(kept.data["updated_at"]),
    )
    comment.is_restored = True
    return comment


def _moment(text: str) -> Any:
    return parse_datetime(text)


def _text(key: UserKey | None) -> str | None:
    return None if key is None else user_model.as_text(key)


def _user_id(text: str | None) -> UserKey | None:
    """Return the key of a user that is still there."""
    key = None if text is None else user_model.from_text(text)
    return key if key is not None and user_model.users().filter(pk=key).exists() else None
