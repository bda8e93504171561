"""The triggers that capture what is written, as SQL for PostgreSQL and SQLite.

A trigger appends to the event log what changed: the declared columns before and after, the operation and the actor.
It does so in the transaction that writes, whatever program that is, and asks nothing of it. `rendering` makes events
of these rows when they are numbered.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import IntegerField, Model, UUIDField

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.log import CAPTURED

from . import room_names
from .registry import Capture, Column, Members, Resolved, Step, Table

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
        main, *parents = capture.tables
        made = self.on_rows(capture, main)
        for table in parents:
            if self.own_columns(capture, table) or self.way(capture, table):
                made += self.on_part(capture, table)
        made += self.on_emptied(capture)
        if len(capture.steps) > 1:
            made += self._on_way(capture)
        if capture.subject:
            made.append(self._on_subject(capture, capture.subject))
        return made

    def of_members(self, members: Members) -> list[Trigger]:
        """Return the triggers of a model whose rows say who reads: their deletion evicts."""
        columns = [members.owner_field.column, members.user_field.column]
        room = self.name_sql(members.owner, f"OLD.{self.column(columns[0])}", room_names.MAX_NAME)
        data = [("of", quoted(members.name)), ("op", "'evict'"), ("by", self.actor())]
        data.append(("id", f"OLD.{self.column(columns[1])}"))
        evicted = ", ".join(self.evicted(members))
        append = (
            f"INSERT INTO {self.table('engine_event')} (room, type, at, data, subject, evicts_user, evicts)\n"
            f"SELECT {room}, '{CAPTURED}', {self.now}, {self.json_object(data)}, '', {evicted}\n"
            f"WHERE {room} IS NOT NULL;\n"
        )
        changed = " OR ".join(self.distinct(f"NEW.{self.column(one)}", f"OLD.{self.column(one)}") for one in columns)
        table, kind = members.model._meta.db_table, room_names.prefix_of(members.owner)
        return [
            self.trigger(members.name, table, "left", "AFTER DELETE", self.true, append, kind),
            self.trigger(members.name, table, "changed", self.after_update(columns), changed, append, kind),
        ]

    def _on_way(self, capture: Capture) -> list[Trigger]:
        """The row between a row and its room's was moved to another room, or is deleted with the rows behind it."""
        first, second = capture.steps
        main, loud = capture.tables[0], self.is_loud(capture)
        column = self.column(second.field.column)
        old = self.name_sql(capture.owner, f"OLD.{column}", room_names.MAX_NAME)
        new = self.name_sql(capture.owner, f"NEW.{column}", room_names.MAX_NAME)

        def append(op: str, room: str, between: str) -> str:
            link = f"behind.{self.column(first.field.column)} = {between}.{self.column(second.table.key)}"
            return self.append(capture, op, room, main, also=link, behind=True)

        moved = append("leave", old, "NEW") + append("enter", new, "NEW")
        gone = append("delete", old, "OLD")
        test = f"{self.distinct(f'NEW.{column}', f'OLD.{column}')} AND {loud}"
        table, kind = second.table.name, room_names.prefix_of(capture.owner)
        return [
            self.trigger(capture.name, table, "moved", self.after_update([second.field.column]), test, moved, kind),
            self.trigger(capture.name, table, "gone", "BEFORE DELETE", loud, gone, kind),
        ]

    def _on_subject(self, capture: Capture, step: Step) -> Trigger:
        model = step.target
        forget = self.forget(self.name_sql(model, f"OLD.{self.column(key_column(model))}", MAX_SUBJECT))
        table, kind = model._meta.db_table, room_names.prefix_of(capture.owner)
        return self.trigger(capture.name, table, "subject", "AFTER DELETE", self.true, forget, kind)

    # -- what is appended --

    def append(self, capture: Capture, op: str, room: str, at: Table, *, also: str = "", behind: bool = False) -> str:
        """Return the statement that appends a row of the table `at`, unless it is in no room.

        Args:
            also: another condition.
            behind: append the rows of `at` that `also` finds by the name `behind`, and not the trigger's own row.
        """
        new, old = ("behind", "behind") if behind else ("NEW", "OLD")
        row = old if op in {"delete", "leave"} else new
        data = [("of", quoted(capture.name)), ("op", f"'{op}'"), ("by", self.actor())]
        data.append(("id", self.scalar(f"{row}.{self.column(at.key)}")))
        if op in {"insert", "enter", "update"}:
            data.append(("new", self.row(capture, new, at)))
        if op == "update" or (op in {"delete", "leave"} and capture.declaration.when is not None):
            data.append(("old", self.row(capture, old, at)))
        tests = [f"{room} IS NOT NULL", *([also] if also else []), *self._alone(capture, op, room, at, new, old)]
        source = f"FROM {self.table(at.name)} AS behind " if behind else ""
        order = f" ORDER BY behind.{self.column(at.key)}" if behind else ""
        return (
            f"INSERT INTO {self.table('engine_event')} (room, type, at, data, subject)\n"
            f"SELECT {room}, '{CAPTURED}', {self.now}, {self.json_object(data)}, "
            f"{self.subject(capture, row, at)} {source}WHERE {' AND '.join(tests)}{order};\n"
        )

    def _alone(self, capture: Capture, op: str, room: str, at: Table, new: str, old: str) -> Iterator[str]:
        """Yield the tests that no other key of the row has the same to say of the room: the first one declared does.

        A row leaves a room with the last key that leads there.
        """
        for other in capture.siblings:
            is_earlier = other in capture.earlier
            if op == "leave" or (is_earlier and op != "delete"):
                yield self.distinct(self.room(other, new, at), room)
            # Of a row behind another one, what was before is no longer there to be read.
            if is_earlier and (op == "delete" or (op == "leave" and old != new)):
                yield self.distinct(self.room(other, old, at), room)

    def forget(self, subject: str) -> str:
        """Return the statement that has the log blank what it says about a row that is deleted."""
        return f"INSERT INTO {self.table('engine_redaction')} (subject) SELECT COALESCE({subject}, '');\n"

    # -- what is looked at --

    def own_columns(self, capture: Capture, at: Table) -> list[Column]:
        """Return the captured columns of this table."""
        return [column for column in capture.columns if column.table == at]

    def way(self, capture: Capture, at: Table) -> str:
        """Return the test whether a row of this table took another way to its room; empty: it does not decide that."""
        if not capture.steps or capture.steps[0].table != at:
            return ""
        name = self.column(capture.steps[0].field.column)
        return self.distinct(f"NEW.{name}", f"OLD.{name}")

    def is_one_of(self, capture: Capture, at: Table) -> str:
        """Return the test whether the row of a parent's table is one of the model: it has a part in its own, too."""
        main = capture.tables[0]
        return (
            f"EXISTS (SELECT 1 FROM {self.table(main.name)} AS own "
            f"WHERE own.{self.column(main.key)} = NEW.{self.column(at.key)})"
        )

    # -- names --

    def trigger_name(self, of: str, table: str, role: str) -> str:
        """Return the name of the trigger that has this role on a table for one declaration."""
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
        return f"CASE WHEN length({key}) <= {room} THEN {prefix} || {key} END"

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

    #: The present moment, and what is always true.
    now: ClassVar[str]
    true: ClassVar[str]

    def trigger(self, of: str, table: str, role: str, when: str, test: str, statements: str, kind: str) -> Trigger:
        """Return the trigger that runs statements for each row for which a test is true."""
        raise NotImplementedError

    def after_update(self, columns: Iterable[str]) -> str:
        """Return when a trigger runs that is about changes of these columns."""
        raise NotImplementedError

    def on_rows(self, capture: Capture, at: Table) -> list[Trigger]:
        """Return the triggers on the model's own table."""
        raise NotImplementedError

    def on_part(self, capture: Capture, at: Table) -> list[Trigger]:
        """Return the triggers on the table of a parent, which has a part of each row."""
        raise NotImplementedError

    def on_emptied(self, capture: Capture) -> list[Trigger]:
        """Return what resets the rooms when the model's table is emptied at once."""
        return []

    def is_loud(self, capture: Capture) -> str:
        """Return the test whether the transaction is not silent about the model."""
        raise NotImplementedError

    def actor(self) -> str:
        """Return who acts, as JSON in a text; NULL: the system."""
        raise NotImplementedError

    def distinct(self, one: str, other: str) -> str:
        """Return the test whether two values differ, where NULL is a value."""
        raise NotImplementedError

    def json_object(self, members: Iterable[tuple[str, str]]) -> str:
        """Return a JSON object as text."""
        raise NotImplementedError

    def row(self, capture: Capture, row: str, at: Table) -> str:
        """Return the captured columns of a row as a member of a JSON object."""
        raise NotImplementedError

    def scalar(self, value: str) -> str:
        """Return a key as a member of a JSON object."""
        return value

    def is_plain(self, value: str) -> str:
        """Return whether a text stands in a name as it is."""
        raise NotImplementedError

    def hexadecimal(self, value: str) -> str:
        """Return the digits of a text's UTF-8."""
        raise NotImplementedError

    def uuid(self, value: str) -> str:
        """Return a UUID with dashes."""
        raise NotImplementedError
