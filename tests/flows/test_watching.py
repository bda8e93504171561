"""What staff see of the running servers, over real sockets, processes and Redis; and that others do not."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from tests.conftest import Connect
from tests.flows.conftest import StartServer
from tests.support.sockets import Refused, Socket
from tests.support.stacks import LIGHT, Server, Stack, User

Figures = dict[str, Any]


@pytest.fixture(scope="module")
def two() -> Iterator[list[Server]]:
    """Two processes over one Redis."""
    stack = Stack("deployed", settings=LIGHT)
    yield [stack.server(serve=True), stack.server(serve=True)]
    stack.close()


def staff(server: Server) -> User:
    return server.stack.user(is_staff=True)


def watch(connect: Connect, server: Server, user: User) -> Socket:
    socket = connect(server, user)
    assert socket.ask("ops_watch", {"watching": True}) == {"watching": True, "every": 2.0}
    return socket


def see(socket: Socket, is_so: Callable[[Figures], bool]) -> Figures:
    """The first figures of which that is so."""
    seen: Figures = {}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = socket.expect("ops_figures")["data"]
        if is_so(seen):
            return seen
    raise AssertionError(f"Never seen; at last: {seen}")


def reports(figures: Figures) -> list[Figures]:
    return [process for process in figures["processes"] if process["silent_for"] < 5]


@pytest.mark.end_to_end
def test_staff_see_every_process_and_every_project(two: list[Server], connect: Connect) -> None:
    ann, bob = two[0].stack.user(), two[0].stack.user()
    project = two[0].project(ann, members=[bob], name="Watched")
    sockets = [connect(server, user) for server, user in zip((*two, two[1]), (ann, ann, bob), strict=True)]
    for socket in sockets:
        socket.ask("join_project", {"project_id": project})
    watcher = watch(connect, two[0], staff(two[0]))
    see(watcher, lambda seen: {process["pid"] for process in seen["processes"]} == {one.pid for one in two})
    wanted = {"project_id": project, "name": "Watched", "people": 2, "connections": 3}
    figures = see(watcher, lambda seen: wanted in seen["projects"])
    assert sum(process["connections"] for process in figures["processes"]) == 4
    for process in figures["processes"]:
        assert (process["sees_database"], process["sees_redis"], process["draining"]) == (True, True, False)
        assert process["memory_bytes"] > 20e6
        assert process["cpu_seconds"] > 0
    before = sum(process["deliveries"] for process in figures["processes"])
    sockets[0].ask("task_create", {"project_id": project, "title": "Counted"})
    see(watcher, lambda seen: sum(process["deliveries"] for process in seen["processes"]) == before + 3)


@pytest.mark.end_to_end
def test_to_others_there_is_no_such_thing(two: list[Server], connect: Connect) -> None:
    socket = connect(two[0], two[0].stack.user())
    watcher = watch(connect, two[0], staff(two[0]))
    for watching in (True, False):
        with pytest.raises(Refused) as refused:
            socket.ask("ops_watch", {"watching": watching})
        assert refused.value.code == "not_found"
    for _ in range(2):
        watcher.expect("ops_figures")
    assert "ops_figures" not in [frame["event"] for frame in socket.settle()]


@pytest.mark.end_to_end
@pytest.mark.parametrize("change", ["is_staff=False", "is_active=False"])
def test_a_user_who_is_no_longer_staff_sees_nothing_more(two: list[Server], connect: Connect, change: str) -> None:
    user = staff(two[0])
    watcher, other = watch(connect, two[0], user), watch(connect, two[0], staff(two[0]))
    watcher.expect("ops_figures")
    # Past our code, as an administrator's SQL does it.
    two[0].stack.run(f"User.objects.filter(id=id).update({change})", id=user.id)
    if change == "is_staff=False":
        watcher.expect("ops_ended")
        before = len(watcher.history)
        for _ in range(2):
            other.expect("ops_figures")
        assert "ops_figures" not in [frame["event"] for frame in watcher.settle()[before:]]
        assert watcher.ask_frame("ops_watch", {"watching": True})["data"]["code"] == "not_found"
    else:
        assert watcher.wait_closed() == 4403


@pytest.mark.end_to_end
def test_a_process_that_died_is_silent_and_its_successor_is_seen(two: list[Server], connect: Connect) -> None:
    server, victim = two
    watcher = watch(connect, server, staff(server))
    see(watcher, lambda seen: {process["pid"] for process in reports(seen)} == {server.pid, victim.pid})
    victim.kill()
    see(watcher, lambda seen: {process["pid"] for process in reports(seen)} == {server.pid})
    victim.start()
    see(watcher, lambda seen: {process["pid"] for process in reports(seen)} == {server.pid, victim.pid})


@pytest.mark.end_to_end
def test_a_lost_redis_is_seen(two: list[Server], connect: Connect) -> None:
    server, redis = two[0], two[0].stack.redis
    assert redis
    ann = server.stack.user()
    connect(server, ann).ask("join_project", {"project_id": server.project(ann)})
    watcher = watch(connect, server, staff(server))

    def own(seen: Figures) -> Figures:
        return next(process for process in seen["processes"] if process["pid"] == server.pid)

    see(watcher, lambda seen: own(seen)["sees_redis"] is True)
    redis.kill()
    seen = see(watcher, lambda seen: own(seen)["sees_redis"] is False)
    assert own(seen)["sees_database"] is True
    redis.start()
    see(watcher, lambda seen: own(seen)["sees_redis"] is True)


@pytest.mark.installations("embedded")
def test_one_process_without_redis_reports_itself(start_server: StartServer, connect: Connect) -> None:
    server = start_server()
    watcher = watch(connect, server, staff(server))
    [process] = watcher.expect("ops_figures")["data"]["processes"]
    assert (process["pid"], process["sees_redis"]) == (server.pid, None)
    assert watcher.ask("ops_watch", {"watching": False})["watching"] is False
    watcher.settle()
    with pytest.raises(AssertionError, match="Waited in vain"):
        watcher.expect("ops_figures", timeout=4.5)


@pytest.mark.end_to_end
def test_nothing_is_reported_while_no_user_watches(two: list[Server], connect: Connect) -> None:
    assert two[0].stack.redis
    watcher = watch(connect, two[0], staff(two[0]))
    watcher.expect("ops_figures")
    watcher.close()
    with Redis.from_url(two[0].stack.redis.url) as redis, redis.pubsub() as listening:
        listening.psubscribe("*processes*")

        def is_silent(seconds: float) -> bool:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                message = listening.get_message(timeout=left)
                if message and message["type"] == "pmessage":
                    return False
            return True

        deadline = time.monotonic() + 60
        while not is_silent(5):
            assert time.monotonic() < deadline, "they go on, though nobody watches"
        watch(connect, two[0], staff(two[0])).expect("ops_figures")
        assert not is_silent(5), "or this test listens at the wrong door"
