"""The epoch names one life of the log, by which clients resume; with the database's identity it names the installation.

Messages between processes carry the latter. The epoch alone would not do: a copy of the database has the same one.
"""

import asyncio
import logging
import secrets
import time

from django.db import DatabaseError, InterfaceError, connection

from taskrealtime.engine.models import Epoch

logger = logging.getLogger(__name__)

#: The name of PostgreSQL's present write-ahead log file, in SQL.
WAL_FILE = "pg_walfile_name(pg_current_wal_lsn())"
#: Seconds for which a message carries the epoch as it was read last. Servers read it with every sweep.
FRESH_SECONDS = 2.0

#: The epoch as this process read it last, and when (monotonic).
_last_read: tuple[str, float] | None = None
#: Which database this process uses; it stays the same.
_database: str | None = None


class EpochMissing(Exception):
    """The log has no name yet. If a transaction sees one moment only, it is named after the end of that one."""


def renew_epoch() -> str:
    """Give the log a new epoch, so that clients that resume from an old number have to reset; return it.

    Running servers notice with their next sweep and close all connections.
    """
    Epoch.objects.update_or_create(id=1, defaults={"value": secrets.token_hex(6)})
    return epoch()


def epoch() -> str:
    """Return the name of this life of the log; on PostgreSQL the timeline is part of it, so a failover renews it."""
    try:
        return present_epoch()
    except EpochMissing:
        # Of two processes that come first, the other's name may be the one.
        Epoch.objects.bulk_create([Epoch(id=1, value=secrets.token_hex(6))], ignore_conflicts=True)
        return present_epoch()


def present_epoch() -> str:
    """As `epoch`, without giving the log a name.

    Raises:
        EpochMissing: it has none.
    """
    global _last_read, _database
    value = Epoch.objects.filter(id=1).values_list("value", flat=True).first()
    if value is None:
        raise EpochMissing
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {WAL_FILE}")
            value = with_timeline(value, cursor.fetchone()[0])
    if _database is None:
        _database = _identify_database()
    _last_read = value, time.monotonic()
    return value


def _identify_database() -> str:
    """Return what distinguishes this database from a copy of it."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid, has_function_privilege('pg_control_system()', 'EXECUTE') FROM pg_database "
            "WHERE datname = current_database()"
        )
        number, may_ask = cursor.fetchone()
        system = 0
        if may_ask:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            [system] = cursor.fetchone()
    return f"{system:x}.{number}"


def with_timeline(value: str, wal_file: str) -> str:
    """Add the timeline to an epoch: the first eight hex digits of a WAL file's name."""
    return f"{value}-{int(wal_file[:8], 16)}"


def installation_of(epoch: str) -> str | None:
    """Return the name of this installation in that life of its log; None while the database is not known."""
    return None if _database is None else f"{epoch}@{_database}"


def present_installation() -> str | None:
    """Return the name that a message to other processes carries; None while it cannot be read.

    It is read anew if it was read too long ago, but not in an event loop, which must not wait for the database.
    """
    is_fresh = _last_read is not None and time.monotonic() - _last_read[1] < FRESH_SECONDS
    if not is_fresh and not _in_event_loop():
        try:
            epoch()
        except (DatabaseError, InterfaceError) as error:
            logger.warning(
                "Event log: its epoch could not be read (%s); the next sweep reads it.", type(error).__name__
            )
    return None if _last_read is None else installation_of(_last_read[0])


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
