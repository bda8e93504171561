"""Bursts, long replays, locked rows, cut database connections, and what deletion leaves in the log."""

import json
import socket as sockets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.flows.boards import carried_on, picture
from tests.flows.conftest import Users, make_project
from tests.flows.objects import check_event
from tests.support.fences import names, received
from tests.support.meanwhile import LOCK, Meanwhile
from tests.support.sockets import Refused
from tests.support.stacks import Server, Stack, User

# --- Much at once --------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_burst_reaches_every_subscriber(server: Server, users: Users, connect: Connect, project: int) -> None:
    """Two thousand and more events of one transaction: more than a replay may have, but no client missed any."""
    listeners = [connect(server, user) for user in (users.bob, users.vic)]
    head = [listener.ask("join_project", {"project_id": project})["seq"] for listener in listeners][0]
    server.stack.run(
        "Task.objects.bulk_create([Task(project_id=p, title=f'{n}', description='d' * 300) for n in range(2200)])",
        p=project,
    )
    for listener in listeners:
        assert [frame["seq"] for frame in listener.read_to(project, head + 2200)] == list(range(head + 1, head + 2201))
        assert listener.ask("ping", {})


@pytest.mark.long
def test_a_long_replay_of_large_events_comes_whole(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    """Five megabytes of them, while others keep writing."""
    server.stack.run(
        "Task.objects.bulk_create([Task(project_id=p, title=f'{n}', description='é' * 20000) for n in range(120)])",
        p=project,
    )
    reader, writer = connect(server, users.vic), connect(server, users.bob)
    head = reader.ask("join_project", {"project_id": project, "since": 0})["seq"]
    for number in range(10):
        writer.ask("task_create", {"project_id": project, "title": f"{number}"})
    assert [frame["seq"] for frame in reader.read_to(project, head + 10)] == list(range(1, head + 11))


# --- What is locked or cut -------------------------------------------------------------------------------


@pytest.mark.installations("deployed")
def test_a_locked_row_stops_only_requests_for_it(server: Server, users: Users, connect: Connect) -> None:
    project = make_project(server.stack, users)
    quick = connect(server, users.ann)
    task = quick.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"]
    quick.ask("join_project", {"project_id": project})
    waiting = [connect(server, (users.bob, users.cas)[number % 2]) for number in range(14)]
    api = server.api(users.bob)
    with ThreadPoolExecutor(16) as requests, Meanwhile(server.stack, LOCK, task=task):
        for number, socket in enumerate(waiting):
            socket.send_event("task_update", {"task_id": task, "changes": {"title": f"{number}"}}, id="waiting")
        over_http = [requests.submit(api.patch, f"/api/tasks/{task}/", json={"priority": "high"}) for _ in range(16)]
        quick.ask("task_create", {"project_id": project, "title": "quick"})
        quick.expect("task_created", task={"title": "quick"})
        assert connect(server, users.vic).ask("join_project", {"project_id": project})
        assert server.api(users.vic).get(f"/api/projects/{project}/board/").status_code == 200
    assert [answer.result().status_code for answer in over_http] == [200] * 16
    for socket in waiting:
        assert socket.next()["id"] == "waiting"
        assert socket.history[-1]["event"] == "ack"
    changes = [quick.expect("task_updated")["data"]["changes"] for _ in range(16)]
    assert changes[0] == {"description": "held"}
    assert sorted(int(change["title"]) for change in changes if "title" in change) == list(range(14))
    assert [change for change in changes if "priority" in change] == [{"priority": "high"}]


@pytest.mark.installations("deployed")
def test_cut_database_connections_are_made_again(stack: Stack, connect: Connect) -> None:
    user = stack.user()
    server = stack.server()
    project = server.project(user)
    writer, listener = connect(server, user), connect(server, user, max_queue=None)
    head = listener.ask("join_project", {"project_id": project})["seq"]
    made: list[str] = []
    for round_ in range(2):
        with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        deadline = time.monotonic() + 60
        for number in range(5):
            title = f"{round_} {number}"
            while True:  # with a key: what failed is sent again, and done once
                assert time.monotonic() < deadline, "it did not recover"
                frame = writer.ask_frame("task_create", {"project_id": project, "title": title}, key=title)
                if frame["event"] == "ack":
                    break
                assert frame["data"]["code"] == "internal"
            made.append(title)
    assert [frame["seq"] for frame in listener.read_to(project, head + len(made))] == list(
        range(head + 1, head + len(made) + 1)
    )
    assert [frame["data"]["task"]["title"] for frame in listener.history if frame["event"] == "task_created"] == made


def test_many_polls_and_still_an_answer(server: Server, users: Users, project: int) -> None:
    """Sixty browsers behind a proxy that blocks sockets: many more than a process has threads."""
    url = f"/api/projects/{project}/events/?since=4&wait=25"
    request = f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token(users.bob)}\r\nConnection: close\r\n\r\n"
    polls = [sockets.create_connection(("127.0.0.1", server.port)) for _ in range(60)]
    for poll in polls:
        poll.sendall(request.encode())
    begun = time.monotonic()
    api = server.api(users.ann)
    assert api.get(f"/api/projects/{project}/board/").json()["seq"] == 4
    assert api.post("/api/tasks/", json={"project_id": project, "title": "A"}).status_code == 201
    for poll in polls:
        poll.settimeout(60)
        answer = b""
        while chunk := poll.recv(65536):
            answer += chunk
        poll.close()
        assert b" 200 " in answer[:20]
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["seq"] == 5
    assert time.monotonic() - begun < 20  # not as polls whose time is over


# --- Deleted since ------------------------------------------------------------------------------------------


def test_what_was_deleted_is_not_replayed(server: Server, users: Users, connect: Connect, project: int) -> None:
    writer, listener = connect(server, users.bob), connect(server, users.vic)
    listener.ask("join_project", {"project_id": project})
    before = server.api(users.ann).get(f"/api/projects/{project}/board/").json()

    def create(**fields: Any) -> int:
        return int(writer.ask("task_create", {"project_id": project, **fields})["task"]["id"])

    gone, stays = create(title="secret one", description="secret two"), create(title="kept")
    writer.ask("task_update", {"task_id": gone, "changes": {"title": "secret three", "assignee_id": users.cas.id}})
    writer.ask("new_comment", {"task_id": gone, "content": "secret four"})
    comment = writer.ask("new_comment", {"task_id": stays, "content": "secret five"})["comment_id"]
    kept = writer.ask("new_comment", {"task_id": stays, "content": "kept comment"})["comment_id"]
    api = server.api(users.bob)
    api.patch(f"/api/comments/{comment}/", json={"content": "secret six"})
    api.delete(f"/api/comments/{comment}/")
    writer.ask("task_delete", {"task_id": gone})
    live = received(listener, project, by=writer)
    reader = connect(server, users.vic)
    joined = reader.ask("join_project", {"project_id": project, "since": before["seq"]})
    replayed = received(reader, project, by=writer)[: len(live)]
    polled = api.get(f"/api/projects/{project}/events/", params={"since": before["seq"]}).json()["events"][: len(live)]
    assert joined["reset"] is False
    for frames in (replayed, polled):
        assert "secret" not in json.dumps(frames)
        assert "kept comment" in json.dumps(frames)
        assert [(f["event"], f["seq"], f["at"]) for f in frames] == [(f["event"], f["seq"], f["at"]) for f in live]
        for frame in frames:
            check_event(frame)
        emptied = [frame["seq"] for frame in frames if frame["data"].get("redacted")]
        with_secret = [frame["seq"] for frame in live if "secret" in json.dumps(frame)]
        assert set(emptied) >= set(with_secret)
        assert not [f for f in frames if f["data"].get("redacted") and f["data"].get("comment", {}).get("id") == kept]
    now = server.api(users.ann).get(f"/api/projects/{project}/board/").json()
    fences = api.get(f"/api/projects/{project}/events/", params={"since": live[-1]["seq"]}).json()["events"]
    assert carried_on(before, replayed + fences) == picture(now)
    # Restored: it is there again, and so is what the log says of it.
    writer.ask("task_restore", {"task_id": gone})
    again = api.get(f"/api/projects/{project}/events/", params={"since": before["seq"]}).json()["events"]
    assert "secret one" in json.dumps(again)
    assert "secret five" not in json.dumps(again)
    assert [frame["seq"] for frame in again] == list(range(before["seq"] + 1, before["seq"] + 1 + len(again)))


def test_a_task_can_be_restored_for_thirty_days(server: Server, users: Users, connect: Connect, project: int) -> None:
    bob = connect(server, users.bob)
    ids = [bob.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"] for _ in range(2)]
    for task, days in zip(ids, (29, 31), strict=True):
        bob.ask("task_delete", {"task_id": task})
        server.stack.run(
            "from datetime import timedelta\nfrom django.db import connection\nfrom django.utils import timezone\n"
            "then = timezone.now() - timedelta(days=days)\n"
            "then = connection.ops.adapt_datetimefield_value(then)\n"
            "connection.cursor().execute('UPDATE taskrealtime_task SET deleted_at = %s WHERE id = %s', [then, task])",
            task=task,
            days=days,
        )
    assert bob.ask("task_restore", {"task_id": ids[0]})["task"]["id"] == ids[0]
    with pytest.raises(Refused) as refused:
        bob.ask("task_restore", {"task_id": ids[1]})
    assert refused.value.code == "not_found"


# --- Less obvious entry points --------------------------------------------------------------------------------


def test_a_loaded_fixture_is_a_board_like_any_other(
    server: Server, users: Users, connect: Connect, tmp_path: Any
) -> None:
    number = 700_000
    rows = [
        {"model": "taskrealtime.project", "pk": number, "fields": {"name": "Loaded", "created_at": "2030-01-01T00:00:00Z"}},
        {
            "model": "taskrealtime.membership",
            "pk": number,
            "fields": {"project": number, "user": users.bob.id, "role": "owner", "created_at": "2030-01-01T00:00:00Z"},
        },
        {
            "model": "taskrealtime.task",
            "pk": number,
            "fields": {
                "project": number, "title": "Loaded", "status": "todo", "position": "a0", "version": 1,
                "created_at": "2030-01-01T00:00:00Z", "updated_at": "2030-01-01T00:00:00Z",
            },
        },
    ]  # fmt: skip
    path = tmp_path / "board.json"
    path.write_text(json.dumps(rows))
    server.stack.run("from django.core.management import call_command; call_command('loaddata', path)", path=str(path))
    board = server.api(users.bob).get(f"/api/projects/{number}/board/").json()
    assert [task["title"] for task in board["tasks"]] == ["Loaded"]
    bob = connect(server, users.bob)
    answer = bob.ask("join_project", {"project_id": number, "since": board["seq"], "epoch": board["epoch"]})
    assert answer["reset"] is False
    with pytest.raises(AssertionError, match="in vain"):
        bob.next(timeout=0.6)  # the sweeps of this time find nothing to say
    bob.ask("task_update", {"task_id": number, "changes": {"title": "B"}})
    assert names(received(bob, number)) == ["task_updated"]


@pytest.fixture
def newcomer(server: Server) -> Iterator[User]:
    yield server.stack.user()


def test_a_user_made_in_the_shell_may_come_in_at_once(
    server: Server, users: Users, connect: Connect, newcomer: User
) -> None:
    socket = connect(server, newcomer)
    project = server.project(newcomer, members=[users.bob])
    answer = socket.ask("join_project", {"project_id": project, "since": 0})
    assert [frame["event"] for frame in received(socket, project)] == ["project_member_added"] * answer["seq"]
