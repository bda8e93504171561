"""`RealTimeService`: code that bypasses the ORM can announce its writes, and only what the database confirms."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from taskrealtime.actor import acting_as
from taskrealtime.engine.wire.errors import InvalidData, NotFound
from taskrealtime.models import Comment, Membership, Task
from taskrealtime.services import RealTimeService
from tests.support.project_log import ProjectLog
from tests.support.world import World

pytestmark = pytest.mark.django_db

Call = Callable[[World], Any]


def execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def set_raw(task: Task, **values: Any) -> None:
    """Bypasses the ORM: there is no event."""
    for name, value in values.items():
        execute(f"UPDATE taskrealtime_task SET {name} = %s WHERE id = %s", value, task.pk)


def test_an_update_is_published_with_the_next_version(world: World, project_log: ProjectLog) -> None:
    set_raw(world.task, title="Raw", priority="low")
    RealTimeService.broadcast_task_updated(
        task_id=world.task.pk,
        updates={"title": "Raw", "priority": "low"},
        project_id=world.project.pk,
        updater_id=world.people["owner"].pk,
    )
    [data] = project_log.data()
    assert data["event"] == "task_updated"
    assert (data["changes"], data["version"]) == ({"title": "Raw", "priority": "low"}, 2)
    assert data["by"] == {"id": world.people["owner"].pk, "username": world.name("owner")}
    task = Task.objects.get(pk=world.task.pk)
    assert (task.version, task.field_versions) == (2, {"title": 2, "priority": 2})


def test_times_may_be_given_as_text(world: World, project_log: ProjectLog) -> None:
    task = world.new_task("Due", due_at=datetime(2031, 5, 17, 12, tzinfo=UTC))
    project_log.data()
    RealTimeService.broadcast_task_updated(
        task_id=task.pk, updates={"due_at": "2031-05-17T14:00:00+02:00"}, project_id=world.project.pk
    )
    assert project_log.data()[0]["changes"] == {"due_at": "2031-05-17T12:00:00Z"}


def test_a_status_is_published(world: World, project_log: ProjectLog) -> None:
    set_raw(world.task, status="review")
    RealTimeService.broadcast_task_status_changed(
        task_id=world.task.pk, old_status="todo", new_status="review", project_id=world.project.pk
    )
    [data] = project_log.data()
    assert data == {
        "event": "task_status_changed",
        "by": None,
        "task_id": world.task.pk,
        "project_id": world.project.pk,
        "old_status": "todo",
        "new_status": "review",
        "version": 2,
    }


def test_an_assignment_is_published(world: World, project_log: ProjectLog) -> None:
    member = world.people["member"].pk
    set_raw(world.task, assignee_id=member)
    RealTimeService.broadcast_task_assigned(
        task_id=world.task.pk, assignee_id=member, project_id=world.project.pk, updater_id=member
    )
    [data] = project_log.data()
    assert (data["event"], data["assignee_id"], data["previous_assignee_id"]) == ("task_assigned", member, None)
    assert (data["title"], data["version"], data["by"]["id"]) == ("First", 2, member)


def test_a_creation_and_a_deletion_are_published(world: World, project_log: ProjectLog) -> None:
    RealTimeService.broadcast_task_created(task_id=world.task.pk, project_id=world.project.pk)
    execute("DELETE FROM taskrealtime_comment WHERE task_id = %s", world.task.pk)
    execute("DELETE FROM taskrealtime_task WHERE id = %s", world.task.pk)
    RealTimeService.broadcast_task_deleted(task_id=world.task.pk, project_id=world.project.pk)
    created, deleted = project_log.data()
    assert (created["event"], created["task"]["comment_count"]) == ("task_created", 1)
    assert (deleted["event"], deleted["task_id"]) == ("task_deleted", world.task.pk)


def test_a_comment_is_written_and_published_or_published_once(world: World, project_log: ProjectLog) -> None:
    about = {"task_id": world.task.pk, "project_id": world.project.pk, "author_id": world.people["member"].pk}
    made = RealTimeService.broadcast_comment_added(comment_data={"content": "Hi"}, **about)
    assert (made.content, made.author_id) == ("Hi", about["author_id"])
    assert project_log.names() == ["comment_added"]
    assert RealTimeService.broadcast_comment_added(comment_data={"id": made.pk}, **about) == made
    assert project_log.names() == []
    execute("UPDATE engine_event SET subject = %s WHERE subject = %s", "", f"comment.{made.pk}")
    RealTimeService.broadcast_comment_added(comment_data={"id": made.pk, "content": "Hi"}, **about)
    assert project_log.names() == ["comment_added"]


def test_an_old_comment_whose_event_was_trimmed_is_not_published_again(world: World, project_log: ProjectLog) -> None:
    about = {"task_id": world.task.pk, "project_id": world.project.pk, "author_id": world.people["member"].pk}

    def was_published(comment: Comment) -> bool:
        """Whether it is announced again, if the log holds no event of it."""
        execute("UPDATE engine_event SET subject = %s WHERE subject = %s", "", f"comment.{comment.pk}")
        project_log.names()
        assert RealTimeService.broadcast_comment_added(comment_data={"id": comment.pk}, **about) == comment
        return project_log.names() == ["comment_added"]

    now = datetime.now(UTC)
    old, young = (world.new_comment(name) for name in ("old", "young"))
    for comment, days in ((old, 31), (young, 29)):
        Comment.objects.filter(pk=comment.pk).update(created_at=now - timedelta(days=days))
    assert was_published(old), "where nothing was trimmed, no event means that it was never published"
    execute("UPDATE engine_room SET floor = 1 WHERE name = %s", world.project.room)
    assert (was_published(old), was_published(young)) == (False, True)


def test_memberships_are_published(world: World, project_log: ProjectLog) -> None:
    viewer = world.people["viewer"].pk
    about = {"project_id": world.project.pk, "user_id": viewer}
    RealTimeService.broadcast_member_added(**about, adder_id=world.people["owner"].pk)
    execute("DELETE FROM taskrealtime_membership WHERE user_id = %s", viewer)
    RealTimeService.broadcast_member_removed(**about)
    added, removed = project_log.data()
    assert (added["event"], added["user"]["id"], added["role"]) == ("project_member_added", viewer, "viewer")
    assert (removed["event"], removed["user_id"]) == ("project_member_removed", viewer)


def test_the_user_who_acts_already_is_named(world: World, project_log: ProjectLog) -> None:
    with acting_as(world.people["owner"]):
        RealTimeService.broadcast_task_created(task_id=world.task.pk, project_id=world.project.pk)
        RealTimeService.broadcast_task_created(
            task_id=world.task.pk, project_id=world.project.pk, creator_id=world.people["member"].pk
        )
    assert [data["by"]["username"] for data in project_log.data()] == [world.name("owner"), world.name("member")]


REFUSED: dict[str, tuple[type[Exception], Call]] = {
    "another value": (
        InvalidData,
        lambda world: RealTimeService.broadcast_task_updated(
            task_id=world.task.pk, updates={"title": "Other"}, project_id=world.project.pk
        ),
    ),
    "no fields": (
        InvalidData,
        lambda world: RealTimeService.broadcast_task_updated(
            task_id=world.task.pk, updates={}, project_id=world.project.pk
        ),
    ),
    "no such field": (
        InvalidData,
        lambda world: RealTimeService.broadcast_task_updated(
            task_id=world.task.pk, updates={"version": 1}, project_id=world.project.pk
        ),
    ),
    "another project": (
        NotFound,
        lambda world: RealTimeService.broadcast_task_updated(
            task_id=world.task.pk, updates={"title": "First"}, project_id=world.project.pk + 1
        ),
    ),
    "no such updater": (
        NotFound,
        lambda world: RealTimeService.broadcast_task_updated(
            task_id=world.task.pk, updates={"title": "First"}, project_id=world.project.pk, updater_id=10**9
        ),
    ),
    "another status": (
        InvalidData,
        lambda world: RealTimeService.broadcast_task_status_changed(
            task_id=world.task.pk, old_status="todo", new_status="review", project_id=world.project.pk
        ),
    ),
    "no such status": (
        InvalidData,
        lambda world: RealTimeService.broadcast_task_status_changed(
            task_id=world.task.pk, old_status="done", new_status="todo", project_id=world.project.pk
        ),
    ),
    "another assignee": (
        InvalidData,
        lambda world: RealTimeService.broadcast_task_assigned(
            task_id=world.task.pk, assignee_id=world.people["member"].pk, project_id=world.project.pk
        ),
    ),
    "no such task": (
        NotFound,
        lambda world: RealTimeService.broadcast_task_created(task_id=10**9, project_id=world.project.pk),
    ),
    "a task that is there": (
        InvalidData,
        lambda world: RealTimeService.broadcast_task_deleted(task_id=world.task.pk, project_id=world.project.pk),
    ),
    "an empty comment": (
        InvalidData,
        lambda world: RealTimeService.broadcast_comment_added(
            task_id=world.task.pk,
            comment_data={"content": ""},
            project_id=world.project.pk,
            author_id=world.people["member"].pk,
        ),
    ),
    "a comment that says something else": (
        InvalidData,
        lambda world: RealTimeService.broadcast_comment_added(
            task_id=world.task.pk,
            comment_data={"id": world.comment.pk, "content": "Bye"},
            project_id=world.project.pk,
            author_id=world.people["member"].pk,
        ),
    ),
    "somebody else's comment": (
        InvalidData,
        lambda world: RealTimeService.broadcast_comment_added(
            task_id=world.task.pk,
            comment_data={"id": world.comment.pk},
            project_id=world.project.pk,
            author_id=world.people["owner"].pk,
        ),
    ),
    "no such comment": (
        NotFound,
        lambda world: RealTimeService.broadcast_comment_added(
            task_id=world.task.pk,
            comment_data={"id": 10**9},
            project_id=world.project.pk,
            author_id=world.people["member"].pk,
        ),
    ),
    "no member": (
        NotFound,
        lambda world: RealTimeService.broadcast_member_added(
            project_id=world.project.pk, user_id=world.people["outsider"].pk
        ),
    ),
    "still a member": (
        InvalidData,
        lambda world: RealTimeService.broadcast_member_removed(
            project_id=world.project.pk, user_id=world.people["viewer"].pk
        ),
    ),
    "no such project": (
        NotFound,
        lambda world: RealTimeService.broadcast_member_removed(project_id=10**9, user_id=world.people["viewer"].pk),
    ),
}


def test_what_the_database_does_not_say_is_refused_and_changes_nothing(
    world: World, project_log: ProjectLog, subtests: pytest.Subtests
) -> None:
    def rows() -> tuple[int, int, int]:
        return Task.objects.get(pk=world.task.pk).version, Comment.objects.count(), Membership.objects.count()

    before = rows()
    for case, (error, door) in REFUSED.items():
        with subtests.test(case):
            with pytest.raises(error), transaction.atomic():
                door(world)
            assert project_log.names() == []
            assert rows() == before
