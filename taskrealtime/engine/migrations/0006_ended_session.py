"""Browser sessions that were signed out of."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engine', "0005_last_seen"),
    ]

    operations = [
        migrations.CreateModel(
            name='EndedSession',
            fields=[
                ('mark', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('ended_at', models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
        ),
    ]
