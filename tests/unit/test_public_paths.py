"""What others wrote down of our paths stays valid: imports of the README, paths in sessions, names in migrations."""

import importlib
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "module,name",
    [
        ("taskrealtime.actor", "acting_as"),
        ("taskrealtime.services", "RealTimeService"),
        ("taskrealtime.reminders", "remind"),
    ],
)
def test_the_imports_of_the_readme_work(module: str, name: str) -> None:
    assert module in (ROOT / "README.md").read_text()
    assert getattr(importlib.import_module(module), name)


def test_sessions_that_were_begun_before_the_packages_keep_their_backend() -> None:
    """Django stores the path of the backend in each session, and ends sessions whose path is no longer listed."""
    path = "taskrealtime.engine.passwords.LimitedAttempts"
    assert path in settings.AUTHENTICATION_BACKENDS
    assert import_string(path)


@pytest.mark.parametrize("name", ["taskrealtime.models.IdsField", "taskrealtime.models.PositionField"])
def test_the_fields_that_migrations_name_are_there(name: str) -> None:
    assert any(name in path.read_text() for path in (ROOT / "taskrealtime/migrations").glob("*.py"))
    assert import_string(name)
