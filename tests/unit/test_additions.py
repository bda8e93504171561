"""Additions to projects: immediate, with the adding user named, limited, with consent if wanted, ended in one step."""

import json
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from taskrealtime.contract import commands
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine.models import Event
from taskrealtime.models import AdditionRequest, Block, Membership, Preferences, Project
from tests.support.world import Api, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(world: World) -> User:
    """A user that is in no project."""
    return world.people["outsider"]


def add(world: World, username: str, role: str = "member", project: int | None = None) -> Any:
    body = {"username": username, "role": role}
    return world.api("owner").post(f"/api/projects/{project or world.project.pk}/members/", body)


def leave(user: User, project: int, **body: Any) -> int:
    status: int = Api(user).post(f"/api/projects/{project}/leave/", body).status_code
    return status


def notifications(user: User) -> list[dict[str, Any]]:
    """The notifications of a user, oldest first."""
    rows = Event.objects.filter(room=user_room(user.pk)).order_by("id").values_list("type", "data")
    return [{"event": type, **json.loads(data)} for type, data in rows]


# --- At once, and with the adding user named --------------------------------------------------


def test_an_addition_takes_effect_at_once_and_names_its_author(world: World, ann: User) -> None:
    assert add(world, ann.username).status_code == 201
    assert Membership.objects.get(user=ann).role == "member"
    shown = Api(ann).get(world.path("projects/<id:project_id>/")).json()
    assert shown["added_by"]["username"] == world.name("owner")
    assert [one["added_by"]["id"] for one in Api(ann).get("/api/projects/").json()["results"]] == [
        world.people["owner"].pk
    ]
    assert [(one["event"], one["by"]["username"]) for one in notifications(ann)] == [
        ("project_member_added", world.name("owner"))
    ]


def test_a_user_who_came_by_themselves_was_added_by_no_other(world: World, ann: User) -> None:
    Api(ann).post("/api/invitations/accept/", {"secret": world.invitation[1]})
    assert "added_by" not in Api(ann).get(world.path("projects/<id:project_id>/")).json()
    assert "added_by" not in world.api("owner").get(world.path("projects/<id:project_id>/")).json()
    assert leave(ann, world.project.pk, block=True) == 400
    assert leave(ann, world.project.pk) == 204


# --- Leaving and blocking ---------------------------------------------------------------------


def test_one_step_leaves_and_blocks_the_user_who_added_one(world: World, ann: User) -> None:
    add(world, ann.username)
    assert leave(ann, world.project.pk, block=True) == 204
    assert not Membership.objects.filter(user=ann).exists()
    [blocked] = Api(ann).get("/api/me/blocks/").json()["blocks"]
    assert blocked["user"]["username"] == world.name("owner")
    other = world.api("owner").post("/api/projects/", {"name": "Other"}).json()["id"]
    for project in (world.project.pk, other):
        refused, unknown = add(world, ann.username, project=project), add(world, "nobody-at-all", project=project)
        assert (
            (refused.status_code, refused.content) == (unknown.status_code, unknown.content) == (400, unknown.content)
        )
    assert len(notifications(ann)) == 1


def test_a_user_who_is_blocked_cannot_ask_either(world: World, ann: User) -> None:
    Preferences.objects.create(user=ann, ask_first=True)
    Block.objects.create(user=ann, blocked=world.people["owner"])
    assert add(world, ann.username).status_code == 400
    assert notifications(ann) == []


def test_a_block_is_taken_back(world: World, ann: User) -> None:
    add(world, ann.username)
    leave(ann, world.project.pk, block=True)
    path = f"/api/me/blocks/{world.people['owner'].pk}/"
    assert world.api("member").delete(path).status_code == 404, "it is not theirs"
    assert Api(ann).delete(path).status_code == 204
    assert add(world, ann.username).status_code == 201


def test_others_are_not_blocked(world: World, ann: User) -> None:
    add(world, ann.username)
    leave(ann, world.project.pk, block=True)
    other = world.api("member").post("/api/projects/", {"name": "Other"}).json()["id"]
    added = world.api("member").post(f"/api/projects/{other}/members/", {"username": ann.username})
    assert added.status_code == 201


def test_a_user_who_was_made_the_only_owner_gives_the_project_back_and_is_gone(world: World, ann: User) -> None:
    add(world, ann.username)
    body = {"user_id": ann.pk, "then": "leave"}
    assert world.api("owner").post(world.path("projects/<id:project_id>/hand-over/"), body).status_code == 204
    assert Membership.objects.get(user=ann).role == "owner", "at once"
    assert leave(ann, world.project.pk) == 403, "the last owner"
    assert leave(ann, world.project.pk, block=True) == 204
    owner = Membership.objects.get(user=world.people["owner"])
    assert (owner.role, owner.added_by) == ("owner", None)
    assert not Membership.objects.filter(user=ann).exists()
    assert Block.objects.filter(user=ann, blocked=world.people["owner"]).exists()


def test_so_does_one_who_was_added_as_an_owner_and_left_alone(world: World, ann: User) -> None:
    add(world, ann.username, role="owner")
    assert leave(world.people["owner"], world.project.pk) == 204
    assert leave(ann, world.project.pk, block=True) == 204
    assert Membership.objects.get(user=world.people["owner"]).role == "owner"


def test_no_deleted_account_gets_a_project_back(world: World, ann: User) -> None:
    add(world, ann.username, role="owner")
    leave(world.people["owner"], world.project.pk)
    User.objects.filter(pk=world.people["owner"].pk).update(is_active=False)
    assert leave(ann, world.project.pk, block=True) == 403
    assert not Block.objects.exists(), "nothing of it happened"
    assert Api(ann).delete(world.path("projects/<id:project_id>/")).status_code == 204


def test_an_account_that_ends_leaves_those_it_added(world: World, ann: User) -> None:
    add(world, ann.username)
    other = User.objects.create_user("second")
    Membership.objects.create(project=world.project, user=other, role="owner")
    world.people["owner"].delete()
    membership = Membership.objects.get(user=ann)
    assert membership.added_by is None


def test_a_removal_that_is_sent_again_after_the_update_is_the_same(world: World) -> None:
    """Keys are compared with what was asked: a field that is new must not change that where it is not used."""
    command = commands.MemberRemove(project_id=1, user_id=2)
    assert msgspec.json.encode(["MemberRemove", command]) == b'["MemberRemove",{"project_id":1,"user_id":2}]'


# --- Consent ----------------------------------------------------------------------------------


@pytest.fixture
def asked(world: World, ann: User) -> Api:
    """The API of a user that wants to be asked first, and was."""
    api = Api(ann)
    assert api.patch("/api/me/", {"ask_first": True}).json()["ask_first"] is True
    answer = add(world, ann.username, "viewer")
    assert answer.status_code == 202
    assert answer.json() == {"project_id": world.project.pk, "user_id": ann.pk, "requested": True}
    return api


def test_a_user_who_wants_it_is_asked_and_is_no_member_meanwhile(world: World, ann: User, asked: Api) -> None:
    assert asked.get(world.path("projects/<id:project_id>/")).status_code == 404
    [waiting] = asked.get("/api/me/requests/").json()["requests"]
    assert waiting["project"] == {"id": world.project.pk, "name": "Apollo"}
    assert (waiting["role"], waiting["asked_by"]["username"]) == ("viewer", world.name("owner"))
    [notice] = asked.get("/api/notifications/").json()["results"]
    assert notice["event"] == "project_member_requested"
    assert notice["data"] == {
        "project": {"id": world.project.pk, "name": "Apollo"},
        "role": "viewer",
        "by": {"id": world.people["owner"].pk, "username": world.name("owner")},
    }


def test_a_user_who_accepts_is_in(world: World, ann: User, asked: Api) -> None:
    path = f"/api/me/requests/{world.project.pk}/"
    assert asked.post(f"{path}accept/").json()["role"] == "viewer"
    assert Membership.objects.get(user=ann).added_by is None, "they wanted it"
    assert asked.get("/api/me/requests/").json() == {"requests": []}
    assert asked.post(f"{path}accept/").status_code == 404
    added = Event.objects.filter(room=world.project.room, type="project_member_added").order_by("id").last()
    assert added is not None
    assert json.loads(added.data)["by"]["id"] == ann.pk


def test_a_user_who_declines_is_not_and_may_be_asked_again(world: World, ann: User, asked: Api) -> None:
    path = f"/api/me/requests/{world.project.pk}/"
    assert asked.post(f"{path}decline/").status_code == 204
    assert not Membership.objects.filter(user=ann).exists()
    assert add(world, ann.username).status_code == 202
    assert asked.post(f"{path}decline/", {"block": True}).status_code == 204
    assert add(world, ann.username).status_code == 400


def test_asked_again_one_is_notified_once(world: World, ann: User, asked: Api) -> None:
    assert add(world, ann.username, "member").status_code == 202
    assert len(notifications(ann)) == 1
    assert [one["role"] for one in asked.get("/api/me/requests/").json()["requests"]] == ["member"]


def test_a_request_is_void_once_its_maker_is_no_owner(world: World, ann: User, asked: Api) -> None:
    Membership.objects.filter(user=world.people["owner"]).update(role="member")
    assert asked.get("/api/me/requests/").json() == {"requests": []}
    assert asked.post(f"/api/me/requests/{world.project.pk}/accept/").status_code == 404


def test_a_request_ends_with_its_project_and_by_a_link(world: World, ann: User, asked: Api) -> None:
    asked.post("/api/invitations/accept/", {"secret": world.invitation[1]})
    assert not AdditionRequest.objects.exists()
    Membership.objects.filter(user=ann).delete()
    add(world, ann.username)
    Project.objects.get(pk=world.project.pk).delete()
    assert not AdditionRequest.objects.exists()


def test_no_user_answers_for_others(world: World, asked: Api) -> None:
    for role in ("owner", "member", "viewer"):
        for answer in ("accept", "decline"):
            path = f"/api/me/requests/{world.project.pk}/{answer}/"
            assert world.api(role).post(path).status_code == 404
    assert AdditionRequest.objects.count() == 1


# --- Bounds -----------------------------------------------------------------------------------


def new_project(owner: Api) -> int:
    number: int = owner.post("/api/projects/", {"name": "New"}).json()["id"]
    return number


def test_no_user_is_put_into_project_after_project(world: World, ann: User, settings: Settings) -> None:
    settings.STRANGER_RATE_LIMIT = "3/1h"
    eve = Api(User.objects.create_user("eve"))
    codes = [
        eve.post(f"/api/projects/{new_project(eve)}/members/", {"username": ann.username}).status_code for _ in range(5)
    ]
    assert codes == [201, 201, 201, 429, 429], "to have been put beside somebody makes no acquaintance"


def test_nor_by_many_who_take_turns(world: World, settings: Settings) -> None:
    settings.STRANGER_RATE_LIMIT = "3/1h"
    victim = User.objects.create_user("victim")
    codes = []
    for number in range(5):
        adder = Api(User.objects.create_user(f"turn{number}"))
        codes.append(adder.post(f"/api/projects/{new_project(adder)}/members/", {"username": "victim"}).status_code)
    assert codes == [201, 201, 201, 429, 429]
    assert Membership.objects.filter(user=victim).count() == 3


def test_people_who_know_each_other_are_not_counted(world: World, settings: Settings) -> None:
    settings.STRANGER_RATE_LIMIT = "1/1h"
    member, owner = world.api("member"), world.name("viewer")
    codes = [
        member.post(f"/api/projects/{new_project(member)}/members/", {"username": owner}).status_code for _ in range(4)
    ]
    assert codes == [201, 201, 201, 201]


def test_what_is_refused_anyway_is_not_counted(world: World, ann: User, settings: Settings) -> None:
    settings.STRANGER_RATE_LIMIT = "1/1h"
    assert [add(world, name).status_code for name in ("nobody", world.name("viewer"), "nobody")] == [400, 400, 400]
    assert add(world, ann.username).status_code == 201


# --- On the pages -----------------------------------------------------------------------------


def page_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def answer_on(browser: Client, project: int, answer: str) -> Any:
    return browser.post(f"/requests/{project}/", {"answer": answer})


def test_the_page_shows_who_asks_and_takes_the_answer(world: World, ann: User, asked: Api) -> None:
    browser = page_of(ann)
    page = browser.get("/").content.decode()
    assert f"{world.name('owner')} wants to add you as a viewer." in page
    assert answer_on(browser, world.project.pk, "accept").headers["Location"] == f"/projects/{world.project.pk}/"
    assert Membership.objects.filter(user=ann).exists()
    assert "wants to add you" not in browser.get("/").content.decode()
    assert answer_on(browser, world.project.pk, "accept").headers["Location"] == "/", "once more is no fault"


def test_the_page_declines_and_blocks(world: World, ann: User, asked: Api) -> None:
    browser = page_of(ann)
    assert answer_on(browser, world.project.pk, "decline-and-block").headers["Location"] == "/"
    assert world.name("owner") in browser.get("/account/").content.decode()
    browser.post("/account/", {"unblock": str(world.people["owner"].pk)})
    assert not Block.objects.exists()
    for nonsense in ("", "x", "9" * 30, "²"):
        assert browser.post("/account/", {"unblock": nonsense}).status_code == 302


def test_the_page_says_who_added_one_and_leaves_in_one_step(world: World, ann: User) -> None:
    add(world, ann.username)
    browser = page_of(ann)
    assert f"Added by {world.name('owner')}" in browser.get("/").content.decode()
    assert f"Leave and block {world.name('owner')}" in browser.get(f"/projects/{world.project.pk}/").content.decode()
    assert answer_on(browser, world.project.pk, "leave-and-block").headers["Location"] == "/"
    assert not Membership.objects.filter(user=ann).exists()
    assert Block.objects.filter(user=ann).exists()


def test_what_the_page_cannot_do_it_says(world: World, ann: User) -> None:
    add(world, ann.username, role="owner")
    leave(world.people["owner"], world.project.pk)
    User.objects.filter(pk=world.people["owner"].pk).update(is_active=False)
    answer = answer_on(page_of(ann), world.project.pk, "leave-and-block")
    assert answer.status_code == 400
    assert "at least one owner" in answer.content.decode()
    assert answer_on(page_of(ann), world.project.pk, "nonsense").status_code == 302


def test_no_foreign_page_answers(world: World, ann: User, asked: Api) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ann)
    assert answer_on(browser, world.project.pk, "accept").status_code == 403
    assert (
        Client().post(f"/requests/{world.project.pk}/", {"answer": "accept"}).headers["Location"].startswith("/login/")
    )
