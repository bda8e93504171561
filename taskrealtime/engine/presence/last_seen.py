"""When each user was connected last: gathered in memory, written once in a while."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from django.db import connection

from taskrealtime.engine import draining
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db import writing
from taskrealtime.engine.db.threads import in_caretaking_thread
from taskrealtime.engine.models import LastSeen

logger = logging.getLogger(__name__)

#: Seconds between two writes.
WRITE_SECONDS = 60.0
#: Rows of one statement.
ROWS = 500


class LastSeenBook:
    """The times of last connections that one event loop has gathered."""

    def __init__(self, connected: Callable[[], Iterable[UserKey]]) -> None:
        """Create an empty book, which `run` writes; `connected` returns the users that are connected now."""
        self._connected = connected
        self._left: dict[UserKey, float] = {}
        self._last_words: asyncio.Task[None] | None = None

    def left(self, user_id: UserKey, now: float) -> None:
        """Record that a connection of this user ended at this unix time."""
        self._left[user_id] = now

    async def run(self) -> None:
        """Write it once in a while, for ever."""
        draining.add(self)
        try:
            while True:
                await asyncio.sleep(WRITE_SECONDS)
                await self.write()
        finally:
            draining.remove(self)

    def shutdown(self, reconnect_in_ms: int) -> None:
        """Write what is known so far, since the process is ending; its last connections end within moments."""
        self._last_words = asyncio.create_task(self.write())

    async def write(self) -> None:
        """Write the users that left since the last time, or are connected; the next time makes up for a failure."""
        left, self._left = self._left, {}
        seen = left | dict.fromkeys(self._connected(), time.time())
        try:
            await in_caretaking_thread(write_seen, seen)
        except Exception as error:
            self._left = left | self._left
            logger.warning(
                "Presence: when users were seen is not written yet (%s: %s); the next round writes it.",
                type(error).__name__,
                error,
            )


def write_seen(seen: Mapping[UserKey, float]) -> None:
    """Store for each user the unix time of the last connection; one earlier than the stored one changes nothing."""
    users = user_model.in_order(seen)
    for start in range(0, len(users), ROWS):
        _write_some({user_id: seen[user_id] for user_id in users[start : start + ROWS]})


def _write_some(seen: Mapping[UserKey, float]) -> None:
    with writing.atomic():
        # In order, as every process writes them, lest two wait for each other.
        users = user_model.users().filter(pk__in=seen).order_by("pk")
        rows = [(pk, datetime.fromtimestamp(seen[pk], UTC)) for pk in users.values_list("pk", flat=True)]
        if rows:
            table = connection.ops.quote_name(LastSeen._meta.db_table)
            values = ", ".join(["(%s, %s)"] * len(rows))
            adapt = connection.ops.adapt_datetimefield_value
            parameters = [value for pk, at in rows for value in (user_model.in_database(pk, connection), adapt(at))]
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {table} (user_id, at) VALUES {values} "  # noqa: S608 -- a name of ours, and placeholders
                    f"ON CONFLICT (user_id) DO UPDATE SET at = excluded.at WHERE {table}.at < excluded.at",
                    parameters,
                )
