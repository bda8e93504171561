"""Projects, members and boards over HTTP."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taskrealtime.api import board as board_api
from taskrealtime.engine import log
from taskrealtime.engine.log.shared_snapshots import SharedSnapshots
from taskrealtime.engine.models import Event
from taskrealtime.models import Comment, Membership, Project
from taskrealtime.pages.forms import ProjectForm
from tests.support.world import Api, World

pytestmark = pytest.mark.django_db


def test_a_new_project_is_its_makers(world: World) -> None:
    answer = world.api("outsider").post("/api/projects/", {"name": "Gemini"})
    assert answer.status_code == 201
    project = answer.json()
    assert (project["name"], project["role"]) == ("Gemini", "owner")
    assert world.api("outsider").get("/api/projects/").json()["results"] == [project]
    assert world.api("outsider").get(f"/api/projects/{project['id']}/").json() == project


def test_every_user_sees_their_own_role(world: World) -> None:
    for role in ("owner", "member", "viewer"):
        assert world.api(role).get(world.path("projects/<id:project_id>/")).json()["role"] == role


def test_a_project_is_renamed_and_deleted_by_an_owner(world: World) -> None:
    api, path = world.api("owner"), world.path("projects/<id:project_id>/")
    assert api.patch(path, {"name": "Apollo 11"}).json()["name"] == "Apollo 11"
    assert api.patch(path, {"name": " \n"}).json()["code"] == "invalid_data"
    assert api.patch(path, {}).json()["details"] == [{"field": "name", "message": "This field is required."}]
    assert api.delete(path).status_code == 204
    assert not Project.objects.exists()
    assert api.delete(path).status_code == 404


def test_members_are_added_changed_and_removed(world: World) -> None:
    api, path = world.api("owner"), world.path("projects/<id:project_id>/members/")
    added = api.post(path, {"username": world.name("outsider"), "role": "viewer"})
    assert added.status_code == 201
    newcomer = added.json()["user"]
    assert newcomer["username"] == world.name("outsider")
    changed = api.patch(f"{path}{newcomer['id']}/", {"role": "owner"})
    assert changed.json() == {"user": newcomer, "role": "owner"}
    assert [member["role"] for member in api.get(path).json()["results"]] == ["owner", "member", "viewer", "owner"]
    assert api.delete(f"{path}{newcomer['id']}/").status_code == 204
    assert api.delete(f"{path}{newcomer['id']}/").status_code == 404
    assert world.api("outsider").get(path).status_code == 404


def test_a_user_who_is_unknown_cannot_be_added(world: World) -> None:
    for username in ("nobody", "", "x" * 151, None, 5, "a\0b"):
        answer = world.api("owner").post(world.path("projects/<id:project_id>/members/"), {"username": username})
        assert answer.status_code == 400, username
        assert answer.json()["details"][0]["field"] == "username"


def test_no_user_is_added_twice(world: World) -> None:
    path = world.path("projects/<id:project_id>/members/")
    answer = world.api("owner").post(path, {"username": world.name("viewer")})
    assert answer.json()["details"] == [{"field": "username", "message": "This person is already a member."}]


def test_the_last_owner_stays(world: World) -> None:
    api, own = world.api("owner"), world.path("projects/<id:project_id>/members/") + f"{world.people['owner'].pk}/"
    assert api.patch(own, {"role": "viewer"}).status_code == 403
    assert api.delete(own).status_code == 403
    assert api.post(world.path("projects/<id:project_id>/leave/")).status_code == 403
    Membership.objects.filter(user=world.people["member"]).update(role="owner")
    assert api.post(world.path("projects/<id:project_id>/leave/")).status_code == 204


def test_an_owner_who_cannot_sign_in_is_none_to_leave_it_to(world: World) -> None:
    owner, heir = world.people["owner"], world.people["member"]
    path = f"/api/projects/{world.project.pk}/members/"
    assert world.api("owner").patch(f"{path}{heir.pk}/", {"role": "owner"}).status_code == 200
    User.objects.filter(pk=heir.pk).update(is_active=False)
    assert world.api("owner").post(world.path("projects/<id:project_id>/leave/")).status_code == 403
    assert world.api("owner").patch(f"{path}{owner.pk}/", {"role": "member"}).status_code == 403
    # That one may go, though.
    assert world.api("owner").delete(f"{path}{heir.pk}/").status_code == 204


def test_leaving_again_with_its_key_is_204_and_without_is_404(world: World) -> None:
    api, path = world.api("member"), world.path("projects/<id:project_id>/leave/")
    assert api.post(path, key="k").status_code == 204
    assert api.post(path, key="k").status_code == 204
    assert api.post(path).status_code == 404


# --- The board ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_board_is_the_state_after_its_seq(world: World) -> None:
    last = world.new_task("Last", status="review")
    board = world.api("viewer").get(world.path("projects/<id:project_id>/board/")).json()
    assert board["project"]["name"] == "Apollo"
    assert [member["role"] for member in board["members"]] == ["owner", "member", "viewer"]
    # One comment, and each task, as `/api/tasks/` shows them.
    assert [task["comment_count"] for task in board["tasks"] if task["id"] == world.task.pk] == [1]
    listed = world.api("viewer").get("/api/tasks/").json()["results"]
    assert sorted(board["tasks"], key=lambda task: task["id"]) == listed
    # Three members came, two tasks, one comment.
    assert (board["seq"], board["epoch"]) == (6, log.epoch())
    last.delete()
    after = world.api("viewer").get(world.path("projects/<id:project_id>/board/")).json()
    assert (after["seq"], [task["title"] for task in after["tasks"]]) == (7, ["First"])


@pytest.mark.django_db(transaction=True)
def test_the_board_is_sorted_by_position_in_code_units(world: World) -> None:
    for position in ("b", "B", "a0", "Zz", "a"):
        world.new_task(position, position=position)
    world.new_task("second b", position="b")
    board = world.api("viewer").get(world.path("projects/<id:project_id>/board/")).json()
    keys = [(task["position"].encode("utf-16-be"), task["id"]) for task in board["tasks"]]
    assert keys == sorted(keys)
    assert len(keys) == 7


@pytest.mark.django_db(transaction=True)
def test_boards_cost_the_same_queries_however_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is kept stays fresh.
    monkeypatch.setattr(board_api, "boards", SharedSnapshots(board_api._build, clock=lambda: 0.0))
    address = "projects/<id:project_id>/board/"
    _queries(world, address)  # The first names the log.
    world.new_task("Another")
    before = _queries(world, address)
    fill(world)
    assert _queries(world, address) == before
    # If nothing happened since: the user, the access check, and the head of the log.
    assert _queries(world, address) == 3


LISTS = ["projects/", "projects/<id:project_id>/members/", "tasks/", "tasks/<id:task_id>/comments/"]


def test_lists_cost_the_same_queries_however_full(world: World) -> None:
    before = {address: _queries(world, address) for address in LISTS}
    fill(world)
    assert {address: _queries(world, address) for address in LISTS} == before


def _queries(world: World, address: str) -> int:
    api = world.api("owner")
    with CaptureQueriesContext(connection) as captured:
        assert api.get(world.path(address)).status_code == 200
    return len(captured)


def fill(world: World) -> None:
    """Five more of everything."""
    for number in range(5):
        newcomer = User.objects.create_user(f"newcomer{number}")
        Membership.objects.create(project=world.project, user=newcomer)
        Comment.objects.create(task=world.task, author=newcomer, content=f"Comment {number}")
        world.new_task(f"Task {number}", assignee=newcomer)
        Api(world.people["owner"]).post("/api/projects/", {"name": f"Project {number}"})


# --- Pages ----------------------------------------------------------------------------------


def test_lists_come_in_pages(world: World, subtests: pytest.Subtests) -> None:
    fill(world)
    for address in LISTS:
        with subtests.test(address):
            assert_comes_in_pages(world.api("owner"), world.path(address))


def assert_comes_in_pages(api: Api, path: str) -> None:
    everything = api.get(path).json()
    assert everything["count"] == len(everything["results"])
    assert everything["next"] is everything["previous"] is None
    pages, url = [], f"{path}?page_size=2&token=secret&unknown=1"
    while url:
        pages.append(api.get(url).json())
        url = pages[-1]["next"]
        assert url is None or (url.startswith("http://testserver/api/") and "secret" not in url)
    assert [item for page in pages for item in page["results"]] == everything["results"]
    assert pages[0]["previous"] is None
    assert api.get(pages[-1]["previous"]).json() == pages[-2]
    beyond = api.get(f"{path}?page_size=2&page={len(pages) + 1}")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "not_found")


def test_an_empty_list_has_one_page(world: World) -> None:
    api = world.api("outsider")
    assert api.get("/api/tasks/?page=1").json() == {"count": 0, "next": None, "previous": None, "results": []}
    assert api.get("/api/tasks/?page=2").status_code == 404


def test_links_keep_the_filters(world: World) -> None:
    for number in range(3):
        world.new_task(f"ä&b {number}", status="review")
    url = world.api("member").get("/api/tasks/?status=review&q=%C3%A4%26b&page_size=2").json()["next"]
    assert [task["title"] for task in world.api("member").get(url).json()["results"]] == ["ä&b 2"]


@pytest.mark.parametrize("name", ["\u202etxt.exe", "a\u2066b", "\u2069", "Apollo\u202c\n"])
def test_a_name_turns_the_direction_of_no_text(world: World, name: str) -> None:
    for api, method, address in (
        (world.api("owner"), "post", "/api/projects/"),
        (world.api("owner"), "patch", world.path("projects/<id:project_id>/")),
        (world.api("owner"), "patch", "/api/me/"),
    ):
        answer = getattr(api, method)(address, {"name": name})
        assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "name")
    assert not ProjectForm({"name": name}).is_valid()
    assert list(Project.objects.values_list("name", flat=True)) == ["Apollo"]


def test_names_of_every_language_are_welcome(world: World) -> None:
    for name in ("مشروع", "פרויקט \u200f(ב)", "プロジェクト", " a\nb "):
        answer = world.api("owner").patch(world.path("projects/<id:project_id>/"), {"name": name})
        assert answer.json()["name"] == name
        assert ProjectForm({"name": name}).is_valid()


# --- Handing over -----------------------------------------------------------------------------


def roles(world: World) -> dict[str, str | None]:
    held = dict(Membership.objects.filter(project=world.project).values_list("user_id", "role"))
    return {name: held.get(world.people[name].pk) for name in ("owner", "member", "viewer")}


@pytest.mark.parametrize("then, left", [("stay", "owner"), ("member", "member"), ("viewer", "viewer"), ("leave", None)])
def test_a_project_is_handed_over_in_one_act(world: World, then: str, left: str | None) -> None:
    heir = world.people["viewer"]
    api, path = world.api("owner"), world.path("projects/<id:project_id>/hand-over/")
    assert api("POST", path, {"user_id": heir.pk, "then": then}, key="once").status_code == 204
    assert api("POST", path, {"user_id": heir.pk, "then": then}, key="once").status_code == 204
    assert roles(world) == {"owner": left, "member": "member", "viewer": "owner"}
    types = Event.objects.filter(room=world.project.room).order_by("id").values_list("type", flat=True)
    last = {"stay": [], "leave": ["project_member_removed"]}.get(then, ["project_member_updated"])
    assert list(types)[-1 - len(last) :] == ["project_member_updated", *last]


def test_no_user_is_made_owner_that_cannot_be(world: World) -> None:
    api, path = world.api("owner"), world.path("projects/<id:project_id>/hand-over/")
    inactive = world.people["viewer"]
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    for user, code in (("owner", "invalid_data"), ("outsider", "not_found"), ("viewer", "invalid_data")):
        answer = api.post(path, {"user_id": world.people[user].pk, "then": "leave"})
        assert answer.json()["code"] == code, user
    assert roles(world) == {"owner": "owner", "member": "member", "viewer": "viewer"}
