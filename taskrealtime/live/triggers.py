"""The triggers that capture what is written, as SQL for PostgreSQL and SQLite.

A trigger appends to the event log what changed: the declared columns before and after, the operation and the actor.
It does so in the transaction that writes, whatever program that is, and asks nothing of it. `rendering` makes events
of these rows when they are numbered.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import IntegerField, Model, UUIDField

from taskrealtime.engine.conf import user_model

from . import room_names
from .registry import Capture, Members, Resolved, Table

#: What the names of all our triggers and functions begin with.
PREFIX = "taskrealtime_live_"
#: The longest subject, and the longest room's name, that the log takes.
MAX_SUBJECT = 100


@dataclass(frozen=True)
class Trigger:
    """A trigger, with what makes it."""

    name: str
    #: The table, as Django names it.
    table: str
    #: The kinds of rooms that miss something while it is not there.
    kinds: tuple[str, ...]
    #: What creates it, with `{version}` where the version is kept.
    statements: tuple[str, ...]

    @property
    def version(self) -> str:
        """Return what distinguishes it from a trigger that an earlier declaration or release made."""
        return hashlib.sha256("\n".join(self.statements).encode()).hexdigest()[:16]


def key_column(model: Any) -> str:
    """Return the column of a model's key."""
    return str(model._meta.pk.column)


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


class Dialect:
    """What both databases have in common: which triggers there are, and what they append."""

    #: The length of a text, in characters.
    length: ClassVar[str] = "length"

    def __init__(self, name: Callable[[str], str]) -> None:
        """Create it.

        Args:
            name: returns a table's name as SQL writes it.
        """
        self.table = name

    def column(self, name: str) -> str:
        """Return a column's name as SQL writes it."""
        return '"' + name.replace('"', '""') + '"'

    def triggers(self, resolved: Resolved) -> list[Trigger]:
        """Return all triggers of what was declared."""
        made: list[Trigger] = []
        for capture in resolved.captures:
            made += self.of_capture(capture)
        for owner, rule in resolved.rules.items():
            if rule.members and owner in resolved.owners():
                made += self.of_members(rule.members)
        return made

    def of_capture(self, capture: Capture) -> list[Trigger]:
        """Return the triggers of a declaration."""
        raise NotImplementedError

    def of_members(self, members: Members) -> list[Trigger]:
        """Return the triggers of a model whose rows say who reads."""
        raise NotImplementedError

    # -- names --

    def _trigger_name(self, of: str, table: str, role: str) -> str:
        return PREFIX + hashlib.sha256(f"{of} {table}".encode()).hexdigest()[:12] + "_" + role

    # -- values of a row --

    def value(self, row: str, column: str, table: Table, at: Table) -> str:
        """Return a column of the row that `row` names, a row of the table `at`."""
        if table == at:
            return f"{row}.{self.column(column)}"
        key = self.column(table.key)
        return (
            f"(SELECT part.{self.column(column)} FROM {self.table(table.name)} AS part "
            f"WHERE part.{key} = {row}.{self.column(at.key)})"
        )

    def key_sql(self, model: type[Model], value: str) -> str:
        """Return a key as it stands in a room's name; see `room_names.encode_key`."""
        field = room_names.key_field(model)
        if isinstance(field, UUIDField):
            return self.uuid(value)
        if isinstance(field, IntegerField):
            return f"CAST({value} AS text)"
        return f"CASE WHEN {self.is_plain(value)} THEN {value} ELSE '.' || {self.hexadecimal(value)} END"

    def name_sql(self, model: type[Model], value: str, most: int) -> str:
        """Return the name of a row, as of its room or of a subject; NULL if there is none, or it is too long."""
        prefix = quoted(room_names.prefix_of(model) + ".")
        key = self.key_sql(model, value)
        if isinstance(room_names.key_field(model), IntegerField | UUIDField):
            return f"{prefix} || {key}"
        room = most - len(room_names.prefix_of(model)) - 1
        return f"CASE WHEN {self.length}({key}) <= {room} THEN {prefix} || {key} END"

    def room(self, capture: Capture, row: str, at: Table) -> str:
        """Return the name of the room of a row of the table `at`; NULL: it is in none."""
        return self.name_sql(capture.owner, self.owner_key(capture, row, at), room_names.MAX_NAME)

    def owner_key(self, capture: Capture, row: str, at: Table) -> str:
        """Return the key of the row whose room it is."""
        if not capture.steps:
            return f"{row}.{self.column(at.key)}"
        first, *rest = capture.steps
        value = self.value(row, first.field.column, first.table, at)
        for step in rest:
            value = (
                f"(SELECT step.{self.column(step.field.column)} FROM {self.table(step.table.name)} AS step "
                f"WHERE step.{self.column(step.table.key)} = {value})"
            )
        return value

    def subject(self, capture: Capture, row: str, at: Table) -> str:
        """Return whose content a row is."""
        if step := capture.subject:
            key = self.value(row, step.field.column, step.table, at)
            name = self.name_sql(step.target, key, MAX_SUBJECT)
        else:
            name = self.name_sql(capture.model, f"{row}.{self.column(at.key)}", MAX_SUBJECT)
        return f"COALESCE({name}, '')"

    def evicted(self, members: Members) -> tuple[str, str]:
        """Return the user that the deletion of a row evicts, as both columns of the log have it.

        NULL where the key is a text with other characters than those of names: there the sweep ends it.
        """
        user = f"OLD.{self.column(members.user_field.column)}"
        field = room_names.key_field(members.user_field.related_model)
        if isinstance(field, IntegerField | UUIDField):
            number = user if isinstance(field, IntegerField) else "NULL"
            return self.key_sql(members.user_field.related_model, user), number
        fits = (
            f"{self.is_plain(user)} AND {user} NOT LIKE '%\\_%' ESCAPE '\\' AND length({user}) <= {user_model.MAX_TEXT}"
        )
        return f"CASE WHEN {fits} THEN {user} END", "NULL"

    # -- to be said by each database --

    def is_plain(self, value: str) -> str:
        """Return whether a text stands in a name as it is."""
        raise NotImplementedError

    def hexadecimal(self, value: str) -> str:
        """Return the digits of a text's UTF-8."""
        raise NotImplementedError

    def uuid(self, value: str) -> str:
        """Return a UUID with dashes."""
        raise NotImplementedError


def needs_row(capture: Capture, row: str) -> bool:
    """Return whether rendering an event needs the row, not only its key."""
    return row == "NEW" or capture.declaration.when is not None
