"""Access rules of requests and events: a rule for every event, so that a new one without a rule fails."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Thread
from typing import Any, NamedTuple

import pytest

from taskrealtime.contract.commands import CLIENT_EVENTS
from taskrealtime.contract.events import EPHEMERAL_EVENTS, LIVE_EVENTS, LOGGED_EVENTS
from tests.conftest import Connect
from tests.flows.conftest import StartServer, Users
from tests.support.sockets import Socket
from tests.support.stacks import Server, User

# --- Access to client events --------------------------------------------------------------------------


class Rule(NamedTuple):
    """What owner, member, viewer and stranger are answered: an error's code, or `yes`."""

    owner: str
    member: str
    viewer: str
    stranger: str
    data: Callable[[dict[str, int]], dict[str, Any]]


def task(**more: Any) -> Callable[[dict[str, int]], dict[str, Any]]:
    return lambda ids: {"task_id": ids["task"], **more}


def project(**more: Any) -> Callable[[dict[str, int]], dict[str, Any]]:
    return lambda ids: {"project_id": ids["project"], **more}


READERS = ("yes", "yes", "yes", "not_found")
EDITORS = ("yes", "yes", "forbidden", "not_found")
ANY_ROLE = ("yes", "yes", "yes", "yes")

RULES: dict[str, Rule] = {
    "connect": Rule(*ANY_ROLE, lambda ids: {}),
    "ping": Rule(*ANY_ROLE, lambda ids: {}),
    "presence_update": Rule(*ANY_ROLE, lambda ids: {"status": "busy"}),
    "notifications_read": Rule(*ANY_ROLE, lambda ids: {"up_to": 0}),
    # For staff, see `tests/flows/test_watching.py`; the project does not matter.
    "ops_watch": Rule(*(("not_found",) * 4), lambda ids: {"watching": True}),
    "task_viewing": Rule(*READERS, task()),
    "user_typing": Rule(*EDITORS, task(is_typing=True)),
    # Reveals nothing of the project: it is acked also where it was not joined.
    "leave_project": Rule(*ANY_ROLE, project()),
    # One's own token, which the test does not have here.
    "token_refresh": Rule(*(("token_invalid",) * 4), lambda ids: {"token": "x"}),
    "join_project": Rule(*READERS, project()),
    # The project's room by its name.
    "join_room": Rule(*READERS, lambda ids: {"room": f"project.{ids['project']}"}),
    "leave_room": Rule(*ANY_ROLE, lambda ids: {"room": f"project.{ids['project']}"}),
    "task_create": Rule(*EDITORS, project(title="New")),
    "task_update": Rule(*EDITORS, task(changes={"title": "Other"})),
    "task_status_update": Rule(*EDITORS, task(status="review")),
    "task_move": Rule(*EDITORS, task(status="completed")),
    "new_comment": Rule(*EDITORS, task(content="Hello")),
    "task_delete": Rule(*EDITORS, task()),
    "task_restore": Rule(*EDITORS, task()),
}


def test_every_client_event_has_a_rule() -> None:
    assert set(RULES) == set(CLIENT_EVENTS)


@pytest.mark.parametrize("event", RULES)
def test_the_rule_of_a_client_event_is_kept(
    server: Server, users: Users, connect: Connect, project: int, event: str
) -> None:
    rule = RULES[event]
    answers = []
    for user in (users.ann, users.bob, users.vic, users.eve):
        ids = {"project": project, "task": new_task(server, users.ann, project)}
        frame = connect(server, user).ask_frame(event, rule.data(ids))
        answers.append(frame["data"]["code"] if frame["event"] == "error" else "yes")
    assert tuple(answers) == rule[:4]
    with server.connect() as nobody:
        nobody.send_event(event, rule.data(ids), id=1)
        assert nobody.next()["data"]["code"] in {"unauthenticated", "token_invalid"}
        assert nobody.wait_closed() == 4401


def new_task(server: Server, user: User, project: int) -> int:
    answer = server.api(user).post("/api/tasks/", json={"project_id": project, "title": "A"})
    return int(answer.json()["id"])


# --- Delivery of server events ------------------------------------------------------------------------

Cause = Callable[[Any, int, int, Users], Any]


def _comment(api: Any, task: int) -> int:
    return int(api.post(f"/api/tasks/{task}/comments/", json={"content": "c"}).json()["id"])


#: For each logged event, which only clients that joined the project receive: what makes it happen.
CAUSES: dict[str, Cause] = {
    "task_created": lambda api, project, task, users: api.post(
        "/api/tasks/", json={"project_id": project, "title": "B"}
    ),
    "task_updated": lambda api, project, task, users: api.patch(f"/api/tasks/{task}/", json={"title": "B"}),
    "task_status_changed": lambda api, project, task, users: api.patch(
        f"/api/tasks/{task}/", json={"status": "review"}
    ),
    "task_assigned": lambda api, project, task, users: api.patch(
        f"/api/tasks/{task}/", json={"assignee_id": users.ann.id}
    ),
    "task_deleted": lambda api, project, task, users: api.delete(f"/api/tasks/{task}/"),
    "task_restored": lambda api, project, task, users: (
        api.delete(f"/api/tasks/{task}/"),
        api.post(f"/api/tasks/{task}/restore/"),
    ),
    "comment_added": lambda api, project, task, users: _comment(api, task),
    "comment_updated": lambda api, project, task, users: api.patch(
        f"/api/comments/{_comment(api, task)}/", json={"content": "d"}
    ),
    "comment_deleted": lambda api, project, task, users: api.delete(f"/api/comments/{_comment(api, task)}/"),
    "project_updated": lambda api, project, task, users: api.patch(f"/api/projects/{project}/", json={"name": "B"}),
    "project_member_added": lambda api, project, task, users: api.post(
        f"/api/projects/{project}/members/", json={"username": users.eve.username}
    ),
    "project_member_updated": lambda api, project, task, users: api.patch(
        f"/api/projects/{project}/members/{users.bob.id}/", json={"role": "viewer"}
    ),
    "project_member_removed": lambda api, project, task, users: api.delete(
        f"/api/projects/{project}/members/{users.bob.id}/"
    ),
}


#: Events that only the user concerned receives: `test_notifications.py` and `test_reminders.py` test them.
PERSONAL = {"due_date_reminder", "notifications_read", "project_member_requested"}

#: For each ephemeral event, received by the same clients: what a member sends to make it happen.
EPHEMERAL: dict[str, Callable[[dict[str, int]], tuple[str, dict[str, Any]]]] = {
    "user_presence": lambda ids: ("presence_update", {"status": "busy"}),
    "user_typing_status": lambda ids: ("user_typing", {"task_id": ids["task"], "is_typing": True}),
    "task_viewers": lambda ids: ("task_viewing", {"task_id": ids["task"]}),
}


def test_every_event_of_a_room_has_a_rule() -> None:
    # Those of live models: tests/flows/test_live_rooms.py.
    assert set(CAUSES) | set(EPHEMERAL) | PERSONAL | LIVE_EVENTS == set(LOGGED_EVENTS) | set(EPHEMERAL_EVENTS)


@dataclass
class Audience:
    """Some clients that may receive a project's events, and some that may not."""

    included: list[Socket]
    #: The number of events that each had received before.
    excluded: list[tuple[Socket, int]]

    def check(self, event: str, project: int) -> None:
        """The event comes to the ones and nothing of the project to the others."""
        room = f"project.{project}"
        for socket in self.included:
            assert socket.expect(event)["room"] == room
        for socket, before in self.excluded:
            socket.settle()
            assert room not in [frame.get("room") for frame in socket.history[before:]]


@pytest.fixture
def audience(server: Server, users: Users, connect: Connect, project: int) -> Audience:
    """Owner and viewer have joined; one was removed, one did not join, and one may not."""
    included = [join(connect(server, user), project) for user in (users.ann, users.vic)]
    removed = join(connect(server, users.cas), project)
    absent, stranger = connect(server, users.vic), connect(server, users.eve)
    stranger.send_event("join_project", {"project_id": project})
    assert server.api(users.ann).delete(f"/api/projects/{project}/members/{users.cas.id}/").status_code == 204
    removed.expect("removed_from_project", project_id=project)
    return Audience(included, [(removed, len(removed.history)), (absent, 0), (stranger, 0)])


@pytest.mark.parametrize("event", CAUSES)
def test_a_logged_event_is_received_by_users_who_joined_and_by_no_others(
    server: Server, users: Users, audience: Audience, project: int, event: str
) -> None:
    task = new_task(server, users.ann, project)
    CAUSES[event](server.api(users.ann), project, task, users)
    audience.check(event, project)


@pytest.mark.parametrize("event", EPHEMERAL)
def test_an_ephemeral_event_is_received_by_the_same(
    server: Server, users: Users, connect: Connect, audience: Audience, project: int, event: str
) -> None:
    member = join(connect(server, users.bob), project)
    member.ask(*EPHEMERAL[event]({"task": new_task(server, users.ann, project)}))
    audience.check(event, project)


def join(socket: Socket, project: int) -> Socket:
    socket.ask("join_project", {"project_id": project})
    return socket


# --- Removed members, and the last owner --------------------------------------------------------------


def test_a_user_who_was_removed_learns_nothing_more_by_any_way(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    socket, api = connect(server, users.bob), server.api(users.bob)
    seq = socket.ask("join_project", {"project_id": project})["seq"]
    task = new_task(server, users.ann, project)
    comment = _comment(server.api(users.bob), task)
    socket.expect("comment_added")
    answers: list[Any] = []
    poll = Thread(
        target=lambda: answers.append(api.get(f"/api/projects/{project}/events/?since={seq + 2}&wait=20").status_code)
    )
    poll.start()
    server.api(users.ann).delete(f"/api/projects/{project}/members/{users.bob.id}/")
    socket.expect("removed_from_project")
    server.api(users.ann).patch(f"/api/tasks/{task}/", json={"title": "Secret"})
    poll.join(timeout=25)
    assert answers == [404]
    for path in (
        f"/api/projects/{project}/",
        f"/api/projects/{project}/board/",
        f"/api/projects/{project}/events/?since=0",
        f"/api/projects/{project}/members/",
        f"/api/tasks/{task}/",
        f"/api/tasks/{task}/comments/",
    ):
        assert api.get(path).status_code == 404, path
    assert api.patch(f"/api/comments/{comment}/", json={"content": "x"}).status_code == 404
    assert project not in [row["project_id"] for row in api.get("/api/tasks/?page_size=200").json()["results"]]
    for since in (0, seq):
        assert socket.ask_frame("join_project", {"project_id": project, "since": since})["data"]["code"] == "not_found"
    socket.settle()
    assert "Secret" not in str(socket.history)


#: How an owner goes, by the API of `me`.
GOES: dict[str, Callable[[Any, int, User, User], Any]] = {
    "demoted": lambda api, project, me, other: api.patch(
        f"/api/projects/{project}/members/{other.id}/", json={"role": "member"}
    ),
    "removed": lambda api, project, me, other: api.delete(f"/api/projects/{project}/members/{other.id}/"),
    "left": lambda api, project, me, other: api.post(f"/api/projects/{project}/leave/"),
}


@pytest.mark.parametrize("how", GOES)
def test_a_project_keeps_an_owner_also_when_two_go_at_once(server: Server, how: str) -> None:
    ann, bob = server.stack.user(), server.stack.user()
    apis = {ann: server.api(ann), bob: server.api(bob)}

    def go(project: int, me: User, other: User) -> int:
        return int(GOES[how](apis[me], project, me, other).status_code)

    with ThreadPoolExecutor(2) as threads:
        for _ in range(6):
            project = server.project(ann)
            owner = {"username": bob.username, "role": "owner"}
            assert apis[ann].post(f"/api/projects/{project}/members/", json=owner).status_code == 201
            first, second = sorted(threads.map(go, [project] * 2, [ann, bob], [bob, ann]))
            assert first in {200, 204}
            assert second in {403, 404}
            count = "result = Membership.objects.filter(project_id=p, role='owner').count()"
            assert server.stack.run(count, p=project) == 1


def test_a_deleted_project_evicts_the_members_on_every_process_and_goes_on_where_it_was_once_restored(
    server: Server, start_server: StartServer, users: Users, connect: Connect, project: int
) -> None:
    other = start_server()
    ours, theirs = (join(connect(one, user), project) for one, user in ((server, users.ann), (other, users.bob)))
    api, path = server.api(users.ann), f"/api/projects/{project}/"
    new_task(server, users.ann, project)
    before = theirs.expect("task_created")
    assert api.delete(path).status_code == 204
    for socket, user in ((ours, users.ann), (theirs, users.bob)):
        socket.expect("removed_from_project", project_id=project)
        # The own removal is the last event of the room that a member gets.
        assert socket.logged(project)[-1]["data"]["user_id"] == user.id
        socket.send_event("join_project", {"project_id": project}, id=7)
        assert socket.expect("error")["data"]["code"] == "not_found"
    assert api.post(f"{path}restore/").status_code == 200
    assert theirs.expect("project_member_added", project_id=project)["data"]["restored"] is True
    # A client that went on from the last number that it had misses nothing of what happened in between.
    server.api(users.bob).patch(f"/api/tasks/{before['data']['task']['id']}/", json={"title": "After"})
    back = connect(other, users.bob)
    epoch = server.api(users.bob).get(f"{path}board/").json()["epoch"]
    answer = back.ask("join_project", {"project_id": project, "since": before["seq"], "epoch": epoch})
    assert answer["reset"] is False
    back.expect("task_updated")
    assert [frame["seq"] for frame in back.logged(project)] == list(range(before["seq"] + 1, answer["seq"] + 1))
