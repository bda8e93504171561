"""System checks of what is declared live."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from . import installing, pages
from .registry import registry


@register
def check_declarations(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse declarations that cannot be meant, and rooms that no rule says who may read."""
    return [
        Error(problem.message, hint=problem.hint or None, obj=problem.model, id=problem.id)
        for problem in registry.resolved.problems
    ]


@register
def check_urls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of rooms that no page can reach over HTTP: their snapshots, and the tokens of pages."""
    if not registry.resolved.captures:
        return []
    try:
        pages.api_base()
    except ImproperlyConfigured:
        return [Warning(pages.MISSING, hint=pages.HINT, id="taskrealtime.W022")]
    return []


@register(Tags.database)
def check_triggers(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of triggers that are missing or old; asked with `--database default`, and by `manage.py live`."""
    if connection.alias not in (databases or ()) or not registry.resolved.captures:
        return []
    if connection.vendor not in {"postgresql", "sqlite"}:
        return [
            Error(
                f"Live models need PostgreSQL or SQLite: there are no triggers for {connection.vendor}.",
                id="taskrealtime.E025",
            )
        ]
    if not installing.is_possible():
        return []  # before the first `migrate`
    return [Warning(sentence, hint=hint, id="taskrealtime.W021") for sentence, hint in problems()]


def problems() -> list[tuple[str, str]]:
    """Return what is wrong with the triggers, each with a hint."""
    state = installing.state()
    migrate = "Run manage.py migrate, or manage.py live --install."
    found = [(f"The trigger {one.name} on {one.table} is missing.", migrate) for one in state.missing]
    found += [(f"The trigger {one.name} on {one.table} is not as declared.", migrate) for one in state.outdated]
    found += [(f"The trigger {one.name} on {one.table} belongs to no declaration.", migrate) for one in state.foreign]
    found += [
        (f"{table} is declared live but is not a table of the database.", "A view has no triggers.")
        for table in state.absent
    ]
    return found
