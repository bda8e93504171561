"""Takes the place of prometheus-client where it is not installed: nothing is counted."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Uncounted:
    """A counter, gauge or histogram that keeps nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Accept what a metric of prometheus-client is declared with."""

    def labels(self, *values: str, **labels: str) -> "Uncounted":
        """Return the same metric."""
        return self

    def inc(self, amount: float = 1) -> None:
        """Do nothing."""

    def dec(self, amount: float = 1) -> None:
        """Do nothing."""

    def set(self, value: float) -> None:
        """Do nothing."""

    def observe(self, amount: float) -> None:
        """Do nothing."""

    def time(self) -> AbstractContextManager[None]:
        """Return a context that takes no time."""
        return nullcontext()

    def collect(self) -> Sequence[Any]:
        """Return no samples."""
        return ()


Counter = Gauge = Histogram = MetricWrapperBase = CollectorRegistry = Uncounted
REGISTRY = Uncounted()


class MultiProcessCollector(Uncounted):
    """Collects nothing."""


def generate_latest(registry: Uncounted) -> bytes:
    """Return an exposition without figures."""
    return b""


def mark_process_dead(process_id: int, folder: str) -> None:
    """Do nothing."""
