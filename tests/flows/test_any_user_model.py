"""taskrealtime in projects with users of their own: other keys, other names, no username, staff that is computed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.utils.html import escape

from tests.conftest import _STACK, Connect
from tests.support.sockets import Socket
from tests.support.stacks import HOSTS, Server, Stack, User

#: By their settings: the names of three users, how the first is shown, and what else the first has.
NAMES: dict[str, tuple[tuple[str, ...], str, dict[str, Any]]] = {
    "uuid_users": (("ann", "bob", "eve"), "Ann Arbor", {"first_name": "Ann", "last_name": "Arbor"}),
    "proxy_users": (("ann", "bob", "eve"), "Ann Arbor", {"first_name": "Ann", "last_name": "Arbor"}),
    "email_users": (("ann@example.org", "bob@example.org", "eve@example.org"), "Ann Arbor", {"name": "Ann Arbor"}),
    "staff_users": (("ann o'hara α", "bob", "eve"), "Ann O'Hara Α", {"rank": 2}),
}
DEPLOYED = [
    ("deployed", "uuid_users"),
    ("deployed", "email_users"),
    pytest.param(("deployed", "staff_users"), marks=pytest.mark.long),
]
HOSTS_OF_KINDS = [
    *DEPLOYED,
    ("embedded", "staff_users"),
    *(
        pytest.param(("embedded", name), marks=pytest.mark.long)
        for name in ("uuid_users", "proxy_users", "email_users")
    ),
]

pytestmark = pytest.mark.end_to_end


@dataclass
class Host:
    """A running server of a project, and three of its users: the first owns a project with the second."""

    server: Server
    ann: User
    bob: User
    eve: User
    shown: str
    project: int


@pytest.fixture(scope="module", params=HOSTS_OF_KINDS, ids="-".join)
def host_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Each project on each kind of installation, migrated from nothing."""
    kind, name = request.param
    stack = Stack(kind, settings=HOSTS + name)
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def running_server(host_stack: Stack) -> Iterator[Server]:
    server = host_stack.server(SWEEP_INTERVAL="0.2", OPEN_SIGN_UP="1")
    yield server
    log = server.log(lines=0)
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5000]


@pytest.fixture(scope="module")
def users(host_stack: Stack) -> list[User]:
    names, _, fields = NAMES[host_stack.env["DJANGO_SETTINGS_MODULE"].removeprefix(HOSTS)]
    return [host_stack.user(name, **(fields if name == names[0] else {})) for name in names]


@pytest.fixture
def host(running_server: Server, users: list[User], request: pytest.FixtureRequest) -> Host:
    request.node.stash[_STACK] = running_server.stack
    name = running_server.env["DJANGO_SETTINGS_MODULE"].removeprefix(HOSTS)
    ann, bob, eve = users
    return Host(running_server, ann, bob, eve, NAMES[name][1], running_server.project(ann, members=[bob]))


def post(host: Host, user: User, path: str, **fields: Any) -> Any:
    answer = host.server.api(user).post(path, json=fields)
    assert answer.status_code < 300, answer.text
    return answer.json()


def join(host: Host, connect: Connect, user: User) -> Socket:
    socket = connect(host.server, user)
    socket.ask("join_project", {"project_id": host.project})
    return socket


def test_a_user_signs_in_by_name_and_password(host: Host) -> None:
    answer = host.server.api().post("/api/token/", json={"username": host.ann.username, "password": host.ann.password})
    assert answer.status_code == 200, answer.text
    with host.server.connect(token=answer.json()["access"]) as socket:
        user = socket.next()["data"]["user"]
    assert user == {"id": host.ann.id, "username": host.ann.username, "name": host.shown}


def test_a_token_is_refreshed_and_a_sign_out_everywhere_ends_it(host: Host) -> None:
    given = post(host, host.eve, "/api/token/", username=host.eve.username, password=host.eve.password)
    fresh = post(host, host.eve, "/api/token/refresh/", refresh=given["refresh"])
    with host.server.connect(token=fresh["access"]) as socket:
        assert socket.next()["data"]["user"]["id"] == host.eve.id
        host.server.stack.run(
            "from taskrealtime.engine.auth import tokens\ntokens.sign_out_everywhere(User.objects.get(pk=id))",
            id=host.eve.id,
        )
        assert socket.wait_closed() == 4403
    host.server._tokens.clear()


def test_two_users_create_assign_comment_and_mention(host: Host, connect: Connect) -> None:
    ann, bob = join(host, connect, host.ann), join(host, connect, host.bob)
    command = {"project_id": host.project, "title": "Paint", "assignee_id": host.bob.id}
    task = ann.ask("task_create", command, key="once")["task"]
    again = ann.ask("task_create", command, key="once")
    assert again["duplicate"] is True
    assert again["task"]["id"] == task["id"]
    assert (task["assignee_id"], task["created_by_id"]) == (host.bob.id, host.ann.id)
    seen = bob.expect("task_created")
    assert seen["data"]["by"] == {"id": host.ann.id, "username": host.ann.username}
    received = bob.expect("task_assigned", task_id=task["id"])
    assert received["data"]["assignee_id"] == host.bob.id
    assert received["room"].startswith("user.")
    ann.ask("new_comment", {"task_id": task["id"], "content": "Which colour?"})
    comment = bob.expect("comment_added")["data"]["comment"]
    assert comment["author"] == {"id": host.ann.id, "username": host.ann.username, "name": host.shown}
    bob.ask("new_comment", {"task_id": task["id"], "content": f"Ask @{host.ann.username}, please."})
    mention = ann.expect("comment_added", reason="mention")
    assert mention["data"]["by"]["id"] == host.bob.id
    ann.ask("task_update", {"task_id": task["id"], "changes": {"assignee_id": host.ann.id}})
    changed = bob.expect("task_updated")["data"]
    assert (changed["previous"]["assignee_id"], changed["changes"]["assignee_id"]) == (host.bob.id, host.ann.id)
    board = host.server.api(host.bob).get(f"/api/projects/{host.project}/board/").json()
    assert [member["user"]["id"] for member in board["members"]] == sorted([host.ann.id, host.bob.id])
    assert [task["assignee_id"] for task in board["tasks"]] == [host.ann.id]


def test_callers_without_account_or_membership_are_refused_as_the_protocol_says(host: Host, connect: Connect) -> None:
    ann = host.server.api(host.ann)
    wrong: Any
    for wrong in (host.eve.id, "00000000-0000-0000-0000-000000000000", [], {}, "a\0b", "x" * 1000, 1.5, 2**70):
        answer = ann.post("/api/tasks/", json={"project_id": host.project, "title": "Paint", "assignee_id": wrong})
        assert answer.status_code == 400, (wrong, answer.text)
        assert answer.json()["details"][0]["field"] == "assignee_id"
    for wrong in (host.eve.id, "0", "nobody", "x" * 300, "%00"):
        assert ann.delete(f"/api/projects/{host.project}/members/{wrong}/").status_code == 404


def test_presence_typing_and_viewing_name_their_users(host: Host, connect: Connect) -> None:
    task = post(host, host.ann, "/api/tasks/", project_id=host.project, title="Paint")
    ann = join(host, connect, host.ann)
    bob = connect(host.server, host.bob)
    joined = bob.ask("join_project", {"project_id": host.project})
    assert {user["user_id"] for user in joined["presence"]} == {host.ann.id, host.bob.id}
    assert ann.expect("user_presence")["data"]["user_id"] == host.bob.id
    bob.ask("user_typing", {"task_id": task["id"], "is_typing": True})
    typing = ann.expect("user_typing_status")["data"]
    assert typing["user"]["id"] == host.bob.id
    bob.ask("task_viewing", {"task_id": task["id"]})
    assert ann.expect("task_viewers")["data"]["user_ids"] == [host.bob.id]
    bob.close()
    assert ann.expect("user_presence", status="offline")["data"]["user_id"] == host.bob.id


@pytest.mark.parametrize("host_stack", DEPLOYED, ids="-".join, indirect=True)
def test_processes_share_presence_typing_and_evictions(host: Host, connect: Connect) -> None:
    other = host.server.stack.server(SWEEP_INTERVAL="60")
    ann = join(host, connect, host.ann)
    bob = connect(other, host.bob)
    bob.ask("join_project", {"project_id": host.project})
    assert ann.expect("user_presence")["data"]["user_id"] == host.bob.id
    task = post(host, host.ann, "/api/tasks/", project_id=host.project, title="Paint")
    bob.ask("user_typing", {"task_id": task["id"], "is_typing": True})
    assert ann.expect("user_typing_status")["data"]["user"]["id"] == host.bob.id
    assert host.server.api(host.ann).delete(f"/api/projects/{host.project}/members/{host.bob.id}/").status_code == 204
    bob.expect("removed_from_project", project_id=host.project)
    other.stop()


def test_a_removed_member_gets_nothing_more(host: Host, connect: Connect) -> None:
    ann, bob = join(host, connect, host.ann), join(host, connect, host.bob)
    assert host.server.api(host.ann).delete(f"/api/projects/{host.project}/members/{host.bob.id}/").status_code == 204
    post(host, host.ann, "/api/tasks/", project_id=host.project, title="Secret")
    ann.expect("task_created")
    assert bob.expect("project_member_removed")["data"]["user_id"] == host.bob.id
    bob.expect("removed_from_project")
    assert "task_created" not in [frame["event"] for frame in bob.settle()]
    with pytest.raises(AssertionError):
        bob.ask("join_project", {"project_id": host.project})


def test_what_was_missed_is_replayed_and_polled(host: Host, connect: Connect) -> None:
    bob = connect(host.server, host.bob)
    joined = bob.ask("join_project", {"project_id": host.project})
    bob.close()
    post(host, host.ann, "/api/tasks/", project_id=host.project, title="Missed", assignee_id=host.bob.id)
    place = {"since": joined["seq"], "epoch": joined["epoch"]}
    events = host.server.api(host.bob).get(f"/api/projects/{host.project}/events/", params=place).json()
    assert [event["event"] for event in events["events"]] == ["task_created"]
    back = connect(host.server, host.bob)
    back.ask("join_project", {"project_id": host.project, **place})
    assert back.expect("task_created")["data"]["task"]["assignee_id"] == host.bob.id
    kept = host.server.api(host.bob).get("/api/notifications/").json()
    assert kept["results"][0]["data"]["assignee_id"] == host.bob.id


def test_a_reminder_comes_once_and_again_after_a_pause(host: Host, connect: Connect) -> None:
    bob = connect(host.server, host.bob)
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    task = post(
        host, host.ann, "/api/tasks/", project_id=host.project, title="Paint", assignee_id=host.bob.id, due_at=soon
    )
    remind = (
        "from datetime import datetime\n"
        "from taskrealtime.reminders import remind\n"
        "result = remind(now=datetime.fromisoformat(now) if now else None)"
    )
    assert host.server.stack.run(remind, now=None) == 1
    assert host.server.stack.run(remind, now=None) == 0
    received = bob.expect("due_date_reminder", task_id=task["id"])
    post(host, host.bob, f"/api/notifications/{received['seq']}/snooze/", minutes=60)
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    assert host.server.stack.run(remind, now=later) == 1  # as overdue, which makes up for the one that was put off
    host.server.stack.run("Task.objects.all().delete()")


def test_members_change_roles_are_blocked_and_transfer_ownership(host: Host) -> None:
    ann, bob = host.server.api(host.ann), host.server.api(host.bob)
    address = f"/api/projects/{host.project}/members/{host.bob.id}/"
    assert ann.patch(address, json={"role": "viewer"}).status_code == 200
    left = bob.post(f"/api/projects/{host.project}/leave/", json={"block": True})
    assert left.status_code == 204, left.text
    blocked = bob.get("/api/me/blocks/").json()
    assert [one["user"]["id"] for one in blocked["blocks"]] == [host.ann.id]
    refused = ann.post(f"/api/projects/{host.project}/members/", json={"username": host.bob.username})
    assert refused.status_code == 400
    assert bob.request("DELETE", f"/api/me/blocks/{quote(str(host.ann.id))}/").status_code == 204
    post(host, host.ann, f"/api/projects/{host.project}/members/", username=host.bob.username, role="member")
    wish = {"user_id": host.bob.id, "then": "leave"}
    assert ann.post(f"/api/projects/{host.project}/hand-over/", json=wish).status_code < 300
    assert ann.get(f"/api/projects/{host.project}/").status_code == 404


def test_pages_name_the_signed_in_user_and_the_type_of_keys(host: Host) -> None:
    browser = host.server.api(Cookie=f"sessionid={host.server.session(host.ann)}")
    keys = "number" if isinstance(host.ann.id, int) else "text"
    for path in ("/", f"/projects/{host.project}/", "/account/", "/password/", "/connection/"):
        page = browser.get(path)
        assert page.status_code == 200, (path, page.text[:2000])
        assert f'data-user-keys="{keys}"' in page.text
        assert f'data-user-id="{escape(str(host.ann.id))}"' in page.text or path == "/password/"
        assert "None None" not in page.text
    same, other = ({"X-Page-User": quote(str(user.id), safe="")} for user in (host.ann, host.bob))
    assert browser.get("/api/me/", headers=same).json()["name"] == host.shown
    assert browser.get("/api/me/", headers=other).status_code == 401


def test_a_visitor_signs_up_on_the_page_and_is_signed_in(host: Host) -> None:
    visitor = host.server.api()
    page = visitor.get("/sign-up/")
    assert page.status_code == 200
    name, field = f"new@{host.project}.example.org", host.server.stack.run("result = User.USERNAME_FIELD")
    assert f'name="{field}"' in page.text
    token = visitor.cookies["csrftoken"]
    form = {field: name, "password1": host.ann.password, "password2": host.ann.password, "csrfmiddlewaretoken": token}
    made = visitor.post("/sign-up/", data=form)
    assert (made.status_code, made.headers.get("Location")) == (302, "/"), made.text[-3000:]
    assert visitor.get("/api/me/").json()["username"] == name
    visitor.post("/logout/", data={"csrfmiddlewaretoken": visitor.cookies["csrftoken"]})
    taken = host.server.api().post("/sign-up/", data=form, headers={"Cookie": f"csrftoken={token}"})
    assert taken.status_code == 400


def test_an_address_finds_the_accounts_that_get_a_new_password(host: Host) -> None:
    code = (
        "from taskrealtime.engine.conf import user_model\n"
        "from taskrealtime.pages.forms import LostPasswordForm\n"
        "field, user = user_model.email_field(), User.objects.get(pk=id)\n"
        "if field and not getattr(user, field): setattr(user, field, 'ann@example.org'); user.save()\n"
        "find = LostPasswordForm().get_users\n"
        "found = [[one.pk == user.pk for one in find(given)] for given in ('ANN@example.org', 'no@example.org')]\n"
        "result = [field, found]"
    )
    field, found = host.server.stack.run(code, id=host.ann.id)
    assert found == ([[True], []] if field else [[], []])


def test_the_admins_pages_of_the_board_need_no_admin_of_users(host: Host) -> None:
    code = (
        "from django.contrib.admin import site\n"
        "from django.test import RequestFactory\n"
        "request = RequestFactory().get('/')\n"
        "request.user = User.objects.get(pk=id)\n"
        "site.has_permission = lambda request: True  # a model without staff has an admin site of its own\n"
        "request.user.has_perm = request.user.has_module_perms = lambda *args: True\n"
        "pages = [site._registry[model].add_view(request).render() for model in (Project, Task, Comment, Membership)"
        " if model in site._registry]\n"
        "result = [page.content.decode() for page in pages]"
    )
    pages = host.server.stack.run(code, id=host.ann.id)
    assert len(pages) == 3
    assert '<input type="text" name="assignee"' in pages[1]
    assert '<option value="' + host.bob.username not in "".join(pages)


def test_the_figures_are_for_staff_as_the_model_has_it(host: Host) -> None:
    browser = host.server.api(Cookie=f"sessionid={host.server.session(host.ann)}")
    is_staff = "staff_users" in host.server.env["DJANGO_SETTINGS_MODULE"]
    assert browser.get("/ops/").status_code == (200 if is_staff else 404)


def test_the_documents_say_what_keys_are(host: Host) -> None:
    kinds = {"email_users": ("integer", None), "staff_users": ("string", None)}
    name = host.server.env["DJANGO_SETTINGS_MODULE"].removeprefix(HOSTS)
    user = host.server.api(host.ann).get("/api/schema/?format=json").json()["components"]["schemas"]["UserObject"]
    assert (user["properties"]["id"]["type"], user["properties"]["id"].get("format")) == kinds.get(
        name, ("string", "uuid")
    )
