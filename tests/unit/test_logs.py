"""What is written to the log, and how: a JSON object a line, and of one kind only so many."""

import json
import logging
from typing import Any

from django.core.exceptions import DisallowedHost
from django.db import OperationalError

from project.logs import JsonLines, Seldom


def record(
    text: object, *args: object, level: int = logging.WARNING, name: str = "somebody", error: Any = None
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, text, args, error)


def test_of_one_kind_so_many_are_written_in_a_minute() -> None:
    now = 0.0
    seldom = Seldom(3, clock=lambda: now)
    assert [seldom.filter(record("Lost %s", number)) for number in range(5)] == [True] * 3 + [False] * 2
    assert seldom.filter(record("Something else")), "another kind"
    now = 60.0
    first = record("Lost %s", 9)
    assert seldom.filter(first)
    assert first.getMessage() == "Lost 9 (2 like this were left out before.)"
    second = record("Lost %s", 10)
    assert seldom.filter(second)
    assert second.getMessage() == "Lost 10"


def test_a_fault_of_ours_is_never_left_out() -> None:
    seldom = Seldom(1, clock=lambda: 0.0)
    assert all(seldom.filter(record("Error %s.", number, level=logging.ERROR)) for number in range(5))


def test_refused_requests_are_no_faults_of_ours() -> None:
    """Django logs each as an error, with a traceback, in words that the client chose."""
    seldom = Seldom(2, clock=lambda: 0.0)
    error = DisallowedHost()
    refused = [
        record(
            f"Invalid HTTP_HOST header: 'evil{number}'",
            level=logging.ERROR,
            name="django.security.DisallowedHost",
            error=(DisallowedHost, error, error.__traceback__),
        )
        for number in range(4)
    ]
    assert [seldom.filter(one) for one in refused] == [True, True, False, False]
    assert "traceback" not in json.loads(JsonLines().format(refused[0]))


def test_whatever_is_logged_is_counted() -> None:
    seldom = Seldom(1, clock=lambda: 0.0)
    for kind in (ValueError, dict):
        assert [seldom.filter(record(kind())) for _ in range(2)] == [True, False], kind


def test_what_fails_because_the_database_is_away_has_one_line_and_is_left_out_beyond_a_bound() -> None:
    seldom = Seldom(2, clock=lambda: 0.0)
    error = OperationalError("connection failed:\n  no route to host")
    failed = [
        record("Internal Server Error: %s", "/", level=logging.ERROR, error=(type(error), error, error.__traceback__))
        for _ in range(4)
    ]
    assert [seldom.filter(one) for one in failed] == [True, True, False, False]
    line = json.loads(JsonLines().format(failed[0]))
    assert "traceback" not in line
    assert line["message"] == "Internal Server Error: / (OperationalError: connection failed: no route to host)"
