"""The engine needs four packages; the rest comes with extras."""

import subprocess
import sys

from tests.support.stacks import ROOT

#: What the extras bring.
OPTIONAL = (
    "autobahn channels_redis daphne drf_spectacular fractional_indexing "
    "markdown_it nh3 prometheus_client psycopg redis twisted"
)

CODE = f"""
import importlib, importlib.abc, pkgutil, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {OPTIONAL.split()!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)

sys.meta_path.insert(0, Missing())

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only-for-a-process-that-imports-the-engine-once",
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "taskrealtime.engine"],
)
django.setup()

import taskrealtime.engine

needs_extras = set()
for module in pkgutil.walk_packages(taskrealtime.engine.__path__, "taskrealtime.engine."):
    if not module.name.startswith("taskrealtime.engine.server."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError:
            needs_extras.add(module.name.removeprefix("taskrealtime.engine."))
print(sorted(needs_extras))

import msgspec
from django.core.management import call_command
from django.utils import timezone
from taskrealtime.engine import log, metrics

call_command("migrate", verbosity=0)
log.create_room("queue.1")
with log.atomic():
    log.append(room="queue.1", type="made", data=msgspec.defstruct("Made", [])(), at=timezone.now())
print([event.seq for event in log.read("queue.1", since=0, limit=9)])
metrics.EVENTS.labels("made", "queue").inc()
print(metrics.exposition())
"""


def test_the_engine_runs_without_any_extra() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    needs_extras, events, figures = done.stdout.splitlines()
    assert needs_extras == "['installation.redis_probe', 'installation.redis_shard', 'presence.store']"
    assert events == "[1]"
    assert figures == "b''"
