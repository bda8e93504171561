"""Nothing lost, nothing twice, in order: while servers, Redis, PostgreSQL, networks and clients fail.

The same seed gives each hand the same faults in the same order, at about the same times. Other seeds: `FAULTS_SEED=7`;
longer, and with the times that delivery takes after each fault: `make faults SECONDS=600`.
"""

import asyncio
import os
from pathlib import Path

import pytest

from .report import Report
from .run import Plan, run

pytestmark = pytest.mark.end_to_end
SEED = int(os.environ.get("FAULTS_SEED", "11"))


def assert_clean(report: Report, folder: Path) -> None:
    assert not report.violations, f"\n{report}\nThe histories are in {folder}."
    assert report.acknowledged > 50, f"\n{report}"
    assert report.reconnects > 0, f"\n{report}"
    assert report.resumes > 0, f"\n{report}"


@pytest.mark.timeout(240)
def test_many_processes_keep_the_promise_through_every_fault(tmp_path: Path) -> None:
    report = asyncio.run(run(Plan("deployed", SEED, 75), folder=tmp_path))
    assert_clean(report, tmp_path)
    assert report.resets > 0, f"nobody was away long enough\n{report}"


@pytest.mark.timeout(150)
def test_one_process_keeps_the_promise_through_every_fault(tmp_path: Path) -> None:
    report = asyncio.run(run(Plan("embedded", SEED, 30, servers=1), folder=tmp_path))
    assert_clean(report, tmp_path)
