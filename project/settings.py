"""Every setting of the project, from the environment.

`docs/protocol.md` lists the variables. Nothing here is read at any other place: the code asks
`taskrealtime.engine.conf.settings` when it needs a value.
"""

import ipaddress
import math
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from taskrealtime.engine.conf.values import (
    read_network,
    read_origin,
    read_redis_prefix,
    read_redis_url,
    read_secret_key,
)
from taskrealtime.engine.db.capacity import DATABASE_CONNECTIONS

BASE_DIR = Path(__file__).resolve().parent.parent


def _env(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def _env_bool(name: str, default: str) -> bool:
    value = _env(name, default).lower()
    if value not in {"0", "1", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def _env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in _env(name, default).split(",") if item.strip()]


def _env_number(name: str, default: str) -> float:
    value = _env(name, default)
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.")
    return number


def _env_positive(name: str, default: str) -> float:
    number = _env_number(name, default)
    if number <= 0:
        raise ImproperlyConfigured(f"{name} must be more than 0.")
    return number


def _env_count(name: str, default: str) -> int:
    """A whole number, 0 or more."""
    number = _env_number(name, default)
    if number < 0 or number != int(number):
        raise ImproperlyConfigured(f"{name} must be a whole number, 0 or more, not {_env(name)!r}.")
    return int(number)


def _env_limit(name: str, default: str) -> str:
    """How often something may happen: `200/10s`, or `0` for no limit."""
    value = _env(name) or default
    if not re.fullmatch(r"0|0*[1-9]\d{0,8}/((0*[1-9]\d*)[smh]?|[smh])", value):
        raise ImproperlyConfigured(f"{name} must look like 200/10s, or be 0 for no limit, not {value!r}.")
    return value


def _read(name: str, read: Callable[[str], Any], value: str) -> Any:
    """What `read` makes of the value; the sentence of its refusal names the variable."""
    try:
        return read(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None


def _env_sizes(name: str) -> dict[str, int]:
    """Paths with so many bytes each: `/uploads/=1000000000`."""
    sizes = {}
    for item in _env_list(name):
        path, _, size = item.partition("=")
        if not (path.startswith("/") and size.isdecimal()):
            raise ImproperlyConfigured(f"{name} must list paths like /uploads/=1000000000, not {item!r}.")
        sizes[path] = int(size)
    return sizes


def _env_networks(name: str) -> list[str]:
    """Addresses and networks, as text; `unix` stands for the peer of a Unix socket, which has no address."""
    for item in _env_list(name):
        if item != "unix":
            _read(name, read_network, item)
    return _env_list(name)


def _env_origins(name: str) -> list[str]:
    """Origins; `*` stands for every one."""
    return [item if item == "*" else _read(name, read_origin, item) for item in _env_list(name)]


def _is_private(host: str) -> bool:
    """Whether only this machine or its local network answers to this name."""
    name = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return name.removeprefix(".").rpartition(".")[2] in {"localhost", "local", "internal", "testserver"}


def _is_this_machine(host: str) -> bool:
    name = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.removeprefix(".").rpartition(".")[2] in {"localhost", "testserver"}


def _development_secret_key() -> str:
    """A key made once per checkout and kept in an ignored file, so that restarts keep sessions."""
    path = BASE_DIR / ".secret_key"
    if not path.exists():
        # Written aside: of two processes that start at once both get the same key, and neither half of one.
        with NamedTemporaryFile("w", dir=BASE_DIR, prefix=".secret_key-") as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()


DEBUG = _env_bool("DEBUG", "0")
SECRET_KEY = _env("SECRET_KEY") or (_development_secret_key() if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY must be set in the environment (or DEBUG=1 in development).")
if not DEBUG:
    _read("SECRET_KEY", read_secret_key, SECRET_KEY)

ALLOWED_HOSTS = _env_list("ALLOWED_HOSTS", "localhost,127.0.0.1")
_PUBLIC_HOSTS = [host for host in ALLOWED_HOSTS if not _is_private(host)]
if DEBUG and _PUBLIC_HOSTS:
    # Its error pages show the code, and settings.
    raise ImproperlyConfigured(
        f"DEBUG=1 is for development, but ALLOWED_HOSTS has {_PUBLIC_HOSTS[0]!r}, a public name."
    )
_NETWORK_HOSTS = [host for host in ALLOWED_HOSTS if not _is_this_machine(host)]
if DEBUG and _NETWORK_HOSTS and not _env_bool("DEBUG_IN_NETWORK", "0"):
    raise ImproperlyConfigured(
        f"DEBUG=1 shows code and settings to all who reach {_NETWORK_HOSTS[0]!r} of ALLOWED_HOSTS: "
        "confirm it with DEBUG_IN_NETWORK=1, or list names of this machine only."
    )
TRUSTED_PROXIES = _env_networks("TRUSTED_PROXIES")

INSTALLED_APPS = [
    "daphne",  # before staticfiles: makes `runserver` serve ASGI
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "servestatic",
    "taskrealtime.engine",
    "taskrealtime",
]

MIDDLEWARE = [
    "project.cookies.plain_cookies_on_localhost",
    "project.cookies.host_cookies",
    "project.content_policy.content_policy",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "taskrealtime.operations.health.answer_probes",  # before hosts are checked
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "project.languages.PageLanguages",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "taskrealtime.engine.auth.browser_sessions.BrowserSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "taskrealtime.engine.passwords.TooOftenPages",
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "project.languages.texts_of_scripts",
            ],
        },
    },
]


# --- Database -------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    """One database: SQLite beside `manage.py`, or what `DATABASE_URL` names."""
    url = _env("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
    try:
        # Under ASGI a persistent connection belongs to a thread that may never run again, so none is kept.
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=0, conn_health_checks=True))
    except ValueError:
        config = {"ENGINE": ""}
    # Without the value, which may hold a password.
    if not config["ENGINE"].endswith(("sqlite3", "postgresql")):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or sqlite:///.")
    if not config["NAME"]:
        raise ImproperlyConfigured("DATABASE_URL must end with the name of a database: postgres://localhost/board.")
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        # A transaction that upgrades from reading to writing fails at once with "database is locked";
        # one that begins as a writer waits its turn.
        options.update(
            transaction_mode="IMMEDIATE",
            timeout=20,
            init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        )
    elif config["ENGINE"].endswith("postgresql"):
        options.setdefault("pool", {"min_size": 1, "max_size": DATABASE_CONNECTIONS, "timeout": 10})
        # Off, as Django has it, for a pooler in between that cannot keep statements: ?prepare_threshold=off.
        threshold = str(options.get("prepare_threshold", 5))
        if threshold != "off" and not threshold.isdecimal():
            raise ImproperlyConfigured(
                f"DATABASE_URL: prepare_threshold must be a whole number, or off, not {threshold!r}."
            )
        options["prepare_threshold"] = None if threshold == "off" else int(threshold)
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# --- Channel layer --------------------------------------------------------------------------

REDIS_URLS = [_read("REDIS_URL", read_redis_url, url) for url in _env_list("REDIS_URL")]
REDIS_PREFIX = _read("REDIS_PREFIX", read_redis_prefix, _env("REDIS_PREFIX") or "taskrealtime")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": url, "socket_connect_timeout": 2, "health_check_interval": 15} for url in REDIS_URLS],
            "prefix": REDIS_PREFIX,
        },
    }
    if REDIS_URLS
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}


# --- People ---------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "taskrealtime.engine.passwords.LimitedAttempts",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
#: Whether all visitors may create an account; without it, only invited ones may.
OPEN_SIGN_UP = _env_bool("OPEN_SIGN_UP", "0")
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"

ACCESS_TOKEN_MINUTES = _env_positive("ACCESS_TOKEN_MINUTES", "10")
REFRESH_TOKEN_DAYS = _env_positive("REFRESH_TOKEN_DAYS", "7")
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=REFRESH_TOKEN_DAYS),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": False,
    # Every token carries a hash that changes with the password; see `taskrealtime.engine.auth.tokens`.
    "CHECK_REVOKE_TOKEN": True,
}


# --- Requests, sockets and delivery (see taskrealtime/engine/conf.py for what each means) ---

HTTP_MAX_BODY = int(_env_number("HTTP_MAX_BODY", str(1024 * 1024)))
HTTP_STREAMED_BODIES = _env_sizes("HTTP_STREAMED_BODIES")
HTTP_IDLE_TIMEOUT = _env_number("HTTP_IDLE_TIMEOUT", "75")
HTTP_HEAD_TIMEOUT = _env_number("HTTP_HEAD_TIMEOUT", "20")
HTTP_BODY_TIMEOUT = _env_number("HTTP_BODY_TIMEOUT", "30")
HTTP_SEND_TIMEOUT = _env_number("HTTP_SEND_TIMEOUT", "30")
WEBSOCKET_ENABLED = _env_bool("WEBSOCKET_ENABLED", "1")
#: The token that reading `/metrics` needs; empty: none.
METRICS_TOKEN = _env("METRICS_TOKEN")
WEBSOCKET_RATE_LIMIT = _env_limit("WEBSOCKET_RATE_LIMIT", "200/10s")
HTTP_READ_LIMIT = _env_limit("HTTP_READ_LIMIT", "6000/1m")
WEBSOCKET_MAX_CONNECTIONS_PER_USER = _env_count("WEBSOCKET_MAX_CONNECTIONS_PER_USER", "50")
WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS = _env_count("WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS", "20_000")
WEBSOCKET_MAX_HANDSHAKES = _env_count("WEBSOCKET_MAX_HANDSHAKES", "5000")
WEBSOCKET_MAX_PROJECTS = _env_count("WEBSOCKET_MAX_PROJECTS", "500")
SIGN_IN_RATE_LIMIT = _env_limit("SIGN_IN_RATE_LIMIT", "10/5m")
SIGN_IN_ADDRESS_RATE_LIMIT = _env_limit("SIGN_IN_ADDRESS_RATE_LIMIT", "100/5m")
STRANGER_RATE_LIMIT = _env_limit("STRANGER_RATE_LIMIT", "60/1h")
WEBSOCKET_CORS_ORIGINS = _env_origins("WEBSOCKET_CORS_ORIGINS")
if "*" in WEBSOCKET_CORS_ORIGINS and _PUBLIC_HOSTS and not _env_bool("WEBSOCKET_EVERY_ORIGIN", "0"):
    raise ImproperlyConfigured(
        "WEBSOCKET_CORS_ORIGINS=* lets every page on the web open sockets to "
        f"{_PUBLIC_HOSTS[0]!r}: list your own pages, or confirm it with WEBSOCKET_EVERY_ORIGIN=1."
    )
WEBSOCKET_PING_INTERVAL = _env_number("WEBSOCKET_PING_INTERVAL", "25")
WEBSOCKET_PING_TIMEOUT = _env_number("WEBSOCKET_PING_TIMEOUT", "60")
WEBSOCKET_CONNECT_TIMEOUT = _env_number("WEBSOCKET_CONNECT_TIMEOUT", "10")
WEBSOCKET_SEND_BUFFER = _env_count("WEBSOCKET_SEND_BUFFER", str(1024 * 1024))
DATABASE_TIMEOUT = _env_number("DATABASE_TIMEOUT", "30")
DATABASE_LOCK_TIMEOUT = _env_number("DATABASE_LOCK_TIMEOUT", "10")
SWEEP_INTERVAL = _env_number("SWEEP_INTERVAL", "1")
EVENT_RETENTION_DAYS = _env_number("EVENT_RETENTION_DAYS", "30")
REPLACED_TEXT_DAYS = _env_number("REPLACED_TEXT_DAYS", "1")
REMIND_INTERVAL = _env_number("REMIND_INTERVAL", "30")
REMIND_BEFORE_HOURS = _env_number("REMIND_BEFORE_HOURS", "24")


# --- Static files ---------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "project.static.HashedModulesStorage"
    },
}
# Without collected files, those of the checkout are served.
SERVESTATIC_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()
SERVESTATIC_AUTOREFRESH = DEBUG


# --- Security -------------------------------------------------------------------------------

# TLS ends at a proxy that sets this header. Over plain HTTP the pages work on localhost only, where
# `project.cookies` takes the cookies' `Secure` off; in a network that is trusted otherwise, with SECURE_COOKIES=0.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _env_bool("SECURE_SSL_REDIRECT", "0")
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz|metrics)$"]  # orchestrators ask over plain HTTP
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG and _env_bool("SECURE_COOKIES", "1")
#: Whether cookies that came over TLS without `__Host-` count, for some days after an update.
READ_OLD_COOKIES = _env_bool("READ_OLD_COOKIES", "0")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Sent with answers over TLS only.
SECURE_HSTS_SECONDS = 0 if DEBUG else _env_count("SECURE_HSTS_SECONDS", "31536000")
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # other names of the domain are not ours to decide about
    "security.W021",  # nor is a place in the browsers' lists
    "security.W008",  # the proxy that ends TLS redirects, or SECURE_SSL_REDIRECT=1
]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Pages elsewhere whose forms may be sent to us: another right than to open sockets, so it has a list of its own.
CSRF_TRUSTED_ORIGINS = [_read("CSRF_TRUSTED_ORIGINS", read_origin, item) for item in _env_list("CSRF_TRUSTED_ORIGINS")]
DATA_UPLOAD_MAX_MEMORY_SIZE = HTTP_MAX_BODY
# What is more of a body that Django works on is in a temporary file; by itself Django keeps 2.5 MiB of each in memory.
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024


# --- Mail: links for lost passwords ---------------------------------------------------------

EMAIL_HOST = _env("EMAIL_HOST")
EMAIL_PORT = _env_count("EMAIL_PORT", "587")
EMAIL_HOST_USER = _env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = _env("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = _env_bool("EMAIL_USE_SSL", "0")
EMAIL_USE_TLS = _env_bool("EMAIL_USE_TLS", "0" if EMAIL_USE_SSL else "1")
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("EMAIL_USE_SSL and EMAIL_USE_TLS cannot both be 1.")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _env("DEFAULT_FROM_EMAIL", "taskrealtime@localhost")
#: Without a host nothing is sent, and the pages say so; in development the mail is shown in the terminal.
_MAILER = "smtp" if EMAIL_HOST else "console" if DEBUG else "dummy"
EMAIL_BACKEND = f"django.core.mail.backends.{_MAILER}.EmailBackend"
#: Where people reach the pages, for links in mails.
PUBLIC_URL = _read("PUBLIC_URL", read_origin, _env("PUBLIC_URL")) if _env("PUBLIC_URL") else ""
#: How long a link for a new password is good, seconds.
PASSWORD_RESET_TIMEOUT = 3600


# --- Language, time, logs -------------------------------------------------------------------

#: The languages of the pages; `docs/architecture.md` explains how to add one. API, sockets and logs use English.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

LOG_FORMAT = _env("LOG_FORMAT", "text" if DEBUG else "json")
if LOG_FORMAT not in {"text", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT must be text or json, not {LOG_FORMAT!r}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "project.logs.JsonLines"},
    },
    "filters": {"one_line": {"()": "project.logs.OneLine"}, "seldom": {"()": "project.logs.Seldom"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["seldom"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "taskrealtime": {"level": "INFO"},
        "django.server": {"level": "INFO"},
        # Says once a second that Redis is away; delivery continues by the sweep.
        "channels_redis.pubsub": {"filters": ["one_line"]},
    },
}
