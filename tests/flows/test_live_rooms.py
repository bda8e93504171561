"""Rooms of live models, from a write by whatever program to a socket and to HTTP: order, resuming, and rights."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.conftest import Connect, fresh_stack
from tests.support.sockets import Socket
from tests.support.stacks import KINDS, ROOT, Server, Stack, User

SETTINGS = "tests.support.helpdesk_settings"


class Desk(NamedTuple):
    """A help desk with a queue, and a user that works on it."""

    stack: Stack
    server: Server
    ann: User
    queue: int

    @property
    def room(self) -> str:
        return f"helpdesk.queue.{self.queue}"

    def run(self, code: str, **values: Any) -> Any:
        return self.stack.run(f"from tests.support.helpdesk.models import *\n{code}", queue=self.queue, **values)

    def write(self, title: str) -> int:
        code = "result = Ticket.objects.create(queue_id=queue, title=title).pk"
        return int(self.run(code, title=title))


@pytest.fixture(params=KINDS, scope="module")
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from fresh_desk(request)


def fresh_desk(request: pytest.FixtureRequest, settings: str = SETTINGS, kind: type[Stack] = Stack) -> Iterator[Desk]:
    for stack in fresh_stack(request, settings, kind):
        key = "serial" if stack.kind == "deployed" else "integer"
        table = f'CREATE TABLE "legacy rows" (id {key} PRIMARY KEY, queue_id bigint, text varchar(50))'
        stack.run("from django.db import connection\nconnection.cursor().execute(table)", table=table)
        # Its tables, which have no migrations, and then its triggers.
        stack.manage("migrate", "--run-syncdb", "--verbosity", "0")
        ann = stack.user()
        code = (
            "from tests.support.helpdesk.models import *\n"
            "queue = Queue.objects.create(name='Support')\n"
            "QueueMembership.objects.create(queue=queue, user_id=user)\n"
            "result = queue.pk"
        )
        yield Desk(stack, stack.server(), ann, stack.run(code, user=ann.id))


def member(desk: Desk) -> User:
    user = desk.stack.user()
    desk.run("QueueMembership.objects.create(queue_id=queue, user_id=user)", user=user.id)
    return user


def join(socket: Socket, room: str, **more: Any) -> Any:
    return socket.ask("join_room", {"room": room, **more})


def test_a_write_of_another_process_reaches_users_who_joined(desk: Desk, connect: Connect) -> None:
    socket = connect(desk.server, desk.ann)
    joined = join(socket, desk.room)
    assert set(joined) == {"room", "seq", "epoch", "reset"}
    pk = desk.write("Printer")
    frame = socket.expect("record_created")
    assert (frame["room"], frame["seq"]) == (desk.room, joined["seq"] + 1)
    assert frame["data"]["record"] == {"id": pk, "title": "Printer", "status": "open", "assigned_to": None, "votes": 0}
    assert socket.ask("leave_room", {"room": desk.room}) == {"room": desk.room}


def test_what_was_missed_is_replayed_in_order(desk: Desk, connect: Connect) -> None:
    socket = connect(desk.server, desk.ann)
    joined = join(socket, desk.room)
    socket.close()
    for title in "abc":
        desk.write(title)
    again = connect(desk.server, desk.ann)
    desk.server.api(desk.ann).get(f"/api/rooms/{desk.room}/")  # numbers what is committed
    join(again, desk.room, since=joined["seq"], epoch=joined["epoch"])
    frames = [again.expect("record_created") for _ in "abc"]
    assert [frame["data"]["record"]["title"] for frame in frames] == ["a", "b", "c"]
    assert [frame["seq"] - joined["seq"] for frame in frames] == [1, 2, 3]


def test_the_snapshot_is_what_the_events_lead_to(desk: Desk, connect: Connect) -> None:
    api = desk.server.api(desk.ann)
    pk = desk.write("Seen")
    snapshot = api.get(f"/api/rooms/{desk.room}/").json()
    assert set(snapshot) == {"room", "seq", "epoch", "records"}
    [ticket] = [record for record in snapshot["records"]["helpdesk.ticket"] if record["id"] == pk]
    log = api.get(f"/api/rooms/{desk.room}/events/?since=0").json()
    assert log["head"] == snapshot["seq"]
    [created] = [frame for frame in log["events"] if frame["data"]["id"] == pk]
    assert created["data"]["record"] == ticket


def test_a_long_poll_is_answered_by_the_next_write(desk: Desk) -> None:
    api = desk.server.api(desk.ann)
    snapshot = api.get(f"/api/rooms/{desk.room}/").json()
    desk.write("Polled")
    answer = api.get(f"/api/rooms/{desk.room}/events/?since={snapshot['seq']}&epoch={snapshot['epoch']}&wait=20").json()
    assert [frame["data"]["record"]["title"] for frame in answer["events"]] == ["Polled"]


@pytest.mark.parametrize("room", ["helpdesk.queue.{queue}", "helpdesk.queue.999999", "helpdesk.queue.007", "nothing.1"])
def test_a_room_that_is_not_there_or_not_for_the_user_is_not_found(desk: Desk, connect: Connect, room: str) -> None:
    stranger, room = desk.stack.user(), room.format(queue=desk.queue)
    error = connect(desk.server, stranger).ask_frame("join_room", {"room": room})
    assert (error["event"], error["data"]["code"]) == ("error", "not_found")
    for path in (f"/api/rooms/{room}/", f"/api/rooms/{room}/events/"):
        assert desk.server.api(stranger).get(path).status_code == 404


def test_the_end_of_a_membership_comes_in_the_order_and_nothing_after_it(desk: Desk, connect: Connect) -> None:
    user = member(desk)
    socket = connect(desk.server, user)
    join(socket, desk.room)
    desk.run(
        "Ticket.objects.create(queue_id=queue, title='before')\n"
        "QueueMembership.objects.filter(user_id=user).delete()\n"
        "Ticket.objects.create(queue_id=queue, title='after')",
        user=user.id,
    )
    assert socket.expect("record_created")["data"]["record"]["title"] == "before"
    assert socket.expect("reader_removed")["data"]["user_id"] == user.id
    socket.expect("removed_from_room", room=desk.room)
    socket.settle()
    assert socket.history[-1]["event"] in {"removed_from_room", "pong"}
    assert "after" not in str(socket.history)
    assert socket.ask_frame("join_room", {"room": desk.room})["data"]["code"] == "not_found"


def test_a_right_that_ends_without_an_event_is_noticed_and_nothing_comes_after_it(desk: Desk, connect: Connect) -> None:
    user = desk.stack.user()
    pk = desk.run("result = Notice.objects.create(text='hello', published=True).pk")
    socket = connect(desk.server, user)
    room = f"helpdesk.notice.{pk}"
    join(socket, room)
    desk.run("Notice.objects.filter(pk=pk).delete()", pk=pk)
    socket.expect("removed_from_room", room=room)
    socket.settle()
    assert room not in [frame.get("room") for frame in socket.history[-1:]]


def test_nothing_comes_after_the_cut_of_a_right_also_of_what_is_written_in_the_same_second(
    desk: Desk, connect: Connect
) -> None:
    desk.run("Shelf.objects.create(code='shelf')")
    room = "helpdesk.shelf.shelf"
    socket = connect(desk.server, desk.stack.user())
    join(socket, room)
    desk.run(
        "from django.db import transaction\n"
        "with transaction.atomic():\n"
        "    Shelf.objects.update(is_closed=True)\n"
        "    Item.objects.create(shelf_id='shelf', note='in the same transaction')\n"
        "Item.objects.create(shelf_id='shelf', note='in the same second')"
    )
    socket.expect("removed_from_room", room=room)
    desk.run("Item.objects.create(shelf_id='shelf', note='later')")
    socket.settle()
    cut = [frame["event"] for frame in socket.history].index("removed_from_room")
    assert room not in [frame.get("room") for frame in socket.history[cut + 1 :]]


#: A program without Django, which is killed right before or right after its commit.
KILLED = """
import os, signal, sys
url, queue, when = sys.argv[1:]
if url.startswith("postgres"):
    import psycopg
    database = psycopg.connect(url)
else:
    import sqlite3
    database = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)
columns = 'queue_id, title, "the Status\\'s", votes, secret'
database.execute(f"INSERT INTO helpdesk_ticket ({columns}) VALUES ({int(queue)}, 'killed {when}', 'open', 0, '')")
if when == "after":
    database.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_writer_committed_arrives_if_it_is_killed_right_after_and_not_if_right_before(
    desk: Desk, connect: Connect
) -> None:
    socket = connect(desk.server, desk.ann)
    joined = join(socket, desk.room)
    for when in ("before", "after"):
        command = [sys.executable, "-c", KILLED, desk.stack.env["DATABASE_URL"], str(desk.queue), when]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
    frame = socket.expect("record_created")
    assert (frame["seq"], frame["data"]["record"]["title"]) == (joined["seq"] + 1, "killed after")
    socket.settle()
    assert "killed before" not in str(socket.history)


def test_a_room_without_events_stays_joined(desk: Desk, connect: Connect) -> None:
    pk = desk.run(
        "new = Queue.objects.create(name='New')\n"
        "QueueMembership.objects.create(queue=new, user_id=user)\nresult = new.pk",
        user=desk.ann.id,
    )
    socket = connect(desk.server, desk.ann)
    other = connect(desk.server, desk.ann)
    join(socket, f"helpdesk.queue.{pk}")
    join(other, desk.room)
    # Two writes, each delivered by a sweep at the latest: the quiet room has been swept as well.
    for title in "ab":
        desk.write(title)
        assert other.expect("record_created")["data"]["record"]["title"] == title
    desk.run("Ticket.objects.create(queue_id=pk, title='first')", pk=pk)
    assert socket.expect("record_created")["seq"] == 1


def test_the_own_user_room_is_not_left(desk: Desk, connect: Connect) -> None:
    error = connect(desk.server, desk.ann).ask_frame("leave_room", {"room": f"user.{desk.ann.id}"})
    assert error["data"]["code"] == "forbidden"


@pytest.mark.parametrize("desk", ["deployed"], indirect=True)
def test_a_commit_of_djangos_waits_for_no_sweep(desk: Desk, connect: Connect) -> None:
    server = desk.stack.server(SWEEP_INTERVAL="5")
    socket = connect(server, desk.ann)
    join(socket, desk.room)
    # The first sweep joins the group of all processes.
    desk.write("first")
    socket.expect("record_created")
    begun = time.monotonic()
    for number in range(5):
        desk.write(f"number {number}")
        socket.expect("record_created")
    # By sweeps each of them would take 5 s.
    assert time.monotonic() - begun < 15


#: Runs in a process with psycopg 2 alone, and prints the events of the room, by this process and by the server.
ON_PSYCOPG2 = """
import django, json, sys
django.setup()
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import is_psycopg3
from taskrealtime.engine import log
from taskrealtime.live import live
from tests.support.helpdesk.models import Desk, Queue, Sample, Ticket

assert not is_psycopg3
queue, desk = Queue.objects.create(name="New"), Desk.objects.create()
with live.acting_as(User.objects.get(pk=sys.argv[1])):
    ticket = Ticket.objects.create(queue=queue, title="100 % 'hers'")
    with transaction.atomic():
        Ticket.objects.bulk_create([Ticket(queue=queue, title="two"), Ticket(queue=queue, title="three")])
        Ticket.objects.filter(pk=ticket.pk).update(votes=1)
with transaction.atomic():
    ticket.delete()
    live.tell(queue, "deployed", {})
Sample.objects.create(desk=desk, tags=["a", "b"], grid=[[1], [2]], metas=[{"a": 1}])
rooms = [f"helpdesk.queue.{queue.pk}", f"helpdesk.desk.{desk.pk}"]
log.sequence(rooms)
print(json.dumps([[json.loads(event.frame) for event in log.read(room, since=0, limit=99)] for room in rooms]))
"""


@pytest.mark.parametrize("desk", ["deployed"], indirect=True)
def test_a_project_with_psycopg_2_captures_and_numbers_as_others(desk: Desk) -> None:
    env = desk.stack.env | {"DJANGO_SETTINGS_MODULE": "tests.support.psycopg2_settings"}
    command = [sys.executable, "-c", ON_PSYCOPG2, str(desk.ann.id)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    in_queue, at_desk = json.loads(done.stdout)
    received = [(frame["event"], (frame["data"]["by"] or {}).get("username")) for frame in in_queue]
    assert received == [
        *[("record_created", desk.ann.username)] * 3,
        ("record_updated", desk.ann.username),
        ("record_deleted", None),
        ("deployed", None),
    ]
    assert in_queue[0]["data"]["redacted"], "its row is gone"
    record = at_desk[0]["data"]["record"]
    assert (record["tags"], record["grid"], record["metas"]) == (["a", "b"], [[1], [2]], [{"a": 1}])
