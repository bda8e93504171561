"""System checks: a misconfiguration, explained in a sentence."""

from collections.abc import Callable
from functools import wraps
from itertools import chain
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, connection, router

from taskrealtime.engine import conf
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.values import EVERY_ORIGIN, Reader, read_not_negative, read_positive, read_secret_key
from taskrealtime.models.tracking import TrackedModel, TrackedQuerySet

#: What a refused value is called by its reader; others are `E006`.
_IDS: dict[Reader, str] = {read_positive: "taskrealtime.E003", read_not_negative: "taskrealtime.E005"}

Check = Callable[..., list[CheckMessage]]


def _with_right_settings(check: Check) -> Check:
    """Have a check that reads settings of ours find nothing where `check_settings` refuses some."""

    @wraps(check)
    def checked(*args: Any, **kwargs: Any) -> list[CheckMessage]:
        return [] if any(conf.problems()) else check(*args, **kwargs)

    return checked


@register
@_with_right_settings
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
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse settings of ours that cannot be meant, and names in `TASKREALTIME` that are none."""
    found: list[CheckMessage] = [Error(problem.sentence, id=_id_of(problem)) for problem in conf.problems()]
    if found:
        return found
    if settings.WEBSOCKET_PING_TIMEOUT <= settings.WEBSOCKET_PING_INTERVAL:
        found.append(Error("WEBSOCKET_PING_TIMEOUT must be more than WEBSOCKET_PING_INTERVAL.", id="taskrealtime.E004"))
    if settings.SIGNING_KEY and not django_settings.DEBUG:
        try:
            read_secret_key(settings.SIGNING_KEY)
        except ValueError as error:
            found.append(Error(f"SIGNING_KEY: {error}.", id="taskrealtime.E006"))
    return found


def _id_of(problem: conf.Problem) -> str:
    if not problem.name:
        return "taskrealtime.E009"
    return _IDS.get(conf.READERS[problem.name], "taskrealtime.E006")


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
@_with_right_settings
def check_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of sockets that any page on the web may open, which are seldom intended."""
    if EVERY_ORIGIN in settings.WEBSOCKET_CORS_ORIGINS:
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
    if django_settings.EMAIL_HOST and django_settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        return [
            Warning(
                "EMAIL_HOST is set, but mail would come from an address at localhost.",
                hint="Set DEFAULT_FROM_EMAIL to an address that the mail server may send from.",
                id="taskrealtime.W003",
            )
        ]
    return []


@register(Tags.security, deploy=True)
@_with_right_settings
def check_public_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require `PUBLIC_URL`: links in mails must not lead to a host that the client's request names."""
    if django_settings.EMAIL_HOST and not settings.PUBLIC_URL:
        return [
            Warning(
                "EMAIL_HOST is set without a PUBLIC_URL: links in mails lead to the host that a request names.",
                hint="Set PUBLIC_URL to where people reach the pages, such as https://board.example.org.",
                id="taskrealtime.W005",
            )
        ]
    return []
