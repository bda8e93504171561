"""Ends a process that was asked to end and does not manage by itself."""

import os
import threading


def end_within(seconds: float) -> None:
    """End the process after that time, with status 0.

    Otherwise a thread may keep it for ever: the interpreter waits for all of them, also for one that waits for a lost
    database, or for an event loop that runs no more.
    """
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()
