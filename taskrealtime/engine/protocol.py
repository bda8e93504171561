"""The envelope: text in, typed message out, and back. No I/O."""

from typing import Any, TypeVar

import msgspec

from .errors import InvalidData, InvalidMessage, RealTimeError, UnknownEvent

#: Bytes of one frame; a larger one ends the connection with 1009.
MAX_FRAME = 256 * 1024
#: What the database's integer columns hold.
MAX_INTEGER = 2**63 - 1

CommandT = TypeVar("CommandT", bound=msgspec.Struct)


class Envelope(msgspec.Struct):
    """What a client sends round its data."""

    event: str
    data: msgspec.Raw = msgspec.Raw(b"{}")
    id: str | int | msgspec.UnsetType = msgspec.UNSET
    key: msgspec.UnsetType | str = msgspec.UNSET


_envelopes = msgspec.json.Decoder(Envelope)


def decode(text: str | bytes) -> Envelope:
    """Read the envelope of one frame; its data stays raw.

    Raises:
        InvalidMessage: not JSON, not an object, no event, or an `id` or `key` of the wrong type.
    """
    try:
        envelope = _envelopes.decode(text)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"Not a valid message: {error}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InvalidMessage("Not a JSON object in UTF-8.") from None
    if isinstance(envelope.id, int) and abs(envelope.id) > MAX_INTEGER:
        raise InvalidMessage("The id is out of range.")
    if isinstance(envelope.key, str) and not 1 <= len(envelope.key) <= 64:
        raise InvalidMessage("The key must have 1 to 64 characters.")
    for value in (envelope.event, envelope.id, envelope.key):
        if isinstance(value, str) and "\0" in value:
            raise InvalidMessage("NUL characters are not allowed.")
    return envelope


def id_of(text: str | bytes) -> str | int | msgspec.UnsetType:
    """The `id` of a frame that `decode` refused, where it has a proper one, so that the answer can carry it."""

    class OnlyId(msgspec.Struct):
        id: str | int | msgspec.UnsetType = msgspec.UNSET

    try:
        return msgspec.json.decode(text, type=OnlyId).id
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return msgspec.UNSET


def parse(data: bytes | msgspec.Raw, type: type[CommandT]) -> CommandT:
    """Read the data of one event as its declared type; unknown fields are ignored.

    Raises:
        InvalidData: it does not fit; `details` names the field.
    """
    try:
        command = msgspec.json.decode(data, type=type)
    except msgspec.ValidationError as error:
        raise InvalidData.at(*_explain(str(error))) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InvalidData.at("", "Not valid JSON.") from None
    if b"\\u0000" in bytes(data):
        _refuse_nul(msgspec.to_builtins(command), "")
    return command


def parse_object(data: bytes | msgspec.Raw) -> dict[str, Any]:
    """Read data of no declared shape: any JSON object.

    Raises:
        InvalidData: it is not an object, or holds what no output may hold.
    """
    try:
        value = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise InvalidData.at("", "Must be a JSON object.") from None
    _refuse_nul(value, "")
    return value


def find_type(name: str, types: dict[str, type[CommandT]]) -> type[CommandT]:
    """The declared type of the client event `name`.

    Raises:
        UnknownEvent: there is none.
    """
    try:
        return types[name]
    except KeyError:
        raise UnknownEvent(f"There is no event {name[:100]!r}.") from None


def encode(event: str, data: Any, id: str | int | msgspec.UnsetType = msgspec.UNSET, room: str | None = None) -> str:
    """A frame that is not of the log: an answer, or an ephemeral event of a room."""
    frame: dict[str, Any] = {"event": event}
    if room is not None:
        frame["room"] = room
    if id is not msgspec.UNSET:
        frame["id"] = id
    frame["data"] = data
    return msgspec.json.encode(frame).decode()


def encode_error(error: RealTimeError, id: str | int | msgspec.UnsetType = msgspec.UNSET) -> str:
    """The frame that tells a client of an error."""
    return encode("error", error.as_data(), id)


def _explain(message: str) -> tuple[str, str]:
    """msgspec's message as field and reason: ``Expected `int`, got `str` - at `$.task_id` ``."""
    reason, _, path = message.partition(" - at `")
    field = path.rstrip("`").removeprefix("$").removeprefix(".")
    if reason.startswith("Object missing required field `"):
        missing = reason.removeprefix("Object missing required field `").rstrip("`")
        return ".".join(filter(None, [field, missing])), "This field is required."
    return field, reason


def _refuse_nul(value: Any, field: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise InvalidData.at(field, "NUL characters are not allowed.")
    if isinstance(value, dict):
        for name, item in value.items():
            _refuse_nul(item, f"{field}.{name}" if field else str(name))
    if isinstance(value, list):
        for item in value:
            _refuse_nul(item, field)
