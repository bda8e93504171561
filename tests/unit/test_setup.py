"""`scripts/setup.sh`: an interrupted setup is made again, and of two at once one waits."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.process import Process
from tests.support.observing import wait_until
from tests.support.stacks import ROOT

pytestmark = pytest.mark.long


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose server needs one small package."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", tmp_path / "scripts")
    (tmp_path / "requirements.txt").write_text("idna\n")
    return tmp_path


def setup(checkout: Path) -> Process:
    return Process(["sh", "scripts/setup.sh"], log_path=checkout / "log", env=dict(os.environ), cwd=checkout)


def works(checkout: Path) -> bool:
    python = checkout / ".venv" / "bin" / "python"
    return subprocess.run([python, "-c", "import pip._internal.cli.main, idna"]).returncode == 0


def has_python(checkout: Path) -> bool:
    return (checkout / ".venv" / "bin" / "python").exists()


def has_begun_with_pip(checkout: Path) -> bool:
    return any(checkout.glob(".venv/lib/*/site-packages/pip"))


def has_begun_with_packages(checkout: Path) -> bool:
    return (checkout / ".venv" / "setup.log").exists()


@pytest.mark.parametrize("moment", [has_python, has_begun_with_pip, has_begun_with_packages])
def test_what_was_interrupted_is_made_anew(checkout: Path, moment: Callable[[Path], bool]) -> None:
    interrupted = setup(checkout)
    wait_until(lambda: moment(checkout))
    interrupted.end(signal.SIGKILL)
    again = setup(checkout)
    assert again.wait(240) == 0, again.log_tail()
    assert works(checkout)


def test_of_two_at_once_one_waits_and_both_succeed(checkout: Path) -> None:
    both = [setup(checkout) for _ in range(2)]
    assert [one.wait(240) for one in both] == [0, 0], both[0].log_tail()
    assert works(checkout)
    assert both[0].log_tail().count("Installing the Python packages") == 1
