"""A very long log, and very many rooms, make joining and trimming no more expensive than short ones."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taskrealtime.engine import log
from taskrealtime.engine.log import trimming
from tests import services

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(services.TEST_STACK == "embedded", reason="PostgreSQL tells what a query touches"),
]

SHORT, LONG = 10, 100_000
#: Pages of 8 KiB that a join may touch more in the long room: its index is a level or two deeper.
MORE = 10

FILL = """
INSERT INTO engine_event (room, seq, type, at, data, subject)
SELECT %s, number, 'said', now(), '{"text": "words"}', '' FROM generate_series(1, %s) AS number
"""


def fill(room: str, length: int) -> None:
    log.create_room(room)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [room, length])
        cursor.execute("UPDATE engine_room SET head = %s WHERE name = %s", [length, room])


def pages_touched(room: str, user_id: int, head: int) -> int:
    """What joining with five missed events reads, by what PostgreSQL says of the very queries."""
    with CaptureQueriesContext(connection) as queries:
        [state] = log.resume_states([log.Reader(room, user_id, head - 5)])
        missed = log.read_on(room, since=head - 5, limit=200)
        log.heads([room])
        log.unnumbered_rooms()
    assert isinstance(state, log.ResumeState)
    assert (state.end.offset, state.reset, len(missed)) == (head, False, 5)
    selects = [query["sql"] for query in queries if re.match(r"SELECT .*\bengine_", query["sql"])]
    assert len(selects) >= 5
    return sum(pages_of(select) for select in selects)


def test_finding_what_is_due_reads_neither_all_rooms_nor_a_long_log() -> None:
    """One long log, many short ones, and a little that is due in the long one."""
    fill("user.2", LONG)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO engine_room (name, head, floor, oldest) "
            "SELECT 'user.' || number, 5, 0, now() FROM generate_series(10, 10000) AS number"
        )
        # Low numbers are common in such a log: PostgreSQL, which takes the long room's for common too, is misled.
        cursor.execute(
            "INSERT INTO engine_event (room, seq, type, at, data, subject) "
            "SELECT name, number, 'said', now(), '{}', '' "
            "FROM engine_room, generate_series(1, 5) AS number WHERE name <> 'user.2'"
        )
        cursor.execute("UPDATE engine_event SET at = now() - interval '31 days' WHERE room = 'user.2' AND seq <= 20")
        cursor.execute("UPDATE engine_room SET oldest = now() - interval '31 days' WHERE name = 'user.2'")
        cursor.execute("ANALYZE engine_event, engine_room")
    with CaptureQueriesContext(connection) as queries:
        assert trimming.trim_some().removed["events"] == 20
    selects = [query["sql"] for query in queries if re.match(r"SELECT .*\bengine_", query["sql"])]
    assert len(selects) >= 8
    # One of them reads a batch of events, to see how many are too old.
    assert max(pages_of(select) for select in selects) < trimming.BATCH
    assert sum(pages_of(select) for select in selects) < trimming.BATCH + 20 * len(selects)


def pages_of(select: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + select.replace("%", "%%"))
        answer: Any = cursor.fetchone()[0]
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_a_long_log_is_joined_like_a_short_one() -> None:
    fill("user.1", SHORT)
    fill("user.2", LONG)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE engine_event")
    short, long = pages_touched("user.1", 1, SHORT), pages_touched("user.2", 2, LONG)
    assert long <= short + MORE, (short, long)
