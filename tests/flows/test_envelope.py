"""What a frame may look like, and what happens to those that look otherwise."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Connect
from tests.flows.conftest import Users
from tests.support.sockets import Closed, Frame, Refused, Socket
from tests.support.stacks import Server

BAD = {"invalid_message", "invalid_data"}


@pytest.fixture
def socket(server: Server, users: Users, connect: Connect) -> Socket:
    return connect(server, users.bob)


Provoke = Callable[[str | bytes], Frame]


@pytest.fixture
def provoke(server: Server, users: Users, connect: Connect) -> Provoke:
    """Send a frame and get the answer, with the proof that the connection is well.

    It changes the connection before twenty bad messages end it.
    """
    sockets: list[Socket] = []

    def provoke(text: str | bytes) -> Frame:
        if len(sockets) % 15 == 0:
            sockets.append(connect(server, users.bob))
        else:
            sockets.append(sockets[-1])
        sockets[-1].send_text(text)
        frame = sockets[-1].next()
        assert sockets[-1].settle() == [], text[:100]
        return frame

    return provoke


# --- Not a message at all ----------------------------------------------------------------------


NO_MESSAGES: list[str | bytes] = [
    "",
    " ",
    "hello",
    "{",
    "{}",
    "[]",
    "[1]",
    "null",
    "true",
    "1",
    '"ping"',
    '{"data": {}}',
    '{"event": null}',
    '{"event": 5}',
    '{"event": ["ping"]}',
    '{"event": {}}',
    '{"event": "ping"} {"event": "ping"}',
    "{'event': 'ping'}",
    '{"event": "ping",}',
    '{"event": "ping", "data": {"a": NaN}}',
    '{"event": "ping", "data": {"a": Infinity}}',
    '{"event": "ping", "data": {"a": -Infinity}}',
    '{"event": "ping", "data": {"a": 01}}',
    '{"event": "ping", "data": {"a": "\n"}}',
    '\ufeff{"event": "ping"}',
    "[" * 200_000,
    '{"a":' * 50_000,
    '{"event":"ping","data":' + '{"a":' * 40_000 + "1" + "}" * 40_000 + "}",
    b"hello",
    b'{"event": "ping", "id": 1}',
    b"",
    b"\xff\xfe",
]


def test_what_is_no_message_is_answered_with_an_error(provoke: Provoke) -> None:
    for text in NO_MESSAGES:
        frame = provoke(text)
        assert frame["event"] == "error", text[:100]
        assert frame["data"]["code"] == "invalid_message", text[:100]
        assert frame["data"]["message"]
        assert "id" not in frame


UNKNOWN = (
    "nope", "connected", "Ping", "ping ", "__class__", "constructor", "error", "ack", "task.create", "é", "x" * 999
)  # fmt: skip


def test_an_unknown_event_is_answered_with_an_error(socket: Socket) -> None:
    for name in UNKNOWN:
        for envelope in ({"id": 3}, {}):
            socket.send_event(name, {}, **envelope)
            frame = socket.next()
            assert (frame["event"], frame["data"]["code"]) == ("error", "unknown_event"), name
            assert frame.get("id") == envelope.get("id")


def test_data_is_an_object(provoke: Provoke) -> None:
    for event in ("ping", "join_project", "task_create"):
        for data in ("[]", '"x"', "5", "true", "[{}]"):
            frame = provoke(f'{{"event": "{event}", "data": {data}, "id": 1}}')
            assert frame["event"] == "error"
            assert frame["data"]["code"] in BAD
            assert frame["id"] == 1


def test_missing_data_is_an_empty_object(socket: Socket) -> None:
    socket.send_text('{"event": "ping", "id": 1}')
    assert socket.next()["event"] == "pong"
    socket.send_text('{"event": "join_project", "id": 2}')
    frame = socket.next()
    assert frame["data"]["code"] == "invalid_data"
    assert [set(detail) for detail in frame["data"]["details"]] == [{"field", "message"}]
    assert frame["data"]["details"][0]["field"] == "project_id"


def test_unknown_fields_are_ignored(socket: Socket, project: int) -> None:
    socket.send_text(
        json.dumps(
            {
                "event": "join_project",
                "data": {"project_id": project, "colour": "red", "nested": {"deep": [1, {"x": None}]}},
                "id": 1,
                "seq": 99,
                "room": "user.1",
                "version": 7,
                "_": None,
            }
        )
    )
    frame = socket.next()
    assert (frame["event"], frame["id"], frame["data"]["project_id"]) == ("ack", 1, project)


# --- Ids -----------------------------------------------------------------------------------------


IDS = ("a", "", " ", "0", 0, 1, -1, 2**31, 2**53, 2**63 - 1, -(2**63) + 1, "ü😀", '"quoted"\\', "x" * 64)


def test_an_id_comes_back_as_it_was(socket: Socket) -> None:
    for value in IDS:
        for event, data in (("ping", {}), ("leave_project", {"project_id": 1}), ("nope", {})):
            socket.send_event(event, data, id=value)
            answer = socket.next()
            assert answer["id"] == value
            assert type(answer["id"]) is type(value)


def test_an_id_of_another_kind_is_refused(provoke: Provoke) -> None:
    for value in (
        "null", "true", "false", "1.5", "[]", "{}", "[1]", "NaN", '"\\u0000"', '"\\ud800"', "1e999"
    ):  # fmt: skip
        frame = provoke(f'{{"event": "ping", "id": {value}}}')
        assert frame["event"] == "error", value
        assert frame["data"]["code"] in BAD
        assert "id" not in frame


def test_a_number_out_of_range_is_no_fault_of_ours(provoke: Provoke) -> None:
    for value in ("9" * 21, "9" * 400, "9" * 5000, "-" + "9" * 400, "1e400"):
        frame = provoke(f'{{"event": "ping", "id": {value}}}')
        assert frame["event"] == "pong" or frame["data"]["code"] in BAD
        for event, field in (
            ("join_project", "project_id"),
            ("task_delete", "task_id"),
            ("leave_project", "project_id"),
        ):
            frame = provoke(f'{{"event": "{event}", "data": {{"{field}": {value}}}, "id": 1}}')
            if event == "leave_project" and frame["event"] == "ack":
                continue
            assert frame["data"]["code"] in BAD | {"not_found"}, (event, frame)


def test_a_key_of_another_kind_is_refused(server: Server, provoke: Provoke, project: int) -> None:
    data = json.dumps({"project_id": project, "title": "never"})
    for value in ("5", "true", "[]", "{}", '"' + "k" * 65 + '"', '"\\u0000"', '"\\ud800"', "1.5"):
        frame = provoke(f'{{"event": "task_create", "data": {data}, "id": 1, "key": {value}}}')
        assert frame["event"] == "error", value
        assert frame["data"]["code"] in BAD
    assert board(server, project) == []


def test_every_answer_carries_its_id_exactly_once(server: Server, socket: Socket, project: int) -> None:
    sent: list[Any] = []
    for number in range(60):
        event, data = (
            ("ping", {}),
            ("join_project", {"project_id": project}),
            ("task_create", {"project_id": project, "title": f"{number}"}),
            ("task_delete", {"task_id": 999_999_999}),
            ("leave_project", {"project_id": project}),
            ("task_status_update", {"task_id": 999_999_999, "status": "todo"}),
        )[number % 6]
        socket.send_event(event, data, id=number)
        sent.append(number)
    answers: list[Any] = []
    while len(answers) < len(sent):
        frame = socket.next()
        if "id" in frame:
            answers.append(frame["id"])
    assert answers == sent  # each once, and in order
    assert not [frame for frame in socket.settle() if "id" in frame]


def test_one_id_used_twice_is_answered_twice(socket: Socket) -> None:
    for _ in range(2):
        socket.send_event("ping", {}, id="same")
    assert [socket.next()["id"] for _ in range(2)] == ["same", "same"]


def test_without_an_id_only_errors_are_answered(server: Server, socket: Socket, project: int) -> None:
    socket.send_event("ping", {"a": 1})
    socket.send_event("leave_project", {"project_id": project})
    socket.send_event("task_create", {"project_id": project, "title": "quiet"})
    assert socket.settle() == []
    socket.send_event("task_create", {"project_id": project, "title": ""})
    frame = socket.next()
    assert frame["data"]["code"] == "invalid_data"
    assert "id" not in frame
    assert [task["title"] for task in board(server, project)] == ["quiet"]


def board(server: Server, project: int) -> list[dict[str, Any]]:
    code = "result = list(Task.objects.filter(project_id=project).order_by('id').values('id', 'title', 'status', 'version'))"
    return list(server.stack.run(code, project=project))


# --- Text that is no good ------------------------------------------------------------------------


def test_impossible_characters_are_refused_and_touch_nothing(
    server: Server, socket: Socket, provoke: Provoke, project: int
) -> None:
    task = socket.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"]
    for text in ("a\\u0000b", "\\ud800", "\\udc00x", "x\\ud83d", "\\udc00\\ud800"):
        for event, data in (
            ("task_create", f'{{"project_id": {project}, "title": "{text}"}}'),
            ("task_create", f'{{"project_id": {project}, "title": "ok", "description": "{text}"}}'),
            ("task_update", f'{{"task_id": {task}, "changes": {{"title": "{text}"}}}}'),
            ("task_update", f'{{"task_id": {task}, "changes": {{"description": "{text}"}}}}'),
            ("task_status_update", f'{{"task_id": {task}, "status": "{text}"}}'),
            ("new_comment", f'{{"task_id": {task}, "content": "{text}"}}'),
            ("join_project", f'{{"project_id": {project}, "since": 0, "epoch": "{text}"}}'),
            ("ping", f'{{"a": "{text}"}}'),
            ("ping", f'{{"{text}": 1}}'),
        ):
            frame = provoke(f'{{"event": "{event}", "data": {data}, "id": 1}}')
            assert frame["event"] == "error", (event, data)
            assert frame["data"]["code"] in BAD, (event, frame)
    assert board(server, project) == [{"id": task, "title": "A", "status": "todo", "version": 1}]


def test_an_impossible_event_name_is_refused(provoke: Provoke) -> None:
    for name in ("pi\\u0000ng", "\\ud800", "ping\\udc00"):
        frame = provoke(f'{{"event": "{name}", "id": 1}}')
        assert frame["data"]["code"] in BAD | {"unknown_event"}


CHARACTERS = (
    "é", "日本語", "😀" * 10, "a\u2028\u2029b", "<script>alert(1)</script>", "\u202eabc", "\x01x\x1f\x7f", '"\\/', "' OR 1=1 --",
    "\ufeffx", "\uffff", "e\u0301 is not é", "a\tb\r\nc", "%s {0} ${x}",
)  # fmt: skip


def test_every_other_character_comes_through(server: Server, socket: Socket, project: int) -> None:
    socket.ask("join_project", {"project_id": project})
    for title in CHARACTERS:
        answer = socket.ask("task_create", {"project_id": project, "title": title, "description": title})
        assert answer["task"]["title"] == answer["task"]["description"] == title
        assert socket.expect("task_created")["data"]["task"] == answer["task"]
    assert [task["title"] for task in board(server, project)] == list(CHARACTERS)


# --- Ping ------------------------------------------------------------------------------------------


PINGS = (
    "{}", '{"a":1}', '{"a":null}', '{"a":[1,2,{"b":[]}]}', '{"a":1.5}', '{"a":-0.1}', '{"a":12345678901234}',
    '{"a":"é😀\\u2028"}', '{"":""}', '{"a":"' + "x" * 117 + '"}',
)  # fmt: skip


def test_pong_has_the_same_data_and_the_time(socket: Socket) -> None:
    for data in PINGS:
        assert len(data.encode()) <= 125
        socket.send_text(f'{{"event":"ping","data":{data},"id":1}}')
        pong = socket.next()
        assert (pong["event"], pong["id"]) == ("pong", 1)
        assert isinstance(pong["data"].pop("server_time"), str)
        assert pong["data"] == json.loads(data)


def test_a_ping_of_too_much_is_refused(provoke: Provoke) -> None:
    for data in ('{"a":"' + "x" * 118 + '"}', '{"a":"' + "x" * 5000 + '"}', '{"a":1e999}', '{"a":-1e999}'):
        frame = provoke(f'{{"event":"ping","data":{data},"id":1}}')
        assert frame["event"] == "error", data[:50]
        assert frame["data"]["code"] in BAD
        assert frame.get("id", 1) == 1


def test_an_odd_number_comes_back_or_is_refused(provoke: Provoke) -> None:
    for number in ("1" * 30, "1e300", "1E5", "0.1e-7", "18446744073709551616", "1" * 100, "-0", "-0.0", "1e-400"):
        frame = provoke(f'{{"event":"ping","data":{{"a":{number}}},"id":1}}')
        if frame["event"] == "pong":
            assert frame["data"]["a"] == json.loads(number), number
        else:
            assert frame["data"]["code"] in BAD


# --- Size ------------------------------------------------------------------------------------------


def padded(size: int) -> str:
    start, end = '{"event":"ping","id":1,"padding":"', '"}'
    return start + "x" * (size - len(start) - len(end)) + end


def test_a_frame_of_256_kib_is_read(socket: Socket) -> None:
    socket.send_text(padded(256 * 1024))
    assert socket.next()["event"] == "pong"


@pytest.mark.parametrize("size", [256 * 1024 + 1, 900 * 1024])
def test_a_larger_frame_touches_nothing(server: Server, socket: Socket, project: int, size: int) -> None:
    event = {"event": "task_create", "id": 1, "data": {"project_id": project, "title": "big"}, "padding": "x" * size}
    socket.send_text(json.dumps(event))
    try:
        frame = socket.next()
    except Closed as closed:
        assert closed.code in {1009, 4009}  # the latter from stock daphne, which cannot say 1009
    else:
        assert frame["event"] == "error"
        assert frame["data"]["code"] == "invalid_message"
    assert board(server, project) == []


# --- Order ------------------------------------------------------------------------------------------


def test_one_connections_events_are_carried_out_in_order(
    server: Server, users: Users, connect: Connect, socket: Socket, project: int
) -> None:
    watcher = connect(server, users.ann)
    watcher.ask("join_project", {"project_id": project})
    task = socket.ask("task_create", {"project_id": project, "title": "0"})["task"]["id"]
    titles = [f"{number}" for number in range(1, 31)]
    for title in titles:
        socket.send_event("task_update", {"task_id": task, "changes": {"title": title}}, id=title)
    answers = [socket.next() for _ in titles]
    assert [frame["id"] for frame in answers] == titles
    assert [frame["data"]["version"] for frame in answers] == list(range(2, 32))
    seen = [watcher.expect("task_updated")["data"]["changes"]["title"] for _ in titles]
    assert seen == titles


def test_joining_and_leaving_in_one_breath(server: Server, socket: Socket, project: int) -> None:
    for number in range(20):
        socket.send_event("join_project", {"project_id": project}, id=f"j{number}")
        socket.send_event("task_create", {"project_id": project, "title": f"in {number}"}, id=f"c{number}")
        socket.send_event("leave_project", {"project_id": project}, id=f"l{number}")
        socket.send_event("task_create", {"project_id": project, "title": f"out {number}"}, id=f"o{number}")
    socket.ask("ping", {})
    joined = socket.ask("join_project", {"project_id": project})
    assert joined["seq"] >= 40
    titles = [frame["data"]["task"]["title"] for frame in socket.history if frame["event"] == "task_created"]
    assert not [title for title in titles if title.startswith("out")]
    seqs = socket.seqs(f"project.{project}")
    assert seqs == sorted(set(seqs))


# --- Too many bad ones --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["{", '{"event":"join_project"}'], ids=["message", "data"])
def test_twenty_bad_messages_end_the_connection(server: Server, users: Users, connect: Connect, text: str) -> None:
    socket = connect(server, users.bob)
    for _ in range(19):
        socket.send_text(text)
    for _ in range(19):
        assert socket.next()["event"] == "error"
    assert socket.settle() == []
    socket.send_text(text)
    assert socket.wait_closed() == 4400
    assert socket.history[-1]["event"] == "error"


def test_refusals_in_good_form_do_not_count_as_bad(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    viewer = connect(server, users.vic)
    for _ in range(25):
        for event, data in (
            ("task_create", {"project_id": project, "title": "x"}),
            ("task_delete", {"task_id": 999_999_999}),
        ):
            with pytest.raises(Refused) as refused:
                viewer.ask(event, data)
            assert refused.value.code in {"forbidden", "not_found"}
    assert viewer.settle() == []


def test_bad_messages_of_one_do_not_disturb_another(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    good, bad = connect(server, users.ann), connect(server, users.ann)
    good.ask("join_project", {"project_id": project})
    for _ in range(30):
        try:
            bad.send_text("{")
        except Exception:
            break
    assert bad.wait_closed() == 4400
    good.ask("task_create", {"project_id": project, "title": "still here"})
    assert good.expect("task_created")["data"]["task"]["title"] == "still here"
