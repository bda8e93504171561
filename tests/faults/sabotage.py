"""A server without one of its safeguards, to prove that the checker misses it.

`python -m tests.faults.sabotage WITHOUT serve --port …`, WITHOUT being one of `SABOTAGES`.
"""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any


def without_sweep() -> None:
    """The sweep does not look at the log: events that were not published are not found."""
    from taskrealtime.engine.rooms.sweep import Sweep

    async def once(sweep: Any) -> None:
        await sweep._tend_groups()

    Sweep.once = once  # type: ignore[method-assign, assignment]


def without_dedupe() -> None:
    """A room delivers every published event, also those that it has delivered before."""
    from taskrealtime.engine.rooms.room import Room
    from taskrealtime.engine.wire.frames import Frames

    receive = Room.receive

    def receive_all(room: Any, events: Iterable[Any], head: int) -> None:
        events = list(events)
        old = [event.frame for event in events if event.seq <= room.position]
        for subscription in list(room._live):
            subscription.listener.deliver(Frames(old))
        receive(room, events, head)

    Room.receive = receive_all  # type: ignore[method-assign, assignment]


def without_resume() -> None:
    """Every client that returns gets the answer that it missed nothing."""
    from taskrealtime.engine.rooms.room import Room

    subscribe = Room.subscribe

    def subscribe_at_the_end(room: Any, listener: Any, *, cursor: int, authorised: int) -> Any:
        return subscribe(room, listener, cursor=max(cursor, room.position), authorised=authorised)

    Room.subscribe = subscribe_at_the_end  # type: ignore[method-assign, assignment]


def without_keys() -> None:
    """A change is carried out however often its key comes."""
    from taskrealtime.engine.log import idempotency

    def once(*, change: Callable[[], Any], **_: Any) -> tuple[Any, bool]:
        return change(), False

    idempotency.once = once


SABOTAGES: dict[str, Callable[[], None]] = {
    "sweep": without_sweep,
    "dedupe": without_dedupe,
    "resume": without_resume,
    "keys": without_keys,
}


def main() -> None:
    """Run `manage.py` with the rest of the arguments, one safeguard less."""
    sabotage = SABOTAGES[sys.argv.pop(1)]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    sabotage()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
