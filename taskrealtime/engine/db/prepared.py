"""Statements that PostgreSQL plans once for each connection.

Django puts the values of a statement into its text, which PostgreSQL then reads and plans each time. For the few
statements that every save runs, by hand, that was half of their time. `OPTIONS["server_side_binding"]` would do it for
all statements, of which none could have more than 65 535 values then: deleting a project with as many tasks takes more.
"""

from typing import Any

from django.db.backends.utils import CursorWrapper


def prepared_cursor(connection: Any) -> CursorWrapper:
    """Return a cursor of Django's `connection` that hands over the values beside the statement.

    After as many runs over a connection as `prepare_threshold` in the database's OPTIONS says, the same text is no
    longer planned; if that is None, for a pooler in between, it always is. SQLite gets its own cursor,
    and so does psycopg 2, which prepares nothing.
    """
    # While Django logs queries, its own cursor: psycopg has no text of a statement that the server keeps.
    if connection.vendor != "postgresql" or connection.queries_logged:
        return connection.cursor()
    try:
        from django.db.backends.postgresql.base import ServerBindingCursor
    except ImportError:  # psycopg 2
        return connection.cursor()
    connection.ensure_connection()
    cursor: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection.make_cursor(cursor)
