"""Live models as a Django app: it finds the declarations of all others, and installs their triggers."""

from django.apps import AppConfig
from django.core.signals import request_started
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class LiveConfig(AppConfig):
    """Owns the triggers on the tables of live models."""

    name = "taskrealtime.live"
    label = "taskrealtime_live"
    verbose_name = "Live models"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import each app's `live` module, register the rooms, and have `migrate` install the triggers."""
        autodiscover_modules("live")
        from taskrealtime.engine.conf.domain import OwnUrls, domain

        from . import checks, installing, kinds, positions, writing

        kinds.install()
        domain.install(urls=[OwnUrls("taskrealtime.live.urls", ("notifications/", "rooms/", "token/"), False)])
        post_migrate.connect(installing.after_migrate, sender=self, dispatch_uid="taskrealtime.live")
        request_started.connect(positions.note_beginning, dispatch_uid="taskrealtime.live")
        connection_created.connect(writing.watch, dispatch_uid="taskrealtime.live")
        for connection in connections.all(initialized_only=True):
            writing.watch(connection)
        del checks  # imported for its registrations
