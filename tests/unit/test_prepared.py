"""Statements that every save runs are planned once for each connection, where the way to PostgreSQL allows it."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext

from project import settings
from taskrealtime.engine.db.prepared import prepared_cursor
from tests import services

STATEMENT = "SELECT name FROM engine_room WHERE name = %s"
on_postgres = pytest.mark.skipif(services.TEST_STACK == "embedded", reason="SQLite plans nothing ahead")


def run(times: int) -> None:
    for _ in range(times):
        with prepared_cursor(connection) as cursor:
            cursor.execute(STATEMENT, ["no such room"])
            assert cursor.fetchall() == []


def kept() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"{STATEMENT[:-2]}%"])
        return int(cursor.fetchone()[0])


@on_postgres
@pytest.mark.django_db
def test_what_runs_often_is_kept_by_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    run(9)
    assert kept() == 0
    monkeypatch.setattr(connection.connection, "prepare_threshold", 5)
    run(9)
    assert kept() == 1


@pytest.mark.django_db
def test_it_is_seen_as_any_other_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        run(9)
    # Also once the server keeps it.
    assert [query["sql"].split()[0] for query in queries] == ["SELECT"] * 9


@pytest.mark.parametrize("query, threshold", [("", 5), ("?prepare_threshold=1", 1), ("?prepare_threshold=off", None)])
def test_the_address_of_the_database_says_from_when_on(
    monkeypatch: pytest.MonkeyPatch, query: str, threshold: int | None
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres://board@127.0.0.1/board{query}")
    assert settings._database()["OPTIONS"]["prepare_threshold"] == threshold


@pytest.mark.parametrize("threshold", ["abc", "-1", "1.5", "On"])
def test_an_address_that_says_nonsense_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, threshold: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres://board@127.0.0.1/board?prepare_threshold={threshold}")
    with pytest.raises(ImproperlyConfigured) as refused:
        settings._database()
    message = f"DATABASE_URL: prepare_threshold must be a whole number, or off, not {threshold!r}."
    assert str(refused.value) == message
