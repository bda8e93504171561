"""How log lines look."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from taskrealtime.engine.wire.errors import DATABASE_AWAY

#: Kinds of lines that are counted; beyond, counting starts again.
MAX_KINDS = 1000
#: Where Django logs requests that it refused: as errors, in words that clients chose (a `Host`, for example).
REFUSALS = "django.security"


class OneLine(logging.Filter):
    """An error that repeats every second during an outage is logged in one line, without its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, in one line."""
        _put_in_one_line(record)
        return True


class Seldom(logging.Filter):
    """Of one kind of line so many a minute: a crowd, an attacker or a database that is away must not fill the disk.

    Lines are of one kind where their logger and their text without its values are the same, or where they report
    requests that were refused for one reason. Faults of ours are never left out: each has a reference that a user
    may ask for. What failed because the database is away is no fault of ours, and has no traceback.
    """

    def __init__(self, a_minute: int = 60, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._a_minute = a_minute
        self._clock = clock
        #: By kind: the minute's beginning, lines in it, and how many of them were left out.
        self._counted: dict[tuple[str, str], tuple[float, int, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it; the first of a new minute says how many were left out before."""
        kind, now = _kind_of(record), self._clock()
        if record.name.startswith(REFUSALS):
            record.exc_info = None  # It leads through Django alone, and is twenty times as long as the line.
        elif record.exc_info and isinstance(record.exc_info[1], DATABASE_AWAY):
            _put_in_one_line(record)
        elif record.levelno >= logging.ERROR:
            return True
        begun, lines, left_out = self._counted.get(kind, (now, 0, 0))
        if now - begun >= 60:
            if left_out:
                record.msg, record.args = f"{record.getMessage()} ({left_out} like this were left out before.)", ()
            begun, lines, left_out = now, 0, 0
        is_written = lines < self._a_minute
        if len(self._counted) >= MAX_KINDS:
            self._counted.clear()
        self._counted[kind] = begun, lines + 1, left_out + (not is_written)
        return is_written


def _put_in_one_line(record: logging.LogRecord) -> None:
    """Put the exception's text behind the message, in place of its traceback."""
    if record.exc_info and (error := record.exc_info[1]) is not None:
        text = " ".join(str(error).split())
        record.msg, record.args = f"{record.getMessage()} ({type(error).__name__}: {text})", ()
        record.exc_info = None


def _kind_of(record: logging.LogRecord) -> tuple[str, str]:
    if record.name.startswith(REFUSALS):
        return record.name, ""
    # Some libraries log an exception, or whatever they have, for a text.
    return record.name, record.msg if isinstance(record.msg, str) else type(record.msg).__name__


class JsonLines(logging.Formatter):
    """A JSON object a line, for whatever collects the logs of production.

    `session` is there where the line is about one connection: the client received it as `connected.session`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: `at`, `level`, `logger`, `message`, `process`, perhaps `session` and `traceback`."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if session := getattr(record, "session", None):
            line["session"] = session
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
