"""Rows of earlier releases get the keys of users as text, too."""

from django.db import migrations, models

from taskrealtime.engine.db.migrating import AddUniqueIndex, copy_numbers


class Migration(migrations.Migration):
    #: An index is made without a lock, and rows are copied in many short transactions.
    atomic = False

    dependencies = [("engine", "0010_user_keys")]

    operations = [
        AddUniqueIndex(
            model_name="idempotencykey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user_key__isnull", False)), fields=("user_key", "key"), name="engine_user_key_once"
            ),
        ),
        migrations.RunPython(
            copy_numbers("engine.Event", "evicts", "evicts_user"), migrations.RunPython.noop, elidable=True
        ),
        migrations.RunPython(
            copy_numbers("engine.IdempotencyKey", "user_id", "user_key"), migrations.RunPython.noop, elidable=True
        ),
    ]
