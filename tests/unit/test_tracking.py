"""Every write of a tracked model is announced once, with its real changes; a write without changes is silent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Now, Upper
from django.test.utils import CaptureQueriesContext

from taskrealtime.engine.models import Event
from taskrealtime.models import Comment, Membership, Project, Task
from tests.support.project_log import ProjectLog
from tests.support.world import World

pytestmark = pytest.mark.django_db

NOON = datetime(2031, 5, 17, 12, 0, tzinfo=UTC)


def old(task: Task) -> Task:
    """The task as code reads it now, to write it later."""
    return Task.all_objects.get(pk=task.pk)


# --- Single saves ---------------------------------------------------------------------------


def test_a_save_publishes_the_fields_that_changed_with_their_old_values(world: World, project_log: ProjectLog) -> None:
    world.task.title, world.task.priority = "Second", "urgent"
    world.task.save()
    [data] = project_log.data()
    assert data == {
        "event": "task_updated",
        "by": None,
        "task_id": world.task.pk,
        "project_id": world.project.pk,
        "changes": {"title": "Second", "priority": "urgent"},
        "previous": {"title": "First", "priority": "medium"},
        "version": 2,
    }


def updates(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if query["sql"].startswith('UPDATE "taskrealtime_task"')]


def test_a_save_writes_what_changed_and_all_that_is_not_published(world: World) -> None:
    world.task.title, world.task.created_by = "Second", world.people["viewer"]
    with CaptureQueriesContext(connection) as queries:
        world.task.save()
    [update] = updates(queries)
    assert ('"title" = ' in update, '"description" = ' in update) == (True, False)
    assert (old(world.task).title, old(world.task).created_by) == ("Second", world.people["viewer"])


def test_what_was_not_read_is_not_written(world: World) -> None:
    task = Task.objects.only("title").get(pk=world.task.pk)
    task.title = "Second"
    with CaptureQueriesContext(connection) as queries:
        task.save()
    [update] = updates(queries)
    assert ('"title" = ' in update, '"created_by_id" = ' in update) == (True, False)
    assert old(task).title == "Second"


def test_a_change_of_column_and_assignee_is_published_again_by_name(world: World, project_log: ProjectLog) -> None:
    world.task.status, world.task.assignee = "review", world.people["viewer"]
    world.task.save()
    assert project_log.names() == ["task_updated", "task_status_changed", "task_assigned"]
    assert old(world.task).version == 2


SILENT: dict[str, Callable[[World], Any]] = {
    "save": lambda world: old(world.task).save(),
    "save of a field": lambda world: old(world.task).save(update_fields=["title"]),
    "save of no field": lambda world: Task(pk=404, project=world.project, title="x").save(update_fields=[]),
    "update to the same": lambda world: Task.objects.update(title="First"),
    "update of nothing": lambda world: Task.objects.none().update(title="x"),
    "update by itself": lambda world: Task.objects.update(title=F("title")),
    "bulk_update to the same": lambda world: Task.objects.bulk_update([old(world.task)], ["title", "status"]),
    "bulk_create of nothing": lambda world: Task.objects.bulk_create([]),
    "restore of a task that is there": lambda world: old(world.task).restore(),
    "project": lambda world: Project.objects.get(pk=world.project.pk).save(),
    "membership": lambda world: Membership.objects.filter(project=world.project)[0].save(),
    "comment": lambda world: Comment.objects.get(pk=world.comment.pk).save(),
    "comments": lambda world: Comment.objects.update(content="Hello"),
}


@pytest.mark.parametrize("way", SILENT)
def test_what_changes_nothing_is_silent(world: World, project_log: ProjectLog, way: str) -> None:
    SILENT[way](world)
    assert project_log.names() == []
    assert old(world.task).version == 1


def test_a_moment_is_the_same_in_any_time_zone(world: World, project_log: ProjectLog) -> None:
    world.task.due_at = NOON.astimezone(timezone(timedelta(hours=-7)))
    world.task.save()
    assert [data["changes"] for data in project_log.data()] == [{"due_at": "2031-05-17T12:00:00Z"}]
    world.task.due_at = NOON
    world.task.save()
    assert project_log.names() == []


def test_values_are_published_as_the_database_holds_them(world: World, project_log: ProjectLog) -> None:
    task = Task(project=world.project, title="New", due_at="2031-05-17T14:00:00+02:00", assignee_id="0")
    task.assignee_id = str(world.people["member"].pk)
    task.save()
    [data] = project_log.data()
    assert data["task"]["due_at"] == "2031-05-17T12:00:00Z"
    assert data["task"]["assignee_id"] == world.people["member"].pk


def test_an_old_instance_publishes_what_it_overwrites(world: World, project_log: ProjectLog) -> None:
    stale = old(world.task)
    Task.objects.filter(pk=world.task.pk).update(title="Newer", priority="low")
    project_log.data()
    stale.description = "mine"
    stale.save()
    [data] = project_log.data()
    assert data["changes"] == {"title": "First", "description": "mine", "priority": "medium"}
    assert data["previous"] == {"title": "Newer", "description": "", "priority": "low"}
    assert (data["version"], old(world.task).version) == (3, 3)


def test_an_old_instance_publishes_nothing_that_it_does_not_write(world: World, project_log: ProjectLog) -> None:
    stale = old(world.task)
    Task.objects.filter(pk=world.task.pk).update(status="review", assignee=world.people["member"])
    project_log.data()
    stale.title = "mine"
    stale.save(update_fields=["title"])
    [data] = project_log.data()
    assert (data["changes"], data["version"]) == ({"title": "mine"}, 3)


def test_an_old_instance_of_a_deleted_task_brings_nothing_back(world: World, project_log: ProjectLog) -> None:
    stale = old(world.task)
    world.task.delete()
    project_log.data()
    stale.title = "mine"
    stale.save(update_fields=["title"])
    assert project_log.names() == []
    stale.restore()
    [data] = project_log.data()
    assert (data["event"], data["task"]["title"], data["task"]["version"]) == ("task_restored", "mine", 4)


def test_columns_that_were_not_loaded_are_left_alone(world: World, project_log: ProjectLog) -> None:
    [partial] = Task.objects.only("title").filter(pk=world.task.pk)
    Task.objects.filter(pk=world.task.pk).update(priority="high")
    project_log.data()
    partial.title = "mine"
    partial.save()
    [data] = project_log.data()
    assert (data["changes"], data["version"]) == ({"title": "mine"}, 3)
    assert old(world.task).priority == "high"


def test_expressions_are_published_by_their_values(world: World, project_log: ProjectLog) -> None:
    world.task.title, world.task.due_at = Concat(F("title"), Value("!")), F("created_at")
    world.task.save()
    [data] = project_log.data()
    assert data["changes"]["title"] == world.task.title == "First!"
    assert datetime.fromisoformat(data["changes"]["due_at"]) == world.task.created_at
    made = Task.objects.create(project=world.project, title=Upper(Value("made")), due_at=Now())
    [data] = project_log.data()
    assert data["task"]["title"] == made.title == "MADE"
    Task.objects.bulk_create([Task(project=world.project, title=Upper(Value("made")))])
    assert project_log.data()[0]["task"]["title"] == "MADE"


def test_a_refused_save_publishes_nothing(world: World, project_log: ProjectLog) -> None:
    world.task.title, world.task.priority = "", "high"
    with pytest.raises(IntegrityError), transaction.atomic():
        world.task.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        Task(pk=404, project=world.project, title="x").save(update_fields=["title"])
    assert project_log.names() == []


def test_a_savepoint_takes_what_was_published_back(world: World, project_log: ProjectLog) -> None:
    with transaction.atomic():
        world.task.title = "Never"
        world.task.save()
        transaction.set_rollback(True)
    assert project_log.names() == []
    world.task.save()
    assert [data["changes"] for data in project_log.data()] == [{"title": "Never"}]


# --- Tasks ----------------------------------------------------------------------------------


def test_deleting_and_restoring_is_published_and_keeps_everything(world: World, project_log: ProjectLog) -> None:
    position = world.task.position
    assert world.task.delete() == (1, {"taskrealtime.Task": 1})
    assert old(world.task).delete() == (0, {"taskrealtime.Task": 0})
    world.task.restore()
    deleted, restored = project_log.data()
    assert (deleted["event"], deleted["task_id"]) == ("task_deleted", world.task.pk)
    assert (restored["event"], restored["task"]["position"]) == ("task_restored", position)
    assert (restored["task"]["comment_count"], restored["task"]["version"]) == (1, 3)


def test_an_old_instance_deletes_a_task_that_is_back(world: World, project_log: ProjectLog) -> None:
    world.task.delete()
    stale = old(world.task)
    old(world.task).restore()
    stale.delete()
    assert project_log.names() == ["task_deleted", "task_restored", "task_deleted"]


def test_many_are_deleted_and_restored_at_once(world: World, project_log: ProjectLog) -> None:
    world.new_task("Second")
    project_log.data()
    assert Task.objects.filter(project=world.project).delete() == (2, {"taskrealtime.Task": 2})
    assert Task.all_objects.filter(project=world.project).delete() == (0, {"taskrealtime.Task": 0})
    Task.all_objects.filter(project=world.project).update(deleted_at=None)
    assert project_log.names() == ["task_deleted"] * 2 + ["task_restored"] * 2


def test_a_task_that_moves_away_is_deleted_here_and_created_there(world: World, project_log: ProjectLog) -> None:
    elsewhere = World()
    there = ProjectLog(elsewhere.project)
    world.task.project = elsewhere.project
    world.task.save()
    assert project_log.names() == ["task_deleted"]
    [data] = there.data()
    assert (data["event"], data["task"]["comment_count"], data["task"]["version"]) == ("task_created", 1, 2)
    world.project.tasks.add(world.task)
    assert (project_log.names(), there.names()) == (["task_created"], ["task_deleted"])


def test_each_row_of_an_update_is_published_with_its_own_old_value(world: World, project_log: ProjectLog) -> None:
    world.new_task("Second", status="review")
    world.new_task("Third", status="completed")
    project_log.data()
    assert Task.objects.exclude(status="completed").update(status="review") == 2
    assert project_log.names() == ["task_updated", "task_status_changed"]
    Task.objects.filter(project=world.project).update(title=Upper(F("title")))
    assert [data["changes"]["title"] for data in project_log.data()] == ["FIRST", "SECOND", "THIRD"]


def test_the_bulk_methods_publish_every_row_once(world: World, project_log: ProjectLog) -> None:
    tasks = Task.objects.bulk_create([Task(project=world.project, title=title) for title in "abc"])
    assert project_log.names() == ["task_created"] * 3
    assert [task.title for task in Task.objects.filter(pk__in=[task.pk for task in tasks])] == ["a", "b", "c"]
    for task in tasks:
        task.status = "review"
    Task.objects.bulk_update(tasks, ["status"], batch_size=2)
    assert project_log.names() == ["task_updated", "task_status_changed"] * 3


@pytest.mark.parametrize("conflicts", ["ignore_conflicts", "update_conflicts"])
def test_a_bulk_create_that_cannot_be_published_is_refused(
    world: World, project_log: ProjectLog, conflicts: str
) -> None:
    with pytest.raises(ValueError, match="conflicts"):
        Task.objects.bulk_create([Task(project=world.project, title="a")], **{conflicts: True})
    assert project_log.names() == []


def test_managers_of_related_rows_publish_too(world: World, project_log: ProjectLog) -> None:
    member = world.people["member"]
    member.taskrealtime_assigned_tasks.add(world.task)
    member.taskrealtime_assigned_tasks.clear()
    assert project_log.names() == ["task_updated", "task_assigned"] * 2
    world.project.tasks.create(title="Third")
    world.task.comments.create(author=member, content="Yes")
    world.task.comments.all().delete()
    assert project_log.names() == ["task_created", "comment_added", "comment_deleted", "comment_deleted"]


def test_get_or_create_and_update_or_create_publish_once(world: World, project_log: ProjectLog) -> None:
    Task.objects.get_or_create(project=world.project, title="Once")
    Task.objects.get_or_create(project=world.project, title="Once")
    Task.objects.update_or_create(project=world.project, title="Once", defaults={"priority": "low"})
    assert project_log.names() == ["task_created", "task_updated"]


def test_the_version_says_when_each_field_last_changed(world: World) -> None:
    for fields in ({"title": "a"}, {"priority": "low"}, {"title": "b", "status": "review"}):
        Task.objects.filter(pk=world.task.pk).update(**fields)
    task = old(world.task)
    assert (task.version, task.field_versions) == (4, {"title": 4, "priority": 3, "status": 4})


def test_no_user_can_set_the_version_or_the_times(world: World) -> None:
    created_at = world.task.created_at
    world.task.version, world.task.created_at, world.task.title = 40, NOON, "x"
    world.task.save()
    task = old(world.task)
    assert (task.version, task.created_at) == (2, created_at)


# --- Comments -------------------------------------------------------------------------------


def test_comments_are_published_when_added_edited_and_deleted(world: World, project_log: ProjectLog) -> None:
    comment = world.new_comment("Why?")
    comment.content = "Because."
    comment.save()
    comment.delete()
    added, updated, deleted = project_log.data()
    assert (added["event"], added["comment"]["content"]) == ("comment_added", "Why?")
    assert (updated["event"], updated["comment"]["content_html"]) == ("comment_updated", "<p>Because.</p>\n")
    assert (deleted["event"], deleted["comment_id"]) == ("comment_deleted", updated["comment"]["id"])
    assert old(world.task).version == 1


def test_a_comment_deleted_twice_is_published_once(world: World, project_log: ProjectLog) -> None:
    one, other = Comment.objects.get(pk=world.comment.pk), Comment.objects.get(pk=world.comment.pk)
    one.delete()
    assert other.delete() == (0, {})
    assert project_log.names() == ["comment_deleted"]


def test_comments_of_a_deleted_task_are_not_published(world: World, project_log: ProjectLog) -> None:
    stale = old(world.task)
    world.task.delete()
    comment = Comment.objects.create(task=stale, content="Late")
    comment.content = "Later"
    comment.save()
    comment.delete()
    assert project_log.names() == ["task_deleted"]


def test_a_comment_made_with_an_old_instance_goes_where_the_task_is(world: World, project_log: ProjectLog) -> None:
    elsewhere, stale = World(), old(world.task)
    Task.objects.filter(pk=world.task.pk).update(project=elsewhere.project)
    there = ProjectLog(elsewhere.project)
    project_log.data()
    Comment.objects.create(task=stale, content="Here?")
    assert (project_log.names(), there.names()) == ([], ["comment_added"])


def test_a_comment_that_moves_to_another_task_is_counted_there(world: World, project_log: ProjectLog) -> None:
    other = world.new_task("Other")
    project_log.data()
    world.comment.task = other
    world.comment.save()
    deleted, added = project_log.data()
    assert (deleted["event"], deleted["task_id"]) == ("comment_deleted", world.task.pk)
    assert (added["event"], added["task_id"]) == ("comment_added", other.pk)
    Comment.objects.filter(pk=world.comment.pk).update(task=world.task)
    assert project_log.names() == ["comment_deleted", "comment_added"]


# --- People ---------------------------------------------------------------------------------


def test_members_are_published_when_added_changed_and_removed(world: World, project_log: ProjectLog) -> None:
    outsider = world.people["outsider"]
    membership = Membership.objects.create(project=world.project, user=outsider)
    membership.role = "viewer"
    membership.save()
    membership.delete()
    added, updated, removed = project_log.data()
    assert (added["event"], added["user"]["id"], added["role"]) == ("project_member_added", outsider.pk, "member")
    assert (updated["event"], updated["role"]) == ("project_member_updated", "viewer")
    assert (removed["event"], removed["user_id"]) == ("project_member_removed", outsider.pk)


@pytest.mark.parametrize("way", ["instance", "queryset"])
def test_a_user_who_leaves_is_unassigned_first_also_from_deleted_tasks(
    world: World, project_log: ProjectLog, way: str
) -> None:
    member = world.people["member"]
    gone = world.new_task("Gone", assignee=member)
    gone.delete()
    Task.objects.filter(pk=world.task.pk).update(assignee=member)
    project_log.data()
    memberships = Membership.objects.filter(project=world.project, user=member)
    if way == "instance":
        memberships.get().delete()
    else:
        memberships.delete()
    assert project_log.names() == ["task_updated", "task_assigned", "project_member_removed"]
    gone.restore()
    assert project_log.data()[0]["task"]["assignee_id"] is None


def test_a_membership_removed_twice_is_published_once(world: World, project_log: ProjectLog) -> None:
    memberships = Membership.objects.filter(project=world.project, user=world.people["viewer"])
    one, other = memberships.get(), memberships.get()
    one.delete()
    assert other.delete() == (0, {})
    assert project_log.names() == ["project_member_removed"]


def test_a_membership_given_to_another_user_is_a_removal_and_an_addition(world: World, project_log: ProjectLog) -> None:
    world.task.assignee = world.people["viewer"]
    world.task.save()
    project_log.data()
    membership = Membership.objects.get(project=world.project, user=world.people["viewer"])
    membership.user = world.people["outsider"]
    membership.save()
    assert project_log.names() == ["task_updated", "task_assigned", "project_member_removed", "project_member_added"]


def test_a_deleted_account_leaves_a_board_that_receives_an_event(world: World, project_log: ProjectLog) -> None:
    member = world.people["member"]
    Task.objects.filter(pk=world.task.pk).update(assignee=member)
    project_log.data()
    member.delete()
    published = project_log.data()
    assert [data["event"] for data in published if "task" not in data["event"]] == [
        "comment_updated",
        "project_member_removed",
    ]
    task = old(world.task)
    assert (task.assignee_id, task.created_by_id) == (None, None)
    assert [data["version"] for data in published if data["event"] == "task_updated"] == [3, 4]
    assert Comment.objects.get(pk=world.comment.pk).author is None


# --- Projects -------------------------------------------------------------------------------


def test_a_renamed_project_is_published(world: World, project_log: ProjectLog) -> None:
    Project.objects.filter(pk=world.project.pk).update(name="Gemini")
    assert [data["changes"] for data in project_log.data()] == [{"name": "Gemini"}]


def test_a_deleted_project_publishes_nothing_of_its_parts(world: World) -> None:
    room = world.project.room
    world.project.delete()
    assert not Task.all_objects.exists()
    assert not Event.objects.filter(room=room).exists()


def test_rows_loaded_from_a_fixture_can_be_published_later(world: World, tmp_path: Any) -> None:
    path = tmp_path / "board.json"
    call_command("dumpdata", "taskrealtime.Project", "taskrealtime.Task", output=str(path), verbosity=0)
    world.project.delete()
    call_command("loaddata", str(path), verbosity=0)
    project_log = ProjectLog(Project.objects.get())
    Task.objects.update(title="Loaded")
    assert project_log.names() == ["task_updated"]
