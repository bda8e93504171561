"""Installs, finds and removes the triggers in the database."""

import re
from collections.abc import Sequence
from functools import cache, reduce
from operator import or_
from typing import NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import F, Q

from taskrealtime.engine.db import writing

from .postgresql import PostgreSQL
from .registry import registry
from .sqlite import SQLite
from .triggers import PREFIX, Dialect, Trigger

_VERSION = re.compile(r"/\* ([0-9a-f]{16}) \*/")


class Installed(NamedTuple):
    """A trigger that the database has."""

    name: str
    #: As SQL writes it.
    table: str
    #: Empty: not known.
    version: str


class State(NamedTuple):
    """What is, compared with what was declared."""

    wanted: list[Trigger]
    #: Wanted, but not there or not as it was declared.
    missing: list[Trigger]
    outdated: list[Trigger]
    #: There, but no longer wanted.
    foreign: list[Installed]
    #: Tables of declared models that the database does not have, or that take no triggers.
    absent: list[str]


def is_possible() -> bool:
    """Return whether the database takes our triggers, and has the tables that they write to."""
    if connection.vendor not in {"postgresql", "sqlite"}:
        return False
    tables = set(connection.introspection.table_names())
    needed = {"engine_event", "engine_room", "engine_redaction"}
    if connection.vendor == "sqlite":
        needed.add("taskrealtime_live_context")
    return needed <= tables


def dialect() -> Dialect:
    """Return that of the database, with the names of tables as it finds them now."""
    if connection.vendor == "sqlite":
        return SQLite(connection.ops.quote_name)
    return PostgreSQL(cache(_qualified), schema=_schema_of("engine_event"))


def _qualified(table: str) -> str:
    quoted = connection.ops.quote_name(table)
    return quoted if "." in quoted else f"{_schema_of(table)}.{quoted}"


def _schema_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE pg_class.oid = to_regclass(%s)",
            [connection.ops.quote_name(table)],
        )
        row = cursor.fetchone()
        if row is None:
            cursor.execute("SELECT current_schema()")
            row = cursor.fetchone()
    return connection.ops.quote_name(row[0])


def state() -> State:
    """Return which triggers there are, and which there should be."""
    wanted = dialect().triggers(registry.resolved)
    there = {one.name: one for one in installed()}
    # A name that Django quotes into two is of another schema, where it is not looked for.
    tables = _tables() | {one.table for one in wanted if '"."' in one.table}
    present = [one for one in wanted if one.table in tables]
    names = {one.name for one in wanted}
    return State(
        wanted,
        missing=[one for one in present if one.name not in there],
        outdated=[one for one in present if one.name in there and there[one.name].version != one.version],
        foreign=[one for name, one in there.items() if name not in names],
        absent=sorted({one.table for one in wanted} - tables),
    )


def _tables() -> set[str]:
    """Return the tables that take triggers: no views."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_list(cursor)
    return {one.name for one in found if one.type in {"t", "p"}}


def installed() -> list[Installed]:
    """Return the triggers of ours that the database has."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
            rows = [(name, connection.ops.quote_name(table), sql) for name, table, sql in cursor.fetchall()]
            return [
                Installed(name, table, found[1] if (found := _VERSION.search(sql)) else "")
                for name, table, sql in rows
                if name.startswith(PREFIX)
            ]
        # Those of this installation: their functions are beside its log.
        cursor.execute(
            "SELECT tgname, tgrelid::regclass::text, COALESCE(obj_description(pg_trigger.oid, 'pg_trigger'), ''), "
            "tgenabled FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal "
            "AND starts_with(tgname, %s) AND pronamespace = to_regnamespace(%s) ORDER BY tgname",
            [PREFIX, _schema_of("engine_event")],
        )
        # One that was disabled captures nothing.
        return [Installed(name, table, version * (on != "D")) for name, table, version, on in cursor.fetchall()]


def install() -> State:
    """Make the triggers what was declared; return what there was before.

    Rooms whose triggers were not there, or not the same, may have missed changes: they are reset.
    """
    with writing.atomic():
        before = state()
        _drop(before.foreign)
        with connection.cursor() as cursor:
            for trigger in [*before.missing, *before.outdated]:
                for statement in trigger.statements:
                    cursor.execute(statement.replace("{version}", trigger.version))
        reset({kind for trigger in [*before.missing, *before.outdated] for kind in trigger.kinds})
    return before


def remove() -> list[Installed]:
    """Remove all triggers of ours; return them. The log keeps its events."""
    with writing.atomic():
        there = installed()
        _drop(there)
    return there


def _drop(triggers: Sequence[Installed]) -> None:
    if not triggers:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for one in triggers:
                cursor.execute(f"DROP TRIGGER IF EXISTS {one.name}")
        else:
            # Each function is that of one trigger, which goes with it.
            schema = _schema_of("engine_event")
            functions = ", ".join(f"{schema}.{one.name}()" for one in triggers)
            cursor.execute(f"DROP FUNCTION IF EXISTS {functions} CASCADE")


def reset(kinds: set[str]) -> None:
    """Have all clients of these kinds of rooms take a new snapshot, in the open transaction: a number is left out."""
    from taskrealtime.engine.models import Room

    if not kinds:
        return
    of_kinds = reduce(or_, (Q(name__startswith=f"{kind}.") for kind in sorted(kinds)))
    # Locked in the order in which all lock them.
    rooms = Room.objects.filter(of_kinds).select_for_update(no_key=True).order_by("name")
    names = list(rooms.values_list("name", flat=True))
    Room.objects.filter(name__any_of=names).update(head=F("head") + 1, floor=F("head") + 1)


def after_migrate(**kwargs: object) -> None:
    """Install the triggers once all tables are there."""
    if apps.is_installed("taskrealtime.engine") and is_possible():
        install()
