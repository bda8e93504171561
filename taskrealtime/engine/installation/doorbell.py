"""Publishes to a room's group on the channel layer, from whichever thread or process numbered its events.

A lost publication is logged and forgotten, since every server process also sweeps the log. Each names its installation,
so that the processes of another one drop it.
"""

import asyncio
import atexit
import concurrent.futures
import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from channels.layers import InMemoryChannelLayer

from taskrealtime.engine import metrics
from taskrealtime.engine.conf.user_model import UserKey, on_wire

from .epochs import present_installation
from .layer import channel_layer
from .names import layer_group

if TYPE_CHECKING:
    from taskrealtime.engine.log import LoggedEvent

logger = logging.getLogger(__name__)

#: More events than this are not carried by a publication: rooms read them from the log, page by page.
MAX_CARRIED = 100
#: Messages that may wait for a layer that is slow or hangs; further ones are dropped at once.
MAX_WAITING = 1000
#: The same for personal rooms. They have less: a comment may notify fifty users, and its board comes first.
MAX_WAITING_PERSONAL = 500
#: Seconds after which a publication is given up.
PUBLISH_TIMEOUT = 5.0
#: Seconds after a hint in which further ones are gathered: a process that writes in a loop pays for few of them.
HINT_PAUSE_SECONDS = 0.005

#: The loop of this process's rooms, if it serves any: the in-memory layer is not thread-safe, so it is
#: only used from there.
_server_loop: asyncio.AbstractEventLoop | None = None
_background_loop: asyncio.AbstractEventLoop | None = None
_starting = threading.Lock()
_waiting: set[concurrent.futures.Future[None]] = set()
#: Rooms that are being hinted at, each with whether it is to be done again.
_hinting: dict[str, bool] = {}
_hints_lock = threading.Lock()


def _forget_threads() -> None:
    """Reset the state in a forked child, in which its parent's threads do not run."""
    global _server_loop, _background_loop, _starting, _hints_lock
    _server_loop = _background_loop = None
    _starting, _hints_lock = threading.Lock(), threading.Lock()
    _waiting.clear()
    _hinting.clear()


os.register_at_fork(after_in_child=_forget_threads)


def set_server_loop(loop: asyncio.AbstractEventLoop | None) -> None:
    """Publish from this loop from now on, while it runs."""
    global _server_loop
    _server_loop = loop


def publish(room: str, events: "list[LoggedEvent]", *, personal: bool = False) -> None:
    """Publish these events to every process that has `room`, personal or not. Never blocks, never raises."""
    carried = [event.as_message() for event in events] if len(events) <= MAX_CARRIED else []
    _send(room, {"type": "room.events", "room": room, "head": events[-1].seq, "events": carried}, personal=personal)


def publish_read(room: str, read: int, floor: int) -> None:
    """Publish how far a personal `room` was read, and how far it was trimmed."""
    _send(room, {"type": "room.read", "room": room, "read": read, "floor": floor}, personal=True)


def publish_closed(room: str) -> None:
    """Publish that `room` is closed."""
    _send(room, {"type": "room.closed", "room": room})


def publish_membership_ended(room: str, user_id: UserKey, departed: str) -> None:
    """Publish in a user's personal `room` that they may no longer read the room `departed`."""
    _send(room, {"type": "room.departed", "room": room, "user": on_wire(user_id), "departed": departed}, personal=True)


def hint(room: str, message: dict[str, Any]) -> None:
    """Publish something passing, of a `type` of its own, to every process that has `room`; lost, it is not missed."""
    _send(room, {**message, "room": room}, missed=False)


def hint_soon(room: str, message: dict[str, Any]) -> None:
    """As `hint`, once for all calls within `HINT_PAUSE_SECONDS`: at once, and once more after the last of them."""
    loop = _loop()
    if loop is None:
        return
    with _hints_lock:
        if room in _hinting:
            _hinting[room] = True
            return
        _hinting[room] = False
    hinting = _hint_while_asked(room, message)
    try:
        running = asyncio.run_coroutine_threadsafe(hinting, loop)
    except RuntimeError:  # As in `_send`.
        hinting.close()
        with _hints_lock:
            del _hinting[room]
        return
    _waiting.add(running)
    running.add_done_callback(_waiting.discard)


async def _hint_while_asked(room: str, message: dict[str, Any]) -> None:
    try:
        while True:
            named = {**message, "room": room}
            if (installation := present_installation()) is not None:
                named["installation"] = installation
            await _deliver(room, named, missed=False)
            await asyncio.sleep(HINT_PAUSE_SECONDS)
            with _hints_lock:
                if not _hinting[room]:
                    del _hinting[room]
                    return
                _hinting[room] = False
    except BaseException:
        with _hints_lock:
            _hinting.pop(room, None)
        raise


def _send(room: str, message: dict[str, Any], *, personal: bool = False, missed: bool = True) -> None:
    loop = _loop()
    if loop is None:
        return
    if (waiting := len(_waiting)) >= (MAX_WAITING_PERSONAL if personal else MAX_WAITING):
        if missed:
            metrics.RINGS_LOST.inc()
            logger.warning(
                "Channel layer: %s messages wait for it; the one for %s is dropped, and the sweep delivers.",
                waiting,
                room,
            )
        return
    if (installation := present_installation()) is not None:
        message["installation"] = installation
    delivery = _deliver(room, message, missed=missed)
    try:
        sending = asyncio.run_coroutine_threadsafe(delivery, loop)
    except RuntimeError:  # The loop was closed in between: this process is ending.
        delivery.close()
        return
    _waiting.add(sending)
    sending.add_done_callback(_waiting.discard)


async def _deliver(room: str, message: dict[str, Any], *, missed: bool) -> None:
    try:
        layer = channel_layer()
        await asyncio.wait_for(layer.group_send(layer_group(room), message), PUBLISH_TIMEOUT)
    except Exception as error:
        if missed:
            metrics.RINGS_LOST.inc()
            logger.warning(
                "Channel layer: the message for %s was lost (%s: %s); the sweep delivers.",
                room,
                type(error).__name__,
                error,
            )


def _loop() -> asyncio.AbstractEventLoop | None:
    if _server_loop is not None and _server_loop.is_running():
        return _server_loop
    if isinstance(channel_layer(), InMemoryChannelLayer):
        return None  # No room of this process subscribes, and no other process could receive it.
    return _ensure_background_loop()


def _ensure_background_loop() -> asyncio.AbstractEventLoop:
    """Start the one thread that keeps one connection to the layer; a connection for each message costs 2.5 ms."""
    global _background_loop
    with _starting:
        if _background_loop is None:
            _background_loop = asyncio.new_event_loop()
            threading.Thread(target=_background_loop.run_forever, name="doorbell", daemon=True).start()
            atexit.register(_finish)
        return _background_loop


def _finish() -> None:
    """Send the waiting messages of a short command before its process ends."""
    concurrent.futures.wait(set(_waiting), timeout=1)
