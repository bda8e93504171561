"""System checks: a misconfiguration, explained in a sentence."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, connection, router

from taskrealtime.engine import conf
from taskrealtime.engine.conf import settings as engine_settings
from taskrealtime.engine.conf.values import read_network, read_origin, read_redis_prefix, read_redis_url
from taskrealtime.engine.limits.addresses import UNIX
from taskrealtime.models.tracking import TrackedModel, TrackedQuerySet


@register
def check_layers_fit(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require a database and channel layer that are both for one process, or both for many."""
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
    """Refuse servers, origins and networks that are not spelt as they are read: a wrong one matches nothing."""
    origins = (item for item in settings.WEBSOCKET_CORS_ORIGINS if item != "*")
    networks = (item for item in settings.TRUSTED_PROXIES if item != UNIX)
    return [
        *_refused("REDIS_URLS", settings.REDIS_URLS, read_redis_url),
        *_refused("REDIS_PREFIX", [engine_settings.REDIS_PREFIX], read_redis_prefix),
        *_refused("WEBSOCKET_CORS_ORIGINS", origins, read_origin),
        *_refused("PUBLIC_URL", filter(None, [engine_settings.PUBLIC_URL]), read_origin),
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


@register
def check_routers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require the one database `default`, since events are committed with what they describe."""
    ours = (apps.get_app_config(label).get_models() for label in ("engine", "taskrealtime"))
    found: list[CheckMessage] = []
    for model in [*chain.from_iterable(ours), get_user_model()]:
        writes, reads = router.db_for_write(model), model._default_manager.all().db
        if writes != DEFAULT_DB_ALIAS:
            found.append(
                Error(
                    f"DATABASE_ROUTERS writes {model._meta.label} to {writes!r}: it must be {DEFAULT_DB_ALIAS!r}.",
                    hint="Events are written in the transaction of the change, which can span one database only.",
                    id="taskrealtime.E007",
                )
            )
        elif reads != writes:
            found.append(
                Warning(
                    f"DATABASE_ROUTERS reads {model._meta.label} from {reads!r}.",
                    hint="Who was deactivated stays until the replica has caught up, and who was just made is unknown.",
                    id="taskrealtime.W004",
                )
            )
    return found


@register
def check_managers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse managers of a proxy or a subclass whose queryset does not announce what they write."""
    return [
        Error(
            f"{model._meta.label}.{manager.name} makes querysets whose writes would not be announced.",
            hint="Have its get_queryset() call super(), or derive its queryset from that of the model.",
            obj=model,
            id="taskrealtime.E008",
        )
        for model in apps.get_models()
        if issubclass(model, TrackedModel)
        for manager in model._meta.managers
        if not isinstance(manager.all(), TrackedQuerySet)
    ]


@register(Tags.security, deploy=True)
def check_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of sockets that any page on the web may open, which are seldom intended."""
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
    """Warn of a sender that cannot be answered: such mail is seldom delivered, and users get no new password."""
    if settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        return [
            Warning(
                "EMAIL_HOST is set, but mail would come from an address at localhost.",
                hint="Set DEFAULT_FROM_EMAIL to an address that the mail server may send from.",
                id="taskrealtime.W003",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_public_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require `PUBLIC_URL`: links in mails must not lead to a host that the client's request names."""
    if settings.EMAIL_HOST and not engine_settings.PUBLIC_URL:
        return [
            Warning(
                "EMAIL_HOST is set without a PUBLIC_URL: links in mails lead to the host that a request names.",
                hint="Set PUBLIC_URL to where people reach the pages, such as https://board.example.org.",
                id="taskrealtime.W005",
            )
        ]
    return []


@register
def check_times(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require positive intervals, and a ping that fits into its timeout."""
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
    for name in ("REMIND_BEFORE_HOURS", "REPLACED_TEXT_DAYS"):
        if getattr(conf.settings, name) < 0:
            found.append(Error(f"{name} must be 0 or more.", id="taskrealtime.E005"))
    if settings.WEBSOCKET_PING_TIMEOUT <= settings.WEBSOCKET_PING_INTERVAL:
        found.append(Error("WEBSOCKET_PING_TIMEOUT must be more than WEBSOCKET_PING_INTERVAL.", id="taskrealtime.E004"))
    return found
