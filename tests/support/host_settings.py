"""A project of others that has the board at `tools/board/`, or with `BOARD=0` does not know of it.

It has pages, an API, users' pages, templates and static files of its own, by the names that such things have.
"""

import json
import os
from pathlib import Path

import dj_database_url

ROOT = Path(__file__).resolve().parents[2]
HOST = Path(__file__).resolve().parent / "host"
HAS_BOARD = os.environ.get("BOARD", "1") == "1"

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HOST / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [HOST / "static"]
STATIC_URL = "/assets/"
LOGIN_URL = "login"
ROOT_URLCONF = "tests.support.host_urls"
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL", "sqlite://:memory:"))}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["tests.support.hashing.QuickHasher"]

if HAS_BOARD:
    INSTALLED_APPS += ["taskrealtime.engine", "taskrealtime"]
    # What an installed package has inside of itself.
    LOCALE_PATHS = [ROOT / "locale"]
    TEMPLATES[0]["DIRS"] += [HOST / "installed"]  # type: ignore[operator]
    STATICFILES_DIRS += [("taskrealtime", ROOT / "static")]

# What a test has it set in addition.
globals().update(json.loads(os.environ.get("HOST_SETTINGS", "{}")))
