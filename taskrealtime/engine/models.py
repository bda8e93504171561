"""The tables of the engine: rooms with their last number, events, what to blank, keys, sign-ins, times of presence."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .conf import user_model
from .db import lookups  # noqa: F401 -- registers `any_of`
from .db.primary import PrimaryManager


class Epoch(models.Model):
    """The one row that names this life of the log; renewed after a backup was restored."""

    value = models.CharField(max_length=32)

    objects = PrimaryManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="engine_one_epoch")]

    def __str__(self) -> str:
        return self.value


class Room(models.Model):
    """A sequence of events with an audience, such as `project.7`.

    `head` is the last number given, `floor` the last one that was trimmed away. `oldest` is the time of the event after
    the floor, by which trimming finds the rooms that have something due; empty if the room has no events. If
    trimming was interrupted it is that of an event that is gone already. `read` is how far the reader of a personal
    room has read it.
    """

    name = models.CharField(max_length=100, primary_key=True)
    head = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0)
    oldest = models.DateTimeField(null=True)
    read = models.BigIntegerField(default=0, db_default=0)

    objects = PrimaryManager()

    class Meta:
        indexes = [models.Index(fields=["oldest"], name="engine_room_oldest", condition=models.Q(oldest__isnull=False))]

    def __str__(self) -> str:
        return f"{self.name} at {self.head}"


class Event(models.Model):
    """One event of one room. `seq` is empty between the commit and the numbering that follows it.

    There is no foreign key to `Room` on purpose: an uncommitted insert would hold a lock on the room's
    row that the numbering of other transactions' events needs.
    """

    room = models.CharField(max_length=100)
    seq = models.BigIntegerField(null=True)
    type = models.CharField(max_length=40)
    at = models.DateTimeField()
    #: The event's data as finished JSON text: encoded once, written to sockets as it is.
    data = models.TextField()
    #: Whose content this is (`task.7`, `comment.12`), so that it can be blanked once that is gone.
    subject = models.CharField(max_length=100, blank=True, default="")
    #: The user that may receive nothing of this room after this event: `user_model.as_text` of the key.
    evicts_user = models.CharField(max_length=64, null=True)  # noqa: DJ001 -- most events evict none
    #: The same in the release before, which knew numbers alone; both are written where keys are numbers.
    evicts = models.BigIntegerField(null=True)

    objects = PrimaryManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "seq"], name="engine_event_room_seq")]
        indexes = [
            models.Index(
                fields=["room", "id"],
                name="engine_event_unnumbered",
                condition=models.Q(seq__isnull=True),
            ),
            models.Index(fields=["subject"], name="engine_event_subject", condition=models.Q(subject__gt="")),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.room}#{self.seq}"

    @property
    def evicted(self) -> user_model.UserKey | None:
        """Return the key of the user that this event evicts; None: it evicts none."""
        return self.evicts if self.evicts_user is None else user_model.from_text(self.evicts_user)


class Redaction(models.Model):
    """Content that was deleted: what the log says about this subject is still to be blanked."""

    subject = models.CharField(max_length=100)

    objects = PrimaryManager()

    def __str__(self) -> str:
        return self.subject


class Replacement(models.Model):
    """Content of which some was edited: what the log still says of it, and it says no longer, is to be blanked then."""

    subject = models.CharField(max_length=64, unique=True)
    due_at = models.DateTimeField(db_index=True)

    objects = PrimaryManager()

    def __str__(self) -> str:
        return f"{self.subject} at {self.due_at}"


class IdempotencyKey(models.Model):
    """A change that was carried out, by the key its author gave it, with the answer it got."""

    #: `user_model.as_text` of the author's key; empty in rows of the release before.
    user_key = models.CharField(max_length=64, null=True)  # noqa: DJ001
    #: The same in that release, which knew numbers alone; both are written where keys are numbers.
    user_id = models.BigIntegerField(null=True)
    key = models.CharField(max_length=64)
    #: A hash of what was asked, to distinguish a repetition from a key used twice.
    fingerprint = models.CharField(max_length=64)
    answer = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = PrimaryManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "key"], name="engine_key_once"),
            models.UniqueConstraint(
                fields=["user_key", "key"], name="engine_user_key_once", condition=models.Q(user_key__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_key or self.user_id}:{self.key}"


class SessionVersion(models.Model):
    """How often a user signed out everywhere; no row means never."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="taskrealtime_session_version"
    )
    version = models.PositiveIntegerField(default=0)

    objects = PrimaryManager()

    def __str__(self) -> str:
        return f"{self.user_id}@{self.version}"


class SignIn(models.Model):
    """Where a user is signed in: in a browser (`session_key`), or by refresh tokens, of which `token` is good."""

    mark = models.CharField(max_length=32, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: `auth.session_stamp` as of the last use: another one now means that all earlier sign-ins have ended.
    stamp = models.CharField(max_length=16)
    session_key = models.CharField(max_length=40, blank=True, default="")
    #: The SHA-256 of the identifier of the one refresh token that is good now.
    token = models.CharField(max_length=64, blank=True, default="")
    agent = models.CharField(max_length=200, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = PrimaryManager()

    def __str__(self) -> str:
        return f"{self.user_id} since {self.created_at}"


class EndedSession(models.Model):
    """A sign-in that was ended: its access tokens end with it."""

    #: Of a browser's session `auth.browser_mark`, else `SignIn.mark`.
    mark = models.CharField(max_length=32, primary_key=True)
    ended_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = PrimaryManager()

    def __str__(self) -> str:
        return self.mark


class LastSeen(models.Model):
    """When a user was connected last, to the minute; no row means never."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="taskrealtime_last_seen"
    )
    at = models.DateTimeField()

    objects = PrimaryManager()

    def __str__(self) -> str:
        return f"{self.user_id} at {self.at}"
