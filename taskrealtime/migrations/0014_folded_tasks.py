"""What searches of the archive compare, kept beside each archived task."""

from typing import Any

from django.db import migrations, models

from taskrealtime.folding import fold

CHUNK = 500


def fold_archived(apps: Any, schema_editor: Any) -> None:
    """Fill the column of tasks that were archived before, a few at a time: other servers work on."""
    database = schema_editor.connection.alias
    tasks = apps.get_model("taskrealtime", "Task")._base_manager.using(database)
    last = 0
    while chunk := list(tasks.filter(pk__gt=last, archived_at__isnull=False, folded=None).order_by("pk")[:CHUNK]):
        for task in chunk:
            searched = fold(f"{task.title}\n{task.description}")
            # Not over what was written meanwhile.
            unchanged = tasks.filter(pk=task.pk, version=task.version, folded=None)
            unchanged.update(folded=searched)
        last = chunk[-1].pk


class Migration(migrations.Migration):
    #: Rows are filled in many short transactions.
    atomic = False

    dependencies = [("taskrealtime", "0013_deletions")]

    operations = [
        migrations.AddField(model_name="task", name="folded", field=models.TextField(editable=False, null=True)),
        migrations.RunPython(fold_archived, migrations.RunPython.noop, elidable=True),
    ]
