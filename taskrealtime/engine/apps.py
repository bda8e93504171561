"""The engine as a Django app, so that its tables have migrations of their own."""

import sys

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """Owns the tables of `engine.models`."""

    name = "taskrealtime.engine"
    label = "engine"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Event log"

    def ready(self) -> None:
        """Have sessions remember their version from the first sign-in on, forget long ended ones, and bound daphne."""
        from .auth import browser_sessions, sign_ins, tokens
        from .conf.domain import domain
        from .installation import checks
        from .rooms.user_rooms import UserRooms

        if UserRooms.name not in domain.kinds():  # An application may have its own.
            domain.install(room_kinds=[UserRooms()])
        domain.install(
            removers={
                "ended sessions": tokens.forget_ended_sessions,
                "expired sign-ins": sign_ins.forget_expired,
            }
        )
        del browser_sessions, checks  # imported for their registrations
        if "daphne.http_protocol" in sys.modules:
            # Not without need: it takes a tenth of a second.
            from .server import stock_daphne

            stock_daphne.harden()
