"""The inbox over running servers: live in every tab, complete after days, read everywhere at once, safe from crashes."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import Connect
from tests.flows.conftest import Users, make_project
from tests.flows.objects import check_comment, check_user, moment
from tests.support.observing import is_running, wait_until
from tests.support.programs import printed, start_manage
from tests.support.sockets import Frame, Refused, Socket
from tests.support.stacks import ROOT, Server, Stack, User

#: What each has beside `by`.
COPIES = {
    "task_assigned": {"task_id", "project_id", "title", "assignee_id", "previous_assignee_id", "version"},
    "comment_added": {"comment", "task_id", "project_id", "reason"},
    "project_member_added": {"project_id", "user", "role"},
    "due_date_reminder": {"task_id", "project_id", "title", "due_at", "kind"},
}


def copies(socket: Socket, count: int) -> list[Frame]:
    """The next logged events of the own room."""
    found: list[Frame] = []
    while len(found) < count:
        frame = socket.next()
        if frame.get("room", "").startswith("user.") and "seq" in frame:
            found.append(frame)
    return found


def inbox(server: Server, user: User, query: str = "") -> Any:
    answer = server.api(user).get(f"/api/notifications/{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def make_task(server: Server, by: User, project: int, **fields: Any) -> int:
    answer = server.api(by).post("/api/tasks/", json={"project_id": project, "title": "Task", **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def comment(server: Server, by: User, task: int, content: str) -> None:
    answer = server.api(by).post(f"/api/tasks/{task}/comments/", json={"content": content})
    assert answer.status_code == 201, answer.text


@pytest.fixture
def dan(server: Server) -> User:
    """A new user, whose room is this test's alone."""
    return server.stack.user()


@pytest.fixture
def board(server: Server, users: Users, dan: User) -> int:
    """A project of ann's with dan; he has received that event already."""
    return server.project(users.ann, members=[dan, users.bob])


# --- Live, in every tab ---------------------------------------------------------------------


def test_every_tab_receives_each_kind_to_the_letter(
    server: Server, users: Users, connect: Connect, dan: User, board: int
) -> None:
    tabs = [connect(server, dan) for _ in range(2)]
    task = make_task(server, users.ann, board, assignee_id=dan.id, due_at="2026-01-01T00:00:00Z")
    comment(server, users.bob, task, f"Look, @{dan.username}!")
    server.stack.manage("remind")
    server.project(users.ann, members=[dan])
    received = [copies(tab, 4) for tab in tabs]
    assert received[0] == received[1]
    kinds = ["task_assigned", "comment_added", "due_date_reminder", "project_member_added"]
    assert [frame["event"] for frame in received[0]] == kinds
    assert [frame["seq"] for frame in received[0]] == [2, 3, 4, 5]
    for frame in received[0]:
        assert set(frame) == {"event", "room", "seq", "at", "data"}
        assert frame["room"] == f"user.{dan.id}"
        assert set(frame["data"]) == COPIES[frame["event"]] | {"by"}
        moment(frame["at"])
    assigned, commented, reminded, added = (frame["data"] for frame in received[0])
    assert assigned["by"] == {"id": users.ann.id, "username": users.ann.username}
    check_comment(commented["comment"])
    assert commented["reason"] == "mention"
    assert (reminded["by"], reminded["kind"], reminded["due_at"]) == (None, "overdue", "2026-01-01T00:00:00Z")
    check_user(added["user"])
    page = inbox(server, dan)
    assert page["results"][:4] == [frame | {"read": False} for frame in reversed(received[0])]
    assert (page["seq"], page["unread"], page["count"]) == (5, 5, 5)


def test_reading_in_one_tab_is_sent_to_the_others(
    server: Server, users: Users, connect: Connect, dan: User, board: int
) -> None:
    make_task(server, users.ann, board, assignee_id=dan.id)
    first, second = connect(server, dan), connect(server, dan)
    assert first.history[0]["data"]["unread"] == second.history[0]["data"]["unread"] == 2
    assert first.ask("notifications_read", {"up_to": 1}) == {"unread": 1}
    for tab in (first, second):
        frame = tab.expect("notifications_read")
        assert frame == {
            "event": "notifications_read", "room": f"user.{dan.id}", "data": {"up_to": 1, "unread": 1}
        }  # fmt: skip
    answer = server.api(dan).post("/api/notifications/read/", json={"up_to": 2})
    assert answer.json() == {"unread": 0}
    assert first.expect("notifications_read")["data"] == {"up_to": 2, "unread": 0}
    # The mark never goes back, and no client receives a mark that it knows.
    assert second.ask("notifications_read", {"up_to": 1}) == {"unread": 0}
    make_task(server, users.ann, board, assignee_id=dan.id)
    assert copies(second, 1)[0]["seq"] == 3
    values = [frame["data"]["up_to"] for frame in second.history if frame["event"] == "notifications_read"]
    assert values == [1, 2]
    assert connect(server, dan).history[0]["data"]["unread"] == 1


@pytest.mark.parametrize("data", [{}, {"up_to": -1}, {"up_to": "1"}, {"up_to": None}, {"up_to": 2}, {"up_to": 2**70}])
def test_a_mark_that_does_not_fit_is_refused(
    server: Server, connect: Connect, dan: User, board: int, data: Any
) -> None:
    socket = connect(server, dan)
    with pytest.raises(Refused) as refused:
        socket.ask("notifications_read", data)
    assert refused.value.code == "invalid_data"
    assert inbox(server, dan)["unread"] == 1


def test_a_mark_with_a_key_takes_effect_once(server: Server, connect: Connect, dan: User, board: int) -> None:
    socket = connect(server, dan)
    assert socket.ask("notifications_read", {"up_to": 1}, key="k") == {"unread": 0}
    server.project(dan)
    assert socket.ask("notifications_read", {"up_to": 1}, key="k") == {"unread": 0, "duplicate": True}


def test_a_long_poll_is_answered_by_a_notification(server: Server, users: Users, dan: User, board: int) -> None:
    page = inbox(server, dan)
    path = f"/api/notifications/events/?since={page['seq']}&epoch={page['epoch']}&wait=20"
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(server.api(dan).get, path)
        assert server.api(dan).post("/api/notifications/read/", json={"up_to": 1}).json() == {"unread": 0}
        make_task(server, users.ann, board, assignee_id=dan.id)
        answer = poll.result(timeout=30).json()
    assert [(event["event"], event["seq"]) for event in answer["events"]] == [("task_assigned", 2)]


def test_what_another_process_marks_is_sent_by_the_sweep(
    server: Server, connect: Connect, dan: User, board: int
) -> None:
    """As if the publication is lost: the mark itself is in the database."""
    socket = connect(server, dan)
    server.stack.run("Room.objects.filter(name=name).update(read=1)", name=f"user.{dan.id}")
    assert socket.expect("notifications_read")["data"] == {"up_to": 1, "unread": 0}


# --- Complete, in order ---------------------------------------------------------------------


def test_a_user_who_was_away_for_days_finds_everything_in_order(
    server: Server, users: Users, connect: Connect, dan: User, board: int
) -> None:
    with server.connect(dan) as socket:
        before = socket.next()["data"]
    titles = [f"Task {number}" for number in range(30)]
    code = (
        "for title in titles:\n"
        "    task = Task.objects.create(project_id=project, title=title, assignee_id=dan)\n"
        "    Comment.objects.create(task=task, author_id=bob, content=title)"
    )
    server.stack.run(code, titles=titles, project=board, dan=dan.id, bob=users.bob.id)
    socket = server.connect()
    with socket:
        since = {"since": before["seq"], "epoch": before["epoch"]}
        socket.send_event("connect", {"token": server.token(dan), **since}, id=1)
        connected = socket.next()["data"]
        assert (connected["seq"], connected["unread"], connected["reset"]) == (61, 61, False)
        missed = copies(socket, 60)
    assert [frame["seq"] for frame in missed] == list(range(2, 62))
    values = [frame["data"].get("title") or frame["data"]["comment"]["content"] for frame in missed]
    assert values == [title for title in titles for _ in range(2)]
    pages = [inbox(server, dan, f"?page={page}&page_size=25") for page in (1, 2, 3)]
    listed = [item["seq"] for page in pages for item in page["results"]]
    assert listed == list(range(61, 0, -1))


def test_a_storm_of_notifications_reaches_every_user_once(
    server: Server, users: Users, connect: Connect, dan: User, board: int
) -> None:
    """Several users comment at once on tasks that concern the same users: no deadlock, nothing lost or doubled."""
    tasks = [make_task(server, users.ann, board, assignee_id=dan.id) for _ in range(4)]
    listeners = [connect(server, dan, max_queue=None), connect(server, users.ann, max_queue=None)]
    start = inbox(server, dan)["seq"]

    def write(task: int) -> None:
        with server.connect(users.bob) as socket:
            socket.next()
            for number in range(10):
                socket.ask("new_comment", {"task_id": task, "content": f"{task}/{number} @{dan.username}"})

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, tasks))
    received = copies(listeners[0], 40)
    assert [frame["seq"] for frame in received] == list(range(start + 1, start + 41))
    texts = [frame["data"]["comment"]["content"] for frame in received]
    assert len(set(texts)) == 40
    for task in tasks:  # each writer's own order is kept
        own = [text for text in texts if text.startswith(f"{task}/")]
        assert own == [f"{task}/{number} @{dan.username}" for number in range(10)]
    mine = [frame for frame in copies(listeners[1], 40) if frame["data"]["project_id"] == board]
    assert len({frame["data"]["comment"]["id"] for frame in mine}) == 40
    assert {frame["data"]["reason"] for frame in mine} == {"creator"}


# --- What one may no longer see -------------------------------------------------------------


def test_a_removed_member_sees_that_there_was_something_and_not_what(
    server: Server, users: Users, connect: Connect, dan: User, board: int
) -> None:
    task = make_task(server, users.ann, board, title="Hidden title", assignee_id=dan.id)
    comment(server, users.ann, task, "Hidden words")
    before = inbox(server, dan)
    assert server.api(users.ann).delete(f"/api/projects/{board}/members/{dan.id}/").status_code == 204
    after = inbox(server, dan)
    replay = server.api(dan).get("/api/notifications/events/?since=0").json()
    assert "Hidden" in str(before)
    assert "Hidden" not in str(after) + str(replay)
    assert [item["seq"] for item in after["results"]] == [3, 2, 1]
    assert all(item["data"]["redacted"] is True for item in after["results"])
    with server.connect(dan) as socket:
        epoch = socket.next()["data"]["epoch"]
        socket.ask("connect", {"since": 0, "epoch": epoch})
        assert "Hidden" not in str(copies(socket, 3))


# --- Reminders, in processes of their own ---------------------------------------------------


def make_due(stack: Stack, users: Users, count: int) -> int:
    """A project with so many tasks of cas's that are overdue; returns how far cas's room is."""
    code = (
        "from datetime import datetime, UTC\n"
        "due_at = datetime(2026, 1, 1, tzinfo=UTC)\n"
        "fields = dict(project_id=project, due_at=due_at, assignee_id=cas)\n"
        "Task.objects.bulk_create([Task(title=str(number), **fields) for number in range(count)])\n"
        "result = Room.objects.get(name=f'user.{cas}').head"
    )
    return int(stack.run(code, count=count, project=make_project(stack, users), cas=users.cas.id))


def reminders_after(stack: Stack, users: Users, seq: int) -> list[int]:
    """The tasks that cas was reminded of since; numbered without a gap."""
    code = (
        "from taskrealtime.engine import log\n"
        "log.sequence(log.unnumbered_rooms())\n"
        "events = Event.objects.filter(room=f'user.{cas}', seq__gt=seq).order_by('seq')\n"
        "result = [(event.seq, event.type, event.data) for event in events]"
    )
    found = stack.run(code, cas=users.cas.id, seq=seq)
    assert [number for number, _, _ in found] == list(range(seq + 1, seq + 1 + len(found)))
    assert {kind for _, kind, _ in found} <= {"due_date_reminder"}
    return [data for _, _, data in found]


def test_several_schedulers_at_once_remind_of_each_task_once(server: Server, users: Users) -> None:
    start = make_due(server.stack, users, 120)
    with ThreadPoolExecutor() as pool:
        texts = list(pool.map(lambda _: server.stack.manage("remind"), range(3)))
    assert all(text.startswith("Sent ") for text in texts)
    server.stack.manage("remind")  # what one held and another passed over
    values = reminders_after(server.stack, users, start)
    assert len(values) == len(set(values)) == 120


@pytest.mark.parametrize("place", ["changing:2", "committed:1", "numbering:2"])
def test_a_scheduler_that_is_killed_loses_and_doubles_nothing(server: Server, users: Users, place: str) -> None:
    start = make_due(server.stack, users, 120)
    with pytest.raises(AssertionError, match="ended with -9"):
        server.stack.manage("remind", CRASH_POINTS=place)
    server.stack.manage("remind")
    values = reminders_after(server.stack, users, start)
    assert len(values) == len(set(values)) == 120


def test_the_loop_goes_on_until_it_is_stopped(server: Server, users: Users, connect: Connect) -> None:
    socket = connect(server, users.cas)
    loop = start_manage(server.stack.env | {"REMIND_INTERVAL": "0.2"}, "remind", "--loop")
    try:
        for _ in range(2):
            project = make_project(server.stack, users)
            task = make_task(server, users.ann, project, assignee_id=users.cas.id, due_at="2026-01-01T00:00:00Z")
            while (reminder := socket.expect("due_date_reminder"))["data"]["task_id"] != task:
                pass
            assert reminder["data"]["kind"] == "overdue"
    finally:
        status = loop.end(signal.SIGTERM)
    assert (status, printed(loop)) == (0, "")


def test_the_loop_ends_with_the_process_that_holds_its_lifeline(server: Server) -> None:
    holder = (
        "import os, subprocess, sys\n"
        "lifeline, held = os.pipe()\n"
        "command = [sys.executable, 'manage.py', 'remind', '--loop', '--lifeline', str(lifeline)]\n"
        "print(subprocess.Popen(command, pass_fds=[lifeline]).pid, flush=True)\n"
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder],
        cwd=ROOT, env=server.stack.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    loop = int(process.stdout.readline())
    process.kill()
    wait_until(lambda: not is_running(loop))
    process.communicate()


def test_a_user_who_wants_to_be_asked_first_is_asked_live_and_no_other_user_is_notified(
    server: Server, users: Users, connect: Connect
) -> None:
    project = make_project(server.stack, users)
    eve, bob = connect(server, users.eve), connect(server, users.bob)
    api = server.api(users.eve)
    assert api.patch("/api/me/", json={"ask_first": True}).status_code == 200
    member = {"username": users.eve.username, "role": "viewer"}
    assert server.api(users.ann).post(f"/api/projects/{project}/members/", json=member).status_code == 202
    asked = eve.expect("project_member_requested")
    assert asked["room"] == f"user.{users.eve.id}"
    assert set(asked["data"]) == {"project", "role", "by"}
    assert (asked["data"]["project"]["id"], asked["data"]["by"]["id"]) == (project, users.ann.id)
    bob.settle()
    assert "project_member_requested" not in [frame["event"] for frame in bob.history]
    assert api.post(f"/api/me/requests/{project}/accept/").json()["role"] == "viewer"
    eve.ask("join_project", {"project_id": project})
    api.patch("/api/me/", json={"ask_first": False})
