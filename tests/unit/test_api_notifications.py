"""The inbox over HTTP: pages, the mark, following, and what each user wants."""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.models import Event, Room
from taskrealtime.models import Membership
from tests.support.inboxes import Inbox
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    world = World()
    for number in range(4):
        world.new_task(f"Task {number}", assignee=world.people["viewer"])
    return world


def page_of(world: World, query: str = "") -> Any:
    answer = world.api("viewer").get(f"/api/notifications/{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def seqs(page: Any) -> list[int]:
    return [item["seq"] for item in page["results"]]


def read(world: World, up_to: Any, key: str | None = None) -> Any:
    return world.api("viewer").post("/api/notifications/read/", {"up_to": up_to}, key=key)


def test_the_list_is_newest_first_and_beside_it_stands_where_the_room_is(world: World) -> None:
    page = page_of(world)
    assert seqs(page) == [5, 4, 3, 2, 1]
    assert (page["seq"], page["epoch"], page["unread"], page["count"]) == (5, log.epoch(), 5, 5)
    frames = log.read(user_room(world.people["viewer"].pk), since=0, limit=10)
    assert page["results"] == [json.loads(event.frame) | {"read": False} for event in reversed(frames)]


def test_pages_hold_what_they_say(world: World) -> None:
    first, second, third = (page_of(world, f"?page={number}&page_size=2") for number in (1, 2, 3))
    assert [seqs(page) for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert (first["previous"], third["next"]) == (None, None)
    assert first["next"].endswith("/api/notifications/?page=2&page_size=2")
    assert world.api("viewer").get("/api/notifications/?page=4&page_size=2").status_code == 404


def test_what_was_read_is_marked_and_the_mark_never_goes_back(world: World) -> None:
    assert read(world, 3).json() == {"unread": 2}
    assert read(world, 1).json() == {"unread": 2}
    page = page_of(world)
    assert [item["read"] for item in page["results"]] == [False, False, True, True, True]
    assert page["unread"] == 2
    unread = page_of(world, "?unread=1&page_size=1")
    assert (seqs(unread), unread["count"], unread["unread"]) == ([5], 2, 2)
    assert unread["next"].endswith("?page_size=1&unread=1&page=2")
    assert seqs(page_of(world, "?unread=1&page_size=1&page=2")) == [4]
    assert seqs(page_of(world, "?unread=0")) == [5, 4, 3, 2, 1]


def test_a_key_gets_the_first_answer_again(world: World) -> None:
    assert read(world, 2, key="k").json() == {"unread": 3}
    read(world, 5)
    assert read(world, 2, key="k").json() == {"unread": 3, "duplicate": True}
    assert page_of(world)["unread"] == 0


def test_a_mark_that_the_room_has_not_come_to_is_refused(world: World) -> None:
    for up_to in (-1, "1", None, 1.5, 6, 2**63):
        answer = read(world, up_to)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_data"), up_to
        assert answer.json()["details"][0]["field"] == "up_to"
        assert page_of(world)["unread"] == 5, up_to


def test_an_empty_inbox_is_a_page_too(world: World) -> None:
    api = world.api("outsider")
    page = api.get("/api/notifications/").json()
    assert page == {
        "count": 0, "next": None, "previous": None, "results": [], "seq": 0, "epoch": log.epoch(), "unread": 0
    }  # fmt: skip
    assert api.post("/api/notifications/read/", {"up_to": 0}).json() == {"unread": 0}


def test_what_was_trimmed_is_neither_listed_nor_unread(world: World) -> None:
    room = user_room(world.people["viewer"].pk)
    Room.objects.filter(name=room).update(floor=2)
    page = page_of(world)
    assert (seqs(page), page["count"], page["unread"]) == ([5, 4, 3], 3, 3)
    assert seqs(page_of(world, "?unread=1")) == [5, 4, 3]
    Event.objects.filter(room=room, seq__lte=2).delete()
    assert read(world, 1).json() == {"unread": 3}


def test_the_events_follow_the_page(world: World) -> None:
    page = page_of(world)
    world.new_task("Later", assignee=world.people["viewer"])
    path = f"/api/notifications/events/?since={page['seq']}&epoch={page['epoch']}"
    answer = world.api("viewer").get(path).json()
    assert [event["data"]["title"] for event in answer["events"]] == ["Later"]
    assert (answer["seq"], answer["head"], answer["reset"]) == (6, 6, False)
    assert world.api("viewer").get("/api/notifications/events/?since=7").json()["reset"] is True


def test_an_inbox_is_readable_by_its_user_alone(world: World) -> None:
    assert seqs(world.api("member").get("/api/notifications/").json()) == [1]
    assert world.api("anonymous").get("/api/notifications/").status_code == 401


# --- Oneself --------------------------------------------------------------------------------


def me(world: World) -> Any:
    return world.api("viewer").get("/api/me/").json()


def change(world: World, **changes: Any) -> Any:
    return world.api("viewer").patch("/api/me/", changes)


def test_one_begins_with_the_defaults(world: World) -> None:
    user = world.people["viewer"]
    assert me(world) == {
        "id": user.pk,
        "username": user.username,
        "name": user.username,
        "email": "",
        "timezone": "UTC",
        "remind_before_hours": 24,
        "notify": {
            "task_assigned": True, "comment_added": True, "project_member_added": True, "due_date_reminder": True
        },
        "ask_first": False,
            "muted_projects": [],
    }  # fmt: skip


def test_what_is_given_changes_and_the_rest_stays(world: World) -> None:
    assert change(world, name="  Vera van Dam ", timezone="Europe/Berlin").json()["name"] == "Vera van Dam"
    changed = change(world, notify={"comment_added": False}, remind_before_hours=1.5).json()
    assert (changed["timezone"], changed["remind_before_hours"]) == ("Europe/Berlin", 1.5)
    assert changed["notify"]["comment_added"] is False
    assert change(world, notify={"task_assigned": False}).json()["notify"]["comment_added"] is False
    assert change(world, muted_projects=[world.project.pk]).json()["muted_projects"] == [world.project.pk]
    assert change(world, remind_before_hours=None).json()["remind_before_hours"] == 24
    assert change(world, name="").json()["name"] == world.name("viewer")
    assert me(world)["muted_projects"] == [world.project.pk]


def test_what_does_not_fit_is_named_and_changes_nothing(world: World) -> None:
    before = me(world)
    cases: list[tuple[str, Any]] = [
        ("name", "x" * 151),
        ("name", None),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("timezone", ""),
        ("remind_before_hours", -1),
        ("remind_before_hours", 10_000),
        ("remind_before_hours", "24"),
        ("notify", {"nonsense": True}),
        ("notify", {"comment_added": 0}),
        ("notify", []),
        ("muted_projects", [0]),
        ("muted_projects", 5),
        ("muted_projects", [2**40]),
    ]
    for field, value in cases:
        answer = change(world, **{"name": "Other", "timezone": "Asia/Tokyo", field: value})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_data"), (field, value)
        assert answer.json()["details"][0]["field"].startswith(field), (field, value)
        assert me(world) == before, (field, value)


def test_another_address_needs_the_present_password_and_the_same_one_does_not(world: World) -> None:
    address = {"email": "vera@example.org"}
    for password in ({}, {"password": "wrong"}):
        assert change(world, **address, **password).json()["details"][0]["field"] == "password"
    assert change(world, email="nowhere", password=PASSWORD).json()["details"][0]["field"] == "email"
    assert me(world)["email"] == ""
    assert change(world, **address, password=PASSWORD).json()["email"] == "vera@example.org"
    assert change(world, **address, name="Vera").json()["name"] == "Vera"
    assert change(world, email="", password=PASSWORD).json()["email"] == ""


def test_the_password_for_another_address_is_no_part_of_what_is_remembered(world: World) -> None:
    api = world.api("viewer")
    body = {"email": "vera@example.org"}
    assert api.patch("/api/me/", body | {"password": PASSWORD}, key="k").status_code == 200
    # The same request but for the password: its fingerprint is the same.
    assert api.patch("/api/me/", body, key="k").json()["duplicate"] is True


def test_guessing_at_the_password_for_another_address_is_slow(world: World, settings: Settings) -> None:
    settings.SIGN_IN_RATE_LIMIT = "2/1h"
    answers = [change(world, email="thief@example.org", password=f"guess {n}").status_code for n in range(3)]
    assert answers == [400, 400, 429]


def test_an_address_is_shown_to_no_other_user(world: World) -> None:
    change(world, email="vera@example.org", password=PASSWORD)
    api = world.api("owner")
    for path in ("projects/<id:project_id>/members/", "projects/<id:project_id>/board/"):
        assert "vera@" not in api.get(world.path(path)).content.decode()


def test_only_own_projects_can_be_muted_and_only_as_long_as_one_is_in(world: World) -> None:
    assert world.api("outsider").patch("/api/me/", {"muted_projects": [world.project.pk]}).status_code == 400
    change(world, muted_projects=[world.project.pk])
    Membership.objects.get(project=world.project, user=world.people["viewer"]).delete()
    assert me(world)["muted_projects"] == []


def test_muting_is_published_to_no_user(world: World) -> None:
    inbox = Inbox(world.people["viewer"])
    before = Event.objects.filter(room=world.project.room).count()
    change(world, muted_projects=[world.project.pk], name="Vera")
    assert Event.objects.filter(room=world.project.room).count() == before
    assert inbox.new() == []


def test_a_browsers_session_will_do(world: World) -> None:
    client = Client()
    client.force_login(world.people["viewer"])
    assert client.get("/api/notifications/").json()["unread"] == 5
    assert client.get("/api/me/").json()["id"] == world.people["viewer"].pk
