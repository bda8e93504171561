"""Input that no well-behaved client sends, and that an attacker will send."""

import json
import os
import random
import re
import socket as sockets
import time
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as open_socket

from tests.conftest import Connect
from tests.flows.conftest import Users
from tests.support.fences import received
from tests.support.sockets import Closed, Socket
from tests.support.stacks import Server

EVENTS = (
    "connect", "join_project", "leave_project", "task_status_update", "new_comment", "ping", "task_create",
    "task_update", "task_move", "task_delete", "task_restore", "user_typing", "presence_update", "task_viewing",
    "notifications_read", "nope",
)  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**64), 10**30, 1.5, -0.0, "", "x", "todo", "1", "\x00", "\ud800",
    "😀" * 300, "2030-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9" * 400, [], {}, [[]], {"a": {"b": []}},
    {"title": "x"}, {"title": None}, {"assignee_id": "x"}, {"due_at": 5}, {"version": 1}, [1, 2], {"": ""},
]  # fmt: skip
FIELDS = (
    "project_id", "task_id", "title", "status", "priority", "description", "assignee_id", "due_at", "content", "changes",
    "version", "before_id", "after_id", "since", "epoch", "token", "up_to", "is_typing", "position",
)  # fmt: skip


def nonsense(chance: random.Random, real: dict[str, int]) -> str:
    """A frame that is nearly right."""
    data: Any = {}
    for name in chance.sample(FIELDS, chance.randint(0, 5)):
        data[name] = real[name] if name in real and chance.random() < 0.5 else chance.choice(VALUES)
    frame: dict[str, Any] = {"event": chance.choice(EVENTS), "data": data, "id": chance.choice(["i", 7])}
    if chance.random() < 0.2:
        frame["key"] = chance.choice(VALUES)
    if chance.random() < 0.1:
        frame["data"] = chance.choice(VALUES)
    if chance.random() < 0.1:
        frame["id"] = chance.choice(VALUES)
    text = json.dumps(frame)
    if chance.random() < 0.1:
        cut = chance.randrange(len(text))
        text = text[:cut] + chance.choice(["", "\x00", "}", '"', ",", "\\", "\ufffd"]) + text[cut + 1 :]
    return text


def test_no_nonsense_is_our_fault(server: Server, users: Users, connect: Connect, project: int) -> None:
    chance = random.Random(5)
    with server.connect(users.bob) as first:
        first.next()
        task = first.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"]
    real = {"project_id": project, "task_id": task, "before_id": task, "after_id": task, "since": 0}
    socket = connect(server, users.bob)
    for number in range(400):
        if number % 15 == 0:
            socket.close()
            socket = connect(server, users.bob)
        text = nonsense(chance, real)
        try:
            socket.send_text(text)
            socket.settle()
        except Closed as closed:
            assert closed.code == 4400, text
            socket = connect(server, users.bob)
        for frame in socket.history:
            assert frame["data"].get("code") != "internal", (text, frame)
        socket.history.clear()


def test_no_nonsense_by_rest_is_our_fault(server: Server, users: Users, project: int) -> None:
    chance = random.Random(6)
    api = server.api(users.bob)
    task = api.post("/api/tasks/", json={"project_id": project, "title": "A"}).json()["id"]
    comment = api.post(f"/api/tasks/{task}/comments/", json={"content": "c"}).json()["id"]
    urls = [
        "/api/tasks/", f"/api/tasks/{task}/", f"/api/tasks/{task}/comments/", f"/api/comments/{comment}/",
        f"/api/projects/{project}/", f"/api/projects/{project}/members/", f"/api/projects/{project}/members/{users.vic.id}/",
        f"/api/tasks/{task}/restore/", "/api/token/", "/api/token/refresh/", f"/api/projects/{project}/leave/x",
        f"/api/tasks/{task}/move/", f"/api/projects/{project}/events/", f"/api/projects/{project}/board/",
    ]  # fmt: skip
    for _ in range(150):
        body: Any = {name: chance.choice(VALUES) for name in chance.sample((*FIELDS, "username", "role", "name"), 4)}
        if chance.random() < 0.15:
            body = chance.choice(VALUES)
        method, url = chance.choice(["POST", "PATCH", "PUT", "OPTIONS", "HEAD"]), chance.choice(urls)
        content = json.dumps(body)
        answer = api.request(method, url, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, (method, url, content, answer.text)
        if answer.status_code >= 400 and method != "HEAD":
            assert {"code", "message"} <= set(answer.json()), (method, url, content)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-16", "application/json; charset=x", "", "text/html", 'a/b;c="d']
)
def test_an_odd_content_type_is_no_fault_of_ours(server: Server, users: Users, project: int, kind: str) -> None:
    text = json.dumps({"project_id": project, "title": "A"})
    answer = server.api(users.bob).post("/api/tasks/", content=text, headers={"Content-Type": kind})
    assert answer.status_code in {201, 400, 415}
    assert answer.json()


def test_a_body_beyond_measure_is_refused(server: Server, users: Users, project: int) -> None:
    for size in (300 * 1024, 3 * 1024 * 1024):
        text = json.dumps({"project_id": project, "title": "A", "padding": "x" * size})
        answer = server.api(users.bob).post("/api/tasks/", content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code in {201, 400, 413}
        assert answer.status_code == 201 or {"code", "message"} <= set(answer.json())
    deep = '{"project_id": %d, "title": "A", "x": %s}' % (project, "[" * 50_000 + "]" * 50_000)
    answer = server.api(users.bob).post("/api/tasks/", content=deep, headers={"Content-Type": "application/json"})
    assert answer.status_code in {201, 400}


def test_a_task_cannot_be_smuggled_into_another_project(server: Server, users: Users, project: int) -> None:
    api = server.api(users.bob)
    other = server.project(users.bob)
    task = api.post("/api/tasks/", json={"project_id": other, "title": "A"}).json()["id"]
    foreign = server.project(users.ann)
    for target in (project, foreign):
        api.patch(f"/api/tasks/{task}/", json={"project_id": target, "title": "B"})
        assert api.get(f"/api/tasks/{task}/").json()["project_id"] == other


# --- The wire itself -----------------------------------------------------------------------------------


def test_a_message_in_pieces_is_one_message(server: Server, users: Users, connect: Connect) -> None:
    socket = connect(server, users.bob)
    text = json.dumps({"event": "ping", "id": 1, "data": {"a": "é😀"}}, ensure_ascii=False)
    socket.connection.send(iter([text[:3], "", text[3:40], *text[40:]]))
    frame = socket.next()
    assert (frame["event"], frame["data"]["a"]) == ("pong", "é😀")


def test_a_cookie_alone_signs_no_user_in(server: Server, users: Users) -> None:
    cookie = f"sessionid={server.session(users.ann)}"
    for origin in (None, f"http://127.0.0.1:{server.port}"):
        with server.connect(additional_headers={"Cookie": cookie}, origin=origin) as socket:
            socket.send_event("ping", {}, id=1)
            assert socket.next()["data"]["code"] == "unauthenticated"
            assert socket.wait_closed() == 4401


@pytest.mark.parametrize("path", ["/ws", "/ws/x/", "/", "/api/projects/", "/nothing/", "/ws/../ws2/", "/ws//"])
def test_there_is_no_socket_elsewhere(server: Server, users: Users, path: str) -> None:
    headers = {"Authorization": f"Bearer {server.token(users.bob)}"}
    with pytest.raises(InvalidStatus) as refused:
        open_socket(f"ws://127.0.0.1:{server.port}{path}", additional_headers=headers, proxy=None)
    assert 400 <= refused.value.response.status_code < 500


def test_a_plain_request_to_the_socket_is_no_fault_of_ours(server: Server) -> None:
    for method in ("GET", "POST", "HEAD"):
        assert 400 <= server.api().request(method, "/ws/").status_code < 500


def test_half_a_handshake_and_noise_harm_no_other_client(server: Server, users: Users, connect: Connect) -> None:
    listener = connect(server, users.bob)
    for noise in (
        b"GET /ws/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
        b"GET /ws/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"\x00\x01\x02\xff" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        with sockets.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
            raw.sendall(noise)
    assert listener.ask("ping", {})


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"\xc3\x28", b'{"event": "ping\xed\xa0\x80"}'])
def test_text_that_is_not_utf8_ends_one_connection_alone(
    server: Server, users: Users, connect: Connect, payload: bytes
) -> None:
    listener, socket = connect(server, users.bob), connect(server, users.bob)
    socket.connection.send(payload, text=True)
    try:
        while True:
            frame = socket.next()
            assert frame["data"]["code"] == "invalid_message"
            assert socket.ask("ping", {})
            break
    except Closed as closed:
        assert closed.code in {1007, 1006, 4007}
    assert listener.ask("ping", {})


def test_clients_that_ask_and_hang_up_harm_no_other_client(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    listener = connect(server, users.vic)
    listener.ask("join_project", {"project_id": project})
    writer = connect(server, users.cas)
    for number in range(10):
        rude = connect(server, users.bob)
        for event, data in (
            ("join_project", {"project_id": project, "since": 0}),
            ("task_create", {"project_id": project, "title": f"{number}"}),
            ("ping", {}),
        ):
            rude.send_event(event, data, id=1)
        if number % 2:
            rude.drop()
        else:
            rude.close()
    frames = received(listener, project, by=writer)
    seqs = listener.seqs(f"project.{project}")
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert len(frames) <= 10


def open_files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def test_a_client_that_left_leaves_nothing_behind(server: Server, users: Users, connect: Connect, project: int) -> None:
    connect(server, users.bob).ask("join_project", {"project_id": project})
    before = open_files(server)
    crowd = [connect(server, users.bob) for _ in range(40)]
    for number, socket in enumerate(crowd):
        socket.ask("join_project", {"project_id": project, "since": 0})
        if number % 2:
            socket.drop()
        else:
            socket.close()
    deadline = time.monotonic() + 60
    while open_files(server) > before + 5:
        assert time.monotonic() < deadline, "connections that ended are still held"
        time.sleep(0.05)


def test_one_connection_may_join_many_projects(server: Server, users: Users, connect: Connect) -> None:
    code = (
        "projects = []\n"
        "for n in range(40):\n"
        "    p = Project.objects.create(name=f'{n}')\n"
        "    Membership.objects.create(project=p, user_id=user, role='owner')\n"
        "    projects.append(p.id)\n"
        "result = projects"
    )
    projects = server.stack.run(code, user=users.bob.id)
    socket = connect(server, users.bob)
    for project in projects:
        assert socket.ask("join_project", {"project_id": project})["seq"] == 1
    server.stack.run(
        "for n in range(3):\n    for p in projects: Task.objects.create(project_id=p, title=str(n))", projects=projects
    )
    while any(len(socket.seqs(f"project.{project}")) < 3 for project in projects):
        socket.next()
    for project in projects:
        assert socket.seqs(f"project.{project}") == [2, 3, 4]


def test_nothing_secret_is_sent(server: Server, users: Users, connect: Connect, project: int) -> None:
    server.stack.run("User.objects.filter(id=u).update(email='ann@secret.example', last_name='Lee')", u=users.ann.id)
    socket = connect(server, users.bob)
    socket.ask("join_project", {"project_id": project, "since": 0})
    writer = connect(server, users.ann)
    task = writer.ask("task_create", {"project_id": project, "title": "A", "assignee_id": users.ann.id})["task"]["id"]
    writer.ask("new_comment", {"task_id": task, "content": "c"})
    received(socket, project)
    api = server.api(users.bob)
    sent = json.dumps(socket.history) + "".join(
        api.get(url).text
        for url in (
            f"/api/projects/{project}/board/",
            f"/api/projects/{project}/members/",
            f"/api/projects/{project}/events/?since=0",
            f"/api/tasks/{task}/",
            f"/api/tasks/{task}/comments/",
        )  # fmt: skip
    )
    assert not re.search(r"secret\.example|password|pbkdf2|is_staff|field_versions|deleted_at", sent)


def test_a_foreign_page_may_not_read_the_api(server: Server, users: Users) -> None:
    answer = server.api(users.ann).get("/api/projects/", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_session_alone_changes_nothing_from_elsewhere(server: Server, users: Users, project: int) -> None:
    cookies = {"sessionid": server.session(users.ann)}
    with httpx.Client(base_url=server.url, cookies=cookies, timeout=30) as browser:
        for headers in ({}, {"Origin": "https://evil.example"}, {"X-CSRFToken": "x" * 32}):
            for method, url, body in (
                ("POST", "/api/tasks/", {"project_id": project, "title": "x"}),
                ("PATCH", f"/api/projects/{project}/", {"name": "x"}),
                ("DELETE", f"/api/projects/{project}/", None),
                ("POST", "/api/token/session/", None),
            ):
                assert browser.request(method, url, json=body, headers=headers).status_code == 403
        assert browser.get(f"/api/projects/{project}/").json()["name"] == "Board"


def test_a_poll_works_with_the_pages_session(server: Server, users: Users, project: int) -> None:
    cookies = {"sessionid": server.session(users.ann)}
    with httpx.Client(base_url=server.url, cookies=cookies, timeout=30) as browser:
        answer = browser.get(f"/api/projects/{project}/events/", params={"since": 0, "wait": 5})
        assert answer.json()["seq"] == answer.json()["head"] == 4


def test_a_reader_of_many_rooms_gets_each_event_once_in_every_tab(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    tabs: list[Socket] = [connect(server, users.bob) for _ in range(8)]
    start = [tab.ask("join_project", {"project_id": project})["seq"] for tab in tabs][0]
    for number, tab in enumerate(tabs):
        tab.ask("task_create", {"project_id": project, "title": f"{number}"})
    frames = []
    for tab in tabs:
        while len(tab.seqs(f"project.{project}")) < 8:
            tab.next()
        assert tab.seqs(f"project.{project}") == list(range(start + 1, start + 9))
        frames.append([frame for frame in tab.history if "seq" in frame])
    assert all(one == frames[0] for one in frames)
