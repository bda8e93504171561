"""The settings of the help desk, for a look at it on one's own machine."""

from pathlib import Path

BASE = Path(__file__).resolve().parents[1]

DEBUG = True
SECRET_KEY = "only-for-an-example-on-the-own-machine-0123456789"  # noqa: S105
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "daphne",  # `runserver` serves sockets with it
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "taskrealtime.engine",
    "taskrealtime.live",
    "tickets",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "helpdesk.middleware.content_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
ROOT_URLCONF = "helpdesk.urls"
ASGI_APPLICATION = "helpdesk.asgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE / "helpdesk.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
    },
}
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
# What an installed package has inside of itself.
STATICFILES_DIRS = [("taskrealtime", BASE.parents[1] / "static")]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "queues"
LOGOUT_REDIRECT_URL = "login"
