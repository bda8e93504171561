"""The engine as a Django app, so that its tables have migrations of their own."""

import sys

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """Owns the tables of `engine.models`."""

    name = "taskrealtime.engine"
    label = "engine"
    verbose_name = "Event log"

    def ready(self) -> None:
        """Have sessions remember their version from the first sign-in on, forget long ended ones, and bound daphne."""
        from . import auth, browser_sessions, passwords, retention, sign_ins

        retention.register("ended sessions", auth.forget_ended_sessions)
        retention.register("expired sign-ins", sign_ins.forget_expired)
        del browser_sessions, passwords  # imported for their registrations
        if "daphne.http_protocol" in sys.modules:
            # Not without need: it takes a tenth of a second.
            from . import stock_daphne

            stock_daphne.harden()
