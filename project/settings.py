"""Every setting of the project, from the environment.

`docs/protocol.md` lists the variables. Nothing here is read at any other place: the code asks
`taskrealtime.engine.conf.settings` when it needs a value.
"""

import ipaddress
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from taskrealtime.engine import conf
from taskrealtime.engine.conf.values import read_bool, read_count, read_origin, read_secret_key
from taskrealtime.engine.db.capacity import DATABASE_CONNECTIONS

BASE_DIR = Path(__file__).resolve().parent.parent


def _env(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def _env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in _env(name, default).split(",") if item.strip()]


def _read(name: str, read: Callable[[str], Any], value: str) -> Any:
    """What `read` makes of the value; the sentence of its refusal names the variable."""
    try:
        return read(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None


def _env_bool(name: str, default: str) -> bool:
    return bool(_read(name, read_bool, _env(name) or default))


def _env_count(name: str, default: str) -> int:
    return int(_read(name, read_count, _env(name) or default))


def _ours(name: str, variable: str = "") -> Any:
    """A setting of taskrealtime: as the environment says, or its default."""
    text = _env(variable or name)
    return _read(variable or name, conf.READERS[name], text) if text else conf.default_of(name)


def _is_private(host: str) -> bool:
    """Whether only this machine or its local network answers to this name."""
    name = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return name.removeprefix(".").rpartition(".")[2] in {"localhost", "local", "internal", "testserver"}


def _check_issuer(text: str) -> None:
    """Refuse an address from which keys and users' names would come unprotected."""
    parts = urlsplit(text)
    if not parts.hostname or not (
        parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(parts.hostname))
    ):
        raise ValueError(f"it must begin with https://, unlike {text!r}")


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
#: Earlier ones, so that what they signed still counts: for the days after another SECRET_KEY.
SECRET_KEY_FALLBACKS = _env_list("SECRET_KEY_FALLBACKS")

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
TRUSTED_PROXIES = _ours("TRUSTED_PROXIES")

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
    "taskrealtime.live",
    "taskrealtime",
    "project",
]

MIDDLEWARE = [
    "project.cookies.plain_cookies_on_localhost",
    "project.cookies.host_cookies",
    "project.content_policy.content_policy",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "taskrealtime.operations.health.answer_probes",  # before hosts are checked
    "project.static.StaticFiles",
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

REDIS_URLS = _ours("REDIS_URLS", variable="REDIS_URL")
REDIS_PREFIX = _ours("REDIS_PREFIX")
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
OPEN_SIGN_UP = _ours("OPEN_SIGN_UP")
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"

#: The provider by which users sign in beside names and passwords: its address, as its documents have it.
OIDC_ISSUER = _env("OIDC_ISSUER")
if OIDC_ISSUER:
    _read("OIDC_ISSUER", _check_issuer, OIDC_ISSUER)
    if find_spec("allauth") is None:
        raise ImproperlyConfigured("OIDC_ISSUER needs django-allauth: pip install -r requirements-oidc.txt.")
    _OIDC = {name: _env(name) for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")}
    for _name, _value in _OIDC.items():
        if not _value:
            raise ImproperlyConfigured(f"OIDC_ISSUER is set without {_name}.")
    OIDC_NAME = _env("OIDC_NAME") or urlsplit(OIDC_ISSUER).hostname
    INSTALLED_APPS += [
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ]
    MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": OIDC_NAME,
                    "client_id": _OIDC["OIDC_CLIENT_ID"],
                    "secret": _OIDC["OIDC_CLIENT_SECRET"],
                    "settings": {"server_url": OIDC_ISSUER.rstrip("/")},
                }
            ],
            "OAUTH_PKCE_ENABLED": True,
        }
    }
    SOCIALACCOUNT_ADAPTER, ACCOUNT_ADAPTER = "project.oidc.Company", "project.oidc.Accounts"
    # The link on the sign-in page leads to the provider, which asks the user: no page of ours in between.
    SOCIALACCOUNT_LOGIN_ON_GET = True
    SOCIALACCOUNT_STORE_TOKENS = False
    SOCIALACCOUNT_EMAIL_VERIFICATION = ACCOUNT_EMAIL_VERIFICATION = "none"
    ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
    ACCOUNT_RATE_LIMITS = False

ACCESS_TOKEN_MINUTES = _ours("ACCESS_TOKEN_MINUTES")
REFRESH_TOKEN_DAYS = _ours("REFRESH_TOKEN_DAYS")
# Other code of this project makes tokens by simplejwt itself (`AccessToken.for_user`). With one key for both, these
# count in taskrealtime as its own do, and as those of release 0.1.
TASKREALTIME = {
    "SIGNING_KEY": SECRET_KEY,
    "SIGNING_KEY_FALLBACKS": SECRET_KEY_FALLBACKS,
    "SIGN_IN_LINKS": [(OIDC_NAME, "openid_connect_login")] if OIDC_ISSUER else [],
}
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


# --- Requests, sockets and delivery (taskrealtime/engine/conf says what each means) ---

HTTP_MAX_BODY = _ours("HTTP_MAX_BODY")
HTTP_STREAMED_BODIES = _ours("HTTP_STREAMED_BODIES")
HTTP_IDLE_TIMEOUT = _ours("HTTP_IDLE_TIMEOUT")
HTTP_HEAD_TIMEOUT = _ours("HTTP_HEAD_TIMEOUT")
HTTP_BODY_TIMEOUT = _ours("HTTP_BODY_TIMEOUT")
HTTP_SEND_TIMEOUT = _ours("HTTP_SEND_TIMEOUT")
WEBSOCKET_ENABLED = _ours("WEBSOCKET_ENABLED")
METRICS_TOKEN = _ours("METRICS_TOKEN")
WEBSOCKET_RATE_LIMIT = _ours("WEBSOCKET_RATE_LIMIT")
HTTP_READ_LIMIT = _ours("HTTP_READ_LIMIT")
WEBSOCKET_MAX_CONNECTIONS_PER_USER = _ours("WEBSOCKET_MAX_CONNECTIONS_PER_USER")
WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS = _ours("WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS")
WEBSOCKET_OPEN_LIMIT = _ours("WEBSOCKET_OPEN_LIMIT")
WEBSOCKET_MAX_HANDSHAKES = _ours("WEBSOCKET_MAX_HANDSHAKES")
WEBSOCKET_MAX_PROJECTS = _ours("WEBSOCKET_MAX_PROJECTS")
SIGN_IN_RATE_LIMIT = _ours("SIGN_IN_RATE_LIMIT")
SIGN_IN_ADDRESS_RATE_LIMIT = _ours("SIGN_IN_ADDRESS_RATE_LIMIT")
STRANGER_RATE_LIMIT = _ours("STRANGER_RATE_LIMIT")
WEBSOCKET_CORS_ORIGINS = _ours("WEBSOCKET_CORS_ORIGINS")
if "*" in WEBSOCKET_CORS_ORIGINS and _PUBLIC_HOSTS and not _env_bool("WEBSOCKET_EVERY_ORIGIN", "0"):
    raise ImproperlyConfigured(
        "WEBSOCKET_CORS_ORIGINS=* lets every page on the web open sockets to "
        f"{_PUBLIC_HOSTS[0]!r}: list your own pages, or confirm it with WEBSOCKET_EVERY_ORIGIN=1."
    )
WEBSOCKET_PING_INTERVAL = _ours("WEBSOCKET_PING_INTERVAL")
WEBSOCKET_PING_TIMEOUT = _ours("WEBSOCKET_PING_TIMEOUT")
WEBSOCKET_CONNECT_TIMEOUT = _ours("WEBSOCKET_CONNECT_TIMEOUT")
WEBSOCKET_SEND_BUFFER = _ours("WEBSOCKET_SEND_BUFFER")
DATABASE_TIMEOUT = _ours("DATABASE_TIMEOUT")
DATABASE_LOCK_TIMEOUT = _ours("DATABASE_LOCK_TIMEOUT")
SWEEP_INTERVAL = _ours("SWEEP_INTERVAL")
EVENT_RETENTION_DAYS = _ours("EVENT_RETENTION_DAYS")
REPLACED_TEXT_DAYS = _ours("REPLACED_TEXT_DAYS")
REMIND_INTERVAL = _ours("REMIND_INTERVAL")
REMIND_BEFORE_HOURS = _ours("REMIND_BEFORE_HOURS")


# --- Static files ---------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# At the root, too: `/static/js/websocket_client.js` is where pages of others find the client. Spelt in another way,
# since Django's finder keeps one prefix for each spelling of a folder.
STATICFILES_DIRS = [f"{BASE_DIR}/./static", ("taskrealtime", BASE_DIR / "static")]
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
PUBLIC_URL = _ours("PUBLIC_URL")
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
