"""Every write is announced, whatever made it: proxies, subclasses, signal handlers; in the order of the writes."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models.signals import post_save, pre_save
from django.test.utils import isolate_apps

from taskrealtime.contract.room_names import user_room
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.models import Event, Room
from taskrealtime.models import Comment, Membership, Project, Task
from tests.support.project_log import ProjectLog
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)


class UrgentManager(models.Manager):  # type: ignore[type-arg]
    """As most handlers are written, without knowledge of tracking."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(priority="urgent")


class OwnQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def in_capitals(self) -> int:
        return self.update(title="LOUD")


with isolate_apps("taskrealtime"):

    class ProxyTask(Task):
        class Meta:
            proxy = True
            app_label = "taskrealtime"

    class UrgentTask(Task):
        objects = UrgentManager()  # type: ignore[assignment]
        own = OwnQuerySet.as_manager()

        class Meta:
            proxy = True
            app_label = "taskrealtime"

    class Remark(Comment):
        class Meta:
            proxy = True
            app_label = "taskrealtime"

    class Seat(Membership):
        class Meta:
            proxy = True
            app_label = "taskrealtime"

    class Plan(Project):
        class Meta:
            proxy = True
            app_label = "taskrealtime"

    class Person(User):
        class Meta:
            proxy = True
            app_label = "taskrealtime"

    class Bug(Task):
        severity = models.IntegerField(default=1)

        class Meta:
            app_label = "taskrealtime"


# --- Proxies --------------------------------------------------------------------------------


def proxied(world: World) -> Any:
    return ProxyTask.objects.get(pk=world.task.pk)


def save(world: World) -> None:
    task = proxied(world)
    task.title = "Other"
    task.save()


def bulk_update(world: World) -> None:
    task = proxied(world)
    task.title = "Other"
    ProxyTask.objects.bulk_update([task], ["title"])


NEW = {"title": "Other"}
WAYS: dict[str, tuple[Callable[[World], Any], list[str]]] = {
    "create": (lambda world: ProxyTask.objects.create(project=world.project, **NEW), ["task_created"]),
    "save": (save, ["task_updated"]),
    "update": (lambda world: ProxyTask.objects.filter(pk=world.task.pk).update(**NEW), ["task_updated"]),
    "bulk_create": (
        lambda world: ProxyTask.objects.bulk_create([ProxyTask(project=world.project, **NEW)]),
        ["task_created"],
    ),
    "bulk_update": (bulk_update, ["task_updated"]),
    "update_or_create": (
        lambda world: ProxyTask.objects.update_or_create(pk=world.task.pk, defaults=NEW),
        ["task_updated"],
    ),
    "delete": (lambda world: proxied(world).delete(), ["task_deleted"]),
    "delete of a queryset": (lambda world: ProxyTask.objects.filter(pk=world.task.pk).delete(), ["task_deleted"]),
    "update by a manager of its own": (
        lambda world: UrgentTask.own.filter(pk=world.task.pk).in_capitals(),
        ["task_updated"],
    ),
    "create of a comment": (
        lambda world: Remark.objects.create(task=world.task, author=world.people["member"], content="Hm"),
        ["comment_added"],
    ),
    "update of comments": (lambda world: Remark.objects.update(content="Hm"), ["comment_updated"]),
    "delete of a comment": (lambda world: Remark.objects.get().delete(), ["comment_deleted"]),
    "delete of comments": (lambda world: Remark.objects.all().delete(), ["comment_deleted"]),
    "save of a project": (lambda world: Plan.objects.update(name="Other"), ["project_updated"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_write_through_a_proxy_is_published_as_any_other(world: World, project_log: ProjectLog, way: str) -> None:
    write, published = WAYS[way]
    write(world)
    assert project_log.names() == published


def test_a_manager_of_a_proxys_own_publishes_too(world: World, project_log: ProjectLog) -> None:
    Task.objects.filter(pk=world.task.pk).update(priority="urgent")
    assert project_log.names() == ["task_updated"]
    assert UrgentTask.objects.update(title="Now") == 1
    assert [data["changes"] for data in project_log.data()] == [{"title": "Now"}]


def test_what_a_proxy_wrote_is_not_blanked_and_goes_with_its_task(world: World, project_log: ProjectLog) -> None:
    task = ProxyTask.objects.create(project=world.project, title="A secret")
    [event] = Event.objects.filter(type="task_created", data__contains="A secret")
    assert event.subject == f"task.{task.pk}"
    assert domain.redact([event]) == {}
    task.delete()
    assert json.loads(domain.redact([event])[event.id])["redacted"]


def test_a_user_who_is_removed_through_a_proxy_receives_no_more(world: World, project_log: ProjectLog) -> None:
    member = world.people["member"]
    Task.objects.update(assignee=member)
    project_log.names()
    Seat.objects.get(user=member).delete()
    assert project_log.names() == ["task_updated", "task_assigned", "project_member_removed"]
    assert Event.objects.get(type="project_member_removed").evicts == member.pk
    Seat.objects.filter(user=world.people["viewer"]).delete()
    assert project_log.names() == ["project_member_removed"]


def test_a_project_that_is_deleted_through_a_proxy_takes_its_room_along(world: World) -> None:
    Plan.objects.get(pk=world.project.pk).delete()
    assert not Room.objects.filter(name=world.project.room).exists()
    assert not Event.objects.filter(room=world.project.room).exists()


def test_a_user_who_is_made_and_deleted_through_a_proxy_has_a_room_meanwhile() -> None:
    person = Person.objects.create(username="zoe")
    assert Room.objects.filter(name=user_room(person.pk)).exists()
    number = person.pk
    person.delete()
    assert not Room.objects.filter(name=user_room(number)).exists()


# --- Multi-table subclasses -----------------------------------------------------------------


@pytest.fixture
def bugs() -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(Bug)
    yield
    Bug.objects.all()._raw_delete(connection.alias)
    with connection.schema_editor() as editor:
        editor.delete_model(Bug)


@pytest.mark.usefixtures("bugs")
def test_a_multi_table_subclass_is_written_and_published_as_the_task_that_it_is(
    world: World, project_log: ProjectLog
) -> None:
    bug = Bug.objects.create(project=world.project, title="It hangs", severity=3)
    [made] = project_log.data()
    assert (made["event"], made["task"]["id"], made["task"]["title"]) == ("task_created", bug.pk, "It hangs")
    bug.title, bug.severity = "It still hangs", 5
    bug.save()
    [changed] = project_log.data()
    assert (changed["task_id"], changed["changes"], changed["version"]) == (bug.pk, {"title": "It still hangs"}, 2)
    assert Bug.objects.get(pk=bug.pk).severity == 5
    bug.severity = 4
    bug.save()
    bug.save(update_fields=["severity"])
    assert project_log.names() == []
    Bug.objects.filter(pk=bug.pk).update(severity=6, priority="high")
    assert [data["changes"] for data in project_log.data()] == [{"priority": "high"}]
    world.task.title = "Others are saved, too"
    world.task.save()
    task = Task.objects.get(pk=bug.pk)
    task.status = "review"
    task.save()
    assert project_log.names() == ["task_updated", "task_updated", "task_status_changed"]
    Bug.objects.get(pk=bug.pk).delete()
    assert project_log.names() == ["task_deleted"]
    stored: Any = Bug.all_objects.get(pk=bug.pk)
    assert (bug.version, stored.severity) == (2, 6)


# --- Handlers of signals --------------------------------------------------------------------


@pytest.fixture
def handle() -> Iterator[Callable[..., None]]:
    connected: list[tuple[Any, Any]] = []

    def handle(signal: Any, handler: Any) -> None:
        signal.connect(handler, sender=Task)
        connected.append((signal, handler))

    yield handle
    for signal, handler in connected:
        signal.disconnect(handler, sender=Task)


def published_and_stored(project_log: ProjectLog, task: Task) -> tuple[list[dict[str, Any]], Task]:
    return project_log.data(), Task.all_objects.get(pk=task.pk)


def test_what_a_handler_writes_after_a_save_is_published_after_it(
    world: World, project_log: ProjectLog, handle: Any
) -> None:
    def number(sender: Any, instance: Task, created: bool, **kwargs: Any) -> None:
        if created:
            Task.objects.filter(pk=instance.pk).update(title=f"[{instance.pk}] {instance.title}")

    handle(post_save, number)
    task = Task.objects.create(project=world.project, title="New")
    (made, changed), row = published_and_stored(project_log, task)
    assert (made["event"], made["task"]["title"], made["task"]["version"]) == ("task_created", "New", 1)
    assert (changed["event"], changed["changes"], changed["version"]) == ("task_updated", {"title": row.title}, 2)
    assert (row.title, row.version) == (f"[{task.pk}] New", 2)


def test_what_a_handler_tidies_after_a_change_is_published_after_it(
    world: World, project_log: ProjectLog, handle: Any
) -> None:
    def tidy(sender: Any, instance: Task, **kwargs: Any) -> None:
        clean = " ".join(instance.title.split())
        if clean != instance.title:
            Task.objects.filter(pk=instance.pk).update(title=clean)

    handle(post_save, tidy)
    world.task.title = "a   b"
    world.task.save()
    published, row = published_and_stored(project_log, world.task)
    assert [(data["version"], data["changes"]["title"]) for data in published] == [(2, "a   b"), (3, "a b")]
    assert (row.version, row.title) == (3, "a b")


@pytest.mark.parametrize("fields", [None, ["status", "priority"], ["status"]])
def test_what_a_handler_sets_before_a_save_is_published_as_it_is_stored(
    world: World, project_log: ProjectLog, handle: Any, fields: list[str] | None
) -> None:
    def lower(sender: Any, instance: Task, **kwargs: Any) -> None:
        if instance.status == "completed":
            instance.priority = "low"

    handle(pre_save, lower)
    world.task.status = "completed"
    world.task.save(update_fields=fields)
    published, row = published_and_stored(project_log, world.task)
    expected = {"status": "completed"} | ({} if fields == ["status"] else {"priority": "low"})
    assert published[0]["changes"] == expected
    assert {name: getattr(row, name) for name in expected} == expected
    assert row.priority == expected.get("priority", "medium")


def test_what_a_handler_alone_changes_is_published(world: World, project_log: ProjectLog, handle: Any) -> None:
    def in_capitals(sender: Any, instance: Task, **kwargs: Any) -> None:
        instance.title = instance.title.upper()

    handle(pre_save, in_capitals)
    Task.objects.get(pk=world.task.pk).save()
    published, row = published_and_stored(project_log, world.task)
    assert [data["changes"] for data in published] == [{"title": "FIRST"}]
    assert row.title == "FIRST"


def test_a_bulk_method_calls_no_handler_of_saves(world: World, handle: Any) -> None:
    called: list[Any] = []
    handle(post_save, lambda sender, instance, **kwargs: called.append(instance))
    Task.objects.update(title="Other")
    assert called == []


def test_a_handler_sees_the_fields_that_its_author_asked_to_save(world: World, handle: Any) -> None:
    seen: list[Any] = []

    def note(sender: Any, update_fields: Any, **kwargs: Any) -> None:
        seen.append(update_fields)

    handle(post_save, note)
    world.task.title = "Other"
    world.task.save()
    world.task.title = "Another"
    world.task.save(update_fields=["title"])
    assert seen == [None, frozenset({"title"})]


def test_save_base_is_published_too(world: World, project_log: ProjectLog) -> None:
    world.task.title = "Other"
    world.task.save_base()
    assert [data["changes"] for data in project_log.data()] == [{"title": "Other"}]


# --- Copies ---------------------------------------------------------------------------------


def test_a_copied_task_begins_anew(world: World, project_log: ProjectLog) -> None:
    for title in ("Second", "Third"):
        world.task.title = title
        world.task.save()
    project_log.names()
    copy = Task.objects.get(pk=world.task.pk)
    copy.pk, copy._state.adding = None, True
    copy.save()
    [made] = project_log.data()
    assert (made["event"], made["task"]["title"], made["task"]["version"]) == ("task_created", "Third", 1)
    assert (copy.version, copy.field_versions) == (1, {})
    copy.title = "Fourth"
    copy.save()
    assert [data["version"] for data in project_log.data()] == [2]


# --- Forked children ------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_childs_messages_go_out(world: World) -> None:
    """As of a server that loads the application and then forks, or of a pool of workers."""
    code = """
import asyncio, os, sys
import django
django.setup()
from taskrealtime.engine.db import threads
from taskrealtime.engine.installation import doorbell
def run_in_loop():
    doorbell._ensure_background_loop()
    return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "gone out"), doorbell._ensure_background_loop()).result(20)
def work():
    return threads._readers.submit(lambda: "done").result(20)
assert (run_in_loop(), work()) == ("gone out", "done")
child = os.fork()
if child == 0:
    os._exit(0 if (run_in_loop(), work()) == ("gone out", "done") else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    import subprocess
    import sys

    env = os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
