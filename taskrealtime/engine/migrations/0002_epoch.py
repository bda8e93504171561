"""The log's first epoch."""

import secrets
from typing import Any

from django.db import migrations


def begin_epoch(apps: Any, schema_editor: Any) -> None:
    """Name this life of the log."""
    apps.get_model("engine", "Epoch").objects.get_or_create(id=1, defaults={"value": secrets.token_hex(6)})


class Migration(migrations.Migration):
    dependencies = [("engine", "0001_initial")]
    operations = [migrations.RunPython(begin_epoch, migrations.RunPython.noop)]
