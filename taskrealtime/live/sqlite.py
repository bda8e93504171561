"""The triggers on SQLite."""

from taskrealtime.engine.log import CAPTURED

from . import room_names
from .registry import Capture, Column, Members, Step, Table
from .triggers import MAX_SUBJECT, Dialect, Trigger, key_column, needs_row, quoted


class SQLite(Dialect):
    """SQLite: a trigger for each operation, and a table for what a transaction says of itself."""

    def is_plain(self, value: str) -> str:
        """Return whether a text stands in a name as it is."""
        return f"({value} <> '' AND {value} NOT GLOB '*[^A-Za-z0-9_-]*')"

    def hexadecimal(self, value: str) -> str:
        """Return the digits of a text's UTF-8."""
        return f"lower(hex(CAST({value} AS text)))"

    def uuid(self, value: str) -> str:
        """Return a UUID with dashes."""
        places = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        return " || '-' || ".join(f"substr({value}, {start}, {length})" for start, length in places)

    def of_capture(self, capture: Capture) -> list[Trigger]:
        """Return the triggers of a declaration."""
        main, *parents = capture.tables
        made = self._of_main(capture, main)
        for table in parents:
            own = [column for column in capture.columns if column.table == table]
            if own or any(step.table == table for step in capture.steps):
                exists = (
                    f"EXISTS (SELECT 1 FROM {self.table(main.name)} AS own "
                    f"WHERE own.{self.column(main.key)} = NEW.{self.column(table.key)})"
                )
                made.append(self._on_update(capture, table, exists))
        if len(capture.steps) > 1:
            made += self._on_way(capture)
        if capture.subject:
            made.append(self._on_subject(capture, capture.subject))
        return made

    def _trigger(self, of: str, table: str, role: str, when: str, test: str, statements: str, kind: str) -> Trigger:
        name = self._trigger_name(of, table, role)
        # A comment in the body is kept with it.
        create = (
            f"CREATE TRIGGER {name} {when} ON {self.table(table)} FOR EACH ROW\nWHEN {test} BEGIN "
            f"/* {{version}} */\n{statements}END"
        )
        return Trigger(name, table, (kind,), (f"DROP TRIGGER IF EXISTS {name}", create))

    def _is_loud(self, label: str) -> str:
        context = self.table("taskrealtime_live_context")
        return f"NOT EXISTS (SELECT 1 FROM {context} WHERE instr(silent, {quoted(f',{label},')}) > 0)"

    # -- what is appended --

    def _append(
        self, capture: Capture, op: str, room: str, at: Table, where: str, *, source: str = "", key: str = ""
    ) -> str:
        new, old = (key, key) if key else ("NEW", "OLD")
        row = old if op in {"delete", "leave"} else new
        parts = [f"'of', {quoted(capture.name)}", f"'op', '{op}'", f"'by', {self._actor()}"]
        parts.append(f"'id', {self._scalar(f'{row}.{self.column(at.key)}')}")
        if op in {"insert", "enter", "update"}:
            parts.append(f"'new', json({self._row(capture, new, at)})")
        if op == "update" or (op in {"delete", "leave"} and needs_row(capture, "OLD")):
            parts.append(f"'old', json({self._row(capture, old, at)})")
        return (
            f"INSERT INTO {self.table('engine_event')} (room, type, at, data, subject)\n"
            f"SELECT {room}, '{CAPTURED}', {_NOW}, json_object({', '.join(parts)}), "
            f"{self.subject(capture, row, at)} {source} WHERE {where};\n"
        )

    def _actor(self) -> str:
        return f"(SELECT NULLIF(actor, '') FROM {self.table('taskrealtime_live_context')} ORDER BY id DESC LIMIT 1)"

    def _scalar(self, value: str) -> str:
        return f"CASE typeof({value}) WHEN 'blob' THEN hex({value}) ELSE {value} END"

    def _row(self, capture: Capture, row: str, at: Table) -> str:
        """Return a row as JSON, put together as text: a function of SQLite takes 127 arguments."""
        if not capture.columns:
            return "'{}'"
        parts = []
        for column in capture.columns:
            value = self.value(row, column.column, column.table, at)
            parts.append(
                f"'\"{column.name}\":' || CASE typeof({value}) WHEN 'blob' THEN json_quote(hex({value})) "
                f"WHEN 'real' THEN json_quote(printf('%!.17g', {value})) ELSE json_quote({value}) END"
            )
        return "'{' || " + " || ',' || ".join(parts) + " || '}'"

    def _differs(self, columns: list[Column]) -> list[str]:
        return [f"NEW.{self.column(one.column)} IS NOT OLD.{self.column(one.column)}" for one in columns]

    # -- triggers --

    def _of_main(self, capture: Capture, at: Table) -> list[Trigger]:
        kind, loud, key = room_names.prefix_of(capture.owner), self._is_loud(capture.label), self.column(at.key)
        old, new = self.room(capture, "OLD", at), self.room(capture, "NEW", at)
        insertion = self._append(capture, "insert", new, at, f"{new} IS NOT NULL")
        deletion = self._append(capture, "delete", old, at, f"{old} IS NOT NULL") + self._forget(
            self.name_sql(capture.model, f"OLD.{key}", MAX_SUBJECT)
        )

        def trigger(role: str, when: str, test: str, statements: str) -> Trigger:
            return self._trigger(capture.name, at.name, role, when, test, statements, kind)

        return [
            trigger("insert", "AFTER INSERT", loud, insertion),
            trigger("delete", "AFTER DELETE", loud, deletion),
            trigger("key", "AFTER UPDATE", f"NEW.{key} IS NOT OLD.{key} AND {loud}", deletion + insertion),
            self._on_update(capture, at, f"NEW.{key} IS OLD.{key}"),
        ]

    def _on_update(self, capture: Capture, at: Table, also: str) -> Trigger:
        own = [column for column in capture.columns if column.table == at]
        way = [
            f"NEW.{self.column(step.field.column)} IS NOT OLD.{self.column(step.field.column)}"
            for step in capture.steps[:1]
            if step.table == at
        ]
        test = f"({' OR '.join([*way, *self._differs(own)]) or '0'}) AND {also} AND {self._is_loud(capture.label)}"
        old, new = self.room(capture, "OLD", at), self.room(capture, "NEW", at)
        if way:
            statements = (
                self._append(capture, "update", new, at, f"{new} IS NOT NULL AND {new} IS {old}")
                + self._append(capture, "leave", old, at, f"{old} IS NOT NULL AND {new} IS NOT {old}")
                + self._append(capture, "enter", new, at, f"{new} IS NOT NULL AND {new} IS NOT {old}")
            )
        else:
            statements = self._append(capture, "update", new, at, f"{new} IS NOT NULL")
        kind = room_names.prefix_of(capture.owner)
        return self._trigger(capture.name, at.name, "update", "AFTER UPDATE", test, statements, kind)

    def _forget(self, subject: str) -> str:
        return f"INSERT INTO {self.table('engine_redaction')} (subject) SELECT COALESCE({subject}, '');\n"

    def _on_way(self, capture: Capture) -> list[Trigger]:
        first, second = capture.steps
        main, kind, loud = capture.tables[0], room_names.prefix_of(capture.owner), self._is_loud(capture.label)
        column = self.column(second.field.column)
        old = self.name_sql(capture.owner, f"OLD.{column}", room_names.MAX_NAME)
        new = self.name_sql(capture.owner, f"NEW.{column}", room_names.MAX_NAME)
        source = f"FROM {self.table(main.name)} AS behind"

        def where(row: str, room: str) -> str:
            link = f"behind.{self.column(first.field.column)} = {row}.{self.column(second.table.key)}"
            return f"{link} AND {room} IS NOT NULL ORDER BY behind.{self.column(main.key)}"

        moved = self._append(capture, "leave", old, main, where("NEW", old), source=source, key="behind")
        moved += self._append(capture, "enter", new, main, where("NEW", new), source=source, key="behind")
        gone = self._append(capture, "delete", old, main, where("OLD", old), source=source, key="behind")
        test = f"NEW.{column} IS NOT OLD.{column} AND {loud}"
        table = second.table.name
        return [
            self._trigger(capture.name, table, "moved", "AFTER UPDATE", test, moved, kind),
            self._trigger(capture.name, table, "gone", "BEFORE DELETE", loud, gone, kind),
        ]

    def _on_subject(self, capture: Capture, step: Step) -> Trigger:
        model = step.target
        subject = self.name_sql(model, f"OLD.{self.column(key_column(model))}", MAX_SUBJECT)
        kind = room_names.prefix_of(capture.owner)
        table = model._meta.db_table
        return self._trigger(capture.name, table, "subject", "AFTER DELETE", "1", self._forget(subject), kind)

    def of_members(self, members: Members) -> list[Trigger]:
        """Return the triggers of a model whose rows say who reads: their deletion evicts."""
        owner, user = self.column(members.owner_field.column), self.column(members.user_field.column)
        room = self.name_sql(members.owner, f"OLD.{owner}", room_names.MAX_NAME)
        evicted = ", ".join(self.evicted(members))
        data = f"'of', {quoted(members.name)}, 'op', 'evict', 'by', {self._actor()}, 'id', OLD.{user}"
        append = (
            f"INSERT INTO {self.table('engine_event')} (room, type, at, data, subject, evicts_user, evicts)\n"
            f"SELECT {room}, '{CAPTURED}', {_NOW}, json_object({data}), '', {evicted} WHERE {room} IS NOT NULL;\n"
        )
        changed = f"NEW.{owner} IS NOT OLD.{owner} OR NEW.{user} IS NOT OLD.{user}"
        table, kind = members.model._meta.db_table, room_names.prefix_of(members.owner)
        return [
            self._trigger(members.name, table, "left", "AFTER DELETE", "1", append, kind),
            self._trigger(members.name, table, "changed", "AFTER UPDATE", changed, append, kind),
        ]


#: The time as Django writes it.
_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"
