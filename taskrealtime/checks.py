"""System checks: a misconfiguration, told in a sentence."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from .engine import conf
from .engine.addresses import UNIX
from .engine.conf import settings as engine_settings
from .engine.setting_values import read_network, read_origin, read_redis_prefix, read_redis_url


@register
def check_layers_fit(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Database and channel layer must both be for one process, or both for many."""
    found: list[CheckMessage] = []
    redis = bool(settings.REDIS_URLS)
    if redis and connection.vendor == "sqlite":
        found.append(
            Error(
                "REDIS_URL is set, but the database is SQLite, which one machine's processes alone can share.",
                hint="Set DATABASE_URL=postgres://… too, or leave REDIS_URL empty for one process.",
                id="taskrealtime.E001",
            )
        )
    if connection.vendor not in {"sqlite", "postgresql"}:
        found.append(
            Error(
                f"The event log needs PostgreSQL or SQLite, not {connection.vendor}.",
                hint="Set DATABASE_URL=postgres://…",
                id="taskrealtime.E002",
            )
        )
    if not redis and connection.vendor == "postgresql":
        found.append(
            Warning(
                "There is no REDIS_URL: with several server processes events arrive only with the sweep.",
                hint="Set REDIS_URL=redis://… or silence taskrealtime.W001 where one process serves all.",
                id="taskrealtime.W001",
            )
        )
    return found


@register
def check_addresses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Servers, origins and networks must be spelt as they are read: a wrong one matches nothing, in silence."""
    origins = (item for item in settings.WEBSOCKET_CORS_ORIGINS if item != "*")
    networks = (item for item in settings.TRUSTED_PROXIES if item != UNIX)
    return [
        *_refused("REDIS_URLS", settings.REDIS_URLS, read_redis_url),
        *_refused("REDIS_PREFIX", [engine_settings.REDIS_PREFIX], read_redis_prefix),
        *_refused("WEBSOCKET_CORS_ORIGINS", origins, read_origin),
        *_refused("TRUSTED_PROXIES", networks, read_network),
    ]


def _refused(name: str, values: Iterable[str], read: Callable[[str], object]) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for value in values:
        try:
            read(value)
        except ValueError as error:
            found.append(Error(f"{name}: {error}.", id="taskrealtime.E006"))
    return found


@register(Tags.security, deploy=True)
def check_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Sockets that any page on the web may open are seldom meant."""
    if "*" in settings.WEBSOCKET_CORS_ORIGINS:
        return [
            Warning(
                "WEBSOCKET_CORS_ORIGINS=* lets any page open sockets.",
                hint="List the origins of your own pages.",
                id="taskrealtime.W002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_mail(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Mail from an address that nobody can answer is seldom delivered, and then nobody gets a new password."""
    if settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        return [
            Warning(
                "EMAIL_HOST is set, but mail would come from an address at localhost.",
                hint="Set DEFAULT_FROM_EMAIL to an address that the mail server may send from.",
                id="taskrealtime.W003",
            )
        ]
    return []


@register
def check_times(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Intervals must be positive, and a ping must fit into its timeout."""
    found: list[CheckMessage] = []
    for name in (
        "SWEEP_INTERVAL",
        "WEBSOCKET_PING_INTERVAL",
        "WEBSOCKET_CONNECT_TIMEOUT",
        "EVENT_RETENTION_DAYS",
        "REMIND_INTERVAL",
        "HTTP_IDLE_TIMEOUT",
        "HTTP_HEAD_TIMEOUT",
        "HTTP_BODY_TIMEOUT",
        "HTTP_SEND_TIMEOUT",
    ):
        if getattr(conf.settings, name) <= 0:
            found.append(Error(f"{name} must be more than 0.", id="taskrealtime.E003"))
    if settings.REMIND_BEFORE_HOURS < 0:
        found.append(Error("REMIND_BEFORE_HOURS must be 0 or more.", id="taskrealtime.E005"))
    if settings.WEBSOCKET_PING_TIMEOUT <= settings.WEBSOCKET_PING_INTERVAL:
        found.append(Error("WEBSOCKET_PING_TIMEOUT must be more than WEBSOCKET_PING_INTERVAL.", id="taskrealtime.E004"))
    return found
