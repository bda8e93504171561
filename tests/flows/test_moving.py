"""Dragging: the server ranks, so all clients end with one order."""

import random
from typing import Any

import pytest

from tests.conftest import Connect
from tests.flows.conftest import StartServer, Users, make_project
from tests.support.fences import received
from tests.support.sockets import Refused, Socket
from tests.support.stacks import Server


@pytest.fixture
def bob(server: Server, users: Users, connect: Connect, project: int) -> Socket:
    socket = connect(server, users.bob)
    socket.ask("join_project", {"project_id": project})
    return socket


def fill(socket: Socket, project: int, titles: str, status: str = "todo") -> dict[str, int]:
    """Tasks with these titles, from the column's top to its end."""
    return {
        title: socket.ask("task_create", {"project_id": project, "title": title, "status": status})["task"]["id"]
        for title in titles
    }


def column(server: Server, project: int, status: str = "todo") -> str:
    """The titles as a client sorts them: by plain comparison of the positions."""
    code = "result = list(Task.objects.filter(project_id=p, status=s).values_list('position', 'title'))"
    rows = server.stack.run(code, p=project, s=status)
    assert len({position for position, _ in rows}) == len(rows), "two tasks share a place"
    titles = [title for _, title in sorted(rows, key=lambda row: row[0].encode())]
    return "".join(title for title in titles if not title.startswith("fence"))


def move(socket: Socket, task: int, **where: Any) -> Any:
    return socket.ask("task_move", {"task_id": task, **where})


def test_new_tasks_go_to_the_end(server: Server, bob: Socket, project: int) -> None:
    fill(bob, project, "ABCDEFGHIJ")
    assert column(server, project) == "ABCDEFGHIJ"


def test_a_task_goes_before_after_and_to_the_end(server: Server, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "ABCD")
    answer = move(bob, ids["D"], before_id=ids["A"])
    assert set(answer) == {"task_id", "project_id", "status", "position", "version"}
    assert (answer["task_id"], answer["project_id"], answer["status"], answer["version"]) == (
        ids["D"],
        project,
        "todo",
        2,
    )
    assert column(server, project) == "DABC"
    move(bob, ids["D"], after_id=ids["B"])
    assert column(server, project) == "ABDC"
    move(bob, ids["A"])
    assert column(server, project) == "BDCA"
    move(bob, ids["A"], after_id=ids["B"])
    assert column(server, project) == "BADC"
    move(bob, ids["C"], before_id=ids["D"], status="todo")
    assert column(server, project) == "BACD"


def test_a_move_to_another_column_changes_status_and_place(server: Server, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "ABC")
    others = fill(bob, project, "XYZ", "review")
    received(bob, project)
    answer = move(bob, ids["B"], status="review", before_id=others["Y"])
    assert answer["status"] == "review"
    assert column(server, project) == "AC"
    assert column(server, project, "review") == "XBYZ"
    updated, changed = received(bob, project)
    assert (updated["event"], changed["event"]) == ("task_updated", "task_status_changed")
    assert set(updated["data"]["changes"]) == {"status", "position"}
    assert updated["data"]["changes"] == {"status": "review", "position": answer["position"]}
    assert updated["data"]["previous"]["status"] == "todo"
    assert (changed["data"]["old_status"], changed["data"]["new_status"]) == ("todo", "review")
    assert updated["data"]["version"] == changed["data"]["version"] == answer["version"]
    move(bob, ids["A"], status="review")
    move(bob, ids["C"], status="review", after_id=others["X"])
    assert column(server, project, "review") == "XCBYZA"


def test_a_move_within_the_column_publishes_the_position_alone(bob: Socket, project: int) -> None:
    ids = fill(bob, project, "AB")
    received(bob, project)
    answer = move(bob, ids["B"], before_id=ids["A"])
    (frame,) = received(bob, project)
    assert frame["event"] == "task_updated"
    assert frame["data"]["changes"] == {"position": answer["position"]}


def test_a_status_set_otherwise_leaves_places_unique(server: Server, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "ABC")
    fill(bob, project, "XYZ", "review")
    for title in "ABC":
        bob.ask("task_status_update", {"task_id": ids[title], "status": "review"})
    assert sorted(column(server, project, "review")) == sorted("XYZABC")
    server.stack.run("Task.objects.filter(project_id=p).update(status='completed')", p=project)
    assert sorted(column(server, project, "completed")) == sorted("XYZABC")


def test_a_restored_task_has_a_place_of_its_own(server: Server, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "ABC")
    bob.ask("task_delete", {"task_id": ids["B"]})
    fill(bob, project, "D")
    bob.ask("task_restore", {"task_id": ids["B"]})
    assert sorted(column(server, project)) == sorted("ABCD")


def test_an_anchor_must_be_of_that_column(server: Server, users: Users, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "AB")
    others = fill(bob, project, "X", "review")
    deleted = fill(bob, project, "Z")["Z"]
    bob.ask("task_delete", {"task_id": deleted})
    elsewhere = make_project(server.stack, users)
    foreign = bob.ask("task_create", {"project_id": elsewhere, "title": "F"})["task"]["id"]
    before = column(server, project)
    for where in (
        {"before_id": others["X"]},
        {"after_id": others["X"]},
        {"status": "review", "before_id": ids["A"]},
        {"status": "review", "after_id": ids["A"]},
        {"before_id": foreign},
        {"after_id": foreign},
        {"before_id": deleted},
        {"before_id": 999_999_999},
        {"before_id": 0},
        {"after_id": -1},
        {"before_id": ids["A"], "after_id": ids["A"]},
    ):
        with pytest.raises(Refused) as refused:
            move(bob, ids["B"], **where)
        assert refused.value.code in {"invalid_data", "not_found"}, where
    assert column(server, project) == before


def test_a_move_that_does_not_fit_is_refused(server: Server, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "AB")
    for data in (
        {},
        {"task_id": "x"},
        {"task_id": ids["A"], "status": "done"},
        {"task_id": ids["A"], "before_id": "x"},
        {"task_id": ids["A"], "after_id": True},
        {"task_id": ids["A"], "before_id": 1.5},
        {"task_id": ids["A"], "before_id": ids["B"], "after_id": ids["B"]},
    ):
        with pytest.raises(Refused) as refused:
            bob.ask("task_move", data)
        assert refused.value.code == "invalid_data", data
    assert column(server, project) == "AB"


def test_beside_itself_a_task_stays(server: Server, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "ABC")
    for side in ("before_id", "after_id"):
        frame = bob.ask_frame("task_move", {"task_id": ids["B"], side: ids["B"]})
        assert frame["event"] == "ack" or frame["data"]["code"] == "invalid_data"
    assert column(server, project) == "ABC"


def test_a_gap_never_closes(server: Server, bob: Socket, project: int) -> None:
    ids = fill(bob, project, "AB")
    order = ["A", "B"]
    for number in range(25):  # always between the same two
        title = chr(0x4E00 + number)
        ids |= fill(bob, project, title)
        move(bob, ids[title], after_id=ids["A"])
        order.insert(1, title)
    assert column(server, project) == "".join(order)
    for number in range(15):  # always to the top
        move(bob, ids[order[-1]], before_id=ids[order[0]])
        order.insert(0, order.pop())
        assert number < 12 or column(server, project) == "".join(order)


def drag_together(server: Server, sockets: list[Socket], project: int, rounds: int) -> None:
    """Several people drag at once; then every listener's own board has the server's one order."""
    watcher = sockets[0]
    ids = fill(watcher, project, "ABCDEFGH")
    tasks = {task: {"status": "todo", "position": ""} for task in ids.values()}
    for socket in sockets:
        socket.ask("join_project", {"project_id": project, "since": 0})
    chance = random.Random(project)
    for number in range(rounds):
        for socket in sockets:
            task, anchor = chance.sample(sorted(ids.values()), 2)
            where = {chance.choice(["before_id", "after_id"]): anchor} if chance.random() < 0.8 else {}
            socket.send_event("task_move", {"task_id": task, **where}, id=f"move-{number}")
        for socket in sockets:
            while socket.next().get("id") != f"move-{number}":
                pass
    head = sockets[0].ask("join_project", {"project_id": project})["seq"]
    boards = []
    for socket in sockets:
        room = f"project.{project}"
        while not socket.seqs(room) or socket.seqs(room)[-1] < head:
            socket.next()
        assert socket.seqs(room) == list(range(1, head + 1))
        positions = {task: dict(state) for task, state in tasks.items()}
        for frame in socket.history:
            if frame["event"] == "task_created":
                positions[frame["data"]["task"]["id"]]["position"] = frame["data"]["task"]["position"]
            if frame["event"] == "task_updated":
                positions[frame["data"]["task_id"]] |= frame["data"]["changes"]
        names = {task: title for title, task in ids.items()}
        boards.append("".join(names[t] for t in sorted(positions, key=lambda t: positions[t]["position"].encode())))
    assert boards == [column(server, project)] * len(sockets)


@pytest.mark.installations("embedded")
def test_people_dragging_at_once_end_with_one_order(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    sockets = [connect(server, user) for user in (users.ann, users.bob, users.cas)]
    drag_together(server, sockets, project, rounds=20)


@pytest.mark.installations("deployed")
def test_people_dragging_at_two_processes(
    server: Server, start_server: StartServer, users: Users, connect: Connect
) -> None:
    second = start_server()
    project = make_project(server.stack, users)
    sockets = [connect(server, users.ann), connect(second, users.bob), connect(second, users.cas)]
    drag_together(server, sockets, project, rounds=20)
