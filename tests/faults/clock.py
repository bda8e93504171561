"""A process whose wall clock is wrong: `python -m tests.faults.clock SECONDS serve --port …`.

`shift` must come before anything else asks for the time. The monotonic clock, the database's and the kernel's stay.
"""

import ctypes
import datetime
import gc
import os
import sys
import time
from typing import Any


def shift(seconds: float) -> None:
    """From now on this process believes that it is so much later (or earlier, where negative).

    The methods are replaced in the type itself, since libraries compare and compile `datetime.datetime` by identity.
    """
    by = datetime.timedelta(seconds=seconds)
    now, utcnow, today, unix_time = datetime.datetime.now, datetime.datetime.utcnow, datetime.datetime.today, time.time

    def shifted_now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return now(tz) + by

    def shifted_utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
        return utcnow() + by

    def shifted_today(cls: type[datetime.datetime]) -> datetime.datetime:
        return today() + by

    names: dict[str, Any] = gc.get_referents(datetime.datetime.__dict__)[0]
    names["now"] = classmethod(shifted_now)
    names["utcnow"] = classmethod(shifted_utcnow)
    names["today"] = classmethod(shifted_today)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))
    time.time = lambda: unix_time() + seconds
    time.time_ns = lambda: int((unix_time() + seconds) * 1e9)


def main() -> None:
    """Run `manage.py` with the rest of the arguments in a process with a wrong clock."""
    shift(float(sys.argv.pop(1)))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
