"""What our migrations do while servers of the release before are up: nothing that keeps them waiting."""

from collections.abc import Callable
from typing import Any

from django.db import migrations
from django.db.models import CharField
from django.db.models.functions import Cast

#: Rows of one transaction.
BATCH = 5000


class AddUniqueIndex(migrations.AddConstraint):
    """Add a unique constraint with a condition; on PostgreSQL without a lock that keeps writers waiting."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create it."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            # One that was interrupted has left an index which is not valid.
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.constraint.name)}")
            statement = str(self.constraint.create_sql(model, schema_editor))
            schema_editor.execute(statement.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX CONCURRENTLY", 1))


def copy_numbers(model: str, old: str, new: str) -> Callable[[Any, Any], None]:
    """Return what a migration runs to write as text, in a column of `app.Model`, what another one has as numbers."""

    def copy(apps: Any, schema_editor: Any) -> None:
        rows = apps.get_model(model).objects.using(schema_editor.connection.alias)
        waiting = rows.filter(**{f"{old}__isnull": False, f"{new}__isnull": True})
        last = 0
        while keys := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
            waiting.filter(pk__gt=last, pk__lte=keys[-1]).update(**{new: Cast(old, CharField())})
            last = keys[-1]

    return copy
