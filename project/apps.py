"""Wiring of what this project alone has."""

from datetime import datetime

from django.apps import AppConfig

from taskrealtime.engine.conf.domain import domain


class ProjectConfig(AppConfig):
    """The project as an app of its own."""

    name = "project"

    def ready(self) -> None:
        """Have trimming remove what Django and simplejwt keep for us: in another project that is the project's."""
        domain.install(
            removers={"expired sessions": purge_sessions, "outstanding tokens": forget_outstanding_tokens},
        )


def purge_sessions(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` browsers' sessions whose time ended before `cutoff`. Return how many."""
    from django.contrib.sessions.models import Session

    old = Session.objects.filter(expire_date__lt=cutoff).order_by("expire_date").values_list("pk", flat=True)
    return Session.objects.filter(pk__in=list(old[:limit])).delete()[0]


def forget_outstanding_tokens(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` rows of expired tokens, and blank the token in the others, if it is usable.

    Release 0.1 wrote such rows, and so does other code that makes refresh tokens by simplejwt itself.
    """
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    from taskrealtime.engine.db.clock import database_time

    OutstandingToken.objects.exclude(token="").update(token="")
    expired = list(OutstandingToken.objects.filter(expires_at__lt=database_time()).values_list("pk", flat=True)[:limit])
    OutstandingToken.objects.filter(pk__in=expired).delete()
    return len(expired)
