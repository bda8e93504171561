"""A project of others that has the board at `tools/board/`, or with `BOARD=0` does not know of it.

It has pages, an API, users' pages, templates and static files of its own, by the names that such things have. Its users
have UUIDs for keys; a transaction is around each request; and with its settings of DRF and simplejwt nothing of ours
would work.
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
DATABASES["default"]["ATOMIC_REQUESTS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["tests.support.hashing.QuickHasher"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "EXCEPTION_HANDLER": "no.such.handler",
    "PAGE_SIZE": 1,
}
SIMPLE_JWT = {"ALGORITHM": "RS256", "SIGNING_KEY": "none of ours", "USER_ID_CLAIM": "sub", "TOKEN_TYPE_CLAIM": None}

if HAS_BOARD:
    INSTALLED_APPS += ["taskrealtime.engine", "taskrealtime"]
    # What an installed package has inside of itself.
    LOCALE_PATHS = [ROOT / "locale"]
    TEMPLATES[0]["DIRS"] += [HOST / "installed"]  # type: ignore[operator]
    STATICFILES_DIRS += [("taskrealtime", ROOT / "static")]

# What a test has it set in addition.
globals().update(json.loads(os.environ.get("HOST_SETTINGS", "{}")))
