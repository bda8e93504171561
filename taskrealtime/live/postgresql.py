"""The triggers on PostgreSQL."""

from collections.abc import Callable
from typing import Any

from django.db import connection

from taskrealtime.engine.log import CAPTURED

from . import room_names
from .registry import Capture, Column, Members, Step, Table
from .triggers import MAX_SUBJECT, Dialect, Trigger, key_column, needs_row, quoted


class PostgreSQL(Dialect):
    """PostgreSQL: a function for each table. It runs with its owner's rights: writers need none on the log."""

    def __init__(self, name: Callable[[str], str], *, schema: str) -> None:
        """Create it.

        Args:
            schema: that of the event log, as SQL writes it: the functions are there, too.
        """
        super().__init__(name)
        self._schema = schema

    def is_plain(self, value: str) -> str:
        """Return whether a text stands in a name as it is."""
        return f"{value} ~ '^[A-Za-z0-9_-]+$'"

    def hexadecimal(self, value: str) -> str:
        """Return the digits of a text's UTF-8."""
        return f"encode(convert_to({value}, 'UTF8'), 'hex')"

    def uuid(self, value: str) -> str:
        """Return a UUID with dashes."""
        return f"CAST({value} AS text)"

    def of_capture(self, capture: Capture) -> list[Trigger]:
        """Return the triggers of a declaration."""
        main, *parents = capture.tables
        made = [self._on_rows(capture, main, self._body(capture, main))]
        made += [
            self._on_rows(capture, table, self._body_of_parent(capture, table))
            for table in parents
            if any(column.table == table for column in capture.columns)
            or any(step.table == table for step in capture.steps)
        ]
        made.append(self._on_truncate(capture.name, main.name, room_names.prefix_of(capture.owner)))
        if len(capture.steps) > 1:
            made += self._on_way(capture)
        if capture.subject:
            made.append(self._on_subject(capture, capture.subject))
        return made

    # -- what creates a trigger --

    def _trigger(
        self, of: str, table: str, role: str, when: str, body: str, kind: str, *, each: str = "ROW", declare: str = ""
    ) -> Trigger:
        name = self._trigger_name(of, table, role)
        function = f"{self._schema}.{name}"
        # Nothing is looked up by the writer's search_path, whose objects would run with the rights of our owner.
        create = (
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = pg_catalog, pg_temp AS $live$\n{declare}BEGIN\n{body}\n"
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

    def _on_rows(self, capture: Capture, table: Table, body: str) -> Trigger:
        declare = "DECLARE\nold_room text;\nnew_room text;\n"
        kind = room_names.prefix_of(capture.owner)
        body = self._unless_silent(capture.label) + body
        when = "AFTER INSERT OR UPDATE OR DELETE" if table == capture.tables[0] else "AFTER UPDATE"
        return self._trigger(capture.name, table.name, "rows", when, body, kind, declare=declare)

    def _unless_silent(self, label: str) -> str:
        silent = "COALESCE(current_setting('taskrealtime.silent', true), '')"
        return f"IF strpos({silent}, {quoted(f',{label},')}) > 0 THEN RETURN NULL; END IF;\n"

    # -- what is appended --

    def _append(self, capture: Capture, op: str, room: str, at: Table, *, source: str = "", key: str = "") -> str:
        """Return the statement that appends a row.

        Args:
            source: a FROM clause, in which the row is `NEW` and `OLD` at once; none: the trigger's own row.
            key: the alias of a row of `source`.
        """
        new, old = (key, key) if key else ("NEW", "OLD")
        row = old if op in {"delete", "leave"} else new
        parts = [f"'of', {quoted(capture.name)}", f"'op', '{op}'", f"'by', {ACTOR}"]
        parts.append(f"'id', {row}.{self.column(at.key)}")
        if op in {"insert", "enter", "update"}:
            parts.append(f"'new', {self._row(capture, new, at)}")
        if op == "update" or (op in {"delete", "leave"} and needs_row(capture, "OLD")):
            parts.append(f"'old', {self._row(capture, old, at)}")
        return (
            f"INSERT INTO {self.table('engine_event')} (room, type, at, data, subject)\n"
            f"SELECT {room}, '{CAPTURED}', clock_timestamp(), json_build_object({', '.join(parts)})::text, "
            f"{self.subject(capture, row, at)} {source};\n"
        )

    def _row(self, capture: Capture, row: str, at: Table) -> str:
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
        return f"CAST({value} AS text)" if type in _READ_AS_TEXT else value

    def _differs(self, columns: list[Column], at: Table) -> str:
        tests = []
        for column in columns:
            cast = "" if _postgresql_type(column) in _COMPARED else "::text"
            name = self.column(column.column)
            tests.append(f"NEW.{name}{cast} IS DISTINCT FROM OLD.{name}{cast}")
        return " OR ".join(tests) or "false"

    # -- bodies --

    def _body(self, capture: Capture, at: Table) -> str:
        key = self.column(at.key)
        own = [column for column in capture.columns if column.table == at]
        way = [
            f"NEW.{self.column(s.field.column)} IS DISTINCT FROM OLD.{self.column(s.field.column)}"
            for s in capture.steps[:1]
            if s.table == at
        ]
        leaving = self._append(capture, "leave", "old_room", at)
        deletion = self._append(capture, "delete", "old_room", at)
        coming = self._append(capture, "enter", "new_room", at)
        forget = self._forget(f"COALESCE({self._own_subject(capture, 'OLD', at)}, '')")
        return f"""IF TG_OP = 'INSERT' THEN
new_room := {self.room(capture, "NEW", at)};
IF new_room IS NOT NULL THEN
{self._append(capture, "insert", "new_room", at)}END IF;
ELSIF TG_OP = 'DELETE' THEN
old_room := {self.room(capture, "OLD", at)};
IF old_room IS NOT NULL THEN
{deletion}END IF;
{forget}ELSIF NEW.{key} IS DISTINCT FROM OLD.{key} THEN
old_room := {self.room(capture, "OLD", at)};
new_room := {self.room(capture, "NEW", at)};
IF old_room IS NOT NULL THEN
{deletion}END IF;
IF new_room IS NOT NULL THEN
{self._append(capture, "insert", "new_room", at)}END IF;
{forget}ELSIF {" OR ".join([*way, self._differs(own, at)])} THEN
new_room := {self.room(capture, "NEW", at)};
{self._change(capture, at, way, leaving, coming)}END IF;"""

    def _change(self, capture: Capture, at: Table, way: list[str], leaving: str, coming: str) -> str:
        update = self._append(capture, "update", "new_room", at)
        if not way:
            return f"IF new_room IS NOT NULL THEN\n{update}END IF;\n"
        return f"""old_room := {self.room(capture, "OLD", at)};
IF old_room IS NOT DISTINCT FROM new_room THEN
IF new_room IS NOT NULL THEN
{update}END IF;
ELSE
IF old_room IS NOT NULL THEN
{leaving}END IF;
IF new_room IS NOT NULL THEN
{coming}END IF;
END IF;
"""

    def _own_subject(self, capture: Capture, row: str, at: Table) -> str:
        return self.name_sql(capture.model, f"{row}.{self.column(at.key)}", MAX_SUBJECT)

    def _forget(self, subject: str) -> str:
        """Return what has the log blank what it says about a row that is deleted."""
        return f"INSERT INTO {self.table('engine_redaction')} (subject) VALUES ({subject});\n"

    def _body_of_parent(self, capture: Capture, at: Table) -> str:
        """The parent's part of a row was changed; the row is one of the model if it has a part there, too."""
        main = capture.tables[0]
        own = [column for column in capture.columns if column.table == at]
        way = [
            f"NEW.{self.column(s.field.column)} IS DISTINCT FROM OLD.{self.column(s.field.column)}"
            for s in capture.steps[:1]
            if s.table == at
        ]
        exists = (
            f"EXISTS (SELECT 1 FROM {self.table(main.name)} AS own "
            f"WHERE own.{self.column(main.key)} = NEW.{self.column(at.key)})"
        )
        leaving = self._append(capture, "leave", "old_room", at)
        coming = self._append(capture, "enter", "new_room", at)
        return f"""IF ({" OR ".join([*way, self._differs(own, at)])}) AND {exists} THEN
new_room := {self.room(capture, "NEW", at)};
{self._change(capture, at, way, leaving, coming)}END IF;"""

    # -- other tables --

    def _on_truncate(self, of: str, table: str, kind: str) -> Trigger:
        body = (
            f"UPDATE {self.table('engine_room')} SET head = head + 1, floor = head + 1 "
            f"WHERE starts_with(name, {quoted(kind + '.')});"
        )
        return self._trigger(of, table, "emptied", "AFTER TRUNCATE", body, kind, each="STATEMENT")

    def _on_way(self, capture: Capture) -> list[Trigger]:
        """The row between a row and its room's was moved to another room, or is deleted with the rows behind it."""
        first, second = capture.steps
        main = capture.tables[0]
        kind = room_names.prefix_of(capture.owner)
        column = self.column(second.field.column)
        old = self.name_sql(capture.owner, f"OLD.{column}", room_names.MAX_NAME)
        new = self.name_sql(capture.owner, f"NEW.{column}", room_names.MAX_NAME)

        def source(row: str, room: str) -> str:
            return (
                f"FROM {self.table(main.name)} AS behind "
                f"WHERE behind.{self.column(first.field.column)} = {row}.{self.column(second.table.key)} "
                f"AND {room} IS NOT NULL ORDER BY behind.{self.column(main.key)}"
            )

        silent = self._unless_silent(capture.label)
        moved = (
            f"IF NEW.{column} IS DISTINCT FROM OLD.{column} THEN\n"
            + self._append(capture, "leave", old, main, source=source("NEW", old), key="behind")
            + self._append(capture, "enter", new, main, source=source("NEW", new), key="behind")
            + "END IF;"
        )
        gone = self._append(capture, "delete", old, main, source=source("OLD", old), key="behind")
        return [
            self._trigger(capture.name, second.table.name, "moved", "AFTER UPDATE", silent + moved, kind),
            self._trigger(
                capture.name, second.table.name, "gone", "BEFORE DELETE", silent.replace("NULL", "OLD") + gone, kind
            ),
        ]

    def _on_subject(self, capture: Capture, step: Step) -> Trigger:
        model = step.target
        subject = self.name_sql(model, f"OLD.{self.column(key_column(model))}", MAX_SUBJECT)
        body = self._forget(f"COALESCE({subject}, '')")
        kind = room_names.prefix_of(capture.owner)
        return self._trigger(capture.name, model._meta.db_table, "subject", "AFTER DELETE", body, kind)

    def of_members(self, members: Members) -> list[Trigger]:
        """Return the trigger of a model whose rows say who reads: their deletion evicts."""
        owner, user = members.owner_field.column, members.user_field.column
        room = self.name_sql(members.owner, f"OLD.{self.column(owner)}", room_names.MAX_NAME)
        changed = " OR ".join(
            f"NEW.{self.column(one)} IS DISTINCT FROM OLD.{self.column(one)}" for one in (owner, user)
        )
        evicted = ", ".join(self.evicted(members))
        data = f"'of', {quoted(members.name)}, 'op', 'evict', 'by', {ACTOR}, 'id', OLD.{self.column(user)}"
        append = (
            f"INSERT INTO {self.table('engine_event')} (room, type, at, data, subject, evicts_user, evicts)\n"
            f"SELECT {room}, '{CAPTURED}', clock_timestamp(), json_build_object({data})::text, '', {evicted}\n"
            f"WHERE {room} IS NOT NULL;\n"
        )
        kind = room_names.prefix_of(members.owner)
        # In a branch of its own, since a deletion has no NEW.
        body = f"IF TG_OP = 'DELETE' THEN\n{append}ELSIF {changed} THEN\n{append}END IF;"
        when = "AFTER DELETE OR UPDATE"
        return [self._trigger(members.name, members.model._meta.db_table, "members", when, body, kind)]


#: Who acts, on PostgreSQL: for the transaction, never for the session, which a pooler gives to others.
ACTOR = "NULLIF(current_setting('taskrealtime.actor', true), '')"
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
    if type.endswith("[]"):
        return type
    type = type.partition("(")[0].strip()
    for name in ("timestamp", "time", "character", "char"):
        if type.startswith(f"{name} "):
            return name
    return type
