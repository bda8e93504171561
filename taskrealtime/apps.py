"""Wiring: what must be connected when Django starts."""

from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured

#: Modules of the extra `board` that the models import.
_OF_THE_EXTRA = {"fractional_indexing", "markdown_it", "nh3"}


class TaskRealtimeConfig(AppConfig):
    """The task board."""

    name = "taskrealtime"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Task board"

    def import_models(self) -> None:
        """Import the models.

        Raises:
            ImproperlyConfigured: what they need is not installed.
        """
        if not apps.is_installed("taskrealtime.engine"):
            raise ImproperlyConfigured('Add "taskrealtime.engine" to INSTALLED_APPS, before "taskrealtime".')
        try:
            super().import_models()
        except ModuleNotFoundError as error:
            if error.name not in _OF_THE_EXTRA:
                raise
            raise ImproperlyConfigured(
                f'The board needs {error.name}: pip install "taskrealtime[board]", or leave "taskrealtime" out of '
                "INSTALLED_APPS for the engine alone."
            ) from error

    def ready(self) -> None:
        """Connect signals and system checks; declare to the engine what it must know of projects and tasks."""
        from .announcing import redaction, signals
        from .announcing.room_kinds import ProjectRooms, UserRooms
        from .engine.conf.domain import OwnUrls, domain
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
                "deletions": purging.purge_deletions,
                "old invitations": purging.purge_invitations,
                "old requests": purging.purge_requests,
            },
            urls=[OwnUrls("taskrealtime.urls", ("api/",), True), OwnUrls("taskrealtime.account_urls", ("api/",), True)],
            # The admin's sign-in, too, where it stands below our URLs.
            hashing_paths=r"/(.*/)?(api/token|api/me|login|sign-up|password(/.+)?)/",
            consumer=_consumer,
        )
        names.watch_user_model()
        del checks, mails, signals  # imported for their registrations


def _consumer() -> Any:
    """Return what serves the board's sockets; imported for a server alone."""
    from .sockets.consumer import TaskBoardConsumer

    return TaskBoardConsumer
