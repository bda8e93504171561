"""Rows of earlier releases get the keys of users as text, too."""

from django.db import migrations, models

from taskrealtime.engine.db.migrating import AddUniqueIndex, copy_numbers


class Migration(migrations.Migration):
    #: An index is made without a lock, and rows are copied in many short transactions.
    atomic = False

    dependencies = [("taskrealtime", "0011_user_keys")]

    operations = [
        AddUniqueIndex(
            model_name="reminder",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user_key__isnull", False)),
                fields=("user_key", "task", "due_at", "kind"),
                name="reminder_once_by_key",
            ),
        ),
        migrations.RunPython(
            copy_numbers("taskrealtime.Reminder", "user_id", "user_key"), migrations.RunPython.noop, elidable=True
        ),
    ]
