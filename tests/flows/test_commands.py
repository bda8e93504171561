"""Each client event: its answer, its refusals, and what it leaves behind."""

from typing import Any

import pytest

from tests.conftest import Connect
from tests.flows.conftest import Users
from tests.flows.objects import PRIORITIES, STATUSES, check_task, moment
from tests.support.fences import names, received
from tests.support.sockets import Refused, Socket
from tests.support.stacks import Server


@pytest.fixture
def bob(server: Server, users: Users, connect: Connect) -> Socket:
    return connect(server, users.bob)


def create(socket: Socket, project: int, title: str = "A", **fields: Any) -> Any:
    return socket.ask("task_create", {"project_id": project, "title": title, **fields})["task"]


def code_of(socket: Socket, event: str, data: Any, **envelope: Any) -> str:
    with pytest.raises(Refused) as refused:
        socket.ask(event, data, **envelope)
    return refused.value.code


def fields_refused(socket: Socket, event: str, data: Any) -> set[str]:
    """The fields that an `invalid_data` names."""
    with pytest.raises(Refused) as refused:
        socket.ask(event, data)
    error = refused.value.frame["data"]
    assert error["code"] == "invalid_data", error
    assert error["details"]
    for detail in error["details"]:
        assert set(detail) == {"field", "message"}
        assert isinstance(detail["field"], str)
        assert isinstance(detail["message"], str)
        assert detail["message"]
    return {detail["field"].rpartition(".")[2] for detail in error["details"]}


def read(server: Server, task_id: int) -> dict[str, Any]:
    code = (
        "result = Task.all_objects.filter(id=task_id)"
        ".values('title', 'description', 'status', 'priority', 'assignee_id', 'due_at', 'position', 'version').get()"
    )
    return dict(server.stack.run(code, task_id=task_id))


# --- Joining and leaving -------------------------------------------------------------------------


def test_joining_returns_head_epoch_and_present_users(bob: Socket, project: int) -> None:
    answer = bob.ask("join_project", {"project_id": project})
    assert set(answer) == {"project_id", "room", "seq", "epoch", "reset", "presence"}
    assert (answer["project_id"], answer["room"], answer["reset"]) == (project, f"project.{project}", False)
    assert type(answer["seq"]) is int
    assert isinstance(answer["presence"], list)
    assert answer["epoch"] == bob.history[0]["data"]["epoch"]


def test_joining_a_joined_room_is_acked_and_replays_nothing(bob: Socket, project: int) -> None:
    first = bob.ask("join_project", {"project_id": project, "since": 0})
    assert [frame["seq"] for frame in received(bob, project)] == list(range(1, first["seq"] + 1))
    create(bob, project)
    again = bob.ask("join_project", {"project_id": project, "since": 0, "epoch": first["epoch"]})
    assert set(again) == set(first)
    assert again["seq"] == first["seq"] + 2
    assert names(received(bob, project)) == ["task_created"]


def test_a_project_that_one_may_not_see_is_not_there(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    eve = connect(server, users.eve)
    answers = []
    for project_id in (project, 999_999_999, 0, -1, -(2**63)):
        with pytest.raises(Refused) as refused:
            eve.ask("join_project", {"project_id": project_id})
        answers.append(refused.value.frame["data"])
        assert refused.value.code == "not_found"
    assert all(answer == answers[0] for answer in answers)  # the two look the same
    assert code_of(eve, "task_create", {"project_id": project, "title": "A"}) == "not_found"


def test_join_with_data_that_does_not_fit(bob: Socket, project: int) -> None:
    for data, field in (
        ({}, "project_id"),
        *(({"project_id": value}, "project_id") for value in (None, str(project), True, 1.5, [project])),
        *(({"project_id": project, "since": value}, "since") for value in (-1, "0", True, 1.5)),
        ({"project_id": project, "since": 0, "epoch": 5}, "epoch"),
    ):
        assert fields_refused(bob, "join_project", data) == {field}, data


def test_leave_is_acked_wherever_one_is(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    assert bob.ask("leave_project", {"project_id": project}) == {"project_id": project}
    bob.ask("join_project", {"project_id": project})
    assert bob.ask("leave_project", {"project_id": project}) == {"project_id": project}
    assert bob.ask("leave_project", {"project_id": project}) == {"project_id": project}
    eve = connect(server, users.eve)
    assert eve.ask("leave_project", {"project_id": project}) == {"project_id": project}
    assert fields_refused(bob, "leave_project", {"project_id": "x"}) == {"project_id"}


def test_a_user_who_left_receives_nothing_more(bob: Socket, project: int) -> None:
    bob.ask("join_project", {"project_id": project})
    create(bob, project, "received")
    assert bob.expect("task_created")
    bob.ask("leave_project", {"project_id": project})
    create(bob, project, "missed")
    joined = bob.ask("join_project", {"project_id": project})
    create(bob, project, "received again")
    frame = bob.expect("task_created")
    assert frame["data"]["task"]["title"] == "received again"
    assert frame["seq"] == joined["seq"] + 1


# --- Creating ------------------------------------------------------------------------------------------


def test_a_task_gets_its_defaults(users: Users, bob: Socket, project: int) -> None:
    answer = bob.ask("task_create", {"project_id": project, "title": "A"})
    assert set(answer) == {"task"}
    task = answer["task"]
    check_task(task)
    assert {
        "project_id": project,
        "title": "A",
        "description": "",
        "status": "todo",
        "assignee_id": None,
        "due_at": None,
        "comment_count": 0,
        "created_by_id": users.bob.id,
        "version": 1,
    }.items() <= task.items()


def test_every_writable_field_may_be_given(users: Users, bob: Socket, project: int) -> None:
    fields: dict[str, Any] = {
        "title": "t" * 200,
        "description": "d" * 20_000,
        "status": "review",
        "priority": "urgent",
        "assignee_id": users.vic.id,
        "due_at": "2031-02-03T04:05:06Z",
    }
    task = create(bob, project, **fields)
    due = task.pop("due_at")
    assert moment(due) == moment("2031-02-03T04:05:06Z")
    del fields["due_at"]
    assert fields.items() <= task.items()


def test_every_status_and_priority_is_known(bob: Socket, project: int) -> None:
    for status in STATUSES:
        assert create(bob, project, status=status)["status"] == status
    for priority in PRIORITIES:
        assert create(bob, project, priority=priority)["priority"] == priority


BAD_FIELDS: list[tuple[str, Any]] = [
    ("title", ""),
    ("title", "t" * 201),
    ("title", None),
    ("title", 5),
    ("title", ["a"]),
    ("description", "d" * 20_001),
    ("description", None),
    ("description", 5),
    ("status", "done"),
    ("status", ""),
    ("status", "TODO"),
    ("status", None),
    ("status", 1),
    ("priority", "urgentest"),
    ("priority", None),
    ("priority", ""),
    ("assignee_id", "1"),
    ("assignee_id", True),
    ("assignee_id", 0),
    ("assignee_id", -5),
    ("assignee_id", 999_999_999),
    ("assignee_id", 2**63),
    ("due_at", "tomorrow"),
    ("due_at", ""),
    ("due_at", 5),
    ("due_at", True),
    ("due_at", "2030-02-30T00:00:00Z"),
    ("due_at", "2030-01-01T25:00:00Z"),
    ("due_at", "0001-01-01T00:00:00+14:00"),
    ("due_at", "9999-12-31T23:59:59-14:00"),
    ("due_at", "99999-01-01T00:00:00Z"),
    ("due_at", {}),
]


def test_a_field_that_does_not_fit_is_named_and_touches_nothing(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    task = create(bob, project)["id"]
    before = read(server, task)
    for number, (field, value) in enumerate(BAD_FIELDS):
        if number % 8 == 0:  # twenty bad messages end a connection
            socket = connect(server, users.bob)
        refused = fields_refused(socket, "task_create", {"project_id": project, "title": "B", field: value})
        assert refused == {field}, value
        refused = fields_refused(socket, "task_update", {"task_id": task, "changes": {"priority": "low", field: value}})
        assert refused == {field}, value
    assert read(server, task) == before
    assert server.stack.run("result = Task.objects.filter(project_id=project).count()", project=project) == 1


def test_characters_are_counted_not_bytes(bob: Socket, project: int) -> None:
    assert create(bob, project, "😀" * 200)["title"] == "😀" * 200
    assert fields_refused(bob, "task_create", {"project_id": project, "title": "😀" * 201}) == {"title"}
    task = create(bob, project)
    assert bob.ask("new_comment", {"task_id": task["id"], "content": "😀" * 10_000})["comment_id"]


def test_only_members_can_be_assigned(server: Server, users: Users, bob: Socket, project: int) -> None:
    assert fields_refused(bob, "task_create", {"project_id": project, "title": "A", "assignee_id": users.eve.id}) == {
        "assignee_id"
    }
    task = create(bob, project, assignee_id=users.cas.id)
    assert fields_refused(bob, "task_update", {"task_id": task["id"], "changes": {"assignee_id": users.eve.id}}) == {
        "assignee_id"
    }
    bob.ask("task_update", {"task_id": task["id"], "changes": {"assignee_id": None}})
    assert read(server, task["id"])["assignee_id"] is None


def test_a_title_is_required(bob: Socket, project: int) -> None:
    assert fields_refused(bob, "task_create", {"project_id": project}) == {"title"}
    assert fields_refused(bob, "task_create", {"title": "A"}) == {"project_id"}


def test_a_due_date_is_kept_in_utc(bob: Socket, project: int) -> None:
    bob.ask("join_project", {"project_id": project})
    for given, meant in (
        ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05+00:00"),
        ("2030-01-02T03:04:05+02:00", "2030-01-02T01:04:05+00:00"),
        ("2030-01-02T03:04:05.123456Z", "2030-01-02T03:04:05.123456+00:00"),
        ("2030-01-02T03:04:05-11:30", "2030-01-02T14:34:05+00:00"),
        ("2030-01-02T03:04:05.5Z", "2030-01-02T03:04:05.500000+00:00"),
    ):
        task = create(bob, project, due_at=given)
        assert moment(task["due_at"]) == moment(meant)
        assert bob.expect("task_created")["data"]["task"]["due_at"] == task["due_at"]
        other = create(bob, project)
        bob.expect("task_created")
        bob.ask("task_update", {"task_id": other["id"], "changes": {"due_at": given}})
        # The same text everywhere.
        assert bob.expect("task_updated")["data"]["changes"] == {"due_at": task["due_at"]}


def test_the_same_moment_written_otherwise_changes_nothing(bob: Socket, project: int) -> None:
    task = create(bob, project, due_at="2030-01-02T03:04:05Z")
    answer = bob.ask("task_update", {"task_id": task["id"], "changes": {"due_at": "2030-01-02T05:04:05+02:00"}})
    assert answer["version"] == 1


# --- Changing --------------------------------------------------------------------------------------------


def test_a_status_is_set(server: Server, bob: Socket, project: int) -> None:
    task = create(bob, project)
    answer = bob.ask("task_status_update", {"task_id": task["id"], "status": "review"})
    assert answer == {"task_id": task["id"], "project_id": project, "status": "review", "version": 2}
    again = bob.ask("task_status_update", {"task_id": task["id"], "status": "review"})
    assert again == answer  # nothing to change: no new version
    assert fields_refused(bob, "task_status_update", {"task_id": task["id"], "status": "done"}) == {"status"}
    assert fields_refused(bob, "task_status_update", {"task_id": task["id"]}) == {"status"}
    assert fields_refused(bob, "task_status_update", {"status": "todo"}) == {"task_id"}
    assert read(server, task["id"])["status"] == "review"


def test_several_fields_change_at_once(server: Server, users: Users, bob: Socket, project: int) -> None:
    task = create(bob, project)
    changes = {"title": "B", "description": "d", "status": "completed", "priority": "low", "assignee_id": users.cas.id}
    answer = bob.ask("task_update", {"task_id": task["id"], "changes": changes})
    assert answer == {"task_id": task["id"], "project_id": project, "version": 2}
    assert changes.items() <= read(server, task["id"]).items()


def test_changes_are_an_object(bob: Socket, project: int) -> None:
    task = create(bob, project)
    changes: Any
    for changes in (None, [], "title", 5, True):
        assert fields_refused(bob, "task_update", {"task_id": task["id"], "changes": changes}) == {"changes"}
    assert fields_refused(bob, "task_update", {"task_id": task["id"]}) == {"changes"}


def test_what_is_not_writable_stays(server: Server, bob: Socket, project: int) -> None:
    task = create(bob, project)
    for name, value in (
        ("id", 5), ("project_id", 1), ("position", "zz"), ("comment_count", 9), ("created_by_id", None),
        ("created_at", "2000-01-01T00:00:00Z"), ("updated_at", "2000-01-01T00:00:00Z"), ("version", 77),
        ("deleted_at", "2000-01-01T00:00:00Z"), ("field_versions", {}),
    ):  # fmt: skip
        frame = bob.ask_frame("task_update", {"task_id": task["id"], "changes": {name: value}})
        assert frame["event"] == "ack" or frame["data"]["code"] == "invalid_data"
        fields: dict[str, Any] = {} if name == "project_id" else {name: value}
        made = bob.ask_frame("task_create", {"project_id": project, "title": "B", **fields})
        if made["event"] == "ack":
            assert made["data"]["task"]["version"] == 1
            assert made["data"]["task"]["comment_count"] == 0
            assert made["data"]["task"]["position"] != "zz"
    assert read(server, task["id"]) == {**read(server, task["id"]), "version": 1, "position": task["position"]}


def test_a_user_who_only_looks_may_change_nothing(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    task = create(bob, project)
    deleted = create(bob, project)
    bob.ask("task_delete", {"task_id": deleted["id"]})
    vic, eve = connect(server, users.vic), connect(server, users.eve)
    assert vic.ask("join_project", {"project_id": project})["project_id"] == project
    for event, data in commands_on(task["id"]) + [
        ("task_restore", {"task_id": deleted["id"]}),
        ("task_create", {"project_id": project, "title": "x"}),
    ]:
        assert code_of(vic, event, data) == "forbidden", event
        assert code_of(eve, event, data) == "not_found", event
    assert read(server, task["id"])["version"] == 1
    assert received(vic, project, by=bob) == []


def commands_on(task_id: int) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("task_status_update", {"task_id": task_id, "status": "review"}),
        ("task_update", {"task_id": task_id, "changes": {"title": "x"}}),
        ("task_move", {"task_id": task_id, "status": "review"}),
        ("new_comment", {"task_id": task_id, "content": "x"}),
        ("task_delete", {"task_id": task_id}),
    ]


def test_a_task_that_is_gone_is_not_found(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    task = create(bob, project)
    bob.ask("task_delete", {"task_id": task["id"]})
    for task_id in (task["id"], 999_999_999, 0, -1, -(2**63)):
        for event, data in commands_on(task_id):
            assert code_of(bob, event, data) == "not_found", (event, task_id)
    assert code_of(bob, "task_restore", {"task_id": 999_999_999}) == "not_found"
    for event, _ in [*commands_on(1), ("task_restore", {})]:
        frame = bob.ask_frame(event, {"task_id": "x", "status": "todo", "changes": {}, "content": "x"})
        assert frame["data"]["code"] == "invalid_data"


# --- Deleting and restoring ---------------------------------------------------------------------------------


def test_a_deleted_task_comes_back_as_it_was(server: Server, users: Users, bob: Socket, project: int) -> None:
    task = create(bob, project, "A", assignee_id=users.cas.id, priority="high", due_at="2030-01-01T00:00:00Z")
    bob.ask("new_comment", {"task_id": task["id"], "content": "kept"})
    assert bob.ask("task_delete", {"task_id": task["id"]}) == {"task_id": task["id"], "project_id": project}
    answer = bob.ask("task_restore", {"task_id": task["id"]})
    assert set(answer) == {"task"}
    check_task(answer["task"])
    kept = ("id", "title", "assignee_id", "priority", "due_at", "status", "created_at", "created_by_id")
    assert {name: answer["task"][name] for name in kept} == {name: task[name] for name in kept}
    assert answer["task"]["comment_count"] == 1
    later = bob.ask("task_update", {"task_id": task["id"], "changes": {"title": "B"}})
    assert later["version"] > answer["task"]["version"] >= task["version"]


# --- Comments -------------------------------------------------------------------------------------------------


def test_a_comment_is_added(server: Server, bob: Socket, project: int) -> None:
    task = create(bob, project)
    answer = bob.ask("new_comment", {"task_id": task["id"], "content": "hello"})
    assert set(answer) == {"comment_id", "task_id", "project_id"}
    assert (answer["task_id"], answer["project_id"]) == (task["id"], project)
    assert bob.ask("new_comment", {"task_id": task["id"], "content": "c" * 10_000})["comment_id"] > answer["comment_id"]
    for content in ("", "c" * 10_001, None, 5, ["x"]):
        assert fields_refused(bob, "new_comment", {"task_id": task["id"], "content": content}) == {"content"}
    assert fields_refused(bob, "new_comment", {"task_id": task["id"]}) == {"content"}
    assert server.stack.run("result = Comment.objects.filter(task_id=task).count()", task=task["id"]) == 2
    assert read(server, task["id"])["version"] == 1  # comments do not move it


# --- Versions -----------------------------------------------------------------------------------------------------


def conflict(socket: Socket, event: str, data: Any) -> tuple[dict[str, Any], list[str]]:
    """The refusal's current task and its fields."""
    with pytest.raises(Refused) as refused:
        socket.ask(event, data)
    error = refused.value.frame["data"]
    assert error["code"] == "conflict", error
    assert set(error["details"]) == {"task", "fields"}
    check_task(error["details"]["task"])
    return error["details"]["task"], error["details"]["fields"]


def update(socket: Socket, task: int, version: int | None = None, **changes: Any) -> int:
    data = {"task_id": task, "changes": changes, **({} if version is None else {"version": version})}
    return int(socket.ask("task_update", data)["version"])


def test_two_people_editing_different_fields_both_win(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    cas = connect(server, users.cas)
    task = create(bob, project)["id"]
    assert update(bob, task, 1, title="bob's") == 2
    assert update(cas, task, 1, description="cas's") == 3
    assert update(bob, task, 1, priority="low") == 4
    assert cas.ask("task_status_update", {"task_id": task, "status": "review", "version": 1})["version"] == 5
    row = read(server, task)
    assert (row["title"], row["description"], row["priority"], row["status"]) == ("bob's", "cas's", "low", "review")


def test_a_field_that_changed_meanwhile_is_refused_whole(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    cas = connect(server, users.cas)
    task = create(bob, project)["id"]
    update(bob, task, 1, title="bob's")
    current, fields = conflict(
        cas, "task_update", {"task_id": task, "version": 1, "changes": {"title": "cas's", "priority": "urgent"}}
    )
    assert (current["id"], current["title"], current["version"], fields) == (task, "bob's", 2, ["title"])
    assert read(server, task)["priority"] != "urgent"
    update(cas, task, current["version"], title="cas's", priority="urgent")
    update(cas, task, description="without a version the last one wins")
    _, fields = conflict(
        bob,
        "task_update",
        {
            "task_id": task,
            "version": 2,
            "changes": {"title": "x", "priority": "low", "description": "y", "status": "review"},
        },
    )
    assert sorted(fields) == ["description", "priority", "title"]
    assert update(bob, task, title="the last one wins") == 5


def test_a_status_set_meanwhile_is_a_conflict_by_every_way(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    for change in (
        lambda task: bob.ask("task_status_update", {"task_id": task, "status": "review"}),
        lambda task: bob.ask("task_move", {"task_id": task, "status": "review"}),
        lambda task: update(bob, task, status="review"),
        lambda task: server.stack.run("Task.objects.filter(id=task).update(status='review')", task=task),
        lambda task: server.stack.run("t = Task.objects.get(id=task); t.status = 'review'; t.save()", task=task),
    ):
        task = create(bob, project)["id"]
        change(task)
        for event, data in (
            ("task_status_update", {"status": "completed"}),
            ("task_update", {"changes": {"status": "completed"}}),
        ):
            current, fields = conflict(bob, event, {"task_id": task, "version": 1, **data})
            assert (current["status"], fields) == ("review", ["status"])
        assert update(bob, task, 1, title="still free") == 3


def test_a_field_changed_there_and_back_was_changed(bob: Socket, project: int) -> None:
    task = create(bob, project, "A")["id"]
    update(bob, task, title="B")
    update(bob, task, title="A")
    _, fields = conflict(bob, "task_update", {"task_id": task, "version": 1, "changes": {"title": "C"}})
    assert fields == ["title"]
    assert update(bob, task, 3, title="C") == 4


def test_a_version_of_another_kind_is_refused(bob: Socket, project: int) -> None:
    task = create(bob, project)["id"]
    version: Any
    for version in ("1", True, 1.5, [], {}):
        data = {"task_id": task, "version": version}
        assert fields_refused(bob, "task_update", {**data, "changes": {"title": "x"}}) == {"version"}
        assert fields_refused(bob, "task_status_update", {**data, "status": "todo"}) == {"version"}


def test_a_change_without_effect_moves_no_version(bob: Socket, project: int) -> None:
    task = create(bob, project, "A")["id"]
    assert update(bob, task, title="A", description="") == 1
    assert update(bob, task, 1, title="A") == 1
    assert update(bob, task, title="B") == 2


def test_of_many_writers_with_one_version_one_wins(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    cas = connect(server, users.cas)
    task = create(bob, project)["id"]
    version = 1
    for number in range(15):
        for socket, name in ((bob, "bob"), (cas, "cas")):
            changes = {"title": f"{name} {number}"}
            socket.send_event("task_update", {"task_id": task, "changes": changes, "version": version}, id="race")
        answers = [socket.next() for socket in (bob, cas)]
        assert sorted(answer["event"] for answer in answers) == ["ack", "error"]
        lost = next(answer for answer in answers if answer["event"] == "error")
        assert lost["data"]["code"] == "conflict"
        version += 1
        assert lost["data"]["details"]["task"]["version"] == version
    assert read(server, task)["version"] == version
