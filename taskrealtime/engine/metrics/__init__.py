"""What we count, for Prometheus. Labels hold names of events, codes and kinds: never an id.

Nothing is counted per subscriber: a room counts once for all of them. With `manage.py serve --processes` the processes
keep their figures in files of one folder (`PROMETHEUS_MULTIPROC_DIR`, set by the supervisor), and whichever is asked
returns the sums of all of them; counts of a process that ended stay in them, its gauges do not.
"""

import os
import re
import resource
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from taskrealtime.engine.wire.errors import all_errors

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
    from prometheus_client.metrics import MetricWrapperBase
    from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
except ModuleNotFoundError as missing:  # it comes with the extras `board` and `server`
    if missing.name != "prometheus_client":
        raise
    from .uncounted import (  # type: ignore[assignment]
        REGISTRY,
        CollectorRegistry,
        Counter,
        Gauge,
        Histogram,
        MetricWrapperBase,
        MultiProcessCollector,
        generate_latest,
        mark_process_dead,
    )

#: Where prometheus-client looks for the folder.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: The content type of `exposition`.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_LONG = (1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)


def _counter(name: str, documentation: str, label: str, values: Sequence[str]) -> Counter:
    """Return a counter whose series are there from the start: Prometheus sees no increase in one that begins with 1."""
    counter = Counter(name, documentation, [label])
    for value in values:
        counter.labels(value)
    return counter


# --- Connections ------------------------------------------------------------------------------

CONNECTIONS = Gauge("taskrealtime_connections", "Open WebSockets.", multiprocess_mode="livesum")
CONNECTIONS_ENDED = _counter(
    "taskrealtime_connections_ended",
    "Ended WebSockets, by the close code that we sent; `left`: the client went.",
    "code",
    ["left", "1009", "1011", "1012", "1013", "4400", "4401", "4403", "4408", "4409", "4410", "4429"],
)
CONNECTION_SECONDS = Histogram("taskrealtime_connection_seconds", "How long WebSockets lived.", buckets=_LONG)
CONNECTIONS_REFUSED = _counter(
    "taskrealtime_connections_refused",
    "Upgrades that were refused, by status: 403 a foreign origin, 404 no such address, 429 too many of one address, "
    "503 too many that are not signed in, switched off, or draining.",
    "status",
    ["403", "404", "429", "503"],
)
RESUMES = _counter(
    "taskrealtime_resumes",
    "Rooms entered with `since`: `continued`, or `reset`.",
    "outcome",
    ["continued", "reset"],
)
REPLAYED_PAGES = _counter(
    "taskrealtime_replayed_pages",
    "Pages of missed events, out of a room's `memory` or out of the `log`.",
    "source",
    ["memory", "log"],
)

# --- What clients say -------------------------------------------------------------------------

EVENT_SECONDS = Histogram(
    "taskrealtime_client_event_seconds", "From reading a client's event to its answer.", ["event"], buckets=_FAST
)
ERRORS = _counter(
    "taskrealtime_errors",
    "Errors sent to clients, on sockets and over HTTP, by code.",
    "code",
    sorted({error.code for error in all_errors()}),
)

# --- What rooms pass on -----------------------------------------------------------------------

EVENTS = Counter("taskrealtime_events", "Logged events that rooms of a kind passed on.", ["event", "kind"])
DELIVERIES = Counter("taskrealtime_deliveries", "Logged events times the live listeners that were given them.")
DELIVERED_BYTES = Counter("taskrealtime_delivered_bytes", "Bytes of these.")
LAG = Histogram(
    "taskrealtime_lag_seconds", "From the save that an event tells of until its listeners were given it.", buckets=_FAST
)
LISTENERS = Gauge("taskrealtime_listeners", "Listeners of rooms of a kind.", ["kind"], multiprocess_mode="livesum")
ROOMS = Gauge("taskrealtime_rooms", "Rooms of a kind that are served.", ["kind"], multiprocess_mode="livesum")
PRESENT = Gauge(
    "taskrealtime_present",
    "People of this process's connections that others see in projects.",
    multiprocess_mode="livesum",
)

# --- What went another way than it should ---------------------------------------------------

RINGS_LOST = Counter("taskrealtime_rings_lost", "Publications that the channel layer did not take; the sweep delivers.")
GAPS_FILLED = Counter("taskrealtime_gaps_filled", "Times that a room read from the log what was not published.")
SWEEP_FINDINGS = _counter(
    "taskrealtime_sweep_findings",
    "What the sweep found: a room `behind`, `unnumbered` events, a listener that was `signed_out`, a `right_lost`.",
    "what",
    ["behind", "unnumbered", "signed_out", "right_lost"],
)
UNNUMBERED_SECONDS = Gauge(
    "taskrealtime_unnumbered_seconds",
    "The age of the oldest committed event without a number, as the last sweep saw it.",
    multiprocess_mode="livemax",
)
RESIDENT_BYTES = Gauge("taskrealtime_process_resident_bytes", "Memory of a process.", multiprocess_mode="liveall")
MAX_FILES = Gauge(
    "taskrealtime_max_files",
    "Files and sockets that processes may have open together, as the system bounds them.",
    multiprocess_mode="livesum",
)
DATABASE_CONNECTIONS = Gauge(
    "taskrealtime_database_connections",
    "Connections of the pools: `used`, `idle`, and `max`, how many there may be; `waiting`: those who want one.",
    ["state"],
    multiprocess_mode="livesum",
)
REMINDERS_WAITING = Gauge(
    "taskrealtime_reminders_waiting",
    "Tasks that `manage.py remind` should have checked by now, up to 1 000.",
    multiprocess_mode="livemostrecent",
)


def exposition() -> bytes:
    """Return all figures in Prometheus's text format: of this process, or of all processes of its supervisor."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


#: How every logged frame begins (`log`), with its event and its time.
_HEAD = re.compile(r'\{"event":"([a-z_]+)",[^{]*"at":"([^"]+)"')


@contextmanager
def event_time(event: str) -> Iterator[None]:
    """Count a client's event and the time that it takes."""
    with EVENT_SECONDS.labels(event).time():
        yield


def count_passed_on(frames: Sequence[str], *, kind: str, wire_bytes: int, listeners: int) -> None:
    """A room of that kind gave these frames of logged events to that many listeners."""
    now = datetime.now(UTC)
    for frame in frames:
        if head := _HEAD.match(frame):
            EVENTS.labels(head[1], kind).inc()
            LAG.observe(max(0.0, (now - datetime.fromisoformat(head[2])).total_seconds()))
    DELIVERIES.inc(len(frames) * listeners)
    DELIVERED_BYTES.inc(wire_bytes * listeners)


def own_total(metric: MetricWrapperBase, **labels: str) -> float:
    """Return what this process alone has counted (a histogram: how often) under these labels and any others."""
    return sum(sample.value for sample in _own_samples(metric) if labels.items() <= sample.labels.items())


def own_by_label(metric: MetricWrapperBase, label: str) -> dict[str, int]:
    """Return what this process alone has counted, by one label; without what has not happened."""
    return {sample.labels[label]: int(sample.value) for sample in _own_samples(metric) if sample.value}


def own_buckets(histogram: Histogram) -> dict[str, int]:
    """Return a histogram of this process alone: by upper bound how often it was not more."""
    samples = [sample for family in histogram.collect() for sample in family.samples]
    return {sample.labels["le"]: int(sample.value) for sample in samples if sample.name.endswith("_bucket")}


def _own_samples(metric: MetricWrapperBase) -> list[Any]:
    """Without sums, buckets and times of creation."""
    wanted = {family.name + ending for family in metric.collect() for ending in ("", "_total", "_count")}
    return [sample for family in metric.collect() for sample in family.samples if sample.name in wanted]


def resident_bytes() -> int | None:
    """Return the memory of this process in bytes; None if the system does not report it."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def measure_process(pool: Any) -> None:
    """Set the gauges that have to be measured.

    Args:
        pool: of database connections; None if there is none.
    """
    if (resident := resident_bytes()) is not None:
        RESIDENT_BYTES.set(resident)
    MAX_FILES.set(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    if pool is not None:
        stats = pool.get_stats()
        size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
        figures = {"used": size - idle, "idle": idle, "max": pool.max_size, "waiting": stats.get("requests_waiting", 0)}
        for state, figure in figures.items():
            DATABASE_CONNECTIONS.labels(state).set(figure)


# --- Several processes ------------------------------------------------------------------------


@contextmanager
def shared_folder() -> Iterator[None]:
    """Make a folder for the figures of the processes that a supervisor starts meanwhile."""
    folder = os.environ[FOLDER] = tempfile.mkdtemp(prefix="taskrealtime-metrics-")
    try:
        yield
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def forget_gauges(process_id: int) -> None:
    """Clear the gauges of a process that has ended: it no longer has connections or memory."""
    if folder := os.environ.get(FOLDER):
        mark_process_dead(process_id, folder)
