"""Keys of users as text: numbers stay beside them, for servers of the release before, which read and write those."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engine", "0009_replacement")]

    operations = [
        migrations.AddField("event", "evicts_user", models.CharField(max_length=64, null=True)),
        migrations.AddField("idempotencykey", "user_key", models.CharField(max_length=64, null=True)),
        migrations.AlterField("idempotencykey", "user_id", models.BigIntegerField(null=True)),
    ]
