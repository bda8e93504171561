"""The project's one app."""

from django.apps import AppConfig
from django.conf import settings


class TicketsConfig(AppConfig):
    """Tickets."""

    name = "benchmarks.peers.tickets"
    label = "tickets"

    def ready(self):
        """Register what django-pgpubsub looks for."""
        if settings.WAY == "django-pgpubsub":
            from . import listeners  # noqa: F401
