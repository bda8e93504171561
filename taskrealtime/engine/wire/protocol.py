"""The envelope: text in, typed message out, and back. No I/O."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from .errors import InvalidData, InvalidMessage, RealTimeError, UnknownEvent

#: Bytes of one frame; a larger one ends the connection with 1009.
MAX_FRAME = 256 * 1024
#: What the database's integer columns hold.
MAX_INTEGER = 2**63 - 1
#: Characters that turn the direction of the text after them (UAX #9's embeddings, overrides and isolates), as in a
#: pattern: names with them could pass for others. Languages written from right to left need none of them.
TURNS_TEXT = r"\u202a-\u202e\u2066-\u2069"
#: Characters that names do without, as in a pattern: those, control characters that are no white space, and what is
#: shown as nothing though it counts as a letter.
HIDDEN = (
    TURNS_TEXT + r"\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u034f\u115f\u1160\u17b4\u17b5"
    r"\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
)
#: Characters that are shown as nothing and that some languages and emoji need between others.
JOINS = r"\u061c\u180b-\u180f\u200c-\u200f\ufe00-\ufe0f"
#: Control characters and what ends a line, as in a pattern.
BREAKS_LINE = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"

CommandT = TypeVar("CommandT", bound=msgspec.Struct)


class Envelope(msgspec.Struct):
    """What a client sends round its data."""

    event: str
    data: msgspec.Raw = msgspec.Raw(b"{}")
    id: str | int | msgspec.UnsetType = msgspec.UNSET
    key: msgspec.UnsetType | str = msgspec.UNSET


class _OnlyId(msgspec.Struct):
    id: str | int | msgspec.UnsetType = msgspec.UNSET


_envelopes = msgspec.json.Decoder(Envelope)
_only_ids = msgspec.json.Decoder(_OnlyId)


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
    if not _is_proper_id(envelope.id):
        raise InvalidMessage("The id is out of range, or has a NUL character.")
    if isinstance(envelope.key, str) and not 1 <= len(envelope.key) <= 64:
        raise InvalidMessage("The key must have 1 to 64 characters.")
    if "\0" in envelope.event or (isinstance(envelope.key, str) and "\0" in envelope.key):
        raise InvalidMessage("NUL characters are not allowed.")
    return envelope


def _is_proper_id(id: str | int | msgspec.UnsetType) -> bool:
    return abs(id) <= MAX_INTEGER if isinstance(id, int) else not (isinstance(id, str) and "\0" in id)


def id_of(text: str | None) -> str | int | msgspec.UnsetType:
    """Return the `id` of a frame that `decode` refused, if it has a proper one, so that the answer can carry it."""
    try:
        found = _only_ids.decode(text or "").id
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return msgspec.UNSET
    return found if _is_proper_id(found) else msgspec.UNSET


def is_too_large(frame: str | bytes) -> bool:
    """Return whether a frame has more than `MAX_FRAME` bytes."""
    if isinstance(frame, bytes) or len(frame) > MAX_FRAME:
        return len(frame) > MAX_FRAME
    # No character has more than four bytes: only a long text must be encoded to know.
    return len(frame) * 4 > MAX_FRAME and len(frame.encode(errors="surrogatepass")) > MAX_FRAME


def parse(data: bytes | msgspec.Raw, type: type[CommandT], *, strict: bool = True) -> CommandT:
    """Read the data of one event as its declared type; unknown fields are ignored.

    Args:
        strict: False: numbers may be written as text, as URLs hold them.

    Raises:
        InvalidData: it does not fit; `details` names the field.
    """
    try:
        command = _read(data, type, strict)
    except msgspec.ValidationError as error:
        raise InvalidData.at(*_explain(str(error))) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InvalidData.at("", "Not valid JSON.") from None
    if b"\\u0000" in bytes(data):
        _refuse_nul(msgspec.to_builtins(command), "")
    return command


def _read(data: bytes | msgspec.Raw, type: type[CommandT], strict: bool) -> CommandT:
    try:
        return msgspec.json.decode(data, type=type, strict=strict)
    except msgspec.ValidationError as error:
        # To JSON Schema, and to languages with one kind of number, 1.0 is a whole number.
        try:
            whole = _with_whole_numbers(msgspec.json.decode(data))
        except (msgspec.MsgspecError, RecursionError):
            raise error from None
    return msgspec.convert(whole, type, strict=strict)


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _with_whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    return value


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


def find_type(name: str, types: Mapping[str, type[CommandT]]) -> type[CommandT]:
    """Return the declared type of the client event `name`.

    Raises:
        UnknownEvent: there is none.
    """
    try:
        return types[name]
    except KeyError:
        raise UnknownEvent(f"There is no event {name[:100]!r}.") from None


def encode(event: str, data: Any, id: str | int | msgspec.UnsetType = msgspec.UNSET, room: str | None = None) -> str:
    """Return a frame that is not of the log: an answer, or an ephemeral event of a room."""
    frame: dict[str, Any] = {"event": event}
    if room is not None:
        frame["room"] = room
    if id is not msgspec.UNSET:
        frame["id"] = id
    frame["data"] = data
    return msgspec.json.encode(frame).decode()


def encode_error(error: RealTimeError, id: str | int | msgspec.UnsetType = msgspec.UNSET) -> str:
    """Return the frame that reports an error to a client."""
    return encode("error", error.as_data(), id)


def _explain(message: str) -> tuple[str, str]:
    """msgspec's message as field and reason: ``Expected `int`, got `str` - at `$.task_id` ``."""
    reason, _, path = message.partition(" - at `")
    field = path.rstrip("`").removeprefix("$").removeprefix(".")
    if "matching regex" in reason:  # The patterns of the catalogue are about names.
        lines = " break the line," if "u2028" in reason else ""
        return field, f"Must not be blank, nor hold characters that{lines} are invisible or turn the direction of text."
    if reason.startswith("Object missing required field `"):
        missing = reason.removeprefix("Object missing required field `").rstrip("`")
        return ".".join(filter(None, [field, missing])), "This field is required."
    return field, reason


def _refuse_nul(value: Any, field: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise InvalidData.at(field, "NUL characters are not allowed.")
    if isinstance(value, dict):
        for name, item in value.items():
            _refuse_nul(name, field)
            _refuse_nul(item, f"{field}.{name}" if field else str(name))
    if isinstance(value, list):
        for item in value:
            _refuse_nul(item, field)
