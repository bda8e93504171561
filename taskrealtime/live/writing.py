"""What Django's own writes to live tables say beside: who acts, and after the commit that events wait for numbers.

Triggers capture these writes like those of any other program. But here the actor is known, and servers need not wait
for their next sweep.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.installation import doorbell

from .registry import registry
from .triggers import quoted

#: The group of all server processes, and the message that has them number what waits.
GROUP, WAITING = "processes", "log.waiting"

#: Who acts, as JSON; empty: the system.
_actor: ContextVar[str] = ContextVar("taskrealtime_live_actor", default="")
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH)\b", re.IGNORECASE)
#: Characters of a statement in which the table is named that it writes to.
_BEGINNING = 500

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


@contextmanager
def acting_as(user: User | None) -> Iterator[None]:
    """Have events say that whatever is written to live models inside is done by `user`; None: by the system."""
    actor = {"id": user_model.on_wire(user.pk), "username": user_model.username(user)} if user else None
    token = _actor.set(json.dumps(actor) if actor else "")
    try:
        yield
    finally:
        _actor.reset(token)


def watch(connection: Any, **kwargs: object) -> None:
    """Watch the statements of a connection of Django's to the database of the log."""
    if connection.alias != DEFAULT_DB_ALIAS or _execute in connection.execute_wrappers:
        return
    connection.execute_wrappers.append(_execute)
    after_commit = connection.run_and_clear_commit_hooks

    def hint_and_run() -> None:
        connection.taskrealtime_named = False
        # In place of a hook: a project's tests count those.
        if getattr(connection, "taskrealtime_wrote_live", False):
            connection.taskrealtime_wrote_live = False
            hint()
        after_commit()

    connection.run_and_clear_commit_hooks = hint_and_run


def actor() -> dict[str, Any] | None:
    """Return who acts, as events name the user; None: the system."""
    found: dict[str, Any] | None = json.loads(_actor.get()) if _actor.get() else None
    return found


def note(connection: Any) -> None:
    """Note that the open transaction has events for live rooms."""
    connection.taskrealtime_wrote_live = True


@contextmanager
def silent(connection: Any, labels: str) -> Iterator[None]:
    """Have the triggers capture nothing of these models until the end of the block, in the open transaction."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO taskrealtime_live_context (actor, silent) VALUES ('', %s)", [labels])
            key = cursor.lastrowid
        else:
            cursor.execute("SELECT COALESCE(current_setting('taskrealtime.silent', true), '')")
            (before,) = cursor.fetchone()
            cursor.execute("SELECT set_config('taskrealtime.silent', %s, true)", [before + labels])
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DELETE FROM taskrealtime_live_context WHERE id = %s", [key])
        else:
            cursor.execute("SELECT set_config('taskrealtime.silent', %s, true)", [before])


def hint() -> None:
    """Have the server processes number what was committed; where that does not arrive, their sweeps do."""
    doorbell.hint_soon(GROUP, {"type": WAITING})


def _execute(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if not _writes_live(sql):
        return execute(sql, params, many, context)
    connection = context["connection"]
    result = _named(execute, sql, params, many, context)
    if connection.in_atomic_block or not connection.get_autocommit():
        note(connection)
    else:
        hint()
    return result


def _writes_live(sql: Any) -> bool:
    if not isinstance(sql, str) or not (tables := registry.resolved.tables):
        return False
    if not (found := _WRITES.match(sql)):
        return False
    text = sql if found[1].upper() in {"WITH", "MERGE"} else sql[:_BEGINNING]
    return any(table in text for table in tables)


def _named(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement with the actor set for it."""
    connection, actor = context["connection"], _actor.get()
    if not actor and not getattr(connection, "taskrealtime_named", False):
        return execute(sql, params, many, context)
    if connection.vendor == "sqlite":
        return _with_row(connection, actor, context["cursor"], lambda: execute(sql, params, many, context))
    # What a transaction says of itself stays until its end: a statement after `acting_as` takes it back.
    # In a transaction for good: a savepoint that is rolled back brings back what was said before it.
    connection.taskrealtime_named = bool(actor) or connection.in_atomic_block
    if many or not _merges_values(context["cursor"].cursor):
        with transaction.atomic(savepoint=False):
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('taskrealtime.actor', %s, true)", [actor])
            return execute(sql, params, many, context)
    # In one round trip, and also without a transaction: both are one then.
    value = quoted(actor) if params is None else quoted(actor).replace("%", "%%")
    result = execute(f"SELECT set_config('taskrealtime.actor', {value}, true); {sql}", params, many, context)
    context["cursor"].cursor.nextset()
    return result


def _merges_values(cursor: Any) -> bool:
    """Return whether this cursor of a driver puts values into the text, and gives all results of two statements."""
    try:
        from psycopg import ClientCursor
    except ImportError:  # psycopg 2
        return False
    return isinstance(cursor, ClientCursor)


def _with_row(connection: Any, actor: str, cursor: Any, write: Callable[[], Any]) -> Any:
    """Write while, on SQLite, a row of the same transaction says who acts."""
    if connection.in_atomic_block or not connection.get_autocommit():
        return _beside_row(connection, actor, write)
    database = connection.connection
    _run(connection, "BEGIN IMMEDIATE")
    try:
        result = _beside_row(connection, actor, write)
        if cursor.cursor.description is not None:
            # A statement that still returns rows cannot be committed.
            cursor.cursor = _Fetched(cursor.cursor)
        _run(connection, "COMMIT")
    finally:
        if database.in_transaction:
            database.rollback()
    return result


def _beside_row(connection: Any, actor: str, write: Callable[[], Any]) -> Any:
    insert = "INSERT INTO taskrealtime_live_context (actor, silent) VALUES (?, '')"
    key = _run(connection, insert, actor).lastrowid
    try:
        return write()
    finally:
        _run(connection, "DELETE FROM taskrealtime_live_context WHERE id = ?", key)


def _run(connection: Any, statement: str, *values: Any) -> Any:
    """Run a statement by the driver itself: what Django adds to one takes longer than all of these."""
    with connection.wrap_database_errors:
        return connection.connection.execute(statement, values)


class _Fetched:
    """A cursor of SQLite whose rows were all fetched."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._rows = iter(cursor.fetchall())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        return list(islice(self._rows, size))

    def fetchall(self) -> list[Any]:
        return list(self._rows)
