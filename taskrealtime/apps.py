"""Wiring: what must be connected when Django starts."""

from django.apps import AppConfig


class TaskRealtimeConfig(AppConfig):
    """The task board."""

    name = "taskrealtime"
    verbose_name = "Task board"

    def ready(self) -> None:
        """Connect signals and system checks; tell the engine what it must know of projects and tasks."""
        from . import access, checks, mails, models, names, purging, redaction, signals
        from .engine import log, presence, retention, watching
        from .presence_frames import PresenceFrames
        from .watching_frames import WatchingFrames

        log.set_refuser(access.refuse_reading)
        log.set_redactor(redaction.redact, deletions=redaction.DELETIONS)
        retention.set_blanker(redaction.ReplacedTexts)
        log.set_rooms(is_personal=models.is_user_room, without_owner=models.rooms_without_owner)
        presence.set_speaker(PresenceFrames())
        watching.set_presenter(WatchingFrames())
        retention.register("deleted tasks", purging.purge_deleted_tasks)
        retention.register("old invitations", purging.purge_invitations)
        retention.register("old requests", purging.purge_requests)
        retention.register("expired sessions", purging.purge_sessions)
        names.watch_user_model()
        del checks, mails, signals  # imported for their registrations
