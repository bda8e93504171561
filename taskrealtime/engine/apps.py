"""The engine as a Django app, so that its tables have migrations of their own."""

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """Owns the tables `Room`, `Event`, `Epoch`, `Redaction`, `IdempotencyKey`, `SessionVersion` and `LastSeen`."""

    name = "taskrealtime.engine"
    label = "engine"
    verbose_name = "Event log"

    def ready(self) -> None:
        """Have sessions remember their version from the first sign-in on."""
        from . import browser_sessions

        del browser_sessions  # imported for its registration
