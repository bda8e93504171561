"""Over real servers: members that join by a link appear at once, a new password ends sessions, archiving works."""

from typing import Any

from tests.conftest import Connect
from tests.flows.conftest import Users
from tests.flows.test_losing_access import Browser, closes_at_once
from tests.support.stacks import Server


def test_a_user_who_joins_by_a_link_is_announced_at_once_and_receives_events(
    server: Server, users: Users, project: int, connect: Connect
) -> None:
    bob = connect(server, users.bob)
    bob.ask("join_project", {"project_id": project})
    newcomer = server.stack.user()
    made = server.api(users.ann).post(f"/api/projects/{project}/invitations/", json={"role": "viewer", "max_uses": 1})
    secret = made.json()["url"].partition("#")[2]
    joined = server.api(newcomer).post("/api/invitations/accept/", json={"secret": secret})
    assert joined.json()["role"] == "viewer"
    added = bob.expect("project_member_added")
    assert (added["data"]["user"]["id"], added["data"]["by"]["id"]) == (newcomer.id, newcomer.id)
    socket = connect(server, newcomer)
    socket.ask("join_project", {"project_id": project})
    refused = socket.ask_frame("task_create", {"project_id": project, "title": "Mine"})
    assert refused["data"]["code"] == "forbidden"
    late = server.api(server.stack.user()).post("/api/invitations/accept/", json={"secret": secret})
    assert (late.status_code, late.json()["code"]) == (404, "not_found")
    assert secret not in server.log(lines=0)


def test_a_removed_member_does_not_come_back_by_a_kept_link(server: Server, users: Users, project: int) -> None:
    owner, removed = server.api(users.ann), server.stack.user()
    secret = owner.post(f"/api/projects/{project}/invitations/", json={}).json()["url"].partition("#")[2]
    assert server.api(removed).post("/api/invitations/accept/", json={"secret": secret}).status_code == 200
    assert owner.delete(f"/api/projects/{project}/members/{removed.id}/").status_code == 204
    for user in (removed, server.stack.user()):
        assert server.api(user).post("/api/invitations/accept/", json={"secret": secret}).status_code == 404
    assert server.api(removed).get(f"/api/projects/{project}/").status_code == 404


def test_a_new_password_closes_every_socket_and_keeps_the_session_that_gave_it(
    server: Server, connect: Connect
) -> None:
    user = server.stack.user()
    here, elsewhere = Browser(server, user), Browser(server, user)
    sockets = [here.socket(), elsewhere.socket(), connect(server, user)]
    form = {
        "old_password": user.password,
        "new_password1": "a whole new battery",
        "new_password2": "a whole new battery",
    }
    headers = {"X-CSRFToken": here.http.cookies["csrftoken"], "Referer": server.url}
    assert here.http.post("/password/", data=form, headers=headers).headers["Location"] == "/password/changed/"
    assert [closes_at_once(socket) for socket in sockets] == [4403] * 3
    here.http.get("/")
    here.socket().close()
    assert elsewhere.http.get("/").status_code == 302
    log = server.log(lines=0)
    assert "a whole new battery" not in log
    assert user.password not in log


def test_the_archive_is_published_in_events_that_every_client_knows(
    server: Server, users: Users, project: int, connect: Connect
) -> None:
    bob = connect(server, users.bob)
    since = bob.ask("join_project", {"project_id": project})["seq"]
    api = server.api(users.ann)
    fields = {"project_id": project, "title": "Done", "status": "completed"}
    task = api.post("/api/tasks/", json=fields).json()["id"]
    assert api.post(f"/api/tasks/{task}/archive/").status_code == 204
    gone = bob.expect("task_deleted")
    assert (gone["data"]["task_id"], gone["data"]["archived"]) == (task, True)
    assert bob.ask("task_restore", {"task_id": task})["task"]["title"] == "Done"
    back = bob.expect("task_restored")
    assert back["seq"] == since + 3
    board: dict[str, Any] = api.get(f"/api/projects/{project}/board/").json()
    assert (board["seq"], [one["id"] for one in board["tasks"]]) == (back["seq"], [task])
    assert board["tasks"] == [back["data"]["task"]]
