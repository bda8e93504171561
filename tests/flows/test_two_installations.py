"""Two installations on one Redis server, and processes of the previous release: no event crosses, none is cut off.

`production` and `staging` have databases of their own, in which the same numbers mean other people, projects and tasks.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer

from tests.conftest import Connect
from tests.services.redis import Redis
from tests.support.fences import names, received
from tests.support.sockets import Closed, Frame, Refused, Socket
from tests.support.stacks import LIGHT, Server, Stack, User

#: Seconds between two sweeps where only what comes through Redis is to arrive.
NEVER = "3600"
#: Sockets that one user may have, and what else both installations limit for the tests that look at limits.
MAX_SOCKETS = 5
LIMITED = {
    "WEBSOCKET_MAX_CONNECTIONS_PER_USER": str(MAX_SOCKETS),
    "WEBSOCKET_RATE_LIMIT": "10/1h",
    "SIGN_IN_RATE_LIMIT": "2/1h",
    "SWEEP_INTERVAL": "0.5",
}
limited = pytest.mark.parametrize("env", [LIMITED], ids=["limited"], indirect=True, scope="module")
_numbers = itertools.count(1)
#: How the two differ. (Their databases are copies of one, so that their logs have the same epoch.)
APART: dict[str, dict[str, str]] = {
    "by database": {"db": "1"},
    "by prefix": {"REDIS_PREFIX": "staging"},
    "in nothing": {},
}


@dataclass
class Installation:
    """One installation with two servers."""

    stack: Stack
    servers: list[Server]


@dataclass
class Team(Installation):
    """Two people of an installation, and a project of both of them."""

    ann: User
    bob: User
    project: int

    def shell(self, code: str, **values: Any) -> Any:
        return self.stack.run(code, project=self.project, **values)

    def unpublished(self, code: str, **values: Any) -> None:
        """Save without a message to other processes, as if only an old process published it."""
        silent = (
            "from unittest import mock\n"
            "from taskrealtime.engine.installation import doorbell\n"
            "with mock.patch.object(doorbell, '_send'):\n"
        )
        self.shell(f"{silent}    {code}", **values)


def install(stack: Stack, **env: str) -> Installation:
    settings: dict[str, Any] = {"SWEEP_INTERVAL": NEVER} | env
    return Installation(stack, [stack.server(**settings) for _ in range(2)])


def make_team(installation: Installation, number: int) -> Team:
    """Make a team that no test has used."""
    stack = installation.stack
    ann, bob = stack.user(f"ann{number}"), stack.user(f"bob{number}")
    code = (
        "project = Project.objects.create(name='Board')\n"
        "for user_id, role in ((ann, 'owner'), (bob, 'member')):\n"
        "    Membership.objects.create(project=project, user_id=user_id, role=role)\n"
        "result = project.id"
    )
    project = stack.run(code, ann=ann.id, bob=bob.id)
    return Team(stack, installation.servers, ann, bob, project)


@pytest.fixture(scope="module", params=["by database", pytest.param("by prefix", marks=pytest.mark.long)])
def apart(request: pytest.FixtureRequest) -> dict[str, str]:
    return APART[request.param]


@pytest.fixture(scope="module")
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    """What both installations have in their environment."""
    return getattr(request, "param", {})


@pytest.fixture(scope="module")
def installations(apart: dict[str, str], env: dict[str, str]) -> Iterator[tuple[Installation, Installation]]:
    production, staging = Stack("deployed", settings=LIGHT), Stack("deployed", settings=LIGHT)
    assert production.redis
    staging.env["REDIS_URL"] = f"redis://127.0.0.1:{production.redis.port}/{apart.get('db', '0')}"
    staging.env.update(apart)
    try:
        yield install(production, **env), install(staging, **env)
    finally:
        staging.close()
        production.close()


@pytest.fixture
def both(installations: tuple[Installation, Installation]) -> tuple[Team, Team]:
    """A team here and one there, whose people and projects have the same names and numbers."""
    number = next(_numbers)
    here, there = (make_team(installation, number) for installation in installations)
    assert (here.project, here.ann.id, here.bob.id) == (there.project, there.ann.id, there.bob.id)
    return here, there


def join(socket: Socket, team: Team) -> dict[int, str]:
    joined = socket.ask("join_project", {"project_id": team.project})
    return {one["user_id"]: one["status"] for one in joined["presence"]}


def test_no_event_crosses_and_every_own_one_comes(both: tuple[Team, Team], connect: Connect) -> None:
    sockets = [connect(one.servers[0], one.ann) for one in both]
    for one, socket in zip(both, sockets, strict=True):
        join(socket, one)
        assert received(socket, one.project) == []
    for number in range(3):
        for name, one in zip(("production", "staging"), both, strict=True):
            one.shell("Task.objects.create(project_id=project, title=title)", title=f"{name} {number}")
    for name, one, socket in zip(("production", "staging"), both, sockets, strict=True):
        created = [socket.expect("task_created") for _ in range(3)]
        assert [frame["data"]["task"]["title"] for frame in created] == [f"{name} {number}" for number in range(3)]
        assert [frame["seq"] for frame in created] == sorted(frame["seq"] for frame in created)
        assert received(socket, one.project) == []


def test_no_user_is_removed_by_what_is_deleted_elsewhere(both: tuple[Team, Team], connect: Connect) -> None:
    here, there = both
    ann, bob, theirs = (
        connect(here.servers[0], here.ann),
        connect(here.servers[0], here.bob),
        connect(there.servers[0], there.ann),
    )
    for socket, one in ((ann, here), (bob, here), (theirs, there)):
        join(socket, one)
    there.shell("Membership.objects.get(project_id=project, user_id=bob).delete()", bob=there.bob.id)
    theirs.expect("project_member_removed")
    there.shell("Project.objects.get(id=project).delete()")
    theirs.expect("removed_from_project")
    assert received(ann, here.project) == []
    assert names(received(bob, here.project, by=ann)) == ["task_created"], "the fence of the line above"
    assert {frame["event"] for frame in [*ann.history, *bob.history]} <= {
        "connected",
        "ack",
        "task_created",
        "user_presence",
    }
    here.shell("Membership.objects.get(project_id=project, user_id=bob).delete()", bob=here.bob.id)
    bob.expect("removed_from_project")


def test_no_user_is_present_or_typing_elsewhere(both: tuple[Team, Team], connect: Connect) -> None:
    here, there = both
    for one in both:
        one.shell("Task.objects.create(id=9000, project_id=project, title='Write')")
    watching = connect(here.servers[0], here.ann)
    assert join(watching, here) == {here.ann.id: "online"}
    theirs = connect(there.servers[0], there.bob)
    assert join(theirs, there) == {there.bob.id: "online"}
    their_witness = connect(there.servers[1], there.ann)
    join(their_witness, there)
    theirs.ask("presence_update", {"status": "busy"})
    theirs.ask("user_typing", {"task_id": 9000, "is_typing": True})
    their_witness.expect("user_typing_status")
    # The own people are seen, from one process to the other, after all of that.
    own = connect(here.servers[1], here.bob)
    assert join(own, here) == {here.ann.id: "online", here.bob.id: "online"}
    watching.expect("user_presence")
    own.ask("user_typing", {"task_id": 9000, "is_typing": True})
    assert watching.expect("user_typing_status")["data"]["user"]["id"] == here.bob.id
    carried = [frame for frame in watching.history if frame["event"] in ("user_presence", "user_typing_status")]
    assert [frame["event"] for frame in carried] == ["user_presence", "user_typing_status"]
    assert carried[0]["data"]["status"] == "online"


@limited
def test_connections_elsewhere_do_not_count(both: tuple[Team, Team], connect: Connect) -> None:
    here, _ = both
    for one in both:
        for _ in range(MAX_SOCKETS):
            connect(one.servers[0], one.ann)
    with here.servers[1].connect(here.ann) as one_more, pytest.raises(Closed) as closed:
        one_more.next()
    assert closed.value.code == 4409


@limited
def test_what_was_spent_elsewhere_does_not_count(both: tuple[Team, Team], connect: Connect) -> None:
    here, there = both
    theirs = connect(there.servers[0], there.ann)
    with pytest.raises(Refused):
        for _ in range(11):
            theirs.ask("presence_update", {"status": "idle"})
    for _ in range(10):
        connect_once(here, connect)
    wrong = {"username": here.ann.username, "password": "wrong"}
    assert [there.servers[0].api().post("/api/token/", json=wrong).status_code for _ in range(3)] == [401, 401, 429]
    assert here.servers[0].api().post("/api/token/", json=wrong).status_code == 401


def connect_once(team: Team, connect: Connect) -> None:
    socket = connect(team.servers[0], team.ann)
    socket.ask("presence_update", {"status": "idle"})
    socket.close()


@limited
def test_staff_see_the_processes_of_their_own_installation_alone(both: tuple[Team, Team], connect: Connect) -> None:
    sockets = []
    for one in both:
        one.shell("User.objects.update(is_staff=True)")
        connect(one.servers[1], one.bob)  # Stock daphne begins with its first socket.
        sockets.append(connect(one.servers[0], one.ann))
        sockets[-1].ask("ops_watch", {"watching": True})
    for one, socket in zip(both, sockets, strict=True):
        own = {server.pid for server in one.servers}
        seen: set[int] = set()
        deadline = time.monotonic() + 60
        while seen != own:
            assert time.monotonic() < deadline
            seen = {process["pid"] for process in socket.expect("ops_figures")["data"]["processes"]}
            assert seen <= own


# --- The same database of the same server, by mistake ---------------------------------------


@pytest.mark.parametrize("apart", ["in nothing"], indirect=True)
def test_even_where_nothing_keeps_them_apart_no_event_crosses(both: tuple[Team, Team], connect: Connect) -> None:
    test_no_event_crosses_and_every_own_one_comes(both, connect)
    log = both[0].servers[0].log()
    assert "REDIS_PREFIX" in log
    assert log.count("messages of the installation") == 1


# --- The release before, during a rolling update --------------------------------------------


@pytest.fixture(scope="module")
def single() -> Iterator[Installation]:
    stack = Stack("deployed", settings=LIGHT)
    yield install(stack)
    stack.close()


@pytest.fixture
def alone(single: Installation) -> Team:
    return make_team(single, next(_numbers))


class OldProcess:
    """What a process of the release before sends and receives: `taskrealtime` as the prefix, no epoch in a message."""

    def __init__(self, redis: Redis) -> None:
        self._loop = asyncio.new_event_loop()
        self._layer: Any = RedisPubSubChannelLayer(hosts=[{"address": redis.url}], prefix="taskrealtime")

    def publish(self, group: str, message: Frame) -> None:
        self._loop.run_until_complete(self._layer.group_send(group, message))

    def listen(self, group: str) -> str:
        async def enter() -> str:
            channel: str = await self._layer.new_channel()
            await self._layer.group_add(group, channel)
            return channel

        return self._loop.run_until_complete(enter())

    def receive(self, channel: str) -> Frame:
        message: Frame = self._loop.run_until_complete(asyncio.wait_for(self._layer.receive(channel), 60))
        return message

    def close(self) -> None:
        self._loop.run_until_complete(self._layer.flush())
        self._loop.close()


@pytest.fixture
def old(single: Installation) -> Iterator[OldProcess]:
    assert single.stack.redis
    process = OldProcess(single.stack.redis)
    yield process
    process.close()


def test_what_an_old_process_publishes_arrives(alone: Team, old: OldProcess, connect: Connect) -> None:
    ann = connect(alone.servers[0], alone.ann)
    join(ann, alone)
    [before] = ann.ask("join_project", {"project_id": alone.project}).keys() & {"seq"}
    head = ann.ask("join_project", {"project_id": alone.project})[before]
    alone.unpublished("Task.objects.create(project_id=project, title='From an old process')")
    room = f"project.{alone.project}"
    old.publish(room, {"type": "room.events", "room": room, "head": head + 1, "events": []})
    assert ann.expect("task_created")["data"]["task"]["title"] == "From an old process"


def test_an_old_message_is_believed_in_nothing_that_the_database_does_not_say(
    alone: Team, old: OldProcess, connect: Connect
) -> None:
    """It may be of an old process of another installation."""
    ann = connect(alone.servers[0], alone.ann)
    join(ann, alone)
    room, own = f"project.{alone.project}", f"user.{alone.ann.id}"
    forged = f'{{"event":"task_created","room":"{room}","seq":4,"at":"2026-01-01T00:00:00Z","data":{{}}}}'
    old.publish(room, {"type": "room.events", "room": room, "head": 4, "events": [[4, forged, None, False]]})
    old.publish(room, {"type": "room.events", "room": room, "head": 900, "events": [[4, forged, alone.ann.id, False]]})
    old.publish(room, {"type": "room.closed", "room": room})
    old.publish(own, {"type": "room.read", "room": own, "read": 700, "floor": 0})
    old.publish(own, {"type": "room.departed", "room": own, "user": alone.ann.id, "departed": room})
    typing = {"place": 1, "user": {"id": alone.bob.id, "username": "bob", "name": ""}, "connection": "c"}
    old.publish(room, {"type": "room.typing", "room": room, "process": "f" * 16, **typing, "is_typing": True})
    carried = [[alone.bob.id, ["online", []]]]
    old.publish(room, {"type": "room.presence", "room": room, "version": 99, "process": "f" * 16, "told": carried})
    for _ in range(2):
        assert received(ann, alone.project) == []
    assert {frame["event"] for frame in ann.history} == {"connected", "ack", "task_created"}


def test_an_old_process_ends_what_the_database_ends(alone: Team, old: OldProcess, connect: Connect) -> None:
    ann, bob = connect(alone.servers[0], alone.ann), connect(alone.servers[0], alone.bob)
    join(ann, alone)
    room, of_bob = f"project.{alone.project}", f"user.{alone.bob.id}"
    alone.unpublished("Membership.objects.get(project_id=project, user_id=bob).delete()", bob=alone.bob.id)
    old.publish(of_bob, {"type": "room.departed", "room": of_bob, "user": alone.bob.id, "departed": room})
    assert bob.expect("removed_from_project")["data"]["project_id"] == alone.project
    alone.unpublished("Project.objects.get(id=project).delete()")
    old.publish(room, {"type": "room.closed", "room": room})
    assert ann.expect("removed_from_project")["data"]["project_id"] == alone.project


def test_an_old_process_understands_what_is_published(alone: Team, old: OldProcess) -> None:
    room = f"project.{alone.project}"
    channel = old.listen(room)
    alone.shell("Task.objects.create(project_id=project, title='For all')")
    message = old.receive(channel)
    assert (message["type"], message["room"]) == ("room.events", room)
    [[seq, frame, evicts, forgets]] = message["events"]
    assert (seq, evicts, forgets) == (message["head"], None, False)
    assert '"title":"For all"' in frame


# --- A renewed epoch while servers and others run -------------------------------------------


def test_publications_of_a_process_arrive_after_the_epoch_was_renewed(connect: Connect) -> None:
    stack = Stack("deployed", settings=LIGHT)
    try:
        one = make_team(Installation(stack, []), next(_numbers))
        server = stack.server(SWEEP_INTERVAL="0.2")
        one.shell("Task.objects.create(project_id=project, title='Before')")
        ann = connect(server, one.ann)
        join(ann, one)
        stack.manage("renew_epoch")
        with pytest.raises(Closed) as closed:
            while True:
                ann.next()
        assert closed.value.code in (1012, 4012)
        server.stop()
        server.env["SWEEP_INTERVAL"] = NEVER
        server.start()
        ann = connect(server, one.ann)
        join(ann, one)
        # The process that saves learned of the old epoch; within moments its messages carry the new one.
        deadline = time.monotonic() + 60
        while not [frame for frame in ann.history if frame["event"] == "task_created"]:
            assert time.monotonic() < deadline
            one.shell("Task.objects.create(project_id=project, title='After')")
            ann.ask("ping", {})
    finally:
        stack.close()
