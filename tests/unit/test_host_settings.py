"""Settings of the project that taskrealtime is built into: routers, ATOMIC_REQUESTS, and Django's own TestCase."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, connections, models
from django.test import TestCase
from django.test.utils import isolate_apps
from pytest_django import Settings

from taskrealtime.engine import log
from taskrealtime.engine.installation.checks import check_routers
from taskrealtime.models import Comment, Membership, Project, Task
from taskrealtime.operations import checks
from tests.support.project_log import ProjectLog
from tests.support.world import World


class Replica:
    """Reads go to a database that does not answer: whatever asks it fails."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default" if model._meta.app_label not in {"taskrealtime", "engine"} else "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *models: Any, **hints: Any) -> bool:
        return True


class UsersToo(Replica):
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"


class Elsewhere(Replica):
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "tasks" if model is Task else "default"


REPLICA = "tests.unit.test_host_settings.Replica"


@pytest.fixture
def replica(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    nowhere = {"NAME": "/nowhere/replica", "HOST": "127.0.0.1", "PORT": "1"}
    monkeypatch.setitem(connections.settings, "replica", connections.settings["default"] | nowhere)
    settings.DATABASE_ROUTERS = [REPLICA]
    yield
    with suppress(AttributeError):  # it may never have been made
        del connections["replica"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("replica")
def test_everything_works_beside_a_replica_that_lags_without_end() -> None:
    world = World()
    project_log = ProjectLog(world.project)
    Task.objects.filter(pk=world.task.pk).update(title="Second")
    Task.objects.get(pk=world.task.pk).delete()
    comment = Comment.objects.get(pk=world.comment.pk)
    comment.content = "Edited"
    comment.save()
    Membership.objects.filter(user=world.people["viewer"]).delete()
    assert project_log.names() == ["task_updated", "task_deleted", "project_member_removed"]
    board = world.api("owner").get(f"/api/projects/{world.project.pk}/board/")
    assert board.status_code == 200
    assert board.json()["seq"] == log.heads([world.project.room])[world.project.room]
    events = world.api("member").get(f"/api/projects/{world.project.pk}/events/?since=0")
    assert events.status_code == 200
    assert world.api("viewer").get(f"/api/projects/{world.project.pk}/board/").status_code == 404
    made = world.api("member").post("/api/tasks/", {"project_id": world.project.pk, "title": "By HTTP"})
    assert made.status_code == 201
    Project.objects.get(pk=world.project.pk).delete()


@pytest.mark.django_db
@pytest.mark.usefixtures("replica")
def test_a_replica_for_tasks_is_accepted_and_one_for_users_is_reported(settings: Settings) -> None:
    assert check_routers(None) == []
    settings.DATABASE_ROUTERS = ["tests.unit.test_host_settings.UsersToo"]
    [warning] = check_routers(None)
    assert (warning.id, warning.msg) == ("taskrealtime.W004", "DATABASE_ROUTERS reads auth.User from 'replica'.")


@pytest.mark.django_db
def test_tasks_in_another_database_than_the_log_are_an_error(settings: Settings) -> None:
    settings.DATABASE_ROUTERS = ["tests.unit.test_host_settings.Elsewhere"]
    [error] = check_routers(None)
    assert error.id == "taskrealtime.E007"
    assert "taskrealtime.Task" in error.msg


def test_a_manager_whose_writes_would_not_be_published_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_managers(None) == []

    class Plain(models.Manager):  # type: ignore[type-arg]
        def get_queryset(self) -> Any:
            return models.QuerySet(self.model, using=self._db)

    with isolate_apps("taskrealtime"):

        class Silent(Task):
            plain = Plain()

            class Meta:
                proxy = True
                app_label = "taskrealtime"

    monkeypatch.setattr(apps, "get_models", lambda: [Task, Silent])
    [error] = checks.check_managers(None)
    assert (error.id, "Silent.plain" in error.msg) == ("taskrealtime.E008", True)


@pytest.mark.django_db(transaction=True)
def test_requests_in_transactions_of_djangos_are_answered_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    world = World()
    api, project = world.api("owner"), world.project.pk
    made = api.post("/api/tasks/", {"project_id": project, "title": "Made"}, key="once")
    assert made.status_code == 201
    again = api.post("/api/tasks/", {"project_id": project, "title": "Made"}, key="once")
    assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])
    for path in (f"projects/{project}/board/", f"projects/{project}/events/?since=0", "notifications/"):
        answer = api.get(f"/api/{path}")
        assert answer.status_code == 200, (path, answer.content)
    assert api.patch(f"/api/tasks/{made.json()['id']}/", {"status": "nonsense"}).status_code == 400
    head = log.heads([world.project.room])[world.project.room]
    assert api.get(f"/api/projects/{project}/board/").json()["seq"] == head


@pytest.mark.services
class TestOfAProject(TestCase):
    """As the tests of a project that uses taskrealtime are written."""

    def setUp(self) -> None:
        self.world = World()

    def test_saves_and_reads_work_inside_of_a_test_case(self) -> None:
        """Where the database is in one transaction from the beginning to the end."""
        with self.captureOnCommitCallbacks(execute=True):
            self.world.task.title = "Second"
            self.world.task.save()
        api, project = self.world.api("owner"), self.world.project.pk
        board = api.get(f"/api/projects/{project}/board/")
        assert board.status_code == 200, board.content
        assert board.json()["tasks"][0]["title"] == "Second"
        events = api.get(f"/api/projects/{project}/events/?since=0").json()["events"]
        assert [event["seq"] for event in events] == list(range(1, board.json()["seq"] + 1))
        assert events[-1]["event"] == "task_updated"

    def test_the_next_test_finds_nothing_of_it(self) -> None:
        assert User.objects.filter(username__startswith="owner").count() == 1
        board = self.world.api("owner").get(f"/api/projects/{self.world.project.pk}/board/")
        assert [task["title"] for task in board.json()["tasks"]] == ["First"]
