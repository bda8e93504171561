"""A project's name is something that can be seen."""

from django.db import migrations, models

import taskrealtime.models.names


class Migration(migrations.Migration):
    dependencies = [("taskrealtime", "0006_labels")]

    operations = [
        migrations.AlterField(
            model_name="project",
            name="name",
            field=models.CharField(max_length=100, validators=[taskrealtime.models.names.validate_name]),
        ),
    ]
