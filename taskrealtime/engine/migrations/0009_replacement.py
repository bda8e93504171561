"""Content of which some was edited, with that of before this release."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engine", "0008_sign_ins")]

    operations = [
        migrations.CreateModel(
            name="Replacement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=64, unique=True)),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(
            "INSERT INTO engine_replacement (subject, due_at) SELECT subject, CURRENT_TIMESTAMP FROM engine_event "
            "WHERE subject > '' GROUP BY subject HAVING COUNT(*) > 1",
            migrations.RunSQL.noop,
        ),
    ]
