"""The log is trimmed, or gets a new life, under running servers and connected clients."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conftest import Connect, fresh_stack
from tests.flows.conftest import both_installations
from tests.flows.test_polling import polling
from tests.support.sockets import Socket
from tests.support.stacks import Server, Stack, User, Worker

#: Trims until the first floor is set and committed, then dies as in a crash.
KILLED_TRIM = """
import os, signal
from taskrealtime.engine.log import trimming
from taskrealtime.engine.models import Room
remove_up_to = trimming._remove_up_to
def dying(name, floor, *, after):
    if Room.objects.get(name=name).floor > after:
        os.kill(os.getpid(), signal.SIGKILL)
    return remove_up_to(name, floor, after=after)
trimming._remove_up_to = dying
trimming.trim()
"""


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation of this module's own, whose log is trimmed and renewed."""
    yield from fresh_stack(request)


@pytest.fixture(scope="module")
def server(stack: Stack) -> Server:
    return stack.server(SWEEP_INTERVAL="0.2")


@pytest.fixture
def owner(stack: Stack) -> User:
    return stack.user()


@pytest.fixture
def project(stack: Stack, owner: User) -> int:
    """A project with five events: its owner's coming, and four tasks."""
    code = (
        "project = Project.objects.create(name='Board')\n"
        "Membership.objects.create(project=project, user_id=owner, role='owner')\n"
        "for n in range(4): Task.objects.create(project=project, title=f'T{n}')\n"
        "result = project.id"
    )
    return int(stack.run(code, owner=owner.id))


def grow_old(stack: Stack, room: str, *, up_to: int) -> None:
    """The first events of the room are a hundred days old by now."""
    code = (
        "from datetime import timedelta\n"
        "from django.utils import timezone\n"
        "long_ago = timezone.now() - timedelta(days=100)\n"
        "Event.objects.filter(room=room, seq__lte=up_to).update(at=long_ago)"
    )
    stack.run(code, room=room, up_to=up_to)


def bounds(stack: Stack, room: str) -> tuple[int, int]:
    """The room's floor, and how many events it has."""
    code = "result = [Room.objects.get(name=room).floor, Event.objects.filter(room=room).count()]"
    floor, events = stack.run(code, room=room)
    return floor, events


def closed_for_good(server: Server) -> int:
    """1012 as the server's own kind of socket says it."""
    return 1012 if server.serve else 4012


@both_installations
def test_a_trim_killed_by_the_system_is_finished_by_the_next(
    stack: Stack, server: Server, owner: User, project: int, connect: Connect
) -> None:
    room = f"project.{project}"
    grow_old(stack, room, up_to=3)
    with (
        closing(Worker(f"{stack.name}-trim", stack.env)) as worker,
        pytest.raises(AssertionError, match="worker ended"),
    ):
        worker.run(KILLED_TRIM, {})
    assert bounds(stack, room) == (3, 5)
    joined = connect(server, owner).ask("join_project", {"project_id": project, "since": 2})
    assert (joined["reset"], joined["seq"]) == (True, 5)
    assert "Removed 3 events" in stack.manage("trim")
    assert bounds(stack, room) == (3, 2)


@both_installations
def test_a_user_who_is_behind_the_floor_resets_and_every_other_user_goes_on(
    stack: Stack, server: Server, owner: User, project: int, connect: Connect
) -> None:
    live = connect(server, owner)
    live.ask("join_project", {"project_id": project})
    grow_old(stack, f"project.{project}", up_to=3)
    assert "Removed 3 events" in stack.manage("trim")
    behind, at_the_floor = connect(server, owner), connect(server, owner)
    assert behind.ask("join_project", {"project_id": project, "since": 2})["reset"] is True
    assert at_the_floor.ask("join_project", {"project_id": project, "since": 3})["reset"] is False
    live.ask("task_create", {"project_id": project, "title": "Goes on"})
    for socket in (live, behind, at_the_floor):
        assert socket.expect("task_created", task={"title": "Goes on"})["seq"] == 6
    assert at_the_floor.seqs(f"project.{project}") == [4, 5, 6]
    assert behind.seqs(f"project.{project}") == live.seqs(f"project.{project}") == [6]
    with server.api(owner) as api:
        events = f"/api/projects/{project}/events/"
        assert api.get(f"{events}?since=2").json()["reset"] is True
        answer = api.get(f"{events}?since=3&limit=2").json()
        assert (answer["reset"], [event["seq"] for event in answer["events"]], answer["head"]) == (False, [4, 5], 6)


def test_after_everything_was_trimmed_the_head_is_no_reset(
    stack: Stack, server: Server, owner: User, project: int, connect: Connect
) -> None:
    stack.manage("trim", EVENT_RETENTION_DAYS="0.0000001")
    assert bounds(stack, f"project.{project}") == (5, 0)
    socket = connect(server, owner)
    joined = socket.ask("join_project", {"project_id": project, "since": 5})
    assert (joined["reset"], joined["seq"]) == (False, 5)
    socket.ask("task_create", {"project_id": project, "title": "Goes on"})
    assert socket.expect("task_created")["seq"] == 6


def test_a_user_room_behind_the_floor_resets(stack: Stack, server: Server, owner: User, connect: Connect) -> None:
    room = f"user.{owner.id}"
    code = (
        "from django.utils import timezone\n"
        "for seq in (1, 2, 3):\n"
        "    Event.objects.create(room=room, seq=seq, type='said', at=timezone.now(), data='{}')\n"
        "Room.objects.filter(name=room).update(head=3)"
    )
    stack.run(code, room=room)
    grow_old(stack, room, up_to=2)
    stack.manage("trim")
    for since, reset, missed in ((1, True, []), (2, False, [3])):
        socket = connect(server, owner)
        socket.send_event("connect", {"since": since})
        again = socket.expect("connected", reset=reset)["data"]
        assert (again["room"], again["seq"]) == (room, 3)
        if missed:
            socket.expect("said")
        assert socket.seqs(room) == missed


@pytest.mark.parametrize("serve", [True, False], ids=["serve", "stock daphne"])
def test_every_user_starts_over_after_a_renewed_epoch(
    stack: Stack, server: Server, owner: User, project: int, connect: Connect, serve: bool
) -> None:
    server = stack.server(serve=True, SWEEP_INTERVAL="0.2") if serve else server
    socket = connect(server, owner)
    before = socket.ask("join_project", {"project_id": project})
    server_has_swept(socket, stack, project)
    output = stack.manage("renew_epoch")
    assert f"was {before['epoch']} and is " in output
    assert socket.wait_closed() == closed_for_good(server)
    again = connect(server, owner)
    assert again.history[0]["data"]["epoch"] != before["epoch"]
    joined = again.ask("join_project", {"project_id": project, "since": 5, "epoch": before["epoch"]})
    assert (joined["reset"], joined["seq"]) == (True, 6)
    assert f"is {joined['epoch']} now" in output
    again.ask("task_create", {"project_id": project, "title": "Goes on"})
    assert again.expect("task_created", task={"title": "Goes on"})["seq"] == 7


def server_has_swept(socket: Socket, stack: Stack, project: int) -> None:
    """What only a sweep can find has come: from then on the server knows the epoch."""
    code = (
        "from django.utils import timezone\n"
        "Event.objects.create(room=room, seq=None, type='said', at=timezone.now(), data='{}')"
    )
    stack.run(code, room=f"project.{project}")
    socket.expect("said")


@both_installations
def test_a_waiting_long_poll_is_answered_with_a_reset(
    stack: Stack, server: Server, owner: User, project: int, connect: Connect
) -> None:
    socket = connect(server, owner)
    epoch = socket.ask("join_project", {"project_id": project})["epoch"]
    server_has_swept(socket, stack, project)
    with polling(server, owner, f"/api/projects/{project}/events/", since=6, epoch=epoch, wait=25) as poll:
        stack.manage("renew_epoch")
        answer = poll.result().json()
    assert poll.seconds < 20  # Not as a poll whose time is over.
    assert (answer["reset"], answer["events"]) == (True, [])
    assert answer["epoch"] != epoch
