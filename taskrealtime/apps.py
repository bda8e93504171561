"""Wiring: what must be connected when Django starts."""

from django.apps import AppConfig


class TaskRealtimeConfig(AppConfig):
    """The task board."""

    name = "taskrealtime"
    verbose_name = "Task board"

    def ready(self) -> None:
        """Connect signals and system checks; tell the engine what it must know of projects and tasks."""
        from . import access, models
        from .announcing import redaction, signals
        from .engine import log
        from .engine.log import trimming
        from .engine.presence import presence
        from .engine.rooms import watching
        from .models import names, purging
        from .operations import checks
        from .pages import mails
        from .serializers.presence import PresenceFrames
        from .serializers.watching import WatchingFrames

        log.set_refuser(access.refuse_reading)
        log.set_redactor(redaction.redact, deletions=redaction.DELETIONS)
        trimming.set_blanker(redaction.ReplacedTexts)
        log.set_rooms(is_personal=models.is_user_room, without_owner=models.rooms_without_owner)
        presence.set_speaker(PresenceFrames())
        watching.set_presenter(WatchingFrames())
        trimming.register("deleted tasks", purging.purge_deleted_tasks)
        trimming.register("old invitations", purging.purge_invitations)
        trimming.register("old requests", purging.purge_requests)
        trimming.register("expired sessions", purging.purge_sessions)
        names.watch_user_model()
        del checks, mails, signals  # imported for their registrations
