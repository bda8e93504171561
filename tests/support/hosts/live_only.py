"""The settings of a project with live models and no board; its help desk is that of `tests.support.helpdesk`."""

import os

import dj_database_url

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "taskrealtime.engine",
    "taskrealtime.live",
    "tests.support.helpdesk.apps.HelpDeskConfig",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "tests.support.hosts.live_only_urls"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
PASSWORD_HASHERS = ["tests.support.hashing.QuickHasher"]
TASKREALTIME = {"REDIS_URLS": [url] if (url := os.environ.get("REDIS_URL")) else []}
