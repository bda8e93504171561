"""What a server asks the database at its start."""

from typing import Any

import pytest
from django.db import connection

from taskrealtime.engine.db import database_probe

pytestmark = [pytest.mark.django_db, pytest.mark.one_installation]


def probe_with(options: dict[str, Any] | None = None, **settings: Any) -> str | None:
    other = connection.copy()
    other.settings_dict |= settings
    other.settings_dict["OPTIONS"] |= options or {}
    return database_probe.probe(other, timeout=60)


def test_a_database_that_answers_can_be_worked_with() -> None:
    assert database_probe.probe(connection, timeout=60) is None


@pytest.mark.parametrize(
    "given, reason",
    [
        ({"NAME": "nowhere"}, 'database "nowhere" does not exist'),
        ({"USER": "nobody", "PASSWORD": "hunter2"}, 'role "nobody" does not exist'),
        ({"options": {"sslmode": "maybe"}}, 'invalid sslmode value: "maybe"'),
        ({"options": {"colour": "red"}}, 'invalid connection option "colour"'),
    ],
)
def test_a_database_that_refuses_is_reported_with_its_reason(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(database_probe.UnusableDatabase) as refused:
        probe_with(**given)
    assert str(refused.value).endswith(reason)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_database_that_is_away_may_be_back() -> None:
    reason = probe_with(HOST="127.0.0.1", PORT="1")
    assert reason is not None
    assert reason.endswith("Connection refused")


def test_too_old_a_database_is_reported_with_the_least_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.features.minimum_database_version == (14,)  # docs/operations.md names it
    monkeypatch.setattr(connection.features, "minimum_database_version", (99,))
    with pytest.raises(database_probe.UnusableDatabase, match=r"^PostgreSQL 99 or newer is needed, and the server is"):
        database_probe.probe(connection, timeout=60)
