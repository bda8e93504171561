"""The log over HTTP, as the socket would replay it."""

from typing import Any

import pytest

from taskrealtime.engine import log
from taskrealtime.models import Membership
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def read(world: World, query: str = "", role: str = "viewer") -> dict[str, Any]:
    answer = world.api(role).get(f"{world.path('projects/<id:project_id>/events/')}?{query}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_everything_is_read_from_the_start(world: World) -> None:
    answer = read(world)
    assert [frame["seq"] for frame in answer["events"]] == [1, 2, 3, 4, 5]
    assert [frame["event"] for frame in answer["events"]] == ["project_member_added"] * 3 + [
        "task_created",
        "comment_added",
    ]
    assert answer["events"][3]["data"]["task"]["title"] == "First"
    assert {frame["room"] for frame in answer["events"]} == {f"project.{world.project.pk}"}
    rest = {name: value for name, value in answer.items() if name != "events"}
    assert rest == {"seq": 5, "head": 5, "epoch": log.epoch(), "reset": False}


def test_the_frames_are_those_of_the_log_to_the_letter(world: World) -> None:
    body = world.api("viewer").get(world.path("projects/<id:project_id>/events/")).content.decode()
    for event in log.read(world.project.room, since=0, limit=10):
        assert event.frame in body


def test_it_is_read_page_by_page(world: World) -> None:
    first = read(world, "limit=2")
    assert ([frame["seq"] for frame in first["events"]], first["seq"], first["head"]) == ([1, 2], 2, 5)
    second = read(world, f"limit=2&since={first['seq']}&epoch={first['epoch']}")
    assert [frame["seq"] for frame in second["events"]] == [3, 4]


def test_a_page_with_many_bytes_ends_earlier(world: World) -> None:
    for number in range(40):
        world.task.description = f"{number:05}" * 4000
        world.task.save()
    seen, head = 0, 45
    pages = 0
    while seen < head:
        answer = read(world, f"since={seen}&limit=2000")
        assert [frame["seq"] for frame in answer["events"]] == list(range(seen + 1, answer["seq"] + 1))
        assert (answer["head"], answer["reset"]) == (head, False)
        seen, pages = answer["seq"], pages + 1
    assert pages == 2


def test_nothing_new_is_an_empty_answer_at_the_same_place(world: World) -> None:
    answer = read(world, "since=5")
    assert (answer["events"], answer["seq"], answer["head"], answer["reset"]) == ([], 5, 5, False)


def test_what_cannot_be_continued_is_a_reset(world: World) -> None:
    for query in ("since=6", "since=1&epoch=another", "since=9223372036854775807"):
        answer = read(world, query)
        assert (answer["events"], answer["head"], answer["reset"]) == ([], 5, True), query
        assert answer["seq"] == int(query.partition("&")[0].removeprefix("since="))


def test_an_empty_epoch_is_a_missing_one(world: World) -> None:
    assert read(world, "since=4&epoch=&limit=&wait=")["events"][0]["seq"] == 5


def test_a_user_who_was_removed_reads_nothing_more(world: World) -> None:
    Membership.objects.get(user=world.people["viewer"]).delete()
    answer = world.api("viewer").get(world.path("projects/<id:project_id>/events/"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


WRONG = ["since=-1", "since=x", "since=9223372036854775808", "limit=0", "limit=2001", "wait=-1", "wait=nan", "wait=inf"]


def test_a_number_that_does_not_fit_is_named(world: World) -> None:
    for query in WRONG:
        answer = world.api("viewer").get(f"{world.path('projects/<id:project_id>/events/')}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_data"), query
        assert answer.json()["details"][0]["field"] == query.partition("=")[0], query


def test_deleted_content_is_not_published(world: World) -> None:
    world.comment.delete()
    comment_added = read(world)["events"][4]["data"]
    assert comment_added["redacted"] is True
    assert comment_added["comment"]["content"] == ""
