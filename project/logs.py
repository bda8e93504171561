"""How log lines look."""

import json
import logging
from datetime import UTC, datetime


class OneLine(logging.Filter):
    """An error that comes every second while something is away is told in a line, without its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the exception's text behind the message."""
        if record.exc_info and (error := record.exc_info[1]) is not None:
            record.msg = f"{record.getMessage()} ({type(error).__name__}: {error})"
            record.args, record.exc_info = (), None
        return True


class JsonLines(logging.Formatter):
    """A JSON object a line, for whatever collects the logs of production.

    `session` is there where the line is about one connection: what its client was told as `connected.session`.
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
