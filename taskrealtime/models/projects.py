"""Projects, their members, invitations, and requests to add users."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Q
from django.db.models.deletion import Collector
from django.utils import timezone

from taskrealtime.contract.events import INVITED_ROLES, ROLES
from taskrealtime.contract.room_names import project_room
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.db import writing
from taskrealtime.engine.db.primary import PrimaryManager, PrimaryQuerySet

from .fields import choices
from .names import validate_name
from .tracking import TrackedModel, TrackedQuerySet


class ProjectQuerySet(TrackedQuerySet):
    """Projects, deleted with all that is in them."""

    def lock_against_writers(self) -> None:
        """Lock the rows, so that no task or member is inserted any more: Django collects what to delete only once.

        The memberships first, as changes of a project's tasks do: the other way round both would wait.
        """
        memberships = Membership.objects.filter(project__in=self.values("pk"))
        list(memberships.order_by("pk").select_for_update().values_list("pk"))
        list(self.order_by("pk").select_for_update().values_list("pk"))

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, after waiting for transactions that write into these projects."""
        with writing.atomic(using=self.db):
            self.lock_against_writers()
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class LiveProjectManager(models.Manager.from_queryset(ProjectQuerySet)):  # type: ignore[misc]
    """The projects that there are, without the deleted ones."""

    def get_queryset(self) -> ProjectQuerySet:
        """Projects that were not deleted."""
        return super().get_queryset().filter(deleted_at=None)


#: The labels of rows that are inserted past the ORM.
NO_LABELS = models.Value([], models.JSONField())


class Project(TrackedModel):
    """A board, and the users that may see it."""

    TRACKED = ("name", "labels")

    name = models.CharField(max_length=100, validators=[validate_name])
    #: `{"id", "name", "color"}` of each label. A column, not a table: a board has few, and all of it needs them all.
    labels = models.JSONField(default=list, db_default=NO_LABELS, blank=True, editable=False)
    #: The highest id that a label ever had here: none is used again, since tasks keep the ids of deleted ones.
    last_label_id = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    #: Deleted by a user, who can restore it for `EVENT_RETENTION_DAYS`. Without members, no user sees it meanwhile.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LiveProjectManager()
    all_objects = models.Manager.from_queryset(ProjectQuerySet)()

    class Meta:
        base_manager_name = "all_objects"
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="project_has_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def room(self) -> str:
        """The name of this project's room."""
        return project_room(self.pk)

    @property
    def label_ids(self) -> set[int]:
        """The ids of the labels that there are."""
        return {label["id"] for label in self.labels}

    @classmethod
    def prepare_new(cls, instances: Sequence[Self]) -> None:
        """Give ids to the labels that a project is created with."""
        for project in instances:
            project.last_label_id = max(project.label_ids, default=0)

    def set_derived_fields(self, previous: Self, changed: Sequence[str]) -> list[str]:
        """Record which label ids were used."""
        self.last_label_id = max(previous.last_label_id, *self.label_ids, 0)
        return ["last_label_id"]

    def set_deleted_at(self, at: datetime | None) -> None:
        """Mark it as deleted, or as restored. Without an event: there are no members to read one."""
        self.deleted_at = at
        self.write_past_tracking(["deleted_at"], using=self._state.db or DEFAULT_DB_ALIAS)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's, in one transaction with the end of its room."""
        with writing.atomic():
            Project.all_objects.filter(pk=self.pk).lock_against_writers()
            return super().delete(*args, **kwargs)


class MembershipQuerySet(TrackedQuerySet):
    """Memberships."""

    def active_owners(self) -> Self:
        """Return those of owners with an active account."""
        return self.filter(user_model.active("user"), role="owner")

    def end_with_projects(self) -> None:
        """Delete the rows as part of their projects: the deletion of each is not announced, and unassigns no tasks."""
        collector = Collector(using=self.db, origin=Project.all_objects.using(self.db))
        collector.collect(list(self))
        collector.delete()

    end_with_projects.alters_data = True  # type: ignore[attr-defined]


class Membership(TrackedModel):
    """One user's role in one project."""

    TRACKED = ("project_id", "user_id", "role")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="taskrealtime_memberships"
    )
    role = models.CharField(max_length=10, choices=choices(ROLES), default="member")
    #: Whether this member wants no notifications about the project; it ends with the membership.
    muted = models.BooleanField(default=False, db_default=False)
    #: The user that added this member without having asked; empty: the member joined by choice.
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    #: The user that made this member an owner.
    owner_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = models.Manager.from_queryset(MembershipQuerySet)()

    class Meta:
        base_manager_name = "objects"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=ROLES), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project} as {self.role}"

    @property
    def adder(self) -> User | None:
        """Return the user that added this member, or made the member an owner, without having asked."""
        return self.added_by or self.owner_by

    def set_derived_fields(self, previous: Self, changed: Sequence[str]) -> list[str]:
        """Reset what belongs to the previous member, such as muting, when the membership is given to another user."""
        if {"project_id", "user_id"} & set(changed):
            self.muted, self.added_by_id, self.owner_by_id = False, None, None
            return ["muted", "added_by", "owner_by"]
        return []

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's, in one transaction with the unassignment of the member's tasks."""
        with writing.atomic():
            # Locked before the tasks are looked for: no task is assigned to this member in between.
            if not (rows := Membership.lock_rows([self.pk])):
                return 0, {}
            self.project_id, self.user_id = rows[0].project_id, rows[0].user_id
            return super().delete(*args, **kwargs)


class InvitationQuerySet(PrimaryQuerySet):
    """Invitations, valid or no longer."""

    def good(self, now: datetime) -> Self:
        """Return the valid ones: in time, with a use left, made by a user that still owns the project."""
        owners = Membership.objects.active_owners().filter(project_id=models.OuterRef("project_id"))
        makers = owners.filter(user_id=models.OuterRef("created_by_id"))
        has_uses = Q(max_uses=None) | Q(uses__lt=models.F("max_uses"))
        return self.filter(has_uses, models.Exists(makers), expires_at__gt=now)


class Invitation(models.Model):
    """A link that lets its holder join a project. Deleted, it is revoked."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=choices(INVITED_ROLES), default="member")
    #: Of what stands in the link, which is not stored (`invitations.hash_of`).
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    #: How many may join by it; empty: any number.
    max_uses = models.PositiveIntegerField(null=True, blank=True)
    uses = models.PositiveIntegerField(default=0)

    objects = models.Manager.from_queryset(InvitationQuerySet)()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(role__in=INVITED_ROLES), name="invitation_role")]

    def __str__(self) -> str:
        return f"Invitation {self.pk} to project {self.project_id} as {self.role}"


class AdditionRequest(models.Model):
    """A request to add a user that wants to be asked first. Without the row, it was answered."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=choices(ROLES), default="member")
    #: An owner; once the user is none, the request is void.
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PrimaryManager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="addition_request_once"),
            models.CheckConstraint(condition=Q(role__in=ROLES), name="addition_request_role"),
        ]

    def __str__(self) -> str:
        return f"Request to user {self.user_id} to join project {self.project_id} as {self.role}"


class Block(models.Model):
    """A user that another one does not let add them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PrimaryManager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["user", "blocked"], name="block_once")]

    def __str__(self) -> str:
        return f"User {self.blocked_id}, blocked by user {self.user_id}"
