"""Wiring: what must be connected when Django starts."""

from django.apps import AppConfig


class TaskRealtimeConfig(AppConfig):
    """The task board."""

    name = "taskrealtime"
    verbose_name = "Task board"

    def ready(self) -> None:
        """Connect signals, system checks, the redaction of replays and the removal of deleted tasks."""
        from . import checks, purging, redaction, signals
        from .engine import log, retention

        log.set_redactor(redaction.redact_deleted)
        retention.register("deleted tasks", purging.purge_deleted_tasks)
        del checks, signals  # imported for their registrations
