"""Fields of the board's models, and lookups of Django's."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Lookup

models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


def choices(values: Sequence[str]) -> list[tuple[str, str]]:
    """Return these values as a field's choices, each with its label."""
    return [(value, value.replace("_", " ").capitalize()) for value in values]


class PositionField(models.TextField):  # type: ignore[type-arg]
    """A position string. It sorts by code units everywhere, whatever the database's language."""

    def db_parameters(self, connection: Any) -> Any:
        """Return the column's type, with the binary collation of this database."""
        parameters = super().db_parameters(connection)
        parameters["collation"] = "C" if connection.vendor == "postgresql" else "BINARY"
        return parameters


class IdsField(models.JSONField):
    """A list of ids, kept in ascending order and each once."""

    def to_python(self, value: Any) -> list[int]:
        """Return the ids as the database has them."""
        return sorted(set(value))

    def get_prep_value(self, value: Any) -> Any:
        """As Django's, in that order."""
        return super().get_prep_value(self.to_python(value) if isinstance(value, list | tuple | set) else value)


@IdsField.register_lookup
class Has(Lookup):
    """Whether an id is among the ids. (Django's own lookup for it, `contains`, knows no SQLite.)"""

    lookup_name = "has"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """In the words of this database."""
        ids, params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{ids} @> to_jsonb(%s::bigint)", (*params, self.rhs)
        return f"%s IN (SELECT value FROM json_each({ids}))", (self.rhs, *params)  # noqa: S608 -- the compiled column
