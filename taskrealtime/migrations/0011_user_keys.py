"""Keys of users as text: numbers stay beside them, for servers of the release before, which read and write those."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("taskrealtime", "0010_additions")]

    operations = [
        migrations.AddField("reminder", "user_key", models.CharField(max_length=64, null=True)),
        migrations.AlterField("reminder", "user_id", models.BigIntegerField(null=True)),
    ]
