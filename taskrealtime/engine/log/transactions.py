"""Transactions that see one moment of the database, and which of them to try again."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from taskrealtime.engine.wire.errors import sqlstate

#: Attempts of a snapshot that lost a race against the numbering of new events.
SNAPSHOT_ATTEMPTS = 20
#: SQLSTATEs that mean "try the same transaction again": serialisation failure, deadlock.
RETRIED_SQLSTATES = {"40001", "40P01"}


def is_retryable(error: OperationalError) -> bool:
    """Return whether the database asks for the same transaction again (a lost race, a deadlock)."""
    return sqlstate(error) in RETRIED_SQLSTATES


def use_one_snapshot() -> None:
    """Have the transaction that has just been opened see one moment of the database."""
    # Inside of another transaction, as Django's TestCase has one, it would be too late to say.
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


@contextmanager
def one_moment() -> Iterator[None]:
    """Open a read-only transaction that sees one moment of the database."""
    connection.ensure_connection()  # sets the mode
    mode = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        # IMMEDIATE, the project's default, would make every reader wait for the one writer.
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        with transaction.atomic(durable=True):
            use_one_snapshot()
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = mode  # type: ignore[attr-defined]
