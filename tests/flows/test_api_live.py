"""The API on a running server: what only a real one shows."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.conftest import Connect
from tests.support.stacks import Server


def test_a_body_without_a_length_is_read(server: Server) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"name": '
        yield b'"In pieces"}'

    answer = server.api(server.stack.user()).post(
        "/api/projects/", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["name"]) == (201, "In pieces")


def test_a_command_of_a_socket_is_repeated_over_http_without_a_second_effect(server: Server, connect: Connect) -> None:
    ann = server.stack.user()
    project = server.project(ann)
    socket, api = connect(server, ann), server.api(ann)
    task = socket.ask("task_create", {"project_id": project, "title": "A"}, key="1")["task"]
    where = f"/api/tasks/{task['id']}/"
    target = {"task_id": task["id"]}
    requests = [
        ("task_create", {"project_id": project, "title": "A"}, "POST", "/api/tasks/", None),
        ("task_update", {**target, "changes": {"title": "B", "due_at": None}, "version": 1}, "PATCH", where,
         {"title": "B", "due_at": None, "version": 1}),
        ("task_status_update", {**target, "status": "review"}, "POST", f"{where}status/", {"status": "review"}),
        ("task_move", {**target, "status": "todo"}, "POST", f"{where}move/", {"status": "todo"}),
        ("new_comment", {**target, "content": "Hi"}, "POST", f"{where}comments/", {"content": "Hi"}),
        ("task_delete", target, "DELETE", where, None),
        ("task_restore", target, "POST", f"{where}restore/", {}),
    ]  # fmt: skip
    for key, (event, data, method, path, body) in enumerate(requests, 1):
        socket.ask(event, data, key=str(key))
        body = data if path == "/api/tasks/" else body
        headers = {"Idempotency-Key": str(key)}
        content = None if body is None else json.dumps(body)
        again = api.request(method, path, content=content, headers={**headers, "Content-Type": "application/json"})
        assert again.status_code < 300, (event, again.text)
        assert method == "DELETE" or again.json()["duplicate"] is True, event
    log = api.get(f"/api/projects/{project}/events/").json()
    assert [frame["event"] for frame in log["events"]] == [
        "project_member_added",
        "task_created",
        "task_updated",
        "task_updated",
        "task_status_changed",
        "task_updated",
        "task_status_changed",
        "comment_added",
        "task_deleted",
        "task_restored",
    ]


def test_a_long_poll_answers_as_soon_as_something_happens(server: Server) -> None:
    ann, bob = server.stack.user(), server.stack.user()
    project = server.project(ann, members=[bob])
    path = f"/api/projects/{project}/events/"
    head = server.api(bob).get(path).json()["head"]
    waiting = server.api(bob)
    with ThreadPoolExecutor() as threads:
        poll = threads.submit(waiting.get, path, params={"since": head, "wait": 20})
        time.sleep(0.5)  # Nothing shows from outside that it waits.
        assert not poll.done()
        started = time.monotonic()
        task = server.api(ann).post("/api/tasks/", json={"project_id": project, "title": "A"}).json()
        answer = poll.result()
    assert time.monotonic() - started < 10
    assert [frame["data"]["task"]["id"] for frame in answer.json()["events"]] == [task["id"]]


def test_a_long_poll_ends_when_its_time_is_over(server: Server) -> None:
    ann = server.stack.user()
    project = server.project(ann)
    path = f"/api/projects/{project}/events/"
    head = server.api(ann).get(path).json()["head"]
    started = time.monotonic()
    answer = server.api(ann).get(path, params={"since": head, "wait": 1.5})
    assert time.monotonic() - started > 1.4
    assert (answer.json()["events"], answer.json()["seq"]) == ([], head)


def test_a_user_who_is_removed_while_waiting_gets_an_error(server: Server) -> None:
    ann, bob = server.stack.user(), server.stack.user()
    project = server.project(ann, members=[bob])
    path = f"/api/projects/{project}/events/"
    head = server.api(bob).get(path).json()["head"]
    waiting = server.api(bob)
    with ThreadPoolExecutor() as threads:
        poll = threads.submit(waiting.get, path, params={"since": head, "wait": 20})
        time.sleep(0.5)
        assert server.api(ann).delete(f"/api/projects/{project}/members/{bob.id}/").status_code == 204
        assert poll.result().status_code == 404


def test_of_two_users_who_use_a_refresh_token_at_once_one_gets_a_pair(server: Server) -> None:
    ann = server.stack.user()
    pair = server.api().post("/api/token/", json={"username": ann.username, "password": ann.password}).json()
    ready = threading.Barrier(4)

    def refresh() -> int:
        ready.wait()
        return httpx.post(f"{server.url}/api/token/refresh/", json={"refresh": pair["refresh"]}, timeout=30).status_code

    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(refresh) for _ in range(4)]
        statuses = sorted(answer.result() for answer in answers)
    assert statuses == [200, 401, 401, 401]


def test_boards_taken_while_others_write_are_exact(server: Server) -> None:
    """Each board, carried on by the events after its `seq`, has every task once."""
    ann = server.stack.user()
    project = server.project(ann)
    writer, reader = server.api(ann), server.api(ann)
    done = threading.Event()

    def write() -> None:
        for number in range(30):
            writer.post("/api/tasks/", json={"project_id": project, "title": str(number)}).raise_for_status()
        done.set()

    boards = []
    with ThreadPoolExecutor() as threads:
        writing = threads.submit(write)
        while not done.is_set() and not writing.done():
            boards.append(reader.get(f"/api/projects/{project}/board/").json())
        writing.result()
    assert len(boards) > 2
    for board in boards:
        query = {"since": board["seq"], "epoch": board["epoch"]}
        missed = reader.get(f"/api/projects/{project}/events/", params=query).json()
        titles = [task["title"] for task in board["tasks"]]
        titles += [frame["data"]["task"]["title"] for frame in missed["events"]]
        assert sorted(titles, key=int) == [str(number) for number in range(30)]
