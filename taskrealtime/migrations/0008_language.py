"""In which language a user's mails are written."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("taskrealtime", "0007_visible_names")]

    operations = [
        migrations.AddField(
            model_name="preferences",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AlterField(
            model_name="preferences",
            name="timezone",
            field=models.CharField(blank=True, default="UTC", max_length=64),
        ),
    ]
