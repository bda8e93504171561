"""The checker can fail: servers without one of their safeguards are found out.

That the same faults find nothing with all safeguards, `test_faults` shows.
"""

import asyncio

import pytest

from .report import Report
from .run import Plan, run

pytestmark = [pytest.mark.end_to_end, pytest.mark.long, pytest.mark.timeout(300)]
SEED = 20


def sabotaged(without: str, only: str, *, seconds: float = 60) -> Report:
    """A run that ends as soon as something is found, with no faults but these."""
    plan = Plan("deployed", SEED, seconds, servers=1, without=without, only=(only,), early=True, settle=4)
    return asyncio.run(run(plan))


def test_a_log_without_sweeps_loses_what_was_not_published() -> None:
    report = sabotaged("sweep", "publications lost", seconds=1)
    assert report.lost > 0, report
    assert report.doubled == report.reordered == 0, report


def test_a_room_that_delivers_every_publication_doubles_events() -> None:
    report = sabotaged("dedupe", "publications twice")
    assert report.doubled > 0, report


def test_coming_back_without_a_replay_loses_events() -> None:
    report = sabotaged("resume", "connection cut")
    assert report.lost > 0, report


def test_keys_that_are_not_remembered_double_effects() -> None:
    report = sabotaged("keys", "answers lost")
    assert report.doubled > 0, report
