"""Wiring: what must be connected when Django starts."""

from django.apps import AppConfig


class TaskRealtimeConfig(AppConfig):
    """The task board."""

    name = "taskrealtime"
    verbose_name = "Task board"

    def ready(self) -> None:
        """Connect signals, system checks and the redaction of replays."""
        from . import checks, redaction, signals
        from .engine import log

        log.set_redactor(redaction.redact_deleted)
        del checks, signals  # imported for their registrations
