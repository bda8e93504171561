"""Reads from the database that is written to, whatever a router says of replicas.

Permissions and a log's position must be current; and what a transaction changes it must read where it does.
"""

from typing import Any

from django.db import models, router


class PrimaryQuerySet(models.QuerySet[Any]):
    """A queryset that never reads from a replica, unless `using` names one."""

    @property
    def db(self) -> str:
        """The database: as Django's for writing."""
        chosen, hints = self._db, self._hints  # type: ignore[attr-defined]
        return chosen or router.db_for_write(self.model, **hints)


PrimaryManager = models.Manager.from_queryset(PrimaryQuerySet)
