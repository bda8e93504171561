"""The triggers on SQLite."""

from collections.abc import Iterable, Iterator

from . import room_names
from .registry import Capture, Table
from .triggers import MAX_SUBJECT, Dialect, Trigger, quoted

#: The names by which SQL may write an integer key.
_ROW = "rowid, oid, _rowid_"


class SQLite(Dialect):
    """SQLite: a trigger for each operation, and a table for what a transaction says of itself."""

    #: As Django writes it.
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"
    true = "1"

    def trigger(self, of: str, table: str, role: str, when: str, test: str, statements: str, kind: str) -> Trigger:
        """Return the trigger that runs statements for each row for which a test is true."""
        name = self.trigger_name(of, table, role)
        # A comment in the body is kept with it.
        create = (
            f"CREATE TRIGGER {name} {when} ON {self.table(table)} FOR EACH ROW\nWHEN {test} BEGIN "
            f"/* {{version}} */\n{statements}END"
        )
        return Trigger(name, table, (kind,), (f"DROP TRIGGER IF EXISTS {name}", create))

    def after_update(self, columns: Iterable[str]) -> str:
        """Return when a trigger runs that is about changes of these columns.

        SQLite compiles the triggers into each statement that may run them: those of other columns are left out.
        """
        return f"AFTER UPDATE OF {', '.join(map(self.column, columns))}"

    # -- triggers --

    def on_rows(self, capture: Capture, at: Table) -> list[Trigger]:
        """Return the triggers on the model's own table."""
        kind, loud, key = room_names.prefix_of(capture.owner), self.is_loud(capture), self.column(at.key)
        insertion = self.append(capture, "insert", self.room(capture, "NEW", at), at)
        deletion = self.append(capture, "delete", self.room(capture, "OLD", at), at)
        deletion += self.forget(self.name_sql(capture.model, f"OLD.{key}", MAX_SUBJECT))
        has_other_key = self.distinct(f"NEW.{key}", f"OLD.{key}")

        def trigger(role: str, when: str, test: str, statements: str) -> Trigger:
            return self.trigger(capture.name, at.name, role, when, test, statements, kind)

        return [
            trigger("insert", "AFTER INSERT", loud, insertion),
            trigger("delete", "AFTER DELETE", loud, deletion),
            trigger(
                "key", f"{self.after_update([at.key])}, {_ROW}", f"{has_other_key} AND {loud}", deletion + insertion
            ),
            *self._on_changes(capture, at, f"NOT ({has_other_key})"),
        ]

    def on_part(self, capture: Capture, at: Table) -> list[Trigger]:
        """Return the triggers on the table of a parent, which has a part of each row."""
        return list(self._on_changes(capture, at, self.is_one_of(capture, at)))

    def _on_changes(self, capture: Capture, at: Table, also: str) -> Iterator[Trigger]:
        old, new = self.room(capture, "OLD", at), self.room(capture, "NEW", at)
        way, has_moved = self.way(capture, at), self.distinct(new, old)
        test = f"{also} AND {self.is_loud(capture)}"

        def trigger(role: str, columns: list[str], test: str, statements: str) -> Trigger:
            kind, when = room_names.prefix_of(capture.owner), self.after_update(columns)
            return self.trigger(capture.name, at.name, role, when, test, statements, kind)

        if own := self.own_columns(capture, at):
            names = [column.column for column in own]
            changed = " OR ".join(self.distinct(f"NEW.{name}", f"OLD.{name}") for name in map(self.column, names))
            same_way = f" AND NOT ({way})" if way else ""
            update = self.append(capture, "update", new, at)
            yield trigger("update", names, f"({changed}){same_way} AND {test}", update)
        if way:
            moves = self.append(capture, "update", new, at, also=f"NOT ({has_moved})")
            moves += self.append(capture, "leave", old, at, also=has_moved)
            moves += self.append(capture, "enter", new, at, also=has_moved)
            yield trigger("way", [capture.steps[0].field.column], f"{way} AND {test}", moves)

    # -- SQL --

    def is_loud(self, capture: Capture) -> str:
        """Return the test whether the transaction is not silent about the model."""
        context = self.table("taskrealtime_live_context")
        return f"NOT EXISTS (SELECT 1 FROM {context} WHERE instr(silent, {quoted(f',{capture.label},')}) > 0)"

    def actor(self) -> str:
        """Return who acts, as JSON in a text; NULL: the system."""
        return f"(SELECT NULLIF(actor, '') FROM {self.table('taskrealtime_live_context')} ORDER BY id DESC LIMIT 1)"

    def distinct(self, one: str, other: str) -> str:
        """Return the test whether two values differ, where NULL is a value."""
        return f"{one} IS NOT {other}"

    def json_object(self, members: Iterable[tuple[str, str]]) -> str:
        """Return a JSON object as text."""
        return f"json_object({', '.join(f'{quoted(name)}, {value}' for name, value in members)})"

    def row(self, capture: Capture, row: str, at: Table) -> str:
        """Return the captured columns of a row as a member of a JSON object.

        They are put together as text: a function of SQLite takes 127 arguments.
        """
        if not capture.columns:
            return "json('{}')"
        parts = []
        for column in capture.columns:
            value = self.value(row, column.column, column.table, at)
            parts.append(
                f"'\"{column.name}\":' || CASE typeof({value}) WHEN 'blob' THEN json_quote(hex({value})) "
                f"WHEN 'real' THEN json_quote(printf('%!.17g', {value})) ELSE json_quote({value}) END"
            )
        return "json('{' || " + " || ',' || ".join(parts) + " || '}')"

    def scalar(self, value: str) -> str:
        """Return a key as a member of a JSON object."""
        return f"CASE typeof({value}) WHEN 'blob' THEN hex({value}) ELSE {value} END"

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
