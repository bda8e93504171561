"""Presence, typing and open tasks: sent once per change, and right again after every failure."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import _STACK, Connect
from tests.flows.conftest import Cast, StartServer, both_installations, make_project
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
        lambda frames: [told for user_id, told in changes(frames, project) if user_id == user.id][-1:] == [status],
        timeout,
    )


def fence(watcher: Socket, actor: Socket, project: int, user: User) -> None:
    """The actor, who is this user, turns busy or, if busy, idle: all that the watcher got before is read by then."""
    told = [status for user_id, status in changes(watcher.history, project) if user_id == user.id]
    status = "idle" if told[-1:] == ["busy"] else "busy"
    actor.ask("presence_update", {"status": status})
    wait_for_change(watcher, project, user, status)


# --- Presence -------------------------------------------------------------------------------------------


@both_installations
def test_who_joins_is_told_who_is_there_and_told_to_them(
    server: Server, cast: Cast, connect: Connect, project: int
) -> None:
    bob, vic = connect(server, cast.bob), connect(server, cast.vic)
    assert join(bob, project) == {cast.bob.id: "online"}
    assert join(vic, project) == {cast.bob.id: "online", cast.vic.id: "online"}
    wait_for_change(bob, project, cast.vic, "online")
    fence(vic, bob, project, cast.bob)
    assert changes(bob.history, project)[:1] == [(cast.vic.id, "online")]
    assert (cast.vic.id, "online") not in changes(vic.history, project)  # The join's answer had it.
    assert join(connect(server, cast.cas), project)[cast.bob.id] == "busy"


@both_installations
def test_the_best_of_all_connections_counts(server: Server, cast: Cast, connect: Connect, project: int) -> None:
    watcher, first, second = connect(server, cast.ann), connect(server, cast.bob), connect(server, cast.bob)
    assert second.ask("presence_update", {"status": "idle"}) == {"status": "idle"}
    join(watcher, project)
    join(second, project)
    wait_for_change(watcher, project, cast.bob, "idle")
    join(first, project)
    wait_for_change(watcher, project, cast.bob, "online")
    second.ask("presence_update", {"status": "busy"})
    wait_for_change(watcher, project, cast.bob, "busy")
    first.ask("presence_update", {"status": "idle"})
    second.ask("presence_update", {"status": "online"})
    wait_for_change(watcher, project, cast.bob, "online")
    second.close()
    wait_for_change(watcher, project, cast.bob, "idle")
    told = [status for user_id, status in changes(watcher.history, project) if user_id == cast.bob.id]
    assert told == ["idle", "online", "busy", "online", "idle"]


@both_installations
def test_offline_comes_within_five_seconds_and_lists_leave_it_out(
    server: Server, cast: Cast, connect: Connect, project: int
) -> None:
    watcher, bob = connect(server, cast.ann), connect(server, cast.bob)
    join(watcher, project)
    join(bob, project)
    wait_for_change(watcher, project, cast.bob, "online")
    bob.close()
    left = time.time()
    wait_for_change(watcher, project, cast.bob, "offline")
    assert 2 < time.time() - left < 15  # 5 s on a machine that has nothing else to do; a lease, 20 s
    seen = moment(watcher.history[-1]["data"]["last_seen_at"]).timestamp()
    assert abs(seen - left) < 4
    assert cast.bob.id not in join(connect(server, cast.cas), project)


def test_a_reload_is_no_absence(server: Server, cast: Cast, connect: Connect, project: int) -> None:
    watcher, fence = connect(server, cast.ann), connect(server, cast.cas)
    join(watcher, project)
    join(fence, project)
    for _ in range(3):
        bob = connect(server, cast.bob)
        join(bob, project)
        bob.drop()
    bob = connect(server, cast.bob)
    join(bob, project)
    fence.ask("leave_project", {"project_id": project})  # Sent later than any earlier absence would be.
    wait_for_change(watcher, project, cast.cas, "offline")
    assert [one for one in changes(watcher.history, project) if one[0] == cast.bob.id] == [(cast.bob.id, "online")]


def test_leaving_and_joining_again_is_told_to_nobody_twice(
    server: Server, cast: Cast, connect: Connect, project: int
) -> None:
    watcher, bob = connect(server, cast.ann), connect(server, cast.bob)
    join(watcher, project)
    join(bob, project)
    wait_for_change(watcher, project, cast.bob, "online")
    for _ in range(3):
        bob.ask("leave_project", {"project_id": project})
        join(bob, project)
        join(bob, project)
    fence(watcher, bob, project, cast.bob)
    told = changes(watcher.history, project)
    assert told == [(cast.bob.id, "online"), (cast.bob.id, "busy")]


def test_nothing_of_a_room_reaches_who_is_not_in_it(
    server: Server, cast: Cast, connect: Connect, project: int, task: int
) -> None:
    outside, inside, bob = connect(server, cast.cas), connect(server, cast.ann), connect(server, cast.bob)
    stranger = connect(server, cast.eve)
    with pytest.raises(Refused):
        join(stranger, project)
    join(inside, project)
    join(bob, project)
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    bob.ask("task_viewing", {"task_id": task})
    inside.expect("task_viewers", task_id=task)
    inside.expect("user_typing_status", task_id=task)
    wait_for_change(inside, project, cast.bob, "online")
    for silent in (outside, stranger):
        silent.settle()
        assert [frame for frame in silent.history if frame.get("room") == f"project.{project}"] == []


@both_installations
def test_a_removed_member_is_gone_at_once_and_hears_no_more(
    server: Server, cast: Cast, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, cast.ann), connect(server, cast.bob)
    join(watcher, project)
    join(bob, project)
    bob.ask("task_viewing", {"task_id": task})
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    watcher.expect("task_viewers", user_ids=[cast.bob.id])
    watcher.expect("user_typing_status", is_typing=True)
    removed_at = time.monotonic()
    server.stack.run("Membership.objects.get(project_id=p, user_id=u).delete()", p=project, u=cast.bob.id)
    watcher.expect("user_typing_status", is_typing=False)
    watcher.expect("task_viewers", user_ids=[])
    wait_for_change(watcher, project, cast.bob, "offline")
    assert time.monotonic() - removed_at < 4
    end = bob.history.index(bob.expect("removed_from_project"))
    fence(watcher, watcher, project, cast.ann)
    bob.settle()
    assert [frame for frame in bob.history[end:] if frame.get("room") == f"project.{project}"] == []
    with pytest.raises(Refused) as refused:
        bob.ask("user_typing", {"task_id": task, "is_typing": True})
    assert refused.value.code == "not_found"


@pytest.mark.long
def test_a_hundred_joins_in_a_moment_are_a_few_frames(server: Server, connect: Connect, cast: Cast) -> None:
    stack = server.stack
    project = make_project(stack, cast)
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
    watcher = connect(server, cast.ann, max_queue=None)
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
        told = changes(watcher.history, project)
        assert sorted(told) == sorted((user_id, "online") for user_id in ids)
        frames = [frame for frame in watcher.history if frame["event"] == "user_presence"]
        assert len(frames) <= 2 + took / 0.2
        # Each of them knows all users: by the answer or by later events, and by one of the two only.
        for socket in sockets:
            known: list[int] = []
            while len(known) < 101:
                frame = socket.next()
                known += [one["user_id"] for one in frame["data"]["presence"]] if frame["event"] == "ack" else []
                known += [user_id for user_id, _ in changes([frame], project)]
            assert sorted(known) == sorted({*ids, cast.ann.id})
    finally:
        for socket in sockets:
            socket.close()


@pytest.mark.parametrize("status", ["offline", "away", "", None, 1])
def test_no_other_status_is_understood(server: Server, cast: Cast, connect: Connect, status: Any) -> None:
    with pytest.raises(Refused) as refused:
        connect(server, cast.bob).ask("presence_update", {"status": status})
    assert refused.value.code == "invalid_data"


@both_installations
def test_when_somebody_was_here_last_is_kept(start_server: StartServer, connect: Connect) -> None:
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


def test_typing_is_told_to_everybody_else(
    server: Server, cast: Cast, connect: Connect, project: int, task: int
) -> None:
    watcher, bob, other_tab = connect(server, cast.vic), connect(server, cast.bob), connect(server, cast.bob)
    join(watcher, project)
    join(other_tab, project)  # Typing does not need a join.
    assert bob.ask("user_typing", {"task_id": task, "is_typing": True}) == {}
    frame = watcher.expect("user_typing_status")
    assert frame["data"]["user"] == {"id": cast.bob.id, "username": cast.bob.username, "name": cast.bob.username}
    bob.ask("user_typing", {"task_id": task, "is_typing": False})
    watcher.expect("user_typing_status", is_typing=False)
    assert typing(watcher.history, task) == [(cast.bob.id, True), (cast.bob.id, False)]
    fence(other_tab, other_tab, project, cast.bob)
    assert typing(other_tab.history, task) == []


def test_typing_with_every_key_is_told_once_in_two_seconds(
    server: Server, cast: Cast, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, cast.vic), connect(server, cast.bob)
    join(watcher, project)
    began = time.monotonic()
    while time.monotonic() - began < 2.6:
        bob.ask("user_typing", {"task_id": task, "is_typing": True})
        time.sleep(0.05)
    bob.ask("new_comment", {"task_id": task, "content": "Done."})
    watcher.expect("user_typing_status", is_typing=False)
    took = time.monotonic() - began
    begun = typing(watcher.history, task).count((cast.bob.id, True))
    assert 1 <= begun <= 1 + took / 2
    assert typing(watcher.history, task)[-1] == (cast.bob.id, False)


def test_typing_on_and_off_floods_nobody(server: Server, cast: Cast, connect: Connect, project: int, task: int) -> None:
    watcher, bob = connect(server, cast.vic), connect(server, cast.bob)
    join(watcher, project)
    began = time.monotonic()
    for _ in range(40):
        bob.ask("user_typing", {"task_id": task, "is_typing": True})
        bob.ask("user_typing", {"task_id": task, "is_typing": False})
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    bob.close()
    fence(watcher, watcher, project, cast.vic)
    took = time.monotonic() - began
    assert 1 <= len(typing(watcher.history, task)) <= 2 * (1 + took / 2)


@both_installations
@pytest.mark.parametrize("end", ["silence", "leave_project", "disconnect"])
def test_typing_ends_by_itself(server: Server, cast: Cast, connect: Connect, project: int, task: int, end: str) -> None:
    watcher, bob = connect(server, cast.vic), connect(server, cast.bob)
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


def test_two_tabs_type_as_one(server: Server, cast: Cast, connect: Connect, project: int, task: int) -> None:
    watcher, one, two = connect(server, cast.vic), connect(server, cast.bob), connect(server, cast.bob)
    join(watcher, project)
    for tab in (one, two):
        tab.ask("user_typing", {"task_id": task, "is_typing": True})
    one.ask("user_typing", {"task_id": task, "is_typing": False})
    fence(watcher, watcher, project, cast.vic)
    assert typing(watcher.history, task) == [(cast.bob.id, True)]
    two.close()
    watcher.expect("user_typing_status", is_typing=False)


def test_who_may_type(server: Server, cast: Cast, connect: Connect, project: int, task: int) -> None:
    expected = {cast.vic: "forbidden", cast.eve: "not_found"}
    for user, code in expected.items():
        socket = connect(server, user)
        for is_typing in (True, False):
            with pytest.raises(Refused) as refused:
                socket.ask("user_typing", {"task_id": task, "is_typing": is_typing})
            assert refused.value.code == code
    ann = connect(server, cast.ann)
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
def test_who_looks_at_a_task_is_told_to_the_room_and_to_who_joins(
    server: Server, cast: Cast, connect: Connect, project: int, task: int
) -> None:
    watcher, bob, vic = connect(server, cast.ann), connect(server, cast.bob), connect(server, cast.vic)
    for socket in (watcher, bob, vic):
        join(socket, project)
    other = make_task(server.stack, project)
    assert bob.ask("task_viewing", {"task_id": task}) == {}
    vic.ask("task_viewing", {"task_id": task})
    wait_for(watcher, lambda frames: viewers(frames, task)[-1:] == [sorted([cast.bob.id, cast.vic.id])])
    late = connect(server, cast.cas)
    late.send_event("join_project", {"project_id": project}, id="join")
    assert [late.next()["event"] for _ in range(2)] == ["ack", "task_viewers"]
    assert viewers(late.history, task) == [sorted([cast.bob.id, cast.vic.id])]
    bob.ask("task_viewing", {"task_id": other})
    wait_for(watcher, lambda frames: viewers(frames, other) == [[cast.bob.id]])
    wait_for(watcher, lambda frames: viewers(frames, task)[-1:] == [[cast.vic.id]])
    vic.ask("task_viewing", {"task_id": None})
    wait_for(watcher, lambda frames: viewers(frames, task)[-1:] == [[]])
    bob.drop()
    wait_for(watcher, lambda frames: viewers(frames, other)[-1:] == [[]])
    assert (cast.bob.id, "offline") not in changes(watcher.history, project)


def test_a_task_looked_at_in_two_tabs_is_looked_at_by_one(
    server: Server, cast: Cast, connect: Connect, project: int, task: int
) -> None:
    watcher, one, two = connect(server, cast.ann), connect(server, cast.bob), connect(server, cast.bob)
    for socket in (watcher, one, two):
        join(socket, project)
    for tab in (one, two):
        tab.ask("task_viewing", {"task_id": task})
    wait_for(watcher, lambda frames: viewers(frames, task) == [[cast.bob.id]])
    one.ask("task_viewing", {"task_id": None})
    fence(watcher, watcher, project, cast.ann)
    assert viewers(watcher.history, task) == [[cast.bob.id]]
    two.ask("leave_project", {"project_id": project})
    wait_for(watcher, lambda frames: viewers(frames, task) == [[cast.bob.id], []])
    join(two, project)
    fence(watcher, watcher, project, cast.ann)
    assert viewers(watcher.history, task) == [[cast.bob.id], []]  # Leaving has closed it.


def test_what_is_open_counts_from_the_join_on(
    server: Server, cast: Cast, connect: Connect, project: int, task: int
) -> None:
    watcher, bob = connect(server, cast.ann), connect(server, cast.bob)
    join(watcher, project)
    bob.ask("task_viewing", {"task_id": task})
    fence(watcher, watcher, project, cast.ann)
    assert viewers(watcher.history, task) == []
    join(bob, project)
    wait_for(watcher, lambda frames: viewers(frames, task) == [[cast.bob.id]])
    wait_for(bob, lambda frames: viewers(frames, task) == [[cast.bob.id]])


def test_who_may_look(server: Server, cast: Cast, connect: Connect, task: int) -> None:
    eve, vic = connect(server, cast.eve), connect(server, cast.vic)
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
        self.cast = Cast(*(stack.user() for _ in range(5)))
        self.project = make_project(stack, self.cast)
        self.task = make_task(stack, self.project)
        self.first, self.second = stack.servers[:2]
        self.connect = connect
        self.ann = self.join(self.first, self.cast.ann)

    def join(self, server: Server, user: User) -> Socket:
        socket = self.connect(server, user, max_queue=None)
        join(socket, self.project)
        return socket

    def told(self, user: User) -> list[str]:
        """Return the events of the user's presence that `ann` received."""
        return [status for user_id, status in changes(self.ann.history, self.project) if user_id == user.id]

    def wait(self, user: User, status: str, timeout: float = 60) -> None:
        wait_for_change(self.ann, self.project, user, status, timeout)

    def fence(self) -> None:
        fence(self.ann, self.ann, self.project, self.cast.ann)


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
    cast, task = pair.cast, pair.task
    bob = pair.join(pair.second, cast.bob)
    pair.wait(cast.bob, "online")
    known = join(pair.connect(pair.second, cast.cas), pair.project)
    assert known == {cast.ann.id: "online", cast.bob.id: "online", cast.cas.id: "online"}
    bob.ask("task_viewing", {"task_id": task})
    wait_for(pair.ann, lambda frames: viewers(frames, task) == [[cast.bob.id]])
    bob.ask("user_typing", {"task_id": task, "is_typing": True})
    wait_for(pair.ann, lambda frames: typing(frames, task) == [(cast.bob.id, True)])
    bob.ask("new_comment", {"task_id": task, "content": "Done."})
    wait_for(pair.ann, lambda frames: typing(frames, task) == [(cast.bob.id, True), (cast.bob.id, False)])
    # A second tab elsewhere: the best counts, and the end of one of the two is no absence.
    tab = pair.join(pair.first, cast.bob)
    tab.ask("presence_update", {"status": "busy"})
    pair.wait(cast.bob, "busy")
    tab.close()
    pair.wait(cast.bob, "online")
    bob.close()
    pair.wait(cast.bob, "offline")
    assert pair.told(cast.bob) == ["online", "busy", "online", "offline"]


def test_the_people_of_a_killed_process_go_when_its_lease_ends(pair: Pair) -> None:
    cast = pair.cast
    bob = pair.join(pair.second, cast.bob)
    pair.join(pair.second, cast.cas)
    pair.wait(cast.cas, "online")
    bob.ask("task_viewing", {"task_id": pair.task})
    bob.ask("user_typing", {"task_id": pair.task, "is_typing": True})
    wait_for(pair.ann, lambda frames: viewers(frames, pair.task) == [[cast.bob.id]])
    wait_for(pair.ann, lambda frames: typing(frames, pair.task) == [(cast.bob.id, True)])
    killed = time.monotonic()
    pair.second.kill()
    pair.join(pair.first, cast.cas)  # A user that reconnects elsewhere was never away.
    wait_for(pair.ann, lambda frames: typing(frames, pair.task)[-1] == (cast.bob.id, False))
    pair.wait(cast.bob, "offline")
    assert time.monotonic() - killed > 15
    wait_for(pair.ann, lambda frames: viewers(frames, pair.task) == [[cast.bob.id], []])
    pair.fence()
    assert (pair.told(cast.bob), pair.told(cast.cas)) == (["online", "offline"], ["online"])


def test_the_people_of_a_process_that_ends_in_peace_go_after_a_moment(pair: Pair) -> None:
    cast = pair.cast
    pair.join(pair.second, cast.bob)
    pair.join(pair.second, cast.cas)
    pair.wait(cast.cas, "online")
    pair.second.stop()
    pair.join(pair.first, cast.cas)
    pair.wait(cast.bob, "offline")
    pair.fence()
    assert pair.told(cast.cas) == ["online"]


def test_an_emptied_redis_is_filled_again_and_nobody_was_away(pair: Pair, disturbed: Stack) -> None:
    cast = pair.cast
    bob = pair.join(pair.second, cast.bob)
    bob.ask("presence_update", {"status": "busy"})
    bob.ask("task_viewing", {"task_id": pair.task})
    pair.wait(cast.bob, "busy")
    assert disturbed.redis
    disturbed.redis.restart()
    # A user that connects now, anywhere, is soon known everywhere, and knows all users.
    cas = pair.join(pair.second, cast.cas)
    pair.wait(cast.cas, "online")
    vic = pair.join(pair.first, cast.vic)
    assert join(vic, pair.project)[cast.bob.id] == "busy"
    wait_for_change(bob, pair.project, cast.vic, "online")
    cas.close()
    pair.wait(cast.cas, "offline")
    bob.ask("presence_update", {"status": "idle"})
    pair.wait(cast.bob, "idle")
    assert "offline" not in pair.told(cast.bob)
    assert viewers(pair.ann.history, pair.task) == [[cast.bob.id]]
    # Everything is in Redis again: a third process, new, knows it.
    third = disturbed.server()
    known = join(pair.connect(third, cast.cas), pair.project)
    assert known == {cast.ann.id: "online", cast.bob.id: "idle", cast.vic.id: "online", cast.cas.id: "online"}


def test_without_redis_a_process_knows_its_own_people(pair: Pair, disturbed: Stack) -> None:
    cast = pair.cast
    bob = pair.join(pair.second, cast.bob)
    pair.wait(cast.bob, "online")
    assert disturbed.redis
    told_before = [times_told(server) for server in (pair.first, pair.second)]
    disturbed.redis.kill()
    cas = pair.join(pair.first, cast.cas)
    pair.wait(cast.cas, "online")
    assert join(cas, pair.project) == {cast.ann.id: "online", cast.bob.id: "online", cast.cas.id: "online"}
    bob.ask("presence_update", {"status": "busy"})
    vic = pair.join(pair.second, cast.vic)
    assert join(vic, pair.project)[cast.bob.id] == "busy"
    disturbed.redis.start()
    pair.wait(cast.bob, "busy")
    pair.wait(cast.vic, "online")
    assert (pair.told(cast.bob), pair.told(cast.cas)) == (["online", "busy"], ["online"])
    assert [times_told(server) for server in (pair.first, pair.second)] == [times + 1 for times in told_before]


def times_told(server: Server) -> int:
    return server.log(lines=0).count("Presence: Redis is away")


def test_a_process_that_was_frozen_comes_back_with_its_people(pair: Pair) -> None:
    cast = pair.cast
    bob = pair.join(pair.second, cast.bob)
    pair.wait(cast.bob, "online")
    pair.second.pause()
    pair.wait(cast.bob, "offline")
    pair.second.resume()
    pair.wait(cast.bob, "online")
    bob.ask("presence_update", {"status": "busy"})
    pair.wait(cast.bob, "busy")
    assert pair.told(cast.bob) == ["online", "offline", "online", "busy"]
