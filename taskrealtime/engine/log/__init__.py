"""The event log: append in the transaction of a change, number after its commit, read from a number on.

It is the only truth about events. Publications, fan-out and polls may be lost; it is read again from here.
"""

from taskrealtime.engine.installation.epochs import epoch, renew_epoch
from taskrealtime.engine.wire.frames import LoggedEvent, wire_time

from .appending import append, append_all, atomic, write_appended
from .captured import CAPTURED
from .numbering import drop_room, sequence
from .reading import (
    MAX_REPLAY,
    bounds,
    bounds_in_order,
    heads,
    mark_read,
    read,
    read_back,
    read_on,
    resume,
    resume_states,
)
from .rows import create_room, encode, unnumbered_rooms
from .snapshots import settled_position, snapshot
from .transactions import is_retryable
from .types import Bounds, NewEvent, Reader, Resumed, ResumeState, Snapshot, StreamPosition

__all__ = [
    "CAPTURED",
    "MAX_REPLAY",
    "Bounds",
    "LoggedEvent",
    "NewEvent",
    "Reader",
    "ResumeState",
    "Resumed",
    "Snapshot",
    "StreamPosition",
    "append",
    "append_all",
    "atomic",
    "bounds",
    "bounds_in_order",
    "create_room",
    "drop_room",
    "encode",
    "epoch",
    "heads",
    "is_retryable",
    "mark_read",
    "read",
    "read_back",
    "read_on",
    "renew_epoch",
    "resume",
    "resume_states",
    "sequence",
    "settled_position",
    "snapshot",
    "unnumbered_rooms",
    "wire_time",
    "write_appended",
]
