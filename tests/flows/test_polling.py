"""The log by long polling: the same cursor as the socket's."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.conftest import Connect
from tests.flows.conftest import Users
from tests.support.fences import received
from tests.support.stacks import Server


@pytest.fixture
def url(project: int) -> str:
    return f"/api/projects/{project}/events/"


@pytest.fixture
def bob(server: Server, users: Users) -> httpx.Client:
    return server.api(users.bob)


def page(api: httpx.Client, url: str, **params: Any) -> Any:
    answer = api.get(url, params=params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"events", "seq", "head", "epoch", "reset"}
    return body


def create(server: Server, project: int, *titles: str) -> None:
    code = "for title in titles: Task.objects.create(project_id=p, title=title)"
    server.stack.run(code, p=project, titles=titles)


def test_the_log_as_the_socket_would_replay_it(
    server: Server, users: Users, connect: Connect, bob: httpx.Client, project: int, url: str
) -> None:
    create(server, project, "A", "B")
    socket = connect(server, users.bob)
    joined = socket.ask("join_project", {"project_id": project, "since": 0})
    frames = received(socket, project)
    body = page(bob, url, since=0)
    assert body["events"][:-1] == frames  # the last one is the fence
    assert (body["seq"], body["head"]) == (joined["seq"] + 1, joined["seq"] + 1)
    assert (body["epoch"], body["reset"]) == (joined["epoch"], False)


def test_pages_by_limit(server: Server, bob: httpx.Client, project: int, url: str) -> None:
    create(server, project, *"ABCDEFG")
    head = page(bob, url, since=0)["head"]
    seqs: list[int] = []
    while True:
        body = page(bob, url, since=seqs[-1] if seqs else 0, limit=3)
        assert body["head"] == head
        if not body["events"]:
            break
        assert len(body["events"]) <= 3
        seqs += [event["seq"] for event in body["events"]]
        assert body["seq"] == seqs[-1]
    assert seqs == list(range(1, head + 1))
    assert body["seq"] == head


def test_nothing_new_is_an_empty_page(bob: httpx.Client, url: str) -> None:
    head = page(bob, url, since=0)["head"]
    body = page(bob, url, since=head, epoch=page(bob, url, since=0)["epoch"])
    assert (body["events"], body["seq"], body["head"], body["reset"]) == ([], head, head, False)
    begun = time.monotonic()
    body = page(bob, url, since=head, wait=1)
    assert 0.9 < time.monotonic() - begun < 20
    assert (body["events"], body["seq"], body["reset"]) == ([], head, False)


def test_what_cannot_be_continued_is_a_reset_at_once(bob: httpx.Client, url: str) -> None:
    body = page(bob, url, since=0)
    head, epoch = body["head"], body["epoch"]
    for since, known in ((head + 1, epoch), (2**62, epoch), (0, "another"), (head, "another")):
        begun = time.monotonic()
        answer = page(bob, url, since=since, epoch=known, wait=20)
        assert time.monotonic() - begun < 15
        assert (answer["reset"], answer["events"], answer["head"]) == (True, [], head)
        assert answer["epoch"] == epoch


@pytest.mark.parametrize(
    "query",
    ["since=-1", "since=x", "since=1.5", "since=0&limit=x", "since=0&limit=-1", "since=0&wait=x", "since=0&wait=-1",
     "since=0&wait=nan", "since=0&wait=inf", "since=99999999999999999999999", "since=0&epoch=%00", "since=%00"],
)  # fmt: skip
def test_an_odd_query_is_refused(bob: httpx.Client, url: str, query: str) -> None:
    begun = time.monotonic()
    answer = bob.get(f"{url}?{query}")
    assert answer.status_code in {400, 200}
    if answer.status_code == 400:
        assert answer.json()["code"] == "invalid_data"
    else:
        assert answer.json()["reset"] is True or "wait" in query or "limit" in query
    assert time.monotonic() - begun < 20


class Poll:
    """A long poll under way, in a thread of its own."""

    def __init__(self, api: httpx.Client, url: str, **params: Any) -> None:
        self.seconds = 0.0
        self.answer: httpx.Response | None = None
        self._thread = threading.Thread(target=self._run, args=(api, url, params))
        self._thread.start()

    def _run(self, api: httpx.Client, url: str, params: dict[str, Any]) -> None:
        begun = time.monotonic()
        self.answer = api.get(url, params=params)
        self.seconds = time.monotonic() - begun

    @property
    def pending(self) -> bool:
        return self._thread.is_alive()

    def result(self) -> httpx.Response:
        self._thread.join(40)
        assert self.answer is not None
        return self.answer


@contextmanager
def polling(server: Server, user: Any, url: str, **params: Any) -> Iterator[Poll]:
    """A poll that is surely waiting, as its silence while others answer shows."""
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {server.token(user)}"}, timeout=40
    ) as api:
        poll = Poll(api, url, **params)
        for _ in range(5):
            server.api(user).get("/api/projects/")
        assert poll.pending
        yield poll


def test_a_poll_ends_as_soon_as_something_happens(server: Server, users: Users, project: int, url: str) -> None:
    head = page(server.api(users.bob), url, since=0)["head"]
    with (
        polling(server, users.bob, url, since=head, wait=25) as one,
        polling(server, users.vic, url, since=head, wait=25) as two,
    ):
        begun = time.monotonic()
        create(server, project, "A")
        for poll in (one, two):
            body = poll.result().json()
            assert [event["data"]["task"]["title"] for event in body["events"]] == ["A"]
            assert (body["seq"], body["head"]) == (head + 1, head + 1)
        assert time.monotonic() - begun < 20


def test_what_was_missed_is_returned_at_once(server: Server, bob: httpx.Client, project: int, url: str) -> None:
    begun = time.monotonic()
    assert page(bob, url, since=0, wait=25)["events"]
    assert time.monotonic() - begun < 20


def test_a_user_who_is_removed_while_waiting_learns_nothing(
    server: Server, users: Users, project: int, url: str
) -> None:
    head = page(server.api(users.cas), url, since=0)["head"]
    with polling(server, users.cas, url, since=head, wait=25) as poll:
        server.stack.run(
            "from django.db import transaction\n"
            "with transaction.atomic():\n"
            "    Membership.objects.filter(project_id=p, user_id=user).delete()\n"
            "    Task.objects.create(project_id=p, title='secret')",
            p=project,
            user=users.cas.id,
        )
        answer = poll.result()
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert poll.seconds < 20


def test_a_project_deleted_while_waiting(server: Server, users: Users, project: int, url: str) -> None:
    head = page(server.api(users.bob), url, since=0)["head"]
    with polling(server, users.bob, url, since=head, wait=25) as poll:
        server.stack.run("Project.objects.get(id=p).delete()", p=project)
        assert poll.result().status_code == 404
        assert poll.seconds < 20


def test_a_user_who_signs_out_everywhere_while_waiting_gets_nothing(
    server: Server, users: Users, project: int, url: str
) -> None:
    user = server.stack.user()
    server.stack.run("Membership.objects.create(project_id=p, user_id=u)", p=project, u=user.id)
    head = page(server.api(user), url, since=0)["head"]
    with polling(server, user, url, since=head, wait=25) as poll:
        server.stack.run("User.objects.filter(id=u).update(is_active=False)", u=user.id)
        create(server, project, "secret")
        answer = poll.result()
        assert answer.status_code in {401, 403, 404}
        assert "secret" not in answer.text


def test_the_log_by_polling_alone_has_no_gap(server: Server, users: Users, project: int, url: str) -> None:
    api = server.api(users.bob)
    head = page(api, url, since=0)["head"]
    writer = threading.Thread(target=create, args=(server, project, *(f"{n}" for n in range(40))))
    writer.start()
    seqs: list[int] = []
    while len(seqs) < 40:
        body = page(api, url, since=seqs[-1] if seqs else head, wait=10, limit=7)
        assert body["events"]
        seqs += [event["seq"] for event in body["events"]]
    writer.join()
    assert seqs == list(range(head + 1, head + 41))
