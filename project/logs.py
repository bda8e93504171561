"""How log lines look."""

import logging


class OneLine(logging.Filter):
    """An error that comes every second while something is away is told in a line, without its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the exception's text behind the message."""
        if record.exc_info and (error := record.exc_info[1]) is not None:
            record.msg = f"{record.getMessage()} ({type(error).__name__}: {error})"
            record.args, record.exc_info = (), None
        return True
