"""Task, its comments, and the reminders of when it is due."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.deletion import Collector
from django.utils import timezone

from taskrealtime.contract.events import PRIORITIES, REMINDER_KINDS, STATUSES
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db import writing
from taskrealtime.engine.db.primary import PrimaryQuerySet
from taskrealtime.folding import fold, words_of

from . import ranks
from .fields import IdsField, PositionField, choices
from .markdown import key_of, render
from .projects import NO_LABELS, Project
from .tracking import TrackedModel, TrackedQuerySet

#: Before anything is due: what stands here is looked at by the next run of the reminders.
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
#: A change of any of these may change the recipient of a reminder, and its time.
REMINDED_OF = {"project_id", "status", "assignee_id", "due_at", "created_by_id", "deleted_at", "archived_at"}

#: What searches look for in a task.
SEARCHED = ("title", "description")


def folded_of(*texts: object) -> str | None:
    """Return texts as searches compare them; None if one is an expression, which has no text yet."""
    return fold("\n".join(texts)) if all(isinstance(text, str) for text in texts) else None  # type: ignore[arg-type]


class TaskQuerySet(TrackedQuerySet):
    """Tasks, with deletion as something that can be undone."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Take these tasks off the board; they can be restored for `EVENT_RETENTION_DAYS`."""
        count = self.filter(deleted_at=None).update(deleted_at=timezone.now())
        return count, {self.model._meta.label: count}

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def archived(self) -> Self:
        """Return those in the archives."""
        return self.filter(deleted_at=None, archived_at__isnull=False)

    def with_words(self, search: str) -> Self:
        """Return those that have each word in their title or description, or that have it as their `#number`."""
        found = self
        for word in words_of(search):
            found = found.filter(has_word(word))
        return found

    def kept(self) -> Self:
        """Return those on the boards or in the archives: what can be read."""
        return self.filter(deleted_at=None)

    def look_at_again(self) -> None:
        """Have reminders look at those with a due date; without events, since nothing of the tasks changes."""
        models.QuerySet.update(self.filter(due_at__isnull=False), remind_at=AT_ONCE)

    look_at_again.alters_data = True  # type: ignore[attr-defined]

    def purge(self) -> int:
        """Delete the rows for good, with their comments, without events. Return how many tasks there were."""
        with writing.atomic(using=self.db):
            locked = self._lock_to_purge()
            models.QuerySet.delete(self.model._base_manager.using(self.db).filter(pk__in=locked))
        return len(locked)

    purge.alters_data = True  # type: ignore[attr-defined]

    def purge_comments(self, most: int) -> int:
        """As `purge`, for up to `most` of the comments alone, ahead of their tasks. Return how many there were."""
        with writing.atomic(using=self.db):
            tasks = self._lock_to_purge()
            comments = Comment.objects.using(self.db).filter(task__in=tasks).order_by("pk")[:most]
            # As part of the tasks: the deletion of each is not announced.
            collector = Collector(using=self.db, origin=self)
            collector.collect(list(comments))
            return collector.delete()[0]

    purge_comments.alters_data = True  # type: ignore[attr-defined]

    def _lock_to_purge(self) -> list[int]:
        """Lock the rows that still match: what matched before may be restored by now."""
        return list(self.order_by("pk").select_for_update().values_list("pk", flat=True))

    def with_comment_count(self) -> Self:
        """Return each task with `comments_now`, the number of its comments."""
        comments = Comment.objects.filter(task=models.OuterRef("pk")).order_by().values("task")
        count = models.Subquery(comments.annotate(n=models.Count("pk")).values("n"))
        return self.annotate(comments_now=models.functions.Coalesce(count, 0))


def has_word(word: str) -> Q:
    """Match the tasks that have a word in their title or description, or that have it as their `#number`."""
    is_folded = Q(folded_version=F("version"))
    # What a server of an earlier release wrote last is found as that one does.
    as_it_is = ~is_folded & (Q(title__icontains=word) | Q(description__icontains=word))
    here = (is_folded & Q(folded__contains=fold(word))) | as_it_is
    number = number_in(word)
    return here if number is None else here | Q(pk=number)


def is_said(word: str) -> Q:
    """Match the comments that have a word."""
    is_folded = Q(folded_at=F("updated_at"))
    return (is_folded & Q(folded__contains=fold(word))) | (~is_folded & Q(content__icontains=word))


def number_in(word: str) -> int | None:
    """Return the id of the task that `#7` names; None for another word."""
    number = word.removeprefix("#")
    # Longer than any id, it is none.
    is_number = word.startswith("#") and number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if is_number else None


class LiveTaskManager(models.Manager.from_queryset(TaskQuerySet)):  # type: ignore[misc]
    """The tasks on the boards, without the deleted and the archived ones."""

    def get_queryset(self) -> TaskQuerySet:
        """Tasks that were neither deleted nor archived."""
        return super().get_queryset().filter(deleted_at=None, archived_at=None)


class Task(TrackedModel):
    """A card on a board. Every save, update or deletion of it is announced."""

    TRACKED = (
        "project_id",
        "title",
        "description",
        "status",
        "priority",
        "assignee_id",
        "due_at",
        "position",
        "created_by_id",
        "deleted_at",
        "archived_at",
        "labels",
    )
    DERIVED = ("folded",)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks")
    title = models.CharField(max_length=200, validators=[MinLengthValidator(1)])
    description = models.TextField(blank=True, default="", validators=[MaxLengthValidator(20_000)])
    status = models.CharField(max_length=20, choices=choices(STATUSES), default="todo")
    priority = models.CharField(max_length=10, choices=choices(PRIORITIES), default="medium")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="taskrealtime_assigned_tasks",
    )
    due_at = models.DateTimeField(null=True, blank=True)
    position = PositionField(blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="taskrealtime_created_tasks",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    #: Ids of the project's labels. Those that were deleted since are left here and not shown: taking one away
    #: must not rewrite a thousand tasks.
    labels = IdsField(default=list, db_default=NO_LABELS, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: Off the board, but kept, until it is brought back.
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: Title and description as searches compare them.
    folded = models.TextField(null=True, editable=False)  # noqa: DJ001 -- processes of earlier releases write none
    #: The version that `folded` is of: an earlier release writes another version, and leaves it as it was.
    folded_version = models.BigIntegerField(null=True, editable=False)
    #: One more with every change that is announced.
    version = models.BigIntegerField(default=1, editable=False)
    #: At which version each field last changed, to distinguish a conflict from edits of different fields.
    field_versions = models.JSONField(default=dict, blank=True, editable=False)
    #: When reminders look at this task next; empty: not before something of it changes. Code that inserts rows past
    #: the ORM need not know it.
    remind_at = models.DateTimeField(null=True, default=AT_ONCE, db_default=AT_ONCE, editable=False)

    objects = LiveTaskManager()
    all_objects = models.Manager.from_queryset(TaskQuerySet)()

    class Meta:
        # Django's own writes (SET_NULL for a deleted user, say) go through the base manager: announced, too.
        base_manager_name = "all_objects"
        ordering = ["position", "id"]
        indexes = [
            models.Index(fields=["project", "status", "position"], name="task_by_column"),
            models.Index(fields=["deleted_at"], name="task_deleted", condition=Q(deleted_at__isnull=False)),
            models.Index(
                fields=["project", "archived_at"], name="task_archived", condition=Q(archived_at__isnull=False)
            ),
            models.Index(fields=["remind_at"], name="task_remind_at", condition=Q(remind_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="task_has_title"),
            models.CheckConstraint(condition=Q(description__length__lte=20_000), name="task_description_length"),
            models.CheckConstraint(condition=Q(status__in=STATUSES), name="task_status"),
            models.CheckConstraint(condition=Q(priority__in=PRIORITIES), name="task_priority"),
            models.CheckConstraint(condition=Q(version__gte=1), name="task_version"),
        ]

    def __str__(self) -> str:
        return self.title

    @classmethod
    def prepare_new(cls, instances: Sequence[Self]) -> None:
        """Place new tasks at the end of their column, in the order given."""
        last: dict[tuple[int, str], str | None] = {}
        for task in instances:
            column = (task.project_id, task.status)
            if not task.position:
                end = last[column] if column in last else cls.last_position(*column)
                task.position = last[column] = ranks.after_last(end)
            # Even if it is a copy of another task, saved without its id.
            task.version, task.field_versions = 1, {}
            task.updated_at = task.created_at
            task.remind_at = task.first_look()
            task.folded = folded_of(task.title, task.description)
            task.folded_version = None if task.folded is None else task.version

    def first_look(self) -> datetime | None:
        """Return when reminders must look at this task, now that something of it changed."""
        there = self.due_at is not None and self.status != "completed" and self.is_on_board
        return AT_ONCE if there else None

    @property
    def is_on_board(self) -> bool:
        """Return whether it is on the board: neither deleted nor in the archive."""
        return self.deleted_at is None and self.archived_at is None

    def set_derived_fields(self, previous: Self, changed: Sequence[str]) -> list[str]:
        """Increase the version, and record which fields it touched."""
        self.created_at = previous.created_at
        self.version, self.updated_at = previous.version, previous.updated_at
        self.field_versions = dict(previous.field_versions)
        self.remind_at = self.first_look() if REMINDED_OF & set(changed) else previous.remind_at
        if changed:
            self.version += 1
            self.updated_at = timezone.now()
            self.field_versions |= dict.fromkeys(changed, self.version)
        stamped = ["version", "updated_at", "field_versions", "remind_at"]
        self.folded, self.folded_version = previous.folded, previous.folded_version
        if changed:
            stamped.append("folded_version")
            if previous.folded_version != previous.version or not set(changed).isdisjoint(SEARCHED):
                # What this save does not write may be old here.
                self.folded = folded_of(*(getattr(self if name in changed else previous, name) for name in SEARCHED))
                stamped.append("folded")
            self.folded_version = self.version
        if "project_id" in changed:
            self.labels = []  # They were the other project's.
            stamped.append("labels")
        return stamped

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Take the task off the board; it can be restored for `EVENT_RETENTION_DAYS`."""
        with writing.atomic(using=using):
            # Whether it is still there the locked row says: this instance may be an old one.
            there = [row for row in Task.lock_rows([self.pk], using=using) if row.deleted_at is None]
            if there:
                self.deleted_at = timezone.now()
                self.save(using=using, update_fields=["deleted_at"])
        return len(there), {self._meta.label: len(there)}

    delete.alters_data = True  # type: ignore[attr-defined]

    def restore(self) -> None:
        """Put a deleted or archived task back where it was."""
        self.deleted_at = self.archived_at = None
        self.save(update_fields=["deleted_at", "archived_at"])

    @classmethod
    def last_position(cls, project_id: int, status: str) -> str | None:
        """Return the position of the last card of a column; None if it is empty."""
        column = cls.objects.filter(project_id=project_id, status=status)
        return column.order_by("-position").values_list("position", flat=True).first()


class CommentQuerySet(TrackedQuerySet):
    """Comments, whose changes are ordered with those of their tasks."""

    def lock_tasks(self) -> dict[int, Task]:
        """Lock the tasks of these comments. Always before the comments themselves, which prevents deadlocks.

        Returns:
            the tasks as they are now, by id.
        """
        ids = set(self.order_by().values_list("task_id", flat=True))
        return {task.pk: task for task in Task.lock_rows(ids, using=self.db)}

    def update(self, **kwargs: Any) -> int:
        """As Django's; each change is announced."""
        with writing.atomic(using=self.db):
            self.lock_tasks()
            return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's; each deletion is announced."""
        with writing.atomic(using=self.db):
            self.lock_tasks()
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def keep_html(self, comments: Sequence["Comment"]) -> None:
        """Render and store the HTML of those comments whose row has none, or one of another text or renderer.

        Such rows are of before there was HTML in them, of a process of an earlier release, or of a fixture. A row that
        is locked is left for the next reader.
        """
        made = {comment.pk: comment for comment in comments if not comment.has_html}
        if not made:
            return
        for comment in made.values():
            comment._keep_html()
        with writing.atomic(using=self.db):
            rows = Comment.objects.using(self.db).filter(pk__in=made)
            for row in rows.select_for_update(skip_locked=True, no_key=True):
                row.html_key, row.content_html = made[row.pk].html_key, made[row.pk].content_html
                if row.has_html:  # The content is still the same.
                    row.write_past_tracking(["html_key", "content_html"], using=self.db)


class Comment(TrackedModel):
    """A user's comment on a task."""

    TRACKED = ("task_id", "content", "author_id")
    DERIVED = ("content_html", "html_key", "folded", "folded_at")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="taskrealtime_comments"
    )
    content = models.TextField(validators=[MinLengthValidator(1), MaxLengthValidator(10_000)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    #: The content as HTML, if `html_key` is the key of the content: rendering takes longer than all else of a read.
    content_html = models.TextField(null=True, editable=False)  # noqa: DJ001 -- processes of earlier releases write none
    html_key = models.CharField(max_length=32, null=True, editable=False)  # noqa: DJ001 -- as above
    #: The content as searches compare it.
    folded = models.TextField(null=True, editable=False)  # noqa: DJ001 -- as above
    #: When the content was written that `folded` is of (`updated_at`), as with tasks.
    folded_at = models.DateTimeField(null=True, editable=False)

    objects = models.Manager.from_queryset(CommentQuerySet)()

    class Meta:
        base_manager_name = "objects"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(content__length__gte=1) & Q(content__length__lte=10_000), name="comment_length"
            )
        ]

    def __str__(self) -> str:
        return self.content[:50]

    @property
    def has_html(self) -> bool:
        """Whether `content_html` is that of the content."""
        return self.html_key == key_of(self.content)

    @property
    def html(self) -> str:
        """The content as HTML, kept or made now."""
        return self.content_html if self.has_html and self.content_html is not None else render(self.content)

    def _keep_html(self) -> None:
        # An expression has no text yet.
        text = self.content if isinstance(self.content, str) else None
        self.html_key = None if text is None else key_of(text)
        self.content_html = None if text is None else render(text)

    @classmethod
    def prepare_new(cls, instances: Sequence[Self]) -> None:
        """Lock the tasks: whether a comment came before or after its task's deletion or return has one answer."""
        tasks = {task.pk: task for task in Task.lock_rows({comment.task_id for comment in instances})}
        for comment in instances:
            if not comment.is_restored:
                comment.updated_at = comment.created_at
            comment._keep_html()
            comment.folded = folded_of(comment.content)
            comment.folded_at = None if comment.folded is None else comment.updated_at
            if task := tasks.get(comment.task_id):
                comment.task = task  # As it is now: the comment may have been made with an old instance.

    def set_derived_fields(self, previous: Self, changed: Sequence[str]) -> list[str]:
        """Set the time of the last edit, the HTML, and what searches compare."""
        self.created_at, self.updated_at = previous.created_at, previous.updated_at
        for name in self.DERIVED:
            setattr(self, name, getattr(previous, name))
        if changed:
            self.updated_at = self.folded_at = timezone.now()
            content = self.content if "content" in changed else previous.content
            self.folded = folded_of(content)
        if "content" in changed:
            self._keep_html()
        return ["updated_at", *self.DERIVED]

    def save(self, *, using: str | None = None, **kwargs: Any) -> None:
        """As every tracked model's, with the task locked first."""
        with writing.atomic(using=using):
            if not self._state.adding:
                tasks = Comment.objects.using(using).filter(pk=self.pk).lock_tasks()
                if task := tasks.get(self.task_id):
                    self.task = task
            super().save(using=using, **kwargs)

    save.alters_data = True  # type: ignore[attr-defined]

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's; the deletion is announced, unless another transaction was first."""
        with writing.atomic():
            Comment.objects.filter(pk=self.pk).lock_tasks()
            if not (rows := Comment.lock_rows([self.pk])):
                return 0, {}
            self.task = rows[0].task
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]


class ReminderQuerySet(PrimaryQuerySet):
    """Reminders."""

    def of(self, user_id: UserKey) -> Self:
        """Return those of a user, also if the release before wrote them."""
        by_number = user_model.as_number(user_id)
        written_before = Q(user_key=None, user_id=by_number) if by_number is not None else Q()
        return self.filter(Q(user_key=user_model.as_text(user_id)) | written_before)


class Reminder(models.Model):
    """A user was reminded of a task for one of its due dates. The row is the guard that it happens once."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="reminders")
    #: `user_model.as_text` of the user's key; empty in rows of the release before. No foreign key: its check would wait
    #: for the deletion of a user.
    user_key = models.CharField(max_length=64, null=True)  # noqa: DJ001
    #: The same in that release, which knew numbers alone; both are written where keys are numbers.
    user_id = models.BigIntegerField(null=True)
    due_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=choices(REMINDER_KINDS))
    told_at = models.DateTimeField()
    #: When it comes once more, as the user asked.
    snoozed_until = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(ReminderQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "user_id", "due_at", "kind"], name="reminder_once"),
            models.UniqueConstraint(
                fields=["user_key", "task", "due_at", "kind"],
                name="reminder_once_by_key",
                condition=Q(user_key__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["snoozed_until"], name="reminder_snoozed", condition=Q(snoozed_until__isnull=False)),
            models.Index(fields=["user_id"], name="reminder_user"),
        ]

    def __str__(self) -> str:
        return f"Task {self.task_id} is {self.kind} for {self.reader_id}"

    @staticmethod
    def columns_of(user_id: UserKey) -> dict[str, Any]:
        """Return a user's key as both columns have it."""
        return {"user_key": user_model.as_text(user_id), "user_id": user_model.as_number(user_id)}

    @property
    def reader_id(self) -> UserKey | None:
        """Return the key of the user that was reminded."""
        return self.user_id if self.user_key is None else user_model.from_text(self.user_key)
