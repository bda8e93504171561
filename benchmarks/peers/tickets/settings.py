"""The settings of the project, by the package in `WAY`; each as that package's documentation has it."""

import os
from urllib.parse import urlsplit

import dj_database_url

WAY = os.environ["WAY"]
#: Empty: one process serves all, as is usual with SQLite.
REDIS = os.environ.get("REDIS_URL", "")

SECRET_KEY = os.environ["SECRET_KEY"]
DATABASES = {"default": dict(dj_database_url.parse(os.environ["DATABASE_URL"]))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "benchmarks.peers.tickets"]

if WAY.startswith("taskrealtime"):
    INSTALLED_APPS += ["taskrealtime.engine", "taskrealtime.live"]
    TASKREALTIME = {"REDIS_URLS": [REDIS] if REDIS else []}
if WAY == "django-eventstream":
    INSTALLED_APPS += ["django_eventstream"]
    EVENTSTREAM_STORAGE_CLASS = "django_eventstream.storage.DjangoModelStorage"
    if REDIS:
        EVENTSTREAM_REDIS = {"host": urlsplit(REDIS).hostname, "port": urlsplit(REDIS).port, "db": 0}
if WAY == "djangochannelsrestframework":
    INSTALLED_APPS += ["channels", "rest_framework", "djangochannelsrestframework"]
if WAY == "django-pgpubsub":
    INSTALLED_APPS += ["pgtrigger", "pgpubsub"]
    PGTRIGGER_MIGRATIONS = False
    PGTRIGGER_INSTALL_ON_MIGRATE = True
if WAY in {"djangochannelsrestframework", "django-pgpubsub"}:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS]}}
        if REDIS
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    }
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
