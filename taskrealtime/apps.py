"""Wiring: what must be connected when Django starts."""

from django.apps import AppConfig


class TaskRealtimeConfig(AppConfig):
    """The task board."""

    name = "taskrealtime"
    verbose_name = "Task board"

    def ready(self) -> None:
        """Connect signals and system checks; declare to the engine what it must know of projects and tasks."""
        from .announcing import redaction, signals
        from .announcing.room_kinds import ProjectRooms, UserRooms
        from .engine.conf.domain import domain
        from .models import names, purging
        from .operations import checks
        from .pages import mails
        from .serializers.presence import PresenceFrames
        from .serializers.watching import WatchingFrames

        domain.install(
            room_kinds=[ProjectRooms(), UserRooms()],
            presence=PresenceFrames(),
            figures=WatchingFrames(),
            blanker=redaction.ReplacedTexts,
            removers={
                "deleted tasks": purging.purge_deleted_tasks,
                "old invitations": purging.purge_invitations,
                "old requests": purging.purge_requests,
            },
        )
        names.watch_user_model()
        del checks, mails, signals  # imported for their registrations
