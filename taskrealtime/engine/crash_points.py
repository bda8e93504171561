"""Places where a test can have this process die as in a crash: at once and without cleanup.

`CRASH_POINTS=committed:3,numbered:10` in the environment arms two of them: the third passage of `committed` or the
tenth of `numbered` is the end, whichever comes first. If nothing is armed, passing one costs a look at an empty
dictionary.
"""

import os
import signal

#: Every place, in the order in which a change passes them on its way to the browsers. Its events are given numbers
#: before its commit or, if their room cannot be had at once, after it: `numbering` is passed in either place.
CRASH_POINTS = (
    "changing",  # the effect is written and its events are appended, the transaction is open
    "committed",  # the change is committed, nothing is published, and some events may have no numbers yet
    "numbering",  # numbers are given, the transaction that writes them is open
    "numbered",  # numbers are committed, nothing is published
    "rung",  # the events are published to the room's group; the caller has no answer yet
    "passing_on",  # some of a room's subscribers were given an event, others not
)


def crash_point(name: str) -> None:
    """End the process by SIGKILL if it is armed to die at this passage."""
    if name in _passages_left:
        _passages_left[name] -= 1
        if _passages_left[name] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def parse(text: str) -> dict[str, int]:
    """From `name:passages,…`: the passages left until each armed place is the end.

    Raises:
        ValueError: there is no such place, or the passages are not a number of 1 or more.
    """
    armed: dict[str, int] = {}
    for item in filter(None, text.split(",")):
        name, _, passages = item.partition(":")
        if name not in CRASH_POINTS or not passages.isdecimal() or int(passages) < 1:
            raise ValueError(f"CRASH_POINTS: {item!r} is not one of {', '.join(CRASH_POINTS)} with a number behind it.")
        armed[name] = int(passages)
    return armed


_passages_left = parse(os.environ.get("CRASH_POINTS", ""))
