"""What a server asks the database at its start."""

import pytest
from django.db import connection

from taskrealtime.engine import database_probe

pytestmark = [pytest.mark.django_db, pytest.mark.one_installation]


def test_a_database_that_answers_can_be_worked_with() -> None:
    assert database_probe.probe(connection, timeout=60) is None


def test_too_old_a_database_is_told_with_the_least_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.features.minimum_database_version == (14,)  # docs/operations.md names it
    monkeypatch.setattr(connection.features, "minimum_database_version", (99,))
    with pytest.raises(database_probe.UnusableDatabase, match=r"^PostgreSQL 99 or newer is needed, and the server is"):
        database_probe.probe(connection, timeout=60)
