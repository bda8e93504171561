"""A key makes a change idempotent: on any connection, to any process, by socket or REST."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Connect
from tests.flows.conftest import Users, both_installations, make_project
from tests.support.fences import names, received
from tests.support.sockets import Refused, Socket
from tests.support.stacks import Server, Stack


@pytest.fixture
def bob(server: Server, users: Users, connect: Connect, project: int) -> Socket:
    """Bob, who follows the project."""
    socket = connect(server, users.bob)
    socket.ask("join_project", {"project_id": project})
    return socket


def without_duplicate(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "duplicate"}


def events_of(socket: Socket, project: int) -> list[str]:
    """What was logged since the last look."""
    return names(received(socket, project))


def twice(socket: Socket, event: str, data: Any, key: str) -> Any:
    """Send a request twice with one key: the same answer, the second marked as a duplicate."""
    first = socket.ask(event, data, key=key)
    assert not first.get("duplicate")
    second = socket.ask(event, data, key=key)
    assert second == {**first, "duplicate": True}
    return first


@both_installations
def test_every_change_happens_once(bob: Socket, project: int) -> None:
    task = twice(bob, "task_create", {"project_id": project, "title": "A"}, "create")["task"]["id"]
    assert events_of(bob, project) == ["task_created"]
    twice(bob, "task_update", {"task_id": task, "changes": {"title": "B"}}, "update")
    assert events_of(bob, project) == ["task_updated"]
    twice(bob, "task_status_update", {"task_id": task, "status": "review"}, "status")
    assert events_of(bob, project) == ["task_updated", "task_status_changed"]
    twice(bob, "new_comment", {"task_id": task, "content": "once"}, "comment")
    assert events_of(bob, project) == ["comment_added"]
    twice(bob, "task_move", {"task_id": task, "status": "todo"}, "move")
    assert events_of(bob, project) == ["task_updated", "task_status_changed"]
    twice(bob, "task_delete", {"task_id": task}, "delete")
    assert events_of(bob, project) == ["task_deleted"]
    twice(bob, "task_restore", {"task_id": task}, "restore")
    assert events_of(bob, project) == ["task_restored"]
    # A late repetition of any of them still has no effect.
    for event, data, key in (
        ("task_create", {"project_id": project, "title": "A"}, "create"),
        ("task_update", {"task_id": task, "changes": {"title": "B"}}, "update"),
        ("task_delete", {"task_id": task}, "delete"),
    ):
        assert bob.ask(event, data, key=key)["duplicate"] is True
    assert events_of(bob, project) == []


def test_a_key_with_other_content_is_a_conflict(bob: Socket, project: int) -> None:
    task = bob.ask("task_create", {"project_id": project, "title": "A"}, key="k")["task"]["id"]
    events_of(bob, project)
    for event, data in (
        ("task_create", {"project_id": project, "title": "B"}),
        ("task_create", {"project_id": project, "title": "A", "priority": "high"}),
        ("task_update", {"task_id": task, "changes": {"title": "B"}}),
        ("new_comment", {"task_id": task, "content": "A"}),
        ("task_delete", {"task_id": task}),
    ):
        with pytest.raises(Refused) as refused:
            bob.ask(event, data, key="k")
        assert refused.value.code == "conflict"
    assert events_of(bob, project) == []
    assert bob.ask("task_create", {"project_id": project, "title": "A"}, key="k")["duplicate"] is True


def test_the_same_content_may_be_written_otherwise(bob: Socket, project: int) -> None:
    bob.send_text(f'{{"event":"task_create","id":"1","key":"s","data":{{"project_id":{project},"title":"\\u00e9"}}}}')
    first = bob.expect("ack")
    bob.send_text(
        f'{{ "key": "s", "id": 2, "data": {{ "title": "é",\n "project_id": {project} }}, "event": "task_create" }}'
    )
    second = bob.expect("ack")
    assert second["id"] == 2
    assert second["data"] == {**first["data"], "duplicate": True}


def test_any_text_up_to_64_characters_is_a_key(bob: Socket, project: int) -> None:
    for key in ("k" * 64, "é" * 64, "😀" * 64, " ", "0", "null", "a/b?c&d", "\\", '"'):
        twice(bob, "task_create", {"project_id": project, "title": "A"}, key)
        assert events_of(bob, project) == ["task_created"]


def test_keys_are_compared_exactly(bob: Socket, project: int) -> None:
    for key in ("key", "KEY", "key ", " key", "kéy", "ke\u0301y"):
        assert not bob.ask("task_create", {"project_id": project, "title": "A"}, key=key).get("duplicate")


def test_failures_are_not_remembered(server: Server, users: Users, connect: Connect, bob: Socket, project: int) -> None:
    def fails(socket: Socket, code: str, event: str, data: Any) -> None:
        with pytest.raises(Refused) as refused:
            socket.ask(event, data, key="again")
        assert refused.value.code == code

    fails(bob, "invalid_data", "task_create", {"project_id": project, "title": ""})
    fails(bob, "not_found", "task_update", {"task_id": 999_999_999, "changes": {"title": "x"}})
    task = bob.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"]
    bob.ask("task_update", {"task_id": task, "changes": {"title": "B"}})
    stale = {"task_id": task, "changes": {"title": "C"}, "version": 1}
    fails(bob, "conflict", "task_update", stale)
    fails(bob, "conflict", "task_update", stale)
    assert bob.ask("task_update", {**stale, "version": 2}, key="again")["version"] == 3

    vic = connect(server, users.vic)
    data = {"task_id": task, "content": "may I?"}
    fails(vic, "forbidden", "new_comment", data)
    server.stack.run(
        "m = Membership.objects.get(project_id=project, user_id=user); m.role = 'member'; m.save()",
        project=project,
        user=users.vic.id,
    )
    assert not vic.ask("new_comment", data, key="again").get("duplicate")


def test_keys_of_two_users_do_not_meet(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    cas = connect(server, users.cas)
    one = bob.ask("task_create", {"project_id": project, "title": "A"}, key="shared")
    two = cas.ask("task_create", {"project_id": project, "title": "A"}, key="shared")
    assert one["task"]["id"] != two["task"]["id"]
    assert not two.get("duplicate")


def test_a_key_holds_on_another_connection(
    server: Server, users: Users, connect: Connect, bob: Socket, project: int
) -> None:
    data = {"project_id": project, "title": "A"}
    bob.send_event("task_create", data, key="lost answer")
    bob.expect("task_created")
    bob.drop()
    again = connect(server, users.bob)
    answer = again.ask("task_create", data, key="lost answer")
    assert answer["duplicate"] is True
    assert answer["task"]["title"] == "A"
    code = "result = Task.objects.filter(project_id=project).count()"
    assert server.stack.run(code, project=project) == 1


def test_a_change_without_effect_is_remembered_too(bob: Socket, project: int) -> None:
    task = bob.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"]
    events_of(bob, project)
    twice(bob, "task_update", {"task_id": task, "changes": {"title": "A"}}, "idle")
    assert events_of(bob, project) == []


def test_a_key_on_what_changes_nothing_is_ignored(bob: Socket, project: int) -> None:
    for event, data in (("ping", {"a": 1}), ("join_project", {"project_id": project}), ("ping", {"a": 2})):
        assert "duplicate" not in bob.ask(event, data, key="same")
    assert not bob.ask("task_create", {"project_id": project, "title": "A"}, key="same").get("duplicate")


# --- At once -----------------------------------------------------------------------------------------


def race(sockets: list[Socket], event: str, data: Any, key: str) -> list[dict[str, Any]]:
    """The answers of all, asked at one moment."""
    frame = {"event": event, "data": data, "id": "race", "key": key}
    for socket in sockets:
        socket.send_text(json.dumps(frame))
    answers = []
    for socket in sockets:
        answer = answer_to(socket, "race")
        assert answer["event"] == "ack", answer
        answers.append(answer["data"])
    return answers


def answer_to(socket: Socket, request: str) -> dict[str, Any]:
    while True:
        frame = socket.next()
        if frame.get("id") == request:
            return frame


def created(watcher: Socket) -> list[str]:
    """The titles of the tasks whose creation was received so far."""
    return [frame["data"]["task"]["title"] for frame in watcher.history if frame["event"] == "task_created"]


def run_races(sockets: list[Socket], project: int, rounds: int) -> None:
    watcher = sockets[0]
    watcher.ask("join_project", {"project_id": project})
    for number in range(rounds):
        answers = race(
            sockets, "task_create", {"project_id": project, "title": f"{number}"}, f"race {project} {number}"
        )
        assert len({answer["task"]["id"] for answer in answers}) == 1
        assert len([answer for answer in answers if answer.get("duplicate")]) == len(sockets) - 1
        assert len({json.dumps(without_duplicate(answer), sort_keys=True) for answer in answers}) == 1
    watcher.ask("task_create", {"project_id": project, "title": "fence"})
    if "fence" not in created(watcher):
        watcher.expect("task_created", task={"title": "fence"})
    assert created(watcher) == [*(f"{number}" for number in range(rounds)), "fence"]


@both_installations
def test_one_key_from_many_sockets_at_once(server: Server, users: Users, connect: Connect, project: int) -> None:
    run_races([connect(server, users.cas) for _ in range(4)], project, rounds=10)


@pytest.fixture
def second(shared_stack: Stack) -> Iterator[Server]:
    server = shared_stack.server()
    yield server
    server.stop()


@pytest.mark.installations("deployed")
def test_one_key_at_two_processes_at_once(server: Server, second: Server, users: Users, connect: Connect) -> None:
    project = make_project(server.stack, users)
    run_races([connect(one, users.cas) for one in (server, second, server, second)], project, rounds=15)


# --- Beside REST ------------------------------------------------------------------------------------------


def test_rest_means_the_same_by_its_header(server: Server, users: Users, bob: Socket, project: int) -> None:
    api = server.api(users.bob)
    body = {"project_id": project, "title": "A"}
    one, two = (api.post("/api/tasks/", json=body, headers={"Idempotency-Key": "rest"}) for _ in range(2))
    assert one.status_code == 201
    assert two.status_code in {200, 201}
    assert without_duplicate(one.json()) == without_duplicate(two.json())
    other = api.post("/api/tasks/", json={**body, "title": "B"}, headers={"Idempotency-Key": "rest"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert events_of(bob, project) == ["task_created"]
    url = f"/api/tasks/{one.json()['id']}/"
    for _ in range(2):
        assert api.patch(url, json={"title": "C"}, headers={"Idempotency-Key": "patch"}).json()["title"] == "C"
    assert events_of(bob, project) == ["task_updated"]
    for _ in range(2):
        assert api.delete(url, headers={"Idempotency-Key": "rest delete"}).status_code == 204
    assert api.delete(url, headers={"Idempotency-Key": "rest delete again"}).status_code == 404
    assert api.delete(url).status_code == 404
    assert events_of(bob, project) == ["task_deleted"]


def test_rest_and_the_socket_share_the_keys(server: Server, users: Users, bob: Socket, project: int) -> None:
    headers = {"Idempotency-Key": "both"}
    body = {"project_id": project, "title": "A"}
    made = bob.ask("task_create", body, key="both")["task"]
    events_of(bob, project)
    # Sent by socket, unanswered, sent again by REST: one task, with one id.
    again = server.api(users.bob).post("/api/tasks/", json=body, headers=headers)
    assert again.status_code in {200, 201}
    assert again.json()["id"] == made["id"]
    other = server.api(users.bob).post("/api/tasks/", json={**body, "title": "B"}, headers=headers)
    assert other.status_code == 409
    headers = {"Idempotency-Key": "back"}
    made = server.api(users.bob).post("/api/tasks/", json=body, headers=headers).json()
    answer = bob.ask("task_create", body, key="back")
    assert (answer["task"]["id"], answer["duplicate"]) == (made["id"], True)
    assert events_of(bob, project) == ["task_created"]


def test_rest_refuses_a_key_that_is_none(server: Server, users: Users, bob: Socket, project: int) -> None:
    for key in ("k" * 65,):
        answer = server.api(users.bob).post(
            "/api/tasks/", json={"project_id": project, "title": "A"}, headers={"Idempotency-Key": key}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_data")
    assert events_of(bob, project) == []


@both_installations
def test_one_key_by_many_requests_at_once(server: Server, users: Users, bob: Socket, project: int) -> None:
    answers: list[Any] = []

    def send() -> None:
        with server.api(users.bob) as api:
            body = {"project_id": project, "title": "A"}
            answers.append(api.post("/api/tasks/", json=body, headers={"Idempotency-Key": "crowd"}))

    server.token(users.bob)
    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert events_of(bob, project) == ["task_created"]
