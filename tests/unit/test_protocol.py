"""The envelope: whatever comes in is understood or refused by name, and what goes out is strict JSON."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from taskrealtime.contract import commands
from taskrealtime.engine.wire import protocol
from taskrealtime.engine.wire.errors import InvalidData, InvalidMessage, NotFound, RealTimeError, UnknownEvent
from tests.support.profiles import examples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_a_message_is_read_with_all_its_parts() -> None:
    envelope = protocol.decode('{"event":"ping","data":{"n":1},"id":7,"key":"k","more":[]}')
    assert (envelope.event, bytes(envelope.data), envelope.id, envelope.key) == ("ping", b'{"n":1}', 7, "k")
    envelope = protocol.decode('{"event":"ping"}')
    assert (bytes(envelope.data), envelope.id, envelope.key) == (b"{}", UNSET, UNSET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ping",
        "[]",
        "null",
        '"ping"',
        "{}",
        '{"event":null}',
        '{"event":7}',
        '{"event":"ping"',
        '{"event":"ping"} {}',
        '{"event":"ping","id":1.5}',
        '{"event":"ping","id":null}',
        '{"event":"ping","id":[]}',
        '{"event":"ping","id":true}',
        '{"event":"ping","id":9223372036854775808}',
        '{"event":"ping","id":"\\u0000"}',
        '{"event":"ping","key":7}',
        '{"event":"ping","key":""}',
        '{"event":"ping","key":"' + "k" * 65 + '"}',
        '{"event":"ping","key":"\\u0000"}',
        '{"event":"pi\\u0000ng"}',
        '{"event":"\\ud800"}',
        '{"event":"ping","data":NaN}',
        '{"event":"ping","data":' + "[" * 100_000 + "]" * 100_000 + "}",
        "\ud800",
    ],
)
def test_what_is_no_message_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidMessage):
        protocol.decode(text)


@pytest.mark.parametrize(
    "text, id",
    [
        ('{"id":7}', 7),
        ('{"id":"a","event":3}', "a"),
        ('{"event":"ping","id":"b","key":""}', "b"),
        ('{"id":1.5}', UNSET),
        ('{"id":"\\u0000"}', UNSET),
        ('{"id":9223372036854775808}', UNSET),
        ("[]", UNSET),
        ("no", UNSET),
        (None, UNSET),
    ],
)
def test_a_refused_message_is_answered_by_its_id_where_it_has_one(text: str | None, id: Any) -> None:
    assert protocol.id_of(text) == id


@examples(50)
@given(text=st.text() | JSON.map(json.dumps))
def test_any_text_is_a_message_or_refused_and_never_a_fault(text: str) -> None:
    try:
        envelope = protocol.decode(text)
    except InvalidMessage:
        assert not isinstance(protocol.id_of(text), float)
    else:
        assert envelope.event in text or "\\" in text


@examples(100)
@given(
    event=st.sampled_from(sorted(commands.CLIENT_EVENTS)),
    chance=st.randoms(),
    values=st.lists(JSON | st.sampled_from([0, 2**63, 1e400, "\0", "todo", "2031-05-17T12:00:00Z"]), max_size=5),
)
def test_any_data_is_a_command_or_refused_and_never_a_fault(event: str, chance: Random, values: list[Any]) -> None:
    type = commands.CLIENT_EVENTS[event]
    fields = {chance.choice([*type.__struct_fields__, "other"]): value for value in values}
    try:
        command = protocol.parse(json.dumps(fields).encode(), type)
    except InvalidData:
        return
    assert "\\u0000" not in msgspec.json.encode(command).decode()


@pytest.mark.parametrize(
    "data, field",
    [
        ('{"task_id":"x","changes":{}}', "task_id"),
        ('{"task_id":9223372036854775808,"changes":{}}', "task_id"),
        ('{"changes":{}}', "task_id"),
        ('{"task_id":1}', "changes"),
        ('{"task_id":1,"changes":[]}', "changes"),
        ('{"task_id":1,"changes":{"title":""}}', "changes.title"),
        ('{"task_id":1,"changes":{"title":"a\\u0000"}}', "changes.title"),
        ('{"task_id":1,"changes":{"status":"done"}}', "changes.status"),
        ('{"task_id":1,"changes":{"due_at":"tomorrow"}}', "changes.due_at"),
        ('{"task_id":1,"changes":{"due_at":"2031-05-17T12:00:00"}}', "changes.due_at"),
        ('{"task_id":1,"changes":{},"version":0}', "version"),
        ("[]", ""),
        ("nonsense", ""),
        ('{"task_id":1,"changes":{"title":"\\ud800"}}', ""),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field(data: str, field: str) -> None:
    with pytest.raises(InvalidData) as refused:
        protocol.parse(data.encode(), commands.TaskUpdate)
    assert [detail["field"] for detail in refused.value.details] == [field]


@pytest.mark.parametrize("number", ["7.0", "7e0", "70e-1"])
def test_a_whole_number_is_one_in_each_spelling(number: str) -> None:
    """To JSON Schema, by which both documents describe the fields, they are the same."""
    data = f'{{"task_id":{number},"changes":{{"title":"1.0","due_at":"2030-01-01T00:00:00Z"}},"version":2.0}}'
    command = protocol.parse(data.encode(), commands.TaskUpdate)
    assert (command.task_id, command.version, command.changes.title) == (7, 2, "1.0")
    assert command.changes.due_at == datetime(2030, 1, 1, tzinfo=UTC)


def test_fields_that_are_not_declared_are_ignored() -> None:
    command = protocol.parse(b'{"project_id":3,"colour":"\\u0000"}', commands.LeaveProject)
    assert command == commands.LeaveProject(project_id=3)


@pytest.mark.parametrize("data", ["[]", "7", "null", '{"a":NaN}', '{"a":"\\u0000"}', '{"\\u0000":1}', "{"])
def test_a_pings_data_is_an_object_that_can_be_given_back(data: str) -> None:
    with pytest.raises(InvalidData):
        protocol.parse_object(data.encode())
    assert protocol.parse_object(b'{"a":[1,{"b":null}]}') == {"a": [1, {"b": None}]}


def test_an_unknown_event_is_refused_by_name() -> None:
    assert protocol.find_type("ping", commands.CLIENT_EVENTS) is commands.Ping
    with pytest.raises(UnknownEvent, match="fly"):
        protocol.find_type("fly", commands.CLIENT_EVENTS)


def test_frames_carry_what_they_answer() -> None:
    assert json.loads(protocol.encode("ack", {"a": 1}, "x")) == {"event": "ack", "id": "x", "data": {"a": 1}}
    assert json.loads(protocol.encode("ack", {"a": 1})) == {"event": "ack", "data": {"a": 1}}
    error = NotFound("No such task.")
    assert json.loads(protocol.encode_error(error, 5)) == {
        "event": "error",
        "id": 5,
        "data": {"code": "not_found", "message": "No such task."},
    }


def test_errors_report_details_and_when_to_come_back() -> None:
    error = RealTimeError("Wait.", details=[1], retry_after=2.5)
    assert error.as_data() == {"code": "internal", "message": "Wait.", "details": [1], "retry_after": 2.5}


@pytest.mark.parametrize(
    "frame, too_large",
    [
        ("x" * protocol.MAX_FRAME, False),
        ("x" * (protocol.MAX_FRAME + 1), True),
        ("ü" * (protocol.MAX_FRAME // 2), False),
        ("ü" * (protocol.MAX_FRAME // 2 + 1), True),
        ("\ud800" * (protocol.MAX_FRAME // 2), True),
        (b"x" * (protocol.MAX_FRAME + 1), True),
        (b"", False),
    ],
    ids=range(7),
)
def test_frames_are_bounded_in_bytes(frame: str | bytes, too_large: bool) -> None:
    assert protocol.is_too_large(frame) is too_large
