"""As `records_writer.js` for SQLite: SQL by a program that knows nothing of Django or of rooms."""

import json
import os
import sqlite3
import sys
from typing import Any

#: Seconds that it waits for the lock of another writer.
TIMEOUT_SECONDS = 20.0
INSERT = """
    INSERT INTO helpdesk_ticket (queue_id, title, "the Status's", votes, secret) VALUES (?, ?, 'open', 0, '')
    RETURNING id
"""
UPDATE = "UPDATE helpdesk_ticket SET title = ?2 WHERE id = ?1 RETURNING id"


def carry_out(database: sqlite3.Connection, kind: str, token: str, project: int, task: int | None) -> int:
    """One change, in one transaction of its own; the id of the ticket."""
    statement, row = (INSERT, project) if kind == "ticket" else (UPDATE, task)
    with database:
        ((pk,),) = database.execute(statement, [row, token]).fetchall()
    return int(pk)


def main() -> None:
    """Follow the commands until stdin ends."""
    database = sqlite3.connect(os.environ["DATABASE_URL"].removeprefix("sqlite:///"), timeout=TIMEOUT_SECONDS)
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        answer: dict[str, Any] = {"token": request["token"]}
        try:
            answer["task"] = carry_out(database, **request)
        except (sqlite3.Error, ValueError) as error:
            answer["error"] = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
