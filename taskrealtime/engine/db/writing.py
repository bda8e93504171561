"""Transactions that write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction


@contextmanager
def atomic(using: str | None = None, *, durable: bool = False) -> Iterator[None]:
    """Open a transaction that writes, or a savepoint of the one that is open, as Django's `transaction.atomic`.

    On SQLite it waits for its turn to write at its start, whatever the project's `transaction_mode` is. A transaction
    that begins by reading and then has to wait for another writer fails at once ("database is locked"): what it read
    may be out of date.
    """
    connection: Any = connections[using or DEFAULT_DB_ALIAS]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic(using=using, durable=durable):
            yield
        return
    connection.ensure_connection()  # which sets the mode of the project
    mode = connection.transaction_mode
    connection.transaction_mode = "IMMEDIATE"
    try:
        with transaction.atomic(using=using, durable=durable):
            yield
    finally:
        connection.transaction_mode = mode
