"""What operators ask: is it alive (`/healthz`), can it work (`/readyz`), how is it (`/metrics`)."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from taskrealtime import reminders
from taskrealtime.engine import draining, metrics
from taskrealtime.engine.conf import settings
from taskrealtime.engine.db.capacity import PROBES
from taskrealtime.engine.installation.names import redis_key

logger = logging.getLogger(__name__)

#: Seconds after which what did not answer counts as away.
PROBE_TIMEOUT_SECONDS = 2.0
#: Rows that are counted at most.
MAX_COUNTED = 1000

# Threads of their own: one that hangs on a dead connection must not hold the answer back.
_probes: ThreadPoolExecutor


def _make_probes() -> None:
    """Make the executor, at the start and in a forked child, in which its parent's threads do not run."""
    global _probes
    _probes = ThreadPoolExecutor(max_workers=PROBES, thread_name_prefix="readiness")


_make_probes()
os.register_at_fork(after_in_child=_make_probes)
#: Whether the migrations were seen to be applied; they do not come undone while a process runs.
_migrated = False


def answer_probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, to stand before `CommonMiddleware`, which checks hosts: answer the probes under any host.

    An orchestrator asks a process by its address, and restarts it if the answer is an error.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            match = resolve(request.path_info, "taskrealtime.operations.health_urls")
        except Resolver404:
            return get_response(request)
        response: HttpResponse = match.func(request)
        return response

    return middleware


@login_not_required
@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """`/healthz`: the process answers. Asks no other service, so that a lost database gets no process restarted."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """`/readyz`: 200, perhaps `degraded`; 503 with the `reasons` for which no requests should come here."""
    if draining.is_draining():
        return JsonResponse({"status": "unavailable", "reasons": ["draining"]}, status=503)
    database, layer = _probes.submit(_ask_database), _probes.submit(_ask_redis)
    wait([database, layer], timeout=PROBE_TIMEOUT_SECONDS)
    reasons = _missing(database, "database")
    if reasons:
        return JsonResponse({"status": "unavailable", "reasons": reasons}, status=503)
    return JsonResponse({"status": "ready", "degraded": _missing(layer, "redis")})


@login_not_required
@never_cache
@require_safe
def measured(request: HttpRequest) -> HttpResponse:
    """`/metrics`: the figures of `engine.metrics`, to clients with `METRICS_TOKEN`, or to all if there is none."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if settings.METRICS_TOKEN and not constant_time_compare(request.headers.get("Authorization", ""), expected):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    reminders_waiting = _probes.submit(_count_reminders)
    wait([reminders_waiting], timeout=PROBE_TIMEOUT_SECONDS)
    reminders_waiting.cancel()  # If it has not begun: the database is away, and other figures show that.
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


def _missing(probe: Future[list[str]], asked: str) -> list[str]:
    """Return what the probe found missing; `asked` itself if it did not answer in time, or with an error."""
    if not probe.done():
        probe.cancel()
        return [asked]
    error = probe.exception()
    if error is not None:
        logger.warning("Readiness: %s does not answer (%s: %s).", asked, type(error).__name__, error)
        return [asked]
    return probe.result()


def _ask_database() -> list[str]:
    global _migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return [] if _migrated else ["migrations"]
    finally:
        connection.close()


def _count_reminders() -> None:
    try:
        metrics.REMINDERS_WAITING.set(reminders.count_waiting(most=MAX_COUNTED))
    finally:
        connection.close()


def _ask_redis() -> list[str]:
    """Probe each Redis. Events go on without it, by the sweep: its loss only delays them."""
    if not settings.REDIS_URLS:
        return []
    from taskrealtime.engine.installation import redis_probe

    for url in settings.REDIS_URLS:
        redis_probe.probe(url, key=redis_key("probe"), timeout=PROBE_TIMEOUT_SECONDS / 2)
    return []
