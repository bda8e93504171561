import json

from django.db import migrations

#: Rows of one step.
BATCH = 1000


def blank_texts(apps, schema_editor):
    """Take the texts of tasks out of the answers that are kept with idempotency keys."""
    keys = apps.get_model("engine", "IdempotencyKey").objects.using(schema_editor.connection.alias)
    last = 0
    while rows := list(keys.filter(pk__gt=last, answer__contains='"task":{').order_by("pk")[:BATCH]):
        for row in rows:
            answer = json.loads(row.answer)
            answer["task"] |= {"title": "", "description": ""}
            row.answer = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        keys.bulk_update(rows, ["answer"])
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("engine", "0006_ended_session")]

    operations = [migrations.RunPython(blank_texts, migrations.RunPython.noop, elidable=True)]
