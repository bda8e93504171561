"""The engine as a Django app, so that its tables have migrations of their own."""

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """Owns the tables `Room`, `Event`, `Epoch`, `IdempotencyKey` and `SessionVersion`."""

    name = "taskrealtime.engine"
    label = "engine"
    verbose_name = "Event log"
