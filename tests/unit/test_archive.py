"""Archived tasks: off every board, also those of old clients, and kept until they are restored."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from taskrealtime.actions import tasks
from taskrealtime.announcing.redaction import redact, subject_of
from taskrealtime.engine.models import Event
from taskrealtime.folding import fold
from taskrealtime.models import Task, purging
from tests.support.replay import read_board, read_frames, replay
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    world = World()
    Task.objects.filter(pk=world.task.pk).update(status="completed")
    return world


def archive(world: World, task: Task | None = None, role: str = "member") -> Any:
    return world.api(role).post(f"/api/tasks/{(task or world.task).pk}/archive/")


def on_board(world: World) -> list[int]:
    board = world.api("viewer").get(world.path("projects/<id:project_id>/board/")).json()
    return [task["id"] for task in board["tasks"]]


def published(world: World) -> list[tuple[str, Any]]:
    rows = Event.objects.filter(room=world.project.room).order_by("id").values_list("type", "data")
    return [(type, msgspec.json.decode(data)) for type, data in rows]


def test_an_archived_task_leaves_the_board_and_comes_back_as_it_was(world: World) -> None:
    before = world.api("viewer").get(world.path("tasks/<id:task_id>/")).json()
    assert archive(world).status_code == 204
    assert on_board(world) == []
    name, data = published(world)[-1]
    assert (name, data["task_id"], data["archived"]) == ("task_deleted", world.task.pk, True)
    back = world.api("member").post(world.path("tasks/<id:task_id>/restore/")).json()
    assert published(world)[-1][0] == "task_restored"
    assert on_board(world) == [world.task.pk]
    moved = {"version", "updated_at"}
    assert {k: v for k, v in back.items() if k not in moved} == {k: v for k, v in before.items() if k not in moved}


def test_a_client_that_knows_no_archive_holds_the_same_board(world: World) -> None:
    old = read_board(world.project.pk)
    other = world.new_task("Second", status="completed")
    archive(world)
    archive(world, other)
    world.api("member").post(world.path("tasks/<id:task_id>/restore/"))
    fresh = read_board(world.project.pk)
    held = replay(old, read_frames(world.project.pk, old["seq"]))
    assert [task["id"] for task in held["tasks"]] == [world.task.pk]
    assert held["tasks"] == fresh["tasks"]


def test_a_deletion_is_published_as_before(world: World) -> None:
    world.api("member").delete(world.path("tasks/<id:task_id>/"))
    assert "archived" not in published(world)[-1][1]


def test_only_what_is_completed_is_archived(world: World) -> None:
    answer = archive(world, world.new_task("Open"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_data")
    assert len(on_board(world)) == 2


def test_all_completed_are_archived_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ARCHIVED_AT_ONCE", 2)
    open_task = world.new_task("Open")
    for number in range(2):
        world.new_task(f"Done {number}", status="completed")
    api, path = world.api("member"), world.path("projects/<id:project_id>/archive/")
    assert api.post(path).json() == {"archived": 2, "more": True}
    assert api.post(path).json() == {"archived": 1, "more": False}
    assert api.post(path).json() == {"archived": 0, "more": False}
    assert on_board(world) == [open_task.pk]
    assert [name for name, data in published(world) if data.get("archived")] == ["task_deleted"] * 3


def test_what_is_archived_can_be_found_and_read(world: World) -> None:
    done = world.new_task("Paint the fence", status="completed")
    archive(world)
    archive(world, done)
    api = world.api("viewer")

    def found(query: str) -> list[int]:
        return [task["id"] for task in api.get(f"/api/tasks/?{query}").json()["results"]]

    assert found(f"project={world.project.pk}") == []
    assert found(f"project={world.project.pk}&archived=1") == [done.pk, world.task.pk]
    assert found("archived=1&q=fence") == [done.pk]
    assert "archived_at" in api.get(world.path("tasks/<id:task_id>/")).json()
    assert api.get(world.path("tasks/<id:task_id>/comments/")).json()["count"] == 1
    assert world.api("outsider").get("/api/tasks/?archived=1").json()["count"] == 0
    assert world.api("outsider").get(world.path("tasks/<id:task_id>/")).status_code == 404


def test_a_search_of_the_archive_finds_each_word_whatever_its_case_and_accents(world: World) -> None:
    cafe = world.new_task("Café ÜBERMALEN", status="completed", description="In der Großen Straße")
    later = world.new_task("100% _done_", status="completed")
    archive(world, cafe)
    assert world.api("owner").post(f"/api/projects/{world.project.pk}/archive/").json()["archived"] == 2
    # As a server of an earlier release archived it.
    old = world.new_task("Cafe alt", status="completed")
    archive(world, old)
    QuerySet.update(Task.all_objects.filter(pk=old.pk), folded=None, folded_version=None)

    def found(words: str) -> list[int]:
        answer = world.api("viewer").get(f"/api/tasks/?{urlencode({'archived': 1, 'q': words})}")
        return [task["id"] for task in answer.json()["results"]]

    assert found("STRASSE cafe") == found("grossen übermalen") == found(f" #{cafe.pk} ") == [cafe.pk]
    assert found("cafe") == [old.pk, cafe.pk]
    assert found("cafe fehlt") == []
    assert found("_ 100%") == found("%") == [later.pk]
    world.api("owner").post(f"/api/tasks/{cafe.pk}/restore/")
    assert found("übermalen") == []


def test_what_was_archived_before_is_found_alike_after_the_migration(world: World) -> None:
    archive(world)
    QuerySet.update(Task.all_objects.filter(pk=world.task.pk), folded=None)
    migration = import_module("taskrealtime.migrations.0014_folded_tasks")
    version = Task.all_objects.get(pk=world.task.pk).version
    migration.fold_archived(apps, SimpleNamespace(connection=connection))
    task = Task.all_objects.get(pk=world.task.pk)
    assert (task.folded, task.version) == (fold(f"{task.title}\n{task.description}"), version)


def test_what_is_archived_is_changed_by_no_user(world: World) -> None:
    archive(world)
    api = world.api("member")
    for method, address, body in (
        ("PATCH", "tasks/<id:task_id>/", {"title": "Other"}),
        ("DELETE", "tasks/<id:task_id>/", None),
        ("POST", "tasks/<id:task_id>/move/", {"status": "todo"}),
        ("POST", "tasks/<id:task_id>/archive/", None),
        ("POST", "tasks/<id:task_id>/comments/", {"content": "Hi"}),
        ("PATCH", "comments/<id:comment_id>/", {"content": "Hi"}),
        ("DELETE", "comments/<id:comment_id>/", None),
    ):
        assert api(method, world.path(address), body).status_code == 404, (method, address)


def test_a_viewer_and_a_stranger_archive_nothing(world: World) -> None:
    for role, status in (("viewer", 403), ("outsider", 404)):
        assert archive(world, role=role).status_code == status
        assert world.api(role).post(world.path("projects/<id:project_id>/archive/")).status_code == status
    assert on_board(world) == [world.task.pk]


def test_the_archive_is_kept_however_long_and_its_words_stay_in_the_log(world: World, settings: Settings) -> None:
    archive(world)
    long_ago = timezone.now() - timedelta(days=1000)
    Task.all_objects.filter(pk=world.task.pk).update(archived_at=long_ago)
    assert purging.purge_deleted_tasks(timezone.now(), 100) == 0
    assert redact(list(Event.objects.filter(subject=subject_of(world.task)))) == {}
    assert world.api("member").post(world.path("tasks/<id:task_id>/restore/")).status_code == 200


def test_a_user_who_leaves_is_unassigned_in_the_archive_too_without_an_event(world: World) -> None:
    Task.objects.filter(pk=world.task.pk).update(assignee=world.people["viewer"])
    archive(world)
    before = len(published(world))
    assert world.api("viewer").post(world.path("projects/<id:project_id>/leave/")).status_code == 204
    assert [name for name, _ in published(world)[before:]] == ["project_member_removed"]
    back = world.api("member").post(world.path("tasks/<id:task_id>/restore/")).json()
    assert back["assignee_id"] is None
