"""The help desk in the database of this process, and what its rooms say."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.db import connection
from django.db.models import Model

from taskrealtime.engine import log
from taskrealtime.live import installing, kinds
from taskrealtime.live.registry import registry
from taskrealtime.live.room_names import room_name


@contextmanager
def installed() -> Iterator[None]:
    """Add the app, its tables and its triggers; at the end remove them all."""
    config = AppConfig.create("tests.support.helpdesk")
    config.apps = apps
    apps.app_configs[config.label] = config
    config.import_models()
    apps.clear_cache()
    # For the second time in this process, too.
    sys.modules.pop("tests.support.helpdesk.live", None)
    declared = import_module("tests.support.helpdesk.live")
    models = [model for model in config.get_models() if not model._meta.proxy and model._meta.can_migrate(connection)]
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    with connection.cursor() as cursor:
        key = "serial" if connection.vendor == "postgresql" else "integer"
        cursor.execute(f'CREATE TABLE "legacy rows" (id {key} PRIMARY KEY, queue_id bigint, text varchar(50))')
    kinds.install()
    installing.install()
    try:
        yield
    finally:
        installing.remove()
        with connection.cursor() as cursor:
            cursor.execute('DROP TABLE "legacy rows"')
        with connection.schema_editor() as editor:
            for model in reversed(models):
                editor.delete_model(model)
        registry.forget(*declared.DECLARED, *declared.OWNERS)
        del apps.app_configs[config.label]
        apps.clear_cache()


def frames_of(row: Model) -> list[dict[str, Any]]:
    """Number what waits in the room of a row; return its events as clients get them."""
    room = room_name(type(row), row.pk)
    log.sequence([room])
    return [json.loads(event.frame) for event in log.read(room, since=0, limit=1000)]
