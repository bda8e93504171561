"""System checks of an installation: a misconfiguration, explained in a sentence."""

from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from itertools import chain
from typing import Any

from channels.layers import InMemoryChannelLayer
from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DEFAULT_DB_ALIAS, connection, router

from taskrealtime.engine import conf
from taskrealtime.engine.conf import settings, user_model
from taskrealtime.engine.conf.values import Reader, read_not_negative, read_positive, read_secret_key

from .layer import channel_layer

#: What a refused value is called by its reader; others are `E006`.
_IDS: dict[Reader, str] = {read_positive: "taskrealtime.E003", read_not_negative: "taskrealtime.E005"}

Check = Callable[..., list[CheckMessage]]


def with_right_settings(check: Check) -> Check:
    """Have a check that reads settings of ours find nothing where `check_settings` refuses some."""

    @wraps(check)
    def checked(*args: Any, **kwargs: Any) -> list[CheckMessage]:
        return [] if any(conf.problems()) else check(*args, **kwargs)

    return checked


@register
@with_right_settings
def check_layers_fit(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require a database and channel layer that are both for one process, or both for many."""
    found: list[CheckMessage] = []
    redis = bool(settings.REDIS_URLS)
    if redis and connection.vendor == "sqlite":
        found.append(
            Error(
                "REDIS_URLS is set, but the database is SQLite, which one machine's processes alone can share.",
                hint="Use PostgreSQL for several processes, or leave REDIS_URLS empty for one.",
                id="taskrealtime.E001",
            )
        )
    if connection.vendor not in {"sqlite", "postgresql"}:
        found.append(
            Error(
                f"The event log needs PostgreSQL or SQLite, not {connection.vendor}.",
                hint="Use PostgreSQL, or SQLite for one process.",
                id="taskrealtime.E002",
            )
        )
    if not redis and connection.vendor == "postgresql":
        found.append(
            Warning(
                "REDIS_URLS is empty: with several server processes events arrive only with the sweep.",
                hint="List a Redis, redis://…, or silence taskrealtime.W001 where one process serves all.",
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
@with_right_settings
def check_redis_libraries(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require the libraries of Redis where there is one, and a channel layer over it."""
    if not settings.REDIS_URLS:
        return []
    missing = [name for name in ("redis", "channels_redis") if find_spec(name) is None]
    if missing:
        return [
            Error(
                f"REDIS_URLS is set, but {' and '.join(missing)} cannot be imported.",
                hint='pip install "taskrealtime[redis]"',
                id="taskrealtime.E011",
            )
        ]
    if isinstance(channel_layer(), InMemoryChannelLayer):
        return [
            Warning(
                "REDIS_URLS is set, but the layer of CHANNEL_LAYERS is in memory: other processes wait for the sweep.",
                hint="Give CHANNEL_LAYERS a layer named taskrealtime over Redis, or none of the name default.",
                id="taskrealtime.W007",
            )
        ]
    return []


@register
def check_times_have_zones(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require times with zones: the log compares those of several machines."""
    if django_settings.USE_TZ:
        return []
    return [Error("USE_TZ is off: the event log needs times with zones.", hint="USE_TZ = True", id="taskrealtime.E010")]


@register
def check_sqlite_mode(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of transactions of the project's own that fail as soon as another one writes."""
    mode = connection.settings_dict.get("OPTIONS", {}).get("transaction_mode")
    if connection.vendor != "sqlite" or str(mode).upper() in {"IMMEDIATE", "EXCLUSIVE"}:
        return []
    return [
        Warning(
            "A transaction on SQLite that reads before it writes fails if another one has written in between.",
            hint='Set its OPTIONS to {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}.',
            id="taskrealtime.W006",
        )
    ]


@register
def check_user_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require keys of users that JSON and the names of rooms can hold."""
    name = user_model.model()._meta.label
    if user_model.kind_of_key() is None:
        return [
            Error(
                f"The primary key of {name} is neither a number, nor a UUID, nor a CharField.",
                hint="Give the model such a key, and the field that it has now another name.",
                id="taskrealtime.E016",
            )
        ]
    if user_model.longest_key() <= user_model.MAX_TEXT:
        return []
    return [
        Warning(
            f"Primary keys of {name} may have more than the {user_model.MAX_TEXT} characters for which names of rooms "
            "have place; each one but letters, digits and - counts as three or more.",
            hint="Users with longer keys cannot use the board. Silence this if there are none.",
            id="taskrealtime.W010",
        )
    ]


@register
def check_routers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require the one database `default`, since events are committed with what they describe."""
    ours = (app.get_models() for app in apps.get_app_configs() if app.name.partition(".")[0] == "taskrealtime")
    found: list[CheckMessage] = []
    for model in [*chain.from_iterable(ours), user_model.model()]:
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
