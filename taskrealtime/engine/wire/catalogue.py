"""The part of the catalogue that every application has: signing in by socket, joining rooms, and what answers that.

An application adds its own commands and events (`contract/`).
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import ShownKey, User

from .protocol import MAX_INTEGER

#: Characters of the longest name of a room: that of a group on the channel layer.
MAX_ROOM_NAME = 99

Seq = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Token = Annotated[str, Meta(min_length=1, max_length=10_000)]
#: A room's name: characters of groups of the channel layer.
RoomName = Annotated[str, Meta(min_length=1, max_length=MAX_ROOM_NAME, pattern=r"^[A-Za-z0-9_.-]+$")]


class Command(msgspec.Struct, kw_only=True):
    """Something that a user asks for."""

    #: The client event's name on the wire; empty for what only HTTP offers.
    event: ClassVar[str] = ""
    #: More than 1: also counted by itself, and that many times slower than all a user's events may come (see
    #: `engine.limits`). As many may come at once: what was done offline arrives in one go.
    slowness: ClassVar[float] = 1
    #: Whether a key makes it idempotent. The answer is kept with the key, so what answers with a secret takes none.
    takes_key: ClassVar[bool] = True


class Answer(msgspec.Struct, kw_only=True):
    """The answer to a command, sent once it is committed."""

    #: True if the same key came before: nothing was done again.
    duplicate: Literal[True] | UnsetType = UNSET


class Connect(Command, kw_only=True):
    """Sign in by message, or resume the own user room."""

    event = "connect"
    token: Token | UnsetType = UNSET
    since: Seq | None = None
    epoch: str | None = None


class JoinRoom(Command, kw_only=True):
    """Subscribe to a room of whatever kind, from `since` on if it is given."""

    event = "join_room"
    slowness = 4
    room: RoomName
    since: Seq | None = None
    epoch: str | None = None


class LeaveRoom(Command, kw_only=True):
    """Unsubscribe from a room."""

    event = "leave_room"
    room: RoomName


class Ping(Command, kw_only=True):
    """Check the connection. Answered by `pong` with the same data."""

    event = "ping"


class TokenRefresh(Command, kw_only=True):
    """Go on with a fresh access token of the same user."""

    event = "token_refresh"
    token: Token


class RoomJoined(Answer, kw_only=True):
    """Where a joined room stands; the missed events follow, then new ones."""

    room: str
    #: The last number given in the room.
    seq: int
    epoch: str
    #: It cannot go on from `since`: take a snapshot and go on from its `seq`.
    reset: bool


class RoomAnswer(Answer, kw_only=True):
    """The room that something was done with."""

    room: str


class TokenRefreshed(Answer, kw_only=True):
    """Until when the connection may now live."""

    token_expires_at: datetime


class UserObject(msgspec.Struct):
    """A user."""

    id: ShownKey
    username: str
    #: The full name, or the username if there is none.
    name: str


class Connected(msgspec.Struct):
    """The connection is signed in; the first frame of every connection."""

    #: Names this connection in logs and support requests.
    session: str
    user: UserObject
    server_time: datetime
    token_expires_at: datetime
    #: Seconds between two pings that the client should send.
    ping_interval: float
    #: The own user room, with its last number and the log's epoch.
    room: str
    seq: int
    epoch: str
    reset: bool
    #: How many notifications were not read, those that may follow among them.
    unread: int
    protocol: Literal[1] = 1


class RemovedFromRoom(msgspec.Struct):
    """The right to read a room ended, or what it is about is gone; the room was left."""

    room: str


class Pong(msgspec.Struct):
    """The ping's data, and the server's time."""

    server_time: datetime


#: The client events of every socket, by their names.
CLIENT_EVENTS: dict[str, type[Command]] = {
    command.event: command for command in (Connect, JoinRoom, LeaveRoom, Ping, TokenRefresh)
}


def user_object(user: User) -> UserObject:
    """Return a user as others see them."""
    return UserObject(id=user.pk, username=user_model.username(user), name=user_model.full_name(user))
