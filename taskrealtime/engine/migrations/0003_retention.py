"""What trimming needs: which rooms have old events, what is to be blanked, and the events of one subject."""

from typing import Any

from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def note_oldest(apps: Any, schema_editor: Any) -> None:
    """Write down when the first event of each room was."""
    events = apps.get_model("engine", "Event").objects
    first = events.filter(room=OuterRef("name"), seq=OuterRef("floor") + 1).values("at")
    apps.get_model("engine", "Room").objects.filter(head__gt=F("floor")).update(oldest=Subquery(first))


class Migration(migrations.Migration):
    dependencies = [("engine", "0002_epoch")]
    operations = [
        migrations.CreateModel(
            name="Redaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=64)),
            ],
        ),
        migrations.AddField(
            model_name="room",
            name="oldest",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(note_oldest, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("subject__gt", "")), fields=["subject"], name="engine_event_subject"),
        ),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(condition=models.Q(("oldest__isnull", False)), fields=["oldest"], name="engine_room_oldest"),
        ),
    ]
