"""The table of live models: what triggers on SQLite read about the transaction in which they run."""

from django.db import models

from taskrealtime.engine.db.primary import PrimaryManager


class Context(models.Model):
    """What the open transaction says of itself. No row is ever committed: SQLite has no settings of a transaction.

    PostgreSQL has them, and its triggers do not ask here.
    """

    #: Who acts, as JSON; empty: the system.
    actor = models.TextField(blank=True, default="")
    #: Labels of the models that are not captured, between commas.
    silent = models.TextField(blank=True, default="")

    objects = PrimaryManager()

    def __str__(self) -> str:
        return f"{self.actor} {self.silent}"
