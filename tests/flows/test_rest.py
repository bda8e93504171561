"""The HTTP side: status codes, bodies, errors, pages, filters, access rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.flows.conftest import Users
from tests.flows.objects import MEMBER_KEYS, PROJECT, check_comment, check_task, check_user, moment
from tests.support.stacks import PASSWORD, Server


@pytest.fixture
def ann(server: Server, users: Users) -> httpx.Client:
    return server.api(users.ann)


@pytest.fixture
def bob(server: Server, users: Users) -> httpx.Client:
    return server.api(users.bob)


def error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is this error, in the protocol's form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body: dict[str, Any] = answer.json()
    assert {"code", "message"} <= set(body) <= {"code", "message", "details", "retry_after"}
    assert body["code"] == code
    assert isinstance(body["message"], str)
    return body


def refused_fields(answer: httpx.Response) -> set[str]:
    body = error(answer, 400, "invalid_data")
    assert all(set(detail) == {"field", "message"} for detail in body["details"])
    return {detail["field"] for detail in body["details"]}


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def create(api: httpx.Client, project: int, title: str = "A", **fields: Any) -> Any:
    return ok(api.post("/api/tasks/", json={"project_id": project, "title": title, **fields}), 201)


# --- Tokens -----------------------------------------------------------------------------------------


def test_a_password_buys_tokens(server: Server, users: Users) -> None:
    api = server.api()
    pair = ok(api.post("/api/token/", json={"username": users.ann.username, "password": PASSWORD}))
    assert set(pair) == {"access", "refresh"}
    fresh = ok(api.post("/api/token/refresh/", json={"refresh": pair["refresh"]}))
    for token in (pair["access"], fresh["access"]):
        ok(api.get("/api/projects/", headers={"Authorization": f"Bearer {token}"}))
    error(api.post("/api/token/refresh/", json={"refresh": pair["access"]}), 401, "token_invalid")
    error(api.post("/api/token/refresh/", json={"refresh": "abc"}), 401, "token_invalid")


def test_a_wrong_password_buys_nothing(server: Server, users: Users) -> None:
    api = server.api()
    for username, password in ((users.ann.username, "wrong"), ("nobody", PASSWORD), (users.ann.username, "é" * 100)):
        answer = api.post("/api/token/", json={"username": username, "password": password})
        assert answer.status_code == 401
        assert set(answer.json()) >= {"code", "message"}
    gone = server.stack.user(is_active=False)
    assert api.post("/api/token/", json={"username": gone.username, "password": PASSWORD}).status_code == 401
    assert refused_fields(api.post("/api/token/", json={"username": "x"})) == {"password"}
    for body in ({}, {"username": 5, "password": []}, {"username": None, "password": None}):
        error(api.post("/api/token/", json=body), 400, "invalid_data")
    for text in ("{", "[]", "null", '"x"', ""):
        answer = api.post("/api/token/", content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, text
        assert answer.json()["code"] in {"invalid_data", "invalid_message"}
    error(api.post("/api/token/", json={"username": "a\x00b", "password": "x"}), 400, "invalid_data")


@contextmanager
def signed_in_browser(server: Server, users: Users) -> Iterator[httpx.Client]:
    """A client with the session of a page, as the sign-in form makes it."""
    with httpx.Client(base_url=server.url, timeout=30) as browser:
        browser.get("/login/")
        token = browser.cookies["csrftoken"]
        form = {"username": users.bob.username, "password": PASSWORD, "csrfmiddlewaretoken": token}
        answer = browser.post("/login/", data=form, headers={"Referer": f"{server.url}/login/"})
        assert answer.status_code == 302, answer.text[:500]
        yield browser


def test_a_browsers_session_needs_the_csrf_header(server: Server, users: Users, project: int) -> None:
    with signed_in_browser(server, users) as browser:
        ok(browser.get("/api/projects/"))  # reading needs none
        body = {"project_id": project, "title": "A"}
        for url, json in (("/api/tasks/", body), ("/api/token/session/", None), ("/api/token/revoke/", None)):
            answer = browser.post(url, json=json)
            assert answer.status_code == 403, url
            assert answer.json()["code"] == "forbidden"
        headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": f"{server.url}/"}
        ok(browser.post("/api/tasks/", json=body, headers=headers), 201)
        token = ok(browser.post("/api/token/session/", headers=headers))
        assert set(token) == {"access"}
        with server.connect(token=token["access"]) as socket:
            assert socket.next()["data"]["user"]["id"] == users.bob.id


def test_without_a_session_there_is_no_session_token(server: Server) -> None:
    answer = server.api().post("/api/token/session/")
    assert answer.status_code in {401, 403}


def test_strangers_get_in_nowhere(server: Server, users: Users, project: int) -> None:
    api = server.api()
    for url in (
        "/api/projects/", f"/api/projects/{project}/", f"/api/projects/{project}/board/", "/api/tasks/", "/api/tasks/1/",
        f"/api/projects/{project}/events/?since=0", f"/api/projects/{project}/members/", "/api/tasks/1/comments/",
    ):  # fmt: skip
        answer = api.get(url)
        error(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert api.get(url, headers={"Authorization": "Bearer abc"}).status_code == 401
        assert api.get(url, params={"token": server.token(users.ann)}).status_code == 401
    error(api.post("/api/tasks/", json={}), 401, "unauthenticated")


# --- Projects -----------------------------------------------------------------------------------------


def test_a_projects_life(ann: httpx.Client, bob: httpx.Client, users: Users) -> None:
    made = ok(ann.post("/api/projects/", json={"name": "New"}), 201)
    assert set(made) >= PROJECT
    moment(made["created_at"])
    url = f"/api/projects/{made['id']}/"
    assert ok(ann.get(url))["name"] == "New"
    error(bob.get(url), 404, "not_found")
    assert ok(ann.patch(url, json={"name": "Newer"}))["name"] == "Newer"
    members = ok(ann.get(f"{url}members/"))["results"]
    assert [(member["user"]["id"], member["role"]) for member in members] == [(users.ann.id, "owner")]
    error(bob.patch(url, json={"name": "Mine"}), 404, "not_found")
    error(bob.delete(url), 404, "not_found")
    assert ann.delete(url).status_code == 204
    assert ann.delete(url).status_code == 404
    error(ann.get(url), 404, "not_found")


def test_a_project_needs_a_name(ann: httpx.Client, project: int) -> None:
    name: Any
    for name in ("", None, 5, [], "n" * 5000, "a\x00b"):
        assert refused_fields(ann.post("/api/projects/", json={"name": name})) == {"name"}
        assert refused_fields(ann.patch(f"/api/projects/{project}/", json={"name": name})) == {"name"}
    assert refused_fields(ann.post("/api/projects/", json={})) == {"name"}
    for text in ("{", "[]", "5", '{"name": NaN}', '{"name": "\\ud800"}', ""):
        answer = ann.post("/api/projects/", content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, text
        assert answer.json()["code"] in {"invalid_data", "invalid_message"}


def test_only_owners_change_a_project(server: Server, users: Users, ann: httpx.Client, project: int) -> None:
    for user in (users.bob, users.vic):
        api = server.api(user)
        error(api.patch(f"/api/projects/{project}/", json={"name": "x"}), 403, "forbidden")
        error(api.delete(f"/api/projects/{project}/"), 403, "forbidden")
        assert ok(api.get(f"/api/projects/{project}/"))["name"] == "Board"


def test_one_lists_the_projects_that_one_may_see(server: Server, users: Users, project: int) -> None:
    for user, there in ((users.bob, True), (users.vic, True), (users.eve, False)):
        address, listed = "/api/projects/?page_size=200", []
        while address:  # of the projects of other tests there may be more than a page
            page = ok(server.api(user).get(address))
            assert set(page) == {"count", "next", "previous", "results"}
            listed += [item["id"] for item in page["results"]]
            address = page["next"]
        assert (project in listed) is there


# --- Members -------------------------------------------------------------------------------------------


def test_members(server: Server, users: Users, ann: httpx.Client, bob: httpx.Client, project: int) -> None:
    url = f"/api/projects/{project}/members/"
    page = ok(bob.get(url))
    assert set(page) == {"count", "next", "previous", "results"}
    for member in page["results"]:
        assert set(member) == MEMBER_KEYS
        check_user(member["user"])
    roles = {member["user"]["id"]: member["role"] for member in page["results"]}
    assert roles == {users.ann.id: "owner", users.bob.id: "member", users.cas.id: "member", users.vic.id: "viewer"}
    error(bob.post(url, json={"username": users.eve.username, "role": "viewer"}), 403, "forbidden")
    error(bob.patch(f"{url}{users.vic.id}/", json={"role": "member"}), 403, "forbidden")
    error(bob.delete(f"{url}{users.vic.id}/"), 403, "forbidden")
    error(server.api(users.eve).get(url), 404, "not_found")
    added = ok(ann.post(url, json={"username": users.eve.username, "role": "viewer"}), 201)
    assert (set(added), added["user"]["id"], added["role"]) == (MEMBER_KEYS, users.eve.id, "viewer")
    again = ann.post(url, json={"username": users.eve.username, "role": "viewer"})
    assert again.status_code in {400, 409}
    assert ok(ann.patch(f"{url}{users.eve.id}/", json={"role": "member"}))["role"] == "member"
    assert ann.delete(f"{url}{users.eve.id}/").status_code == 204
    error(ann.delete(f"{url}{users.eve.id}/"), 404, "not_found")
    error(ann.patch(f"{url}{users.eve.id}/", json={"role": "member"}), 404, "not_found")
    for body in (
        {"username": "nobody at all", "role": "member"},
        {"username": "", "role": "member"},
        {"role": "member"},
    ):
        assert ann.post(url, json=body).status_code in {400, 404}
    for role in ("boss", "", None, 5):
        assert refused_fields(ann.post(url, json={"username": users.eve.username, "role": role})) == {"role"}
        assert refused_fields(ann.patch(f"{url}{users.bob.id}/", json={"role": role})) == {"role"}


# --- Tasks ----------------------------------------------------------------------------------------------


def test_a_tasks_life(ann: httpx.Client, users: Users, project: int) -> None:
    fields: dict[str, Any] = {
        "title": "A",
        "description": "**b**",
        "status": "review",
        "priority": "high",
        "assignee_id": users.bob.id,
    }
    made = create(ann, project, due_at="2030-01-02T03:04:05+02:00", **fields)
    assert fields.items() <= made.items()
    url = f"/api/tasks/{made['id']}/"
    task = ok(ann.get(url))
    html = task.pop("description_html")
    assert "<strong>b</strong>" in html
    check_task(task)
    assert task == {name: value for name, value in made.items() if name != "description_html"}
    assert moment(task["due_at"]) == moment("2030-01-02T01:04:05Z")
    changed = ok(ann.patch(url, json={"title": "B", "due_at": None, "assignee_id": None}))
    assert (changed["title"], changed["due_at"], changed["assignee_id"], changed["version"]) == ("B", None, None, 2)
    assert ann.delete(url).status_code == 204
    error(ann.get(url), 404, "not_found")
    error(ann.patch(url, json={"title": "C"}), 404, "not_found")
    error(ann.delete(url), 404, "not_found")
    restored = ok(ann.post(f"{url}restore/"))
    assert (restored["id"], restored["title"]) == (made["id"], "B")
    assert ok(ann.get(url))["title"] == "B"


def test_a_task_that_does_not_fit(ann: httpx.Client, users: Users, project: int) -> None:
    task = create(ann, project)
    url = f"/api/tasks/{task['id']}/"
    for field, value in (
        ("title", ""), ("title", "t" * 201), ("title", None), ("title", 5), ("title", "a\x00b"), ("description", None),
        ("description", "d" * 20_001), ("status", "done"), ("status", None), ("priority", "x"), ("due_at", "tomorrow"),
        ("due_at", "0001-01-01T00:00:00+14:00"), ("due_at", 5), ("assignee_id", users.eve.id), ("assignee_id", "1"),
        ("assignee_id", 10**30), ("assignee_id", True),
    ):  # fmt: skip
        answer = ann.post("/api/tasks/", json={"project_id": project, "title": "B", field: value})
        assert refused_fields(answer) == {field}, (field, value)
        assert refused_fields(ann.patch(url, json={"priority": "low", field: value})) == {field}, (field, value)
    assert refused_fields(ann.post("/api/tasks/", json={"project_id": project})) == {"title"}
    assert refused_fields(ann.post("/api/tasks/", json={"title": "A"})) == {"project_id"}
    for other in (999_999_999,):
        error(ann.post("/api/tasks/", json={"project_id": other, "title": "A"}), 404, "not_found")
    assert ok(ann.get(url))["version"] == 1
    assert ok(ann.get("/api/tasks/", params={"project": project}))["count"] == 1


def test_viewers_look_and_strangers_see_nothing(server: Server, users: Users, ann: httpx.Client, project: int) -> None:
    task = create(ann, project)
    comment = ok(ann.post(f"/api/tasks/{task['id']}/comments/", json={"content": "c"}), 201)
    gone = create(ann, project)
    ann.delete(f"/api/tasks/{gone['id']}/")
    vic, eve = server.api(users.vic), server.api(users.eve)
    for url in (f"/api/tasks/{task['id']}/", f"/api/tasks/{task['id']}/comments/", f"/api/projects/{project}/board/"):
        ok(vic.get(url))
        error(eve.get(url), 404, "not_found")
    for method, url, body in (
        ("POST", "/api/tasks/", {"project_id": project, "title": "x"}),
        ("PATCH", f"/api/tasks/{task['id']}/", {"title": "x"}),
        ("DELETE", f"/api/tasks/{task['id']}/", None),
        ("POST", f"/api/tasks/{task['id']}/comments/", {"content": "x"}),
        ("POST", f"/api/tasks/{gone['id']}/restore/", None),
        ("PATCH", f"/api/comments/{comment['id']}/", {"content": "x"}),
        ("DELETE", f"/api/comments/{comment['id']}/", None),
    ):
        error(vic.request(method, url, json=body), 403, "forbidden")
        error(eve.request(method, url, json=body), 404, "not_found")
    error(eve.get(f"/api/projects/{project}/events/", params={"since": 0}), 404, "not_found")
    listed = eve.get("/api/tasks/", params={"project": project})
    assert listed.status_code == 404 or listed.json()["count"] == 0


def test_a_stale_version_is_a_conflict(ann: httpx.Client, project: int) -> None:
    task = create(ann, project)
    url = f"/api/tasks/{task['id']}/"
    ok(ann.patch(url, json={"title": "B", "version": 1}))
    body = error(ann.patch(url, json={"title": "C", "priority": "low", "version": 1}), 409, "conflict")
    assert set(body["details"]) == {"task", "fields"}
    assert body["details"]["fields"] == ["title"]
    check_task(body["details"]["task"])
    assert body["details"]["task"]["version"] == 2
    assert ok(ann.patch(url, json={"priority": "low", "version": 1}))["version"] == 3
    assert refused_fields(ann.patch(url, json={"title": "C", "version": "1"})) == {"version"}


def test_tasks_are_listed_filtered_and_paged(server: Server, users: Users, ann: httpx.Client, project: int) -> None:
    for number in range(5):
        create(ann, project, f"Paint the {number}th 100% wall", status="review" if number % 2 else "todo")
    create(ann, project, "other", assignee_id=users.bob.id, description="the paint is in the description_")

    def found(**params: Any) -> list[str]:
        page = ok(ann.get("/api/tasks/", params={"project": project, **params}))
        assert set(page) == {"count", "next", "previous", "results"}
        assert page["count"] == len(page["results"])
        for task in page["results"]:
            check_task(task)
        return [task["title"] for task in page["results"]]

    assert len(found()) == 6
    assert len(found(status="review")) == 2
    assert found(assignee=users.bob.id) == ["other"]
    assert "Paint the 3th 100% wall" in found(q="3th")
    assert len(found(q="PAINT THE")) >= 5
    assert len(found(q="100%")) == 5
    assert found(q="10_%") == []
    assert found(q="'; DROP TABLE--") == []
    assert found(q="no such thing") == []
    assert found(status="completed") == []
    titles: list[str] = []
    url: str | None = f"/api/tasks/?project={project}&page_size=2"
    while url:
        page = ok(ann.get(url))
        assert page["count"] == 6
        assert len(page["results"]) == 2
        titles += [task["title"] for task in page["results"]]
        url = page["next"]
    assert sorted(titles) == sorted(found())
    assert len(titles) == 6
    second = ok(ann.get(f"/api/tasks/?project={project}&page_size=2&page=2"))
    assert [task["title"] for task in second["results"]] == titles[2:4]
    assert ok(ann.get(second["previous"]))["results"][0]["title"] == titles[0]
    assert len(ok(ann.get(f"/api/tasks/?project={project}&page_size=200"))["results"]) == 6
    mine = ok(server.api(users.eve).get("/api/tasks/"))
    assert project not in [task["project_id"] for task in mine["results"]]


@pytest.mark.parametrize(
    "query",
    [
        "project=x", "project=1.5", "status=done", "assignee=x", "page=0", "page=x", "page=-1", "page_size=0", "page_size=x",
        "page_size=201", "page_size=-1", "q=a%00b", "project=99999999999999999999999", "assignee=99999999999999999999999",
        "page=99999999999999999999999", "q=%ff%fe", "status=%00",
    ],
)  # fmt: skip
def test_an_odd_query_is_no_fault_of_ours(ann: httpx.Client, query: str) -> None:
    answer = ann.get(f"/api/tasks/?{query}")
    assert answer.status_code in {200, 400, 404}, answer.text
    if answer.status_code != 200:
        assert answer.json()["code"] in {"invalid_data", "not_found"}


# --- Comments -----------------------------------------------------------------------------------------------


def test_comments_belong_to_their_author(
    server: Server, users: Users, ann: httpx.Client, bob: httpx.Client, project: int
) -> None:
    task = create(ann, project)
    url = f"/api/tasks/{task['id']}/comments/"
    made = ok(bob.post(url, json={"content": "*hello*"}), 201)
    check_comment(made)
    assert (made["author"]["id"], made["task_id"], made["project_id"]) == (users.bob.id, task["id"], project)
    cas = server.api(users.cas)
    own = f"/api/comments/{made['id']}/"
    error(cas.patch(own, json={"content": "x"}), 403, "forbidden")
    error(cas.delete(own), 403, "forbidden")
    error(ann.patch(own, json={"content": "x"}), 403, "forbidden")  # an owner may delete it, not rewrite it
    changed = ok(bob.patch(own, json={"content": "bye"}))
    assert (changed["content"], changed["created_at"]) == ("bye", made["created_at"])
    assert moment(changed["updated_at"]) > moment(made["updated_at"])
    for content in ("", None, 5, "c" * 10_001, "a\x00b"):
        assert refused_fields(bob.post(url, json={"content": content})) == {"content"}
        assert refused_fields(bob.patch(own, json={"content": content})) == {"content"}
    page = ok(cas.get(url))
    assert set(page) == {"count", "next", "previous", "results"}
    assert page["results"] == [changed]
    assert ann.delete(own).status_code == 204
    error(bob.delete(own), 404, "not_found")
    mine = ok(bob.post(url, json={"content": "mine"}), 201)
    assert bob.delete(f"/api/comments/{mine['id']}/").status_code == 204
    assert ok(cas.get(url))["count"] == 0


def test_comments_of_a_deleted_task_are_gone_with_it(ann: httpx.Client, project: int) -> None:
    task = create(ann, project)
    comment = ok(ann.post(f"/api/tasks/{task['id']}/comments/", json={"content": "c"}), 201)
    ann.delete(f"/api/tasks/{task['id']}/")
    error(ann.get(f"/api/tasks/{task['id']}/comments/"), 404, "not_found")
    error(ann.patch(f"/api/comments/{comment['id']}/", json={"content": "d"}), 404, "not_found")
    error(ann.delete(f"/api/comments/{comment['id']}/"), 404, "not_found")
    ann.post(f"/api/tasks/{task['id']}/restore/")
    assert ok(ann.get(f"/api/tasks/{task['id']}/comments/"))["results"] == [comment]


# --- The board -------------------------------------------------------------------------------------------------


def test_the_board_is_a_snapshot(ann: httpx.Client, users: Users, project: int) -> None:
    tasks = [create(ann, project, title) for title in "ABC"]
    board = ok(ann.get(f"/api/projects/{project}/board/"))
    assert set(board) == {"project", "members", "tasks", "seq", "epoch"}
    assert set(board["project"]) == PROJECT
    assert board["seq"] == 7
    assert sorted(task["id"] for task in board["tasks"]) == sorted(task["id"] for task in tasks)
    for task in board["tasks"]:
        check_task(task)
    for member in board["members"]:
        assert set(member) == MEMBER_KEYS
        check_user(member["user"])


# --- Documents, health, addresses that are none ------------------------------------------------------------------


def test_the_documents_are_open(server: Server) -> None:
    api = server.api()
    schema = api.get("/api/schema/")
    assert schema.status_code == 200
    assert "openapi" in schema.text
    document = ok(api.get("/api/asyncapi/"))
    assert document["asyncapi"].startswith("3.")
    text = api.get("/api/asyncapi/").text
    for name in ("task_created", "task_move", "connected", "removed_from_project", "comment_deleted"):
        assert name in text
    assert api.get("/healthz").status_code == 200
    assert api.get("/readyz").status_code == 200


def test_errors_are_json_everywhere_below_api(ann: httpx.Client, project: int) -> None:
    error(ann.get("/api/nothing/"), 404, "not_found")
    error(ann.get("/api/projects/999999999/"), 404, "not_found")
    for url in (
        "/api/projects/abc/", "/api/tasks/-1/", "/api/tasks/99999999999999999999999999/", "/api/tasks/1.5/", "/api/tasks/0/",
        "/api/comments/99999999999999999999999999/", "/api/projects/9223372036854775808/board/", "/api/tasks/%00/",
    ):  # fmt: skip
        error(ann.get(url), 404, "not_found")
    for method, url in (
        ("PUT", "/api/projects/"),
        ("DELETE", "/api/tasks/"),
        ("POST", f"/api/projects/{project}/board/"),
    ):
        answer = ann.request(method, url, json={})
        assert answer.status_code == 405
        assert set(answer.json()) >= {"code", "message"}
    answer = ann.post("/api/projects/", content="name=x", headers={"Content-Type": "text/plain"})
    assert answer.status_code in {400, 415}
    assert set(answer.json()) >= {"code", "message"}


def test_unknown_fields_are_ignored(ann: httpx.Client, project: int) -> None:
    task = create(ann, project, colour="red", version_="x")
    assert "colour" not in task
