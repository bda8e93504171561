"""A user's preferences for notifications and display."""

from django.conf import settings
from django.db import models

from taskrealtime.engine.db.primary import PrimaryManager


class Preferences(models.Model):
    """What a user wants to be notified of, and when; without a row, the defaults."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="taskrealtime_preferences"
    )
    #: An IANA name. Moments are moments everywhere: it only says how to show them. Empty: not chosen yet.
    timezone = models.CharField(max_length=64, default="UTC", blank=True)
    #: In which the user's pages were read last, for mails; empty: unknown.
    language = models.CharField(max_length=16, blank=True, default="", db_default="")
    #: How long before a task is due; empty: `REMIND_BEFORE_HOURS`.
    remind_before_hours = models.FloatField(null=True, blank=True)
    #: Whether an addition to a project waits for this user's consent.
    ask_first = models.BooleanField(default=False, db_default=False)
    #: Kind of notification → whether it is wanted; one that is missing is.
    notify = models.JSONField(default=dict, blank=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of user {self.user_id}"
