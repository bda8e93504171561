"""What searches compare, kept beside each task and each comment."""

from typing import Any

from django.db import migrations, models, transaction

from taskrealtime.folding import fold

#: Rows of one transaction.
CHUNK = 200


def fold_tasks(apps: Any, schema_editor: Any) -> None:
    """Fill the columns of tasks."""
    _fill(apps.get_model("taskrealtime", "Task"), ("title", "description"), "version", "folded_version", schema_editor)


def fold_comments(apps: Any, schema_editor: Any) -> None:
    """Fill the columns of comments."""
    _fill(apps.get_model("taskrealtime", "Comment"), ("content",), "updated_at", "folded_at", schema_editor)


def _fill(model: Any, texts: tuple[str, ...], stamp: str, of: str, schema_editor: Any) -> None:
    """Fold the texts of all rows, a few at a time: other servers work on."""
    database = schema_editor.connection.alias
    rows = model._base_manager.using(database)
    waiting = rows.filter(**{of: None}).order_by("pk")
    last = 0
    while chunk := list(waiting.filter(pk__gt=last).values("pk", stamp, *texts)[:CHUNK]):
        with transaction.atomic(using=database):
            for row in chunk:
                folded = fold("\n".join(row[text] for text in texts))
                # Not over what was written meanwhile.
                rows.filter(**row, **{of: None}).update(**{"folded": folded, of: row[stamp]})
        last = chunk[-1]["pk"]


class Migration(migrations.Migration):
    #: Rows are filled in many short transactions.
    atomic = False

    dependencies = [("taskrealtime", "0014_folded_tasks")]

    operations = [
        migrations.AddField(
            model_name="task", name="folded_version", field=models.BigIntegerField(editable=False, null=True)
        ),
        migrations.AddField(model_name="comment", name="folded_at", field=models.DateTimeField(editable=False, null=True)),
        migrations.AddField(model_name="comment", name="folded", field=models.TextField(editable=False, null=True)),
        migrations.RunPython(fold_tasks, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(fold_comments, migrations.RunPython.noop, elidable=True),
    ]
