"""Wiring: what must be connected when Django starts."""

from django.apps import AppConfig


class TaskRealtimeConfig(AppConfig):
    """The task board."""

    name = "taskrealtime"
    verbose_name = "Task board"

    def ready(self) -> None:
        """Connect signals and system checks, and tell the log what only we know: who may read, what is gone."""
        from . import access, checks, redaction, signals
        from .engine import log

        log.set_refuser(access.refuse_reading)
        log.set_redactor(redaction.redact_deleted, deletions=redaction.DELETIONS)
        del checks, signals  # imported for their registrations
