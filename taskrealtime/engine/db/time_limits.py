"""How long PostgreSQL may work on one statement of a process that serves, and wait for a lock."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from taskrealtime.engine.conf import settings

#: Of a connection to PostgreSQL, which a pool hands out again and again: whether it has its limits.
_MARK = "_taskrealtime_has_limits"
#: A limit that the role or the database has of its own (`ALTER ROLE … SET`) stays.
_SET = """
SELECT set_config(name, given.value, false)
FROM (VALUES ('lock_timeout', %s::text), ('statement_timeout', %s::text)) AS given (name, value)
WHERE current_setting(given.name) = '0'
"""


def limit_statements() -> None:
    """Limit all statements of this process from now on.

    Not those of every command: a migration takes as long as it takes.
    """
    connection_created.connect(_limit, dispatch_uid="taskrealtime.time_limits")


def _limit(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    raw = connection.connection
    if connection.vendor != "postgresql" or hasattr(raw, _MARK):
        return
    milliseconds = [f"{seconds * 1000:.0f}" for seconds in (settings.DATABASE_LOCK_TIMEOUT, settings.DATABASE_TIMEOUT)]
    with connection.cursor() as cursor:
        cursor.execute(_SET, milliseconds)
    if raw.__class__.__module__.startswith("psycopg."):  # one of psycopg 2 keeps no attributes, and has no pool
        setattr(raw, _MARK, True)
