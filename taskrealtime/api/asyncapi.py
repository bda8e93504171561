"""The AsyncAPI 3 document of the socket, made from the types that read and write its messages."""

from functools import cache
from typing import Any

import msgspec

from taskrealtime import actions
from taskrealtime.contract import commands, events
from taskrealtime.engine.wire import errors
from taskrealtime.engine.wire.catalogue import Pong

from .schemas import Schema, always_written, describe, reference

Document = dict[str, Any]

CLIENT_EVENTS = commands.CLIENT_EVENTS


#: What answers the client events that change nothing: another event's name, or the type of an `ack`.
CONNECTION_ANSWERS: dict[type[commands.Command], str | type[commands.Answer]] = {
    commands.Connect: "connected",
    commands.Ping: "pong",
    commands.JoinProject: commands.ProjectJoined,
    commands.LeaveProject: commands.ProjectAnswer,
    commands.JoinRoom: commands.RoomJoined,
    commands.LeaveRoom: commands.RoomAnswer,
    commands.PresenceUpdate: commands.PresenceUpdated,
    commands.UserTyping: commands.Answer,
    commands.TaskViewing: commands.Answer,
    commands.OpsWatch: commands.OpsWatched,
    commands.TokenRefresh: commands.TokenRefreshed,
}

#: Everything that is said to one connection, by the event's name.
CONNECTION_EVENTS: dict[str, type[msgspec.Struct]] = {**events.CONNECTION_EVENTS, "pong": Pong}

#: Why a connection ends. After those below 4000 a client comes back by itself.
CLOSE_CODES: dict[int, str] = {
    1000: "Asked for.",
    1009: "A frame over 256 KiB.",
    1011: "A fault of the server.",
    1012: "The server restarts, or the log no longer reaches back far enough: come back.",
    1013: "The server cannot serve this now: come back.",
    4400: "Twenty bad messages in a minute.",
    4401: "Authentication: no token, a bad one, or one that expired.",
    4403: "The user was deactivated or signed out everywhere.",
    4408: "No `connect` in time.",
    4409: "Too many connections of one user, over all processes.",
    4410: "Too slow: the unread frames passed the bound.",
    4429: "A flood: it went on after having been told `rate_limited` many times.",
}

MESSAGE_ID: Schema = {
    "title": "MessageId",
    "description": "Names the message: its answer carries the same.",
    "oneOf": [{"type": "string"}, {"type": "integer"}],
}
KEY: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "description": "The same key again has no second effect and gets the first answer, with `duplicate`.",
}
ROOM_OF_LIVE_MODEL: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,99}$"}
ROOM: Schema = {"type": "string", "pattern": r"^(project|user)\.[1-9][0-9]*$"}
SEQ: Schema = {
    "type": "integer",
    "minimum": 1,
    "description": "The event's number in its room: 1, 2, 3, … without gaps.",
}
AT: Schema = {"type": "string", "format": "date-time", "description": "When it happened, UTC."}


def make_document(*, host: str, secure: bool, path: str = "/ws/") -> Document:
    """Return the whole document.

    Args:
        host: where the server is, `name` or `name:port`.
        secure: whether TLS is spoken there.
        path: where the socket is.
    """
    messages = _messages()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "taskrealtime",
            "version": "1.0.0",
            "description": "The WebSocket side of a live task board. The HTTP side is described at /api/schema/.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {
                "host": host,
                "protocol": "wss" if secure else "ws",
                "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            }
        },
        "channels": {
            "socket": {
                "address": path,
                "title": "The socket",
                "description": (
                    "JSON text frames; subprotocol `taskrealtime.v1` where offered. One signs in by the header "
                    "`Authorization: Bearer <access>`, by the subprotocol `bearer.<access>`, or by `connect`."
                ),
                "servers": [{"$ref": "#/servers/here"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
                "x-close-codes": {str(code): reason for code, reason in CLOSE_CODES.items()},
            }
        },
        "operations": _operations(),
        "components": {
            "messages": messages,
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of `POST /api/token/`.",
                }
            },
        },
        "x-error-codes": _error_codes(),
    }


# --- Messages -------------------------------------------------------------------------------


@cache
def _messages() -> dict[str, Document]:
    """Return every message by its name in the document; acks are named after what they answer."""
    messages = {f"client.{name}": _client_message(command) for name, command in CLIENT_EVENTS.items()}
    for name, command in CLIENT_EVENTS.items():
        if answer := _ack_type(command):
            messages[f"ack.{name}"] = _message("ack", answer, summary=f"Answers `{name}`.", id=MESSAGE_ID)
    for name, event in events.LOGGED_EVENTS.items():
        messages[name] = _message(name, event, summary=_summary(event), room=_room(name), seq=SEQ, at=AT)
    for name, types in events.EPHEMERAL_EVENTS.items():
        messages[name] = _message(name, *types, summary=_summary(types[0]), room=ROOM)
    for name, said in CONNECTION_EVENTS.items():
        messages[name] = _message(name, said, summary=_summary(said), optional={"id": MESSAGE_ID})
    return _titled(messages)


def _room(event: str) -> Schema:
    return ROOM_OF_LIVE_MODEL if event in events.LIVE_EVENTS else ROOM


def _client_message(command: type[commands.Command]) -> Document:
    optional = {"id": MESSAGE_ID}
    if command in actions.ACTIONS:
        optional["key"] = KEY
    return _message(command.event, command, summary=_summary(command), optional=optional)


def _message(
    event: str, *data: type[msgspec.Struct], summary: str, optional: dict[str, Schema] | None = None, **always: Schema
) -> Document:
    """Return a message whose payload is the envelope of `event` round data of one of these types."""
    schemas = [reference(type) for type in data]
    properties = {
        "event": {"type": "string", "const": event},
        **always,
        "data": schemas[0] if len(data) == 1 else {"anyOf": schemas},
    }
    payload = {"type": "object", "properties": {**properties, **(optional or {})}, "required": list(properties)}
    return {"name": event, "summary": summary, "payload": payload}


def _titled(messages: dict[str, Document]) -> dict[str, Document]:
    """Give every payload a name, for generators of clients: `client.task_create` → `ClientTaskCreateFrame`."""
    for name, message in messages.items():
        words = name.replace(".", "_").split("_")
        message["payload"] = {"title": "".join(word.capitalize() for word in words) + "Frame", **message["payload"]}
    return messages


def _ack_type(command: type[commands.Command]) -> type[commands.Answer] | None:
    """Return the data of the `ack` that answers a client event; None if another event does."""
    if command in actions.ACTIONS:
        return actions.ACTIONS[command].answer
    answer = CONNECTION_ANSWERS[command]
    return None if isinstance(answer, str) else answer


def _answer_name(command: type[commands.Command]) -> str:
    answer = CONNECTION_ANSWERS.get(command)
    return answer if isinstance(answer, str) else f"ack.{command.event}"


# --- Operations, as the server carries them out ---------------------------------------------


@cache
def _operations() -> dict[str, Document]:
    channel = {"$ref": "#/channels/socket"}
    operations = {
        f"receive.{name}": {
            "action": "receive",
            "channel": channel,
            "summary": _summary(command),
            "messages": [_in_channel(f"client.{name}")],
            "reply": {"channel": channel, "messages": [_in_channel(_answer_name(command)), _in_channel("error")]},
        }
        for name, command in CLIENT_EVENTS.items()
    }
    for name in [*events.LOGGED_EVENTS, *events.EPHEMERAL_EVENTS, *CONNECTION_EVENTS]:
        operations[f"send.{name}"] = {"action": "send", "channel": channel, "messages": [_in_channel(name)]}
    return operations


def _in_channel(message: str) -> Document:
    return {"$ref": f"#/channels/socket/messages/{message}"}


# --- Schemas and errors ---------------------------------------------------------------------


@cache
def _schemas() -> dict[str, Schema]:
    acks = [answer for command in CLIENT_EVENTS.values() if (answer := _ack_type(command))]
    ephemeral = [type for types in events.EPHEMERAL_EVENTS.values() for type in types]
    said = [*acks, *events.LOGGED_EVENTS.values(), *ephemeral, *CONNECTION_EVENTS.values()]
    _, schemas = describe([*CLIENT_EVENTS.values(), *said])
    for type in said:
        schemas[type.__name__]["required"] = always_written(type)
    schemas["ErrorData"]["properties"]["code"] |= {"title": "ErrorCode", "enum": list(_error_codes())}
    return schemas


def _error_codes() -> dict[str, Document]:
    """Return by code: when it comes, its status over HTTP, and the close code that follows, if any."""
    codes: dict[str, Document] = {}
    for error in errors.all_errors():
        codes[error.code] = {"when": _summary(error), "httpStatus": error.status}
        if error.closes_with is not None:
            codes[error.code]["closesWith"] = error.closes_with
    return codes


def _summary(described: type) -> str:
    return (described.__doc__ or "").partition("\n")[0]
