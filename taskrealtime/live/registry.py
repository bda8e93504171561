"""What was declared live: models with their rooms and fields, and the rules by which rooms are read."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, Model

from taskrealtime.engine.conf import user_model

from . import room_names

#: Asked for many at once: given rows and users, returns the pairs of them that may read.
Readers = Callable[[list[Any], list[Any]], Iterable[tuple[Any, Any]]]
#: Asked for one user and one row.
MayRead = Callable[[Any, Any], bool]
#: The longest name of a field: PostgreSQL cuts what a row is made of there.
MAX_FIELD_NAME = 63
_ARRAY = re.compile(r"(\[\d*\])+$")


class Problem(Exception):
    """A declaration that cannot be meant; shown by a system check."""

    def __init__(self, message: str, *, hint: str = "", id: str = "taskrealtime.E021", model: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.id = id
        self.model = model


@dataclass(frozen=True, eq=False)
class Declaration:
    """`live(Ticket, room="queue", fields=["title"])`, as it was written."""

    model: type[Model]
    room: str | None
    fields: Sequence[str]
    when: Callable[[Any], bool] | None = None
    render: Callable[[Any], dict[str, Any]] | None = None
    subject: str | None = None


class Table(NamedTuple):
    """A table of the model, its own or a parent's, with the column that all of them have their key in."""

    name: str
    key: str


class Column(NamedTuple):
    """A captured column: what it is called in events, and where it is."""

    name: str
    field: "Field[Any, Any]"
    table: Table

    @property
    def column(self) -> str:
        """Its name in the table."""
        return str(self.field.column)


def element_type(type: str) -> str:
    """Return the type of the elements of an array, such as `integer[]` or `text[5]`; empty: it is no array."""
    return _ARRAY.sub("", type) if _ARRAY.search(type) else ""


class Step(NamedTuple):
    """A foreign key on the way to the row whose room it is."""

    field: "ForeignKey[Any, Any]"
    table: Table

    @property
    def target(self) -> type[Model]:
        """The model that it leads to."""
        return _concrete(self.field.related_model)


@dataclass(eq=False)
class Capture:
    """A declaration whose names were found."""

    declaration: Declaration
    model: type[Model]
    #: The model whose rows have the rooms.
    owner: type[Model]
    #: The way there; none: the row itself.
    steps: list[Step]
    #: The model's own first, then those of its parents.
    tables: list[Table]
    #: What is captured, with what `when` and `render` may read.
    columns: list[Column]
    #: Whose content the events hold; None: the row's own.
    subject: Step | None = None
    #: Other declarations that bring rows of the model into rooms of the owner, by other keys.
    siblings: "list[Capture]" = field(default_factory=list)
    #: Those of them that were declared before.
    earlier: "list[Capture]" = field(default_factory=list)

    @property
    def label(self) -> str:
        """The model's name in events."""
        return str(self.model._meta.label_lower)

    @property
    def name(self) -> str:
        """The declaration's name in captured rows."""
        return ":".join([self.label, *(step.field.name for step in self.steps)])


@dataclass(eq=False)
class Members:
    """A model whose rows say who may read a room: the deletion of one evicts."""

    model: type[Model]
    owner: type[Model]
    owner_field: "ForeignKey[Any, Any]"
    user_field: "ForeignKey[Any, Any]"

    @property
    def name(self) -> str:
        """Its name in captured rows."""
        return f"members:{self.model._meta.label_lower}"


@dataclass
class Rule:
    """Who may read the rooms of a model: one of the three."""

    readers: Readers | None = None
    may_read: MayRead | None = None
    members: Members | None = None


@dataclass
class Resolved:
    """All that was declared, as far as it can be meant."""

    captures: list[Capture] = field(default_factory=list)
    #: By the model whose rows have the rooms.
    rules: dict[type[Model], Rule] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def tables(self) -> set[str]:
        """The tables whose writes are captured."""
        found = {table.name for capture in self.captures for table in capture.tables}
        found |= {step.table.name for capture in self.captures for step in capture.steps[1:]}
        return found | {rule.members.model._meta.db_table for rule in self.rules.values() if rule.members}

    def captures_of(self, owner: type[Model]) -> list[Capture]:
        """Return what is captured for the rooms of a model."""
        return [capture for capture in self.captures if capture.owner is owner]

    def owners(self) -> list[type[Model]]:
        """Return the models whose rows have rooms."""
        return list(dict.fromkeys(capture.owner for capture in self.captures))


@dataclass
class _Wanted:
    """A rule as it was written."""

    #: The model whose rows have the rooms; None: that of the declaration.
    owner: type[Model] | None
    declaration: Declaration | None
    readers: Readers | None = None
    may_read: MayRead | None = None
    members: type[Model] | None = None


class Registry:
    """The declarations of a process. They are looked up when they are first needed: models come one after the other."""

    def __init__(self) -> None:
        self._declarations: list[Declaration] = []
        self._wanted: list[_Wanted] = []
        self._resolved: Resolved | None = None

    def declare(
        self, declaration: Declaration, *, may_read: MayRead | None = None, members: type[Model] | None = None
    ) -> None:
        """Add a declaration, with the rule that was written beside it."""
        self._declarations.append(declaration)
        if may_read is not None or members is not None:
            self._wanted.append(_Wanted(None, declaration, may_read=may_read, members=members))
        self._resolved = None

    def declare_readers(self, owner: type[Model], readers: Readers) -> None:
        """Add a rule."""
        self._wanted.append(_Wanted(owner, None, readers=readers))
        self._resolved = None

    def forget(self, *models: type[Model]) -> None:
        """Remove what these models declared, and who reads their rooms."""
        self._declarations = [one for one in self._declarations if one.model not in models]
        gone = [
            one for one in self._wanted if one.owner in models or (one.declaration and one.declaration.model in models)
        ]
        self._wanted = [one for one in self._wanted if one not in gone]
        self._resolved = None

    @property
    def resolved(self) -> Resolved:
        """All of it, with the names looked up."""
        if self._resolved is None:
            self._resolved = self._resolve()
        return self._resolved

    def _resolve(self) -> Resolved:
        found = Resolved()
        owners: dict[Declaration, type[Model]] = {}
        names: set[str] = set()
        for declaration in self._declarations:
            try:
                capture = _resolve(declaration)
                if capture.name in names:
                    raise Problem(f"{capture.label} is declared live twice for the same room.", model=capture.model)
                _meet_siblings(capture, found.captures)
            except Problem as problem:
                found.problems.append(problem)
            else:
                names.add(capture.name)
                owners[declaration] = capture.owner
                found.captures.append(capture)
        for wanted in self._wanted:
            owner = owners.get(wanted.declaration) if wanted.declaration else _concrete(wanted.owner)
            if owner is None:
                continue
            try:
                rule = _rule(wanted, owner)
                if owner in found.rules:
                    raise Problem(
                        f"The rooms of {owner._meta.label} have two rules of who reads them.",
                        hint="Declare one: live.readers, may_read or members.",
                        id="taskrealtime.E023",
                        model=owner,
                    )
            except Problem as problem:
                found.problems.append(problem)
            else:
                found.rules[owner] = rule
        found.problems += _unreadable(found)
        return found


def _meet_siblings(capture: Capture, declared: Iterable[Capture]) -> None:
    """Note which declarations bring rows of the same model into the same rooms: there, one row has one record.

    Raises:
        Problem: they do not show the same of it.
    """
    capture.siblings = [one for one in declared if (one.model, one.owner) == (capture.model, capture.owner)]
    capture.earlier = list(capture.siblings)
    for other in capture.siblings:
        if _shown(other.declaration) != _shown(capture.declaration):
            raise Problem(
                f"{capture.label} is declared live by two keys for rooms of {capture.owner._meta.label}, "
                "with different fields or options.",
                hint="Give both declarations the same fields, when, render and subject.",
                model=capture.model,
            )
    for other in capture.siblings:
        other.siblings.append(capture)


def _shown(declaration: Declaration) -> tuple[Any, ...]:
    return set(declaration.fields), declaration.when, declaration.render, declaration.subject


def _unreadable(found: Resolved) -> Iterator[Problem]:
    for owner in found.owners():
        if owner not in found.rules:
            yield Problem(
                f"No rule says who may read the rooms of {owner._meta.label}, so no user may.",
                hint=f"Declare one: @live.readers({owner.__name__}), may_read=… or members=….",
                id="taskrealtime.E022",
                model=owner,
            )


def _concrete(model: Any) -> Any:
    return model._meta.concrete_model


def _resolve(declaration: Declaration) -> Capture:
    """Look up the names of a declaration.

    Raises:
        Problem: one does not exist, or cannot be captured.
    """
    model = _concrete(declaration.model)
    if model._meta.abstract or model._meta.swapped:
        raise Problem(f"{model._meta.label} has no table, so it cannot be live.", model=model)
    tables = _tables(model)
    steps = _steps(model, declaration.room, tables)
    owner = steps[-1].target if steps else model
    _check_owner(model, owner, steps)
    names = list(dict.fromkeys(declaration.fields))
    columns = [_column(model, name, tables) for name in names]
    if declaration.when or declaration.render:
        taken = {column.field for column in columns}
        others = [one for one in model._meta.concrete_fields if one not in taken and not one.primary_key]
        columns += [
            Column(one.attname, one, _table_of(model, one, tables)) for one in others if _has_table(one, tables)
        ]
    subject = _step(model, declaration.subject, tables) if declaration.subject else None
    return Capture(declaration, model, owner, steps, tables, columns, subject)


def _tables(model: Any) -> list[Table]:
    tables = [Table(model._meta.db_table, model._meta.pk.column)]
    while len(model._meta.parents) == 1:
        (parent, link), *_ = model._meta.parents.items()
        if link is None or not link.primary_key:
            break
        model = parent
        tables.append(Table(model._meta.db_table, model._meta.pk.column))
    return tables


def _has_table(field: Any, tables: list[Table]) -> bool:
    return any(table.name == field.model._meta.db_table for table in tables)


def _table_of(model: Any, field: Any, tables: list[Table]) -> Table:
    for table in tables:
        if table.name == field.model._meta.db_table:
            return table
    raise Problem(f"{model._meta.label}.{field.name} is in the table of one of several parents.", model=model)


def _field(model: Any, name: str) -> Any:
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        raise Problem(
            f"{model._meta.label} has no field {name!r}, which is declared live.", id="taskrealtime.E020", model=model
        ) from None
    if not getattr(found, "concrete", False) or getattr(found, "many_to_many", False):
        raise Problem(
            f"{model._meta.label}.{name} is no column of a table, so it cannot be live.",
            hint="Declare the model of the relation live instead.",
            id="taskrealtime.E020",
            model=model,
        )
    return found


def _column(model: Any, name: str, tables: list[Table]) -> Column:
    found = _field(model, name)
    if len(name) > MAX_FIELD_NAME:
        raise Problem(f"{model._meta.label}.{name}: the name has more than {MAX_FIELD_NAME} characters.", model=model)
    return Column(name, found, _table_of(model, found, tables))


def _step(model: Any, name: str, tables: list[Table]) -> Step:
    found = _field(model, name)
    if not isinstance(found, ForeignKey):
        raise Problem(f"{model._meta.label}.{name} is no foreign key.", id="taskrealtime.E020", model=model)
    if not found.target_field.primary_key:
        raise Problem(f"{model._meta.label}.{name} names rows by something else than their primary key.", model=model)
    return Step(found, _table_of(model, found, tables))


def _steps(model: Any, room: str | None, tables: list[Table]) -> list[Step]:
    if room is None:
        return []
    first, *rest = room.replace("__", ".").split(".")
    steps = [_step(model, first, tables)]
    if len(rest) > 1:
        raise Problem(f"{model._meta.label}: a room is at most two keys away, not {room!r}.", model=model)
    for name in rest:
        through = steps[0].target
        step = _step(through, name, _tables(through))
        if step.table.name != through._meta.db_table or steps[0].table is not tables[0]:
            raise Problem(f"{model._meta.label}: {room!r} leads through the table of a parent.", model=model)
        steps.append(step)
    return steps


def _check_owner(model: Any, owner: Any, steps: list[Step]) -> None:
    if not room_names.is_supported(room_names.key_field(owner)):
        raise Problem(
            f"The keys of {owner._meta.label} are no integers, UUIDs or short texts, so they name no rooms.",
            id="taskrealtime.E024",
            model=model,
        )
    if (longest := room_names.longest_name(owner)) > room_names.MAX_NAME:
        raise Problem(
            f"The names of rooms of {owner._meta.label} may have {longest} characters; "
            f"{room_names.MAX_NAME} are possible.",
            hint="Take a room of another model, or shorten the key.",
            id="taskrealtime.E024",
            model=model,
        )


def _rule(wanted: _Wanted, owner: type[Model]) -> Rule:
    given = [one for one in (wanted.readers, wanted.may_read, wanted.members) if one is not None]
    if len(given) != 1:
        raise Problem(f"The rooms of {owner._meta.label} have two rules of who reads them.", id="taskrealtime.E023")
    if wanted.members is None:
        return Rule(readers=wanted.readers, may_read=wanted.may_read)
    return Rule(members=_members(wanted.members, owner))


def _members(model: Any, owner: type[Model]) -> Members:
    model = _concrete(model)
    user = _concrete(user_model.model())
    keys = [one for one in model._meta.concrete_fields if isinstance(one, ForeignKey)]
    to_owner = [one for one in keys if _concrete(one.related_model) is owner]
    to_user = [one for one in keys if _concrete(one.related_model) is user]
    if owner is user or len(to_owner) != 1 or len(to_user) != 1:
        raise Problem(
            f"{model._meta.label} needs one foreign key to {owner._meta.label} and one to the user model to say who "
            "reads.",
            hint="Declare live.readers instead.",
            id="taskrealtime.E023",
            model=model,
        )
    return Members(model, owner, to_owner[0], to_user[0])


#: That of this process.
registry = Registry()
