"""The triggers on PostgreSQL."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from . import room_names
from .registry import Capture, Column, Table, element_type
from .triggers import MAX_SUBJECT, Dialect, Trigger, quoted


class PostgreSQL(Dialect):
    """PostgreSQL: a function for each trigger. It runs with its owner's rights: writers need none on the log."""

    now = "clock_timestamp()"
    true = "true"

    def __init__(self, name: Callable[[str], str], *, schema: str) -> None:
        """Create it.

        Args:
            schema: that of the event log, as SQL writes it: the functions are there, too.
        """
        super().__init__(name)
        self._schema = schema

    def trigger(self, of: str, table: str, role: str, when: str, test: str, statements: str, kind: str) -> Trigger:
        """Return the trigger that runs statements for each row for which a test is true."""
        body = statements if test == self.true else f"IF {test} THEN\n{statements}END IF;\n"
        return self._trigger(of, table, role, when, body, kind)

    def _trigger(
        self, of: str, table: str, role: str, when: str, body: str, kind: str, *, each: str = "ROW", declare: str = ""
    ) -> Trigger:
        name = self.trigger_name(of, table, role)
        function = f"{self._schema}.{name}"
        # Nothing is looked up by the writer's search_path, whose objects would run with the rights of our owner.
        create = (
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = pg_catalog, pg_temp AS $live$\n{declare}BEGIN\n{body}"
            f"RETURN {'OLD' if when.startswith('BEFORE') else 'NULL'};\nEND $live$"
        )
        return Trigger(
            name,
            table,
            (kind,),
            (
                create,
                f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC",
                f"DROP TRIGGER IF EXISTS {name} ON {self.table(table)}",
                f"CREATE TRIGGER {name} {when} ON {self.table(table)} FOR EACH {each} EXECUTE FUNCTION {function}()",
                f"COMMENT ON TRIGGER {name} ON {self.table(table)} IS '{{version}}'",
            ),
        )

    def after_update(self, columns: Iterable[str]) -> str:
        """Return when a trigger runs that is about changes of these columns.

        After each update: `UPDATE OF` would miss what another trigger changes before it.
        """
        return "AFTER UPDATE"

    # -- triggers --

    def on_rows(self, capture: Capture, at: Table) -> list[Trigger]:
        """Return the trigger on the model's own table: rooms are looked up once for all that it appends."""
        old_room, new_room = self.room(capture, "OLD", at), self.room(capture, "NEW", at)
        insertion, deletion = (
            self.append(capture, "insert", "new_room", at),
            self.append(capture, "delete", "old_room", at)
            + self.forget(self.name_sql(capture.model, f"OLD.{self.column(at.key)}", MAX_SUBJECT)),
        )
        body = f"""IF TG_OP = 'INSERT' THEN
new_room := {new_room};
{insertion}ELSIF TG_OP = 'DELETE' THEN
old_room := {old_room};
{deletion}ELSIF {self.distinct(f"NEW.{self.column(at.key)}", f"OLD.{self.column(at.key)}")} THEN
old_room := {old_room};
new_room := {new_room};
{deletion}{insertion}ELSIF {self._has_changed(capture, at)} THEN
{self._change(capture, at)}END IF;
"""
        return [self._on_rows(capture, at, "AFTER INSERT OR UPDATE OR DELETE", body)]

    def on_part(self, capture: Capture, at: Table) -> list[Trigger]:
        """Return the trigger on the table of a parent, which has a part of each row."""
        test = f"({self._has_changed(capture, at)}) AND {self.is_one_of(capture, at)}"
        return [self._on_rows(capture, at, "AFTER UPDATE", f"IF {test} THEN\n{self._change(capture, at)}END IF;\n")]

    def _on_rows(self, capture: Capture, at: Table, when: str, body: str) -> Trigger:
        declare = "DECLARE\nold_room text;\nnew_room text;\n"
        body = f"IF {self.is_loud(capture)} THEN\n{body}END IF;\n"
        return self._trigger(
            capture.name, at.name, "rows", when, body, room_names.prefix_of(capture.owner), declare=declare
        )

    def _has_changed(self, capture: Capture, at: Table) -> str:
        tests = [self.way(capture, at)] if self.way(capture, at) else []
        for column in self.own_columns(capture, at):
            cast = "" if _postgresql_type(column) in _COMPARED else "::text"
            name = self.column(column.column)
            tests.append(self.distinct(f"NEW.{name}{cast}", f"OLD.{name}{cast}"))
        return " OR ".join(tests) or "false"

    def _change(self, capture: Capture, at: Table) -> str:
        here = f"new_room := {self.room(capture, 'NEW', at)};\n"
        update = self.append(capture, "update", "new_room", at)
        if not self.way(capture, at):
            return here + update
        leave = self.append(capture, "leave", "old_room", at)
        enter = self.append(capture, "enter", "new_room", at)
        return f"""{here}old_room := {self.room(capture, "OLD", at)};
IF {self.distinct("new_room", "old_room")} THEN
{leave}{enter}ELSE
{update}END IF;
"""

    def on_emptied(self, capture: Capture) -> list[Trigger]:
        """Return what resets the rooms when the model's table is emptied at once."""
        kind = room_names.prefix_of(capture.owner)
        body = (
            f"UPDATE {self.table('engine_room')} SET head = head + 1, floor = head + 1 "
            f"WHERE starts_with(name, {quoted(kind + '.')});\n"
        )
        table = capture.tables[0].name
        return [self._trigger(capture.name, table, "emptied", "AFTER TRUNCATE", body, kind, each="STATEMENT")]

    # -- SQL --

    def is_loud(self, capture: Capture) -> str:
        """Return the test whether the transaction is not silent about the model."""
        silent = "COALESCE(current_setting('taskrealtime.silent', true), '')"
        return f"strpos({silent}, {quoted(f',{capture.label},')}) = 0"

    def actor(self) -> str:
        """Return who acts, as JSON in a text; NULL: the system.

        Set for the transaction, never for the session, which a pooler gives to others.
        """
        return "NULLIF(current_setting('taskrealtime.actor', true), '')"

    def distinct(self, one: str, other: str) -> str:
        """Return the test whether two values differ, where NULL is a value."""
        return f"{one} IS DISTINCT FROM {other}"

    def json_object(self, members: Iterable[tuple[str, str]]) -> str:
        """Return a JSON object as text."""
        return f"json_build_object({', '.join(f'{quoted(name)}, {value}' for name, value in members)})::text"

    def row(self, capture: Capture, row: str, at: Table) -> str:
        """Return the captured columns of a row as a member of a JSON object."""
        if not capture.columns:
            return "'{}'::json"
        columns = ", ".join(f"{self._as_json(one, row, at)} AS {self.column(one.name)}" for one in capture.columns)
        return f"(SELECT row_to_json(captured) FROM (SELECT {columns}) AS captured)"

    def _as_json(self, column: Column, row: str, at: Table) -> str:
        value = self.value(row, column.column, column.table, at)
        type = _postgresql_type(column)
        if type == "interval":
            return f"CAST(EXTRACT(EPOCH FROM {value}) AS text)"
        if type == "bytea":
            return f"encode({value}, 'hex')"
        if element_type(type) in _READ_AS_TEXT:
            return f"CAST({value} AS text[])"
        return f"CAST({value} AS text)" if type in _READ_AS_TEXT else value

    def is_plain(self, value: str) -> str:
        """Return whether a text stands in a name as it is."""
        return f"{value} ~ '^[A-Za-z0-9_-]+$'"

    def hexadecimal(self, value: str) -> str:
        """Return the digits of a text's UTF-8."""
        return f"encode(convert_to({value}, 'UTF8'), 'hex')"

    def uuid(self, value: str) -> str:
        """Return a UUID with dashes."""
        return f"CAST({value} AS text)"


#: Types of PostgreSQL that Django reads as text.
_READ_AS_TEXT = {"json", "jsonb", "hstore"}
#: Those whose equality is in the schema of the system, and distinguishes what JSON does.
_COMPARED = {
    "bigint", "boolean", "bytea", "char", "character", "date", "double precision", "integer", "interval", "jsonb",
    "numeric", "real", "smallint", "text", "time", "timestamp", "uuid", "varchar",
}  # fmt: skip


def _postgresql_type(column: Column) -> str:
    field: Any = column.field
    type = (field.db_type(connection) or "text").lower()
    if element_type(type):
        return type
    type = type.partition("(")[0].strip()
    for name in ("timestamp", "time", "character", "char"):
        if type.startswith(f"{name} "):
            return name
    return type
