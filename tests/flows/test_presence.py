"""Presence, typing and open tasks: sent once per change, and right again after every failure."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import _STACK, Connect
from tests.flows.conftest import StartServer, Users, both_installations, make_project
from tests.flows.objects import check_user, moment
from tests.support.sockets import Frame, Refused, Socket
from tests.support.stacks import LIGHT, Server, Stack, User

Statuses = list[tuple[int, str]]


@pytest.fixture
def task(server: Server, project: int) -> int:
    return make_task(server.stack, project)


def make_task(stack: Stack, project: int) -> int:
    return int(stack.run("result = Task.objects.create(project_id=p, title='Write').id", p=project))


def join(socket: Socket, project: int) -> dict[int, str]:
    """Join, and return the users that are present by the answer."""
    presence = socket.ask("join_project", {"project_id": project})["presence"]
    for one in presence:
        assert set(one) == {"user_id", "status"}
    assert len({one["user_id"] for one in presence}) == len(presence)
    return {one["user_id"]: one["status"] for one in presence}


def changes(frames: list[Frame], project: int) -> Statuses:
    """Return every change of presence in these frames, whatever form they have."""
    found: Statuses = []
    for frame in frames:
        if frame["event"] != "user_presence":
            continue
        assert set(frame) == {"event", "room", "data"}
        assert frame["room"] == f"project.{project}"
        data = frame["data"]
        assert data["project_id"] == project
        if "users" in data:
            assert set(data) == {"project_id", "users"}
            assert len(data["users"]) > 1
        for user in data.get("users", [data]):
            assert set(user) == {"project_id", "user_id", "status", "last_seen_at"}
            moment(user["last_seen_at"])
            found.append((user["user_id"], user["status"]))
    return found


def wait_for(socket: Socket, condition: Callable[[list[Frame]], Any], timeout: float = 60) -> None:
    """Read until what came over this socket fulfils the condition."""
    deadline = time.monotonic() + timeout
    while not condition(socket.history):
        socket.next(timeout=max(0.01, deadline - time.monotonic()))


def wait_for_change(socket: Socket, project: int, user: User, status: str, timeout: float = 60) -> None:
    """Read until this is the last status received of the user."""
    wait_for(
        socket,
        lambda frames: (
            [statuses for user_id, statuses in changes(frames, project) if user_id == user.id][-1:] == [status]
        ),
        timeout,
    )


def fence(watcher: Socket, actor: Socket, project: int, user: User) -> None:
    """The actor, who is this user, turns busy or, if busy, idle: all that the watcher got before is read by then."""
    statuses = [status for user_id, status in changes(watcher.history, project) if user_id == user.id]
    status = "idle" if statuses[-1:] == ["busy"] else "busy"
    actor.ask("presence_update", {"status": status})
    wait_for_change(watcher, project, user, status)


# --- Presence -------------------------------------------------------------------------------------------


@both_installations
def test_a_user_who_joins_gets_the_present_users_and_is_announced_to_them(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    bob, vic = connect(server, users.bob), connect(server, users.vic)
    assert join(bob, project) == {users.bob.id: "online"}
    assert join(vic, project) == {users.bob.id: "online", users.vic.id: "online"}
    wait_for_change(bob, project, users.vic, "online")
    fence(vic, bob, project, users.bob)
    assert changes(bob.history, project)[:1] == [(users.vic.id, "online")]
    assert (users.vic.id, "online") not in changes(vic.history, project)  # The join's answer had it.
    assert join(connect(server, users.cas), project)[users.bob.id] == "busy"


@both_installations
def test_the_best_of_all_connections_counts(server: Server, users: Users, connect: Connect, project: int) -> None:
    watcher, first, second = connect(server, users.ann), connect(server, users.bob), connect(server, users.bob)
    assert second.ask("presence_update", {"status": "idle"}) == {"status": "idle"}
    join(watcher, project)
    join(second, project)
    wait_for_change(watcher, project, users.bob, "idle")
    join(first, project)
    wait_for_change(watcher, project, users.bob, "online")
    second.ask("presence_update", {"status": "busy"})
    wait_for_change(watcher, project, users.bob, "busy")
    first.ask("presence_update", {"status": "idle"})
    second.ask("presence_update", {"status": "online"})
    wait_for_change(watcher, project, users.bob, "online")
    second.close()
    wait_for_change(watcher, project, users.bob, "idle")
    statuses = [status for user_id, status in changes(watcher.history, project) if user_id == users.bob.id]
    assert statuses == ["idle", "online", "busy", "online", "idle"]


@both_installations
def test_offline_comes_within_five_seconds_and_lists_leave_it_out(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    watcher, bob = connect(server, users.ann), connect(server, users.bob)
    join(watcher, project)
    join(bob, project)
    wait_for_change(watcher, project, users.bob, "online")
    bob.close()
    left = time.time()
    wait_for_change(watcher, project, users.bob, "offline")
    assert 2 < time.time() - left < 15  # 5 s on a machine that has nothing else to do; a lease, 20 s
    seen = moment(watcher.history[-1]["data"]["last_seen_at"]).timestamp()
    assert abs(seen - left) < 4
    assert users.bob.id not in join(connect(server, users.cas), project)


def test_a_reload_is_no_absence(server: Server, users: Users, connect: Connect, project: int) -> None:
    watcher, fence = connect(server, users.ann), connect(server, users.cas)
    join(watcher, project)
    join(fence, project)
    for _ in range(3):
        bob = connect(server, users.bob)
        join(bob, project)
        bob.drop()
    bob = connect(server, users.bob)
    join(bob, project)
    fence.ask("leave_project", {"project_id": project})  # Sent later than any earlier absence would be.
    wait_for_change(watcher, project, users.cas, "offline")
    assert [one for one in changes(watcher.history, project) if one[0] == users.bob.id] == [(users.bob.id, "online")]


def test_leaving_and_joining_again_is_announced_to_no_user_twice(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    watcher, bob = connect(server, users.ann), connect(server, users.bob)
    join(watcher, project)
    join(bob, project)
    wait_for_change(watcher, project, users.bob, "online")
    for _ in range(3):
        bob.ask("leave_project", {"project_id": project})
        join(bob, project)
        join(bob, project)
    fence(watcher, bob, project, users.bob)
    statuses = changes(watcher.history, project)
    assert statuses == [(users.bob.id, "online"), (users.bob.id, "busy")]


def test_nothing_of_a_room_reaches_users_outside_of_it(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    outside, inside, bob = connect(server, users.cas), connect(server, users.ann), connect(server, users.bob)
    stranger = connect(server, users.eve)
    with pytest.raises(Refused):
        join(stranger, project)
    join(inside, project)
    join(bob, project)
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    bob.ask("task_viewing", {"task_id": task})
    inside.expect("task_viewers", task_id=task)
    inside.expect("user_typing_status", task_id=task)
    wait_for_change(inside, project, users.bob, "online")
    for silent in (outside, stranger):
        silent.settle()
        assert [frame for frame in silent.history if frame.get("room") == f"project.{project}"] == []


@both_installations
def test_a_removed_member_is_gone_at_once_and_receives_no_more(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, users.ann), connect(server, users.bob)
    join(watcher, project)
    join(bob, project)
    bob.ask("task_viewing", {"task_id": task})
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    watcher.expect("task_viewers", user_ids=[users.bob.id])
    watcher.expect("user_typing_status", is_typing=True)
    removed_at = time.monotonic()
    server.stack.run("Membership.objects.get(project_id=p, user_id=u).delete()", p=project, u=users.bob.id)
    watcher.expect("user_typing_status", is_typing=False)
    watcher.expect("task_viewers", user_ids=[])
    wait_for_change(watcher, project, users.bob, "offline")
    assert time.monotonic() - removed_at < 4
    end = bob.history.index(bob.expect("removed_from_project"))
    fence(watcher, watcher, project, users.ann)
    bob.settle()
    assert [frame for frame in bob.history[end:] if frame.get("room") == f"project.{project}"] == []
    with pytest.raises(Refused) as refused:
        bob.ask("user_typing", {"task_id": task, "is_typing": True})
    assert refused.value.code == "not_found"


@pytest.mark.long
def test_a_hundred_joins_in_a_moment_are_a_few_frames(server: Server, connect: Connect, users: Users) -> None:
    stack = server.stack
    project = make_project(stack, users)
    people = stack.run(
        "users = User.objects.bulk_create([User(username=f'{prefix}{n}') for n in range(100)])\n"
        "for user in users: Membership.objects.create(project_id=p, user=user, role='member')\n"
        "from taskrealtime.engine.auth import tokens\n"
        "from taskrealtime.engine.log import create_room\n"
        "for user in users: create_room(f'user.{user.id}')\n"
        "result = [(user.id, str(tokens.make_access_token(user))) for user in users]",
        p=project,
        prefix=f"crowd{project}_",
    )
    watcher = connect(server, users.ann, max_queue=None)
    join(watcher, project)
    sockets = [server.connect(token=token, max_queue=None) for _, token in people]
    try:
        for socket in sockets:
            assert socket.next()["event"] == "connected"
        began = time.monotonic()
        for socket in sockets:
            socket.send_event("join_project", {"project_id": project}, id="join")
        ids = {user_id for user_id, _ in people}
        wait_for(watcher, lambda frames: {user for user, _ in changes(frames, project)} >= ids)
        took = time.monotonic() - began
        statuses = changes(watcher.history, project)
        assert sorted(statuses) == sorted((user_id, "online") for user_id in ids)
        frames = [frame for frame in watcher.history if frame["event"] == "user_presence"]
        assert len(frames) <= 2 + took / 0.2
        # Each of them knows all users: by the answer or by later events, and by one of the two only.
        for socket in sockets:
            known: list[int] = []
            while len(known) < 101:
                frame = socket.next()
                known += [one["user_id"] for one in frame["data"]["presence"]] if frame["event"] == "ack" else []
                known += [user_id for user_id, _ in changes([frame], project)]
            assert sorted(known) == sorted({*ids, users.ann.id})
    finally:
        for socket in sockets:
            socket.close()


@pytest.mark.parametrize("status", ["offline", "away", "", None, 1])
def test_no_other_status_is_understood(server: Server, users: Users, connect: Connect, status: Any) -> None:
    with pytest.raises(Refused) as refused:
        connect(server, users.bob).ask("presence_update", {"status": status})
    assert refused.value.code == "invalid_data"


@both_installations
def test_when_a_user_was_here_last_is_kept(start_server: StartServer, connect: Connect) -> None:
    server = start_server(serve=True)
    bob = server.stack.user()
    connect(server, bob)
    server.stop()
    code = (
        "from datetime import UTC, datetime; result = (datetime.now(UTC) - LastSeen.objects.get(user_id=u).at).seconds"
    )
    assert server.stack.run(code, u=bob.id) < 300


# --- Typing ---------------------------------------------------------------------------------------------


def typing(frames: list[Frame], task: int) -> list[tuple[int, bool]]:
    """Return the users that began or ended typing at a task, in order."""
    found = []
    for frame in frames:
        if frame["event"] == "user_typing_status" and frame["data"]["task_id"] == task:
            assert set(frame) == {"event", "room", "data"}
            assert set(frame["data"]) == {"project_id", "task_id", "user", "is_typing"}
            assert frame["room"] == f"project.{frame['data']['project_id']}"
            check_user(frame["data"]["user"])
            found.append((frame["data"]["user"]["id"], frame["data"]["is_typing"]))
    return found


def test_typing_is_announced_to_all_other_users(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, bob, other_tab = connect(server, users.vic), connect(server, users.bob), connect(server, users.bob)
    join(watcher, project)
    join(other_tab, project)  # Typing does not need a join.
    assert bob.ask("user_typing", {"task_id": task, "is_typing": True}) == {}
    frame = watcher.expect("user_typing_status")
    assert frame["data"]["user"] == {"id": users.bob.id, "username": users.bob.username, "name": users.bob.username}
    bob.ask("user_typing", {"task_id": task, "is_typing": False})
    watcher.expect("user_typing_status", is_typing=False)
    assert typing(watcher.history, task) == [(users.bob.id, True), (users.bob.id, False)]
    fence(other_tab, other_tab, project, users.bob)
    assert typing(other_tab.history, task) == []


def test_typing_in_a_field_comes_with_the_field_and_apart_from_a_comment(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, users.vic), connect(server, users.bob)
    join(watcher, project)
    fields: list[dict[str, str]] = [{}, {"field": "title"}]
    for field in fields:
        bob.ask("user_typing", {"task_id": task, "is_typing": True, **field})
        assert watcher.expect("user_typing_status", is_typing=True)["data"].get("field") == field.get("field")
    bob.ask("user_typing", {"task_id": task, "is_typing": False, "field": "title"})
    assert watcher.expect("user_typing_status", is_typing=False)["data"].get("field") == "title"
    bob.ask("user_typing", {"task_id": task, "is_typing": False})
    assert "field" not in watcher.expect("user_typing_status", is_typing=False)["data"]
    with pytest.raises(Refused) as refused:
        bob.ask("user_typing", {"task_id": task, "is_typing": True, "field": "status"})
    assert refused.value.code == "invalid_data"


def test_typing_with_every_key_is_announced_once_in_two_seconds(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, users.vic), connect(server, users.bob)
    join(watcher, project)
    began = time.monotonic()
    while time.monotonic() - began < 2.6:
        bob.ask("user_typing", {"task_id": task, "is_typing": True})
        time.sleep(0.05)
    bob.ask("new_comment", {"task_id": task, "content": "Done."})
    watcher.expect("user_typing_status", is_typing=False)
    took = time.monotonic() - began
    begun = typing(watcher.history, task).count((users.bob.id, True))
    assert 1 <= begun <= 1 + took / 2
    assert typing(watcher.history, task)[-1] == (users.bob.id, False)


def test_typing_on_and_off_floods_no_user(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, users.vic), connect(server, users.bob)
    join(watcher, project)
    began = time.monotonic()
    for _ in range(40):
        bob.ask("user_typing", {"task_id": task, "is_typing": True})
        bob.ask("user_typing", {"task_id": task, "is_typing": False})
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    bob.close()
    fence(watcher, watcher, project, users.vic)
    took = time.monotonic() - began
    assert 1 <= len(typing(watcher.history, task)) <= 2 * (1 + took / 2)


@both_installations
@pytest.mark.parametrize("end", ["silence", "leave_project", "disconnect"])
def test_typing_ends_by_itself(
    server: Server, users: Users, connect: Connect, project: int, task: int, end: str
) -> None:
    watcher, bob = connect(server, users.vic), connect(server, users.bob)
    join(watcher, project)
    join(bob, project)
    asked = time.monotonic()
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    watcher.expect("user_typing_status", is_typing=True)
    began = time.monotonic()
    if end == "leave_project":
        bob.ask("leave_project", {"project_id": project})
    elif end == "disconnect":
        bob.drop()
    watcher.expect("user_typing_status", is_typing=False)
    if end == "silence":
        assert time.monotonic() - asked > 5
    else:
        assert time.monotonic() - began < 5


def test_two_tabs_type_as_one(server: Server, users: Users, connect: Connect, project: int, task: int) -> None:
    watcher, one, two = connect(server, users.vic), connect(server, users.bob), connect(server, users.bob)
    join(watcher, project)
    for tab in (one, two):
        tab.ask("user_typing", {"task_id": task, "is_typing": True})
    one.ask("user_typing", {"task_id": task, "is_typing": False})
    fence(watcher, watcher, project, users.vic)
    assert typing(watcher.history, task) == [(users.bob.id, True)]
    two.close()
    watcher.expect("user_typing_status", is_typing=False)


def test_who_may_type(server: Server, users: Users, connect: Connect, project: int, task: int) -> None:
    expected = {users.vic: "forbidden", users.eve: "not_found"}
    for user, code in expected.items():
        socket = connect(server, user)
        for is_typing in (True, False):
            with pytest.raises(Refused) as refused:
                socket.ask("user_typing", {"task_id": task, "is_typing": is_typing})
            assert refused.value.code == code
    ann = connect(server, users.ann)
    for data in ({}, {"task_id": task}, {"task_id": task, "is_typing": 1}, {"task_id": "x", "is_typing": True}):
        with pytest.raises(Refused) as refused:
            ann.ask("user_typing", data)
        assert refused.value.code == "invalid_data"
    ann.ask("task_delete", {"task_id": task})
    with pytest.raises(Refused) as refused:
        ann.ask("user_typing", {"task_id": task, "is_typing": True})
    assert refused.value.code == "not_found"


# --- Viewing --------------------------------------------------------------------------------------------


def viewers(frames: list[Frame], task: int) -> list[list[int]]:
    """Return the viewers of a task, in the order of the events."""
    found = []
    for frame in frames:
        if frame["event"] == "task_viewers" and frame["data"]["task_id"] == task:
            assert set(frame) == {"event", "room", "data"}
            assert set(frame["data"]) == {"project_id", "task_id", "user_ids"}
            assert frame["room"] == f"project.{frame['data']['project_id']}"
            found.append(frame["data"]["user_ids"])
    return found


@both_installations
def test_a_user_who_views_a_task_is_announced_to_the_room_and_to_users_who_join(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, bob, vic = connect(server, users.ann), connect(server, users.bob), connect(server, users.vic)
    for socket in (watcher, bob, vic):
        join(socket, project)
    other = make_task(server.stack, project)
    assert bob.ask("task_viewing", {"task_id": task}) == {}
    vic.ask("task_viewing", {"task_id": task})
    wait_for(watcher, lambda frames: viewers(frames, task)[-1:] == [sorted([users.bob.id, users.vic.id])])
    late = connect(server, users.cas)
    late.send_event("join_project", {"project_id": project}, id="join")
    assert [late.next()["event"] for _ in range(2)] == ["ack", "task_viewers"]
    assert viewers(late.history, task) == [sorted([users.bob.id, users.vic.id])]
    bob.ask("task_viewing", {"task_id": other})
    wait_for(watcher, lambda frames: viewers(frames, other) == [[users.bob.id]])
    wait_for(watcher, lambda frames: viewers(frames, task)[-1:] == [[users.vic.id]])
    vic.ask("task_viewing", {"task_id": None})
    wait_for(watcher, lambda frames: viewers(frames, task)[-1:] == [[]])
    bob.drop()
    wait_for(watcher, lambda frames: viewers(frames, other)[-1:] == [[]])
    assert (users.bob.id, "offline") not in changes(watcher.history, project)


def test_a_task_looked_at_in_two_tabs_is_looked_at_by_one(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, one, two = connect(server, users.ann), connect(server, users.bob), connect(server, users.bob)
    for socket in (watcher, one, two):
        join(socket, project)
    for tab in (one, two):
        tab.ask("task_viewing", {"task_id": task})
    wait_for(watcher, lambda frames: viewers(frames, task) == [[users.bob.id]])
    one.ask("task_viewing", {"task_id": None})
    fence(watcher, watcher, project, users.ann)
    assert viewers(watcher.history, task) == [[users.bob.id]]
    two.ask("leave_project", {"project_id": project})
    wait_for(watcher, lambda frames: viewers(frames, task) == [[users.bob.id], []])
    join(two, project)
    fence(watcher, watcher, project, users.ann)
    assert viewers(watcher.history, task) == [[users.bob.id], []]  # Leaving has closed it.


def test_what_is_open_counts_from_the_join_on(
    server: Server, users: Users, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, users.ann), connect(server, users.bob)
    join(watcher, project)
    bob.ask("task_viewing", {"task_id": task})
    fence(watcher, watcher, project, users.ann)
    assert viewers(watcher.history, task) == []
    join(bob, project)
    wait_for(watcher, lambda frames: viewers(frames, task) == [[users.bob.id]])
    wait_for(bob, lambda frames: viewers(frames, task) == [[users.bob.id]])


def test_who_may_look(server: Server, users: Users, connect: Connect, task: int) -> None:
    eve, vic = connect(server, users.eve), connect(server, users.vic)
    for id in (task, 2**62):
        with pytest.raises(Refused) as refused:
            eve.ask("task_viewing", {"task_id": id})
        assert refused.value.code == "not_found"
    assert vic.ask("task_viewing", {"task_id": task}) == {}
    for data in ({}, {"task_id": "x"}, {"task_id": 2**64}):
        with pytest.raises(Refused) as refused:
            vic.ask("task_viewing", data)
        assert refused.value.code == "invalid_data"


# --- Several processes ------------------------------------------------------------------------------------


class Pair:
    """Two servers of one installation, a project, and its people: `ann` is on the first server and watches."""

    def __init__(self, stack: Stack, connect: Connect) -> None:
        self.users = Users(*(stack.user() for _ in range(5)))
        self.project = make_project(stack, self.users)
        self.task = make_task(stack, self.project)
        self.first, self.second = stack.servers[:2]
        self.connect = connect
        self.ann = self.join(self.first, self.users.ann)

    def join(self, server: Server, user: User) -> Socket:
        socket = self.connect(server, user, max_queue=None)
        join(socket, self.project)
        return socket

    def statuses(self, user: User) -> list[str]:
        """Return the events of the user's presence that `ann` received."""
        return [status for user_id, status in changes(self.ann.history, self.project) if user_id == user.id]

    def wait(self, user: User, status: str, timeout: float = 60) -> None:
        wait_for_change(self.ann, self.project, user, status, timeout)

    def fence(self) -> None:
        fence(self.ann, self.ann, self.project, self.users.ann)


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Stack]:
    """Two processes on an installation of their own, each of which, and whose Redis, may be lost."""
    stack = Stack("deployed", settings=LIGHT)
    stack.server()
    stack.server(serve=True)
    yield stack
    stack.close()


@pytest.fixture
def pair(disturbed: Stack, connect: Connect, request: pytest.FixtureRequest) -> Iterator[Pair]:
    request.node.stash[_STACK] = disturbed
    yield Pair(disturbed, connect)
    for server in disturbed.servers:
        if not server.running:
            server.start()


def test_processes_know_each_others_people(pair: Pair) -> None:
    users, task = pair.users, pair.task
    bob = pair.join(pair.second, users.bob)
    pair.wait(users.bob, "online")
    known = join(pair.connect(pair.second, users.cas), pair.project)
    assert known == {users.ann.id: "online", users.bob.id: "online", users.cas.id: "online"}
    bob.ask("task_viewing", {"task_id": task})
    wait_for(pair.ann, lambda frames: viewers(frames, task) == [[users.bob.id]])
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    wait_for(pair.ann, lambda frames: typing(frames, task) == [(users.bob.id, True)])
    bob.ask("new_comment", {"task_id": task, "content": "Done."})
    wait_for(pair.ann, lambda frames: typing(frames, task) == [(users.bob.id, True), (users.bob.id, False)])
    # A second tab elsewhere: the best counts, and the end of one of the two is no absence.
    tab = pair.join(pair.first, users.bob)
    tab.ask("presence_update", {"status": "busy"})
    pair.wait(users.bob, "busy")
    tab.close()
    pair.wait(users.bob, "online")
    bob.close()
    pair.wait(users.bob, "offline")
    assert pair.statuses(users.bob) == ["online", "busy", "online", "offline"]


def test_the_people_of_a_killed_process_go_when_its_lease_ends(pair: Pair) -> None:
    users = pair.users
    bob = pair.join(pair.second, users.bob)
    pair.join(pair.second, users.cas)
    pair.wait(users.cas, "online")
    bob.ask("task_viewing", {"task_id": pair.task})
    bob.ask("user_typing", {"task_id": pair.task, "is_typing": True})
    wait_for(pair.ann, lambda frames: viewers(frames, pair.task) == [[users.bob.id]])
    wait_for(pair.ann, lambda frames: typing(frames, pair.task) == [(users.bob.id, True)])
    killed = time.monotonic()
    pair.second.kill()
    pair.join(pair.first, users.cas)  # A user that reconnects elsewhere was never away.
    wait_for(pair.ann, lambda frames: typing(frames, pair.task)[-1] == (users.bob.id, False))
    pair.wait(users.bob, "offline")
    assert time.monotonic() - killed > 15
    wait_for(pair.ann, lambda frames: viewers(frames, pair.task) == [[users.bob.id], []])
    pair.fence()
    assert (pair.statuses(users.bob), pair.statuses(users.cas)) == (["online", "offline"], ["online"])


def test_the_people_of_a_process_that_ends_in_peace_go_after_a_moment(pair: Pair) -> None:
    users = pair.users
    pair.join(pair.second, users.bob)
    pair.join(pair.second, users.cas)
    pair.wait(users.cas, "online")
    pair.second.stop()
    pair.join(pair.first, users.cas)
    pair.wait(users.bob, "offline")
    pair.fence()
    assert pair.statuses(users.cas) == ["online"]


def test_an_emptied_redis_is_filled_again_and_no_user_was_away(pair: Pair, disturbed: Stack) -> None:
    users = pair.users
    bob = pair.join(pair.second, users.bob)
    bob.ask("presence_update", {"status": "busy"})
    bob.ask("task_viewing", {"task_id": pair.task})
    pair.wait(users.bob, "busy")
    assert disturbed.redis
    disturbed.redis.restart()
    # A user that connects now, anywhere, is soon known everywhere, and knows all users.
    cas = pair.join(pair.second, users.cas)
    pair.wait(users.cas, "online")
    vic = pair.join(pair.first, users.vic)
    assert join(vic, pair.project)[users.bob.id] == "busy"
    wait_for_change(bob, pair.project, users.vic, "online")
    cas.close()
    pair.wait(users.cas, "offline")
    bob.ask("presence_update", {"status": "idle"})
    pair.wait(users.bob, "idle")
    assert "offline" not in pair.statuses(users.bob)
    assert viewers(pair.ann.history, pair.task) == [[users.bob.id]]
    # Everything is in Redis again: a third process, new, knows it.
    third = disturbed.server()
    known = join(pair.connect(third, users.cas), pair.project)
    assert known == {users.ann.id: "online", users.bob.id: "idle", users.vic.id: "online", users.cas.id: "online"}


def test_without_redis_a_process_knows_its_own_people(pair: Pair, disturbed: Stack) -> None:
    users = pair.users
    bob = pair.join(pair.second, users.bob)
    pair.wait(users.bob, "online")
    assert disturbed.redis
    told_before = [broadcasts(server) for server in (pair.first, pair.second)]
    disturbed.redis.kill()
    cas = pair.join(pair.first, users.cas)
    pair.wait(users.cas, "online")
    assert join(cas, pair.project) == {users.ann.id: "online", users.bob.id: "online", users.cas.id: "online"}
    bob.ask("presence_update", {"status": "busy"})
    vic = pair.join(pair.second, users.vic)
    assert join(vic, pair.project)[users.bob.id] == "busy"
    disturbed.redis.start()
    pair.wait(users.bob, "busy")
    pair.wait(users.vic, "online")
    assert (pair.statuses(users.bob), pair.statuses(users.cas)) == (["online", "busy"], ["online"])
    assert [broadcasts(server) for server in (pair.first, pair.second)] == [times + 1 for times in told_before]


def broadcasts(server: Server) -> int:
    return server.log(lines=0).count("Presence: Redis is away")


def test_a_process_that_was_frozen_comes_back_with_its_people(pair: Pair) -> None:
    users = pair.users
    bob = pair.join(pair.second, users.bob)
    pair.wait(users.bob, "online")
    pair.second.pause()
    pair.wait(users.bob, "offline")
    pair.second.resume()
    pair.wait(users.bob, "online")
    bob.ask("presence_update", {"status": "busy"})
    pair.wait(users.bob, "busy")
    assert pair.statuses(users.bob) == ["online", "offline", "online", "busy"]
