"""Asks the database whether it can be worked with."""

from typing import Any

from django.db import OperationalError


class UnusableDatabase(Exception):
    """Nothing but another setting, or another server, helps; the message says why, without a password."""


def probe(connection: Any, *, timeout: int) -> str | None:
    """Return why the database does not answer now, though it may later; None if it answers.

    Args:
        connection: Django's; it is left as it was.
        timeout: seconds, for each address of the server.

    Raises:
        UnusableDatabase: it is too old, refuses the connection, or an option has no such value.
    """
    if connection.vendor == "postgresql":
        return _probe_postgresql(connection, timeout)
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise UnusableDatabase(_sentence(error)) from None
    connection.close()
    return None


def _probe_postgresql(connection: Any, timeout: int) -> str | None:
    try:
        import psycopg
    except ModuleNotFoundError:  # psycopg 2, which does not distinguish a server that refuses from one that starts
        return _probe_by_django(connection)
    from psycopg.conninfo import make_conninfo
    from psycopg.pq import PGconn, Ping

    given = {"connect_timeout": timeout} | connection.get_connection_params()
    of_psycopg = {"context", "cursor_factory", "prepare_threshold"}
    try:
        address = make_conninfo(**{name: value for name, value in given.items() if name not in of_psycopg})
        with psycopg.connect(address) as server:
            version = server.info.server_version // 10_000
    except psycopg.Error as error:
        # A server that answers and refuses goes on doing so; one that starts, or cannot be reached, may be back soon.
        if isinstance(error, psycopg.OperationalError) and PGconn.ping(address.encode()) in {
            Ping.REJECT,
            Ping.NO_RESPONSE,
        }:
            return _sentence(error)
        raise UnusableDatabase(_sentence(error)) from None
    (least, *_) = connection.features.minimum_database_version
    if version < least:
        raise UnusableDatabase(f"PostgreSQL {least} or newer is needed, and the server is PostgreSQL {version}")
    return None


def _probe_by_django(connection: Any) -> str | None:
    try:
        connection.ensure_connection()
    except OperationalError as error:
        return _sentence(error)
    connection.close()
    return None


def _sentence(error: Exception) -> str:
    """Return the line of a library's message that names the reason: the last one that is no question."""
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    return next((line.rstrip(".") for line in reversed(lines) if line and line[-1] != "?"), type(error).__name__)
