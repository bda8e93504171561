"""Runs one change in a transaction of its own, and again if the database asks for it."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

from taskrealtime.actor import acting_as
from taskrealtime.engine import log
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.crash_points import crash_point

Result = TypeVar("Result")
#: Attempts of a change that the database asks to try again (a deadlock, say).
ATTEMPTS = 5


def committed(user: User, change: Callable[[], Result]) -> Result:
    """Carry out `change` in a transaction of its own; return its result once that is committed."""
    for attempt in range(ATTEMPTS):
        try:
            with acting_as(user), log.atomic(durable=True):
                result = change()
                crash_point("changing")
            return result
        except OperationalError as error:
            if not log.is_retryable(error) or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
