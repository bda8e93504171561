"""Text that was edited away leaves the log after a while; what it became stays."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from taskrealtime import actions
from taskrealtime.contract import commands
from taskrealtime.contract.room_names import project_room, user_room
from taskrealtime.engine import log
from taskrealtime.engine.log import LoggedEvent, trimming
from taskrealtime.engine.models import Event, Replacement
from taskrealtime.engine.rooms.recent import MAX_AGE, RecentEvents
from taskrealtime.models import Comment, Membership, Preferences, Project, Task
from taskrealtime.services import RealTimeService
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(days=1, minutes=1)
SECRET = "the secret that slipped in"


def trim(after: timedelta = LATER) -> None:
    trimming.trim(now=timezone.now() + after)


def stored(room: str) -> str:
    """All that the log has of a room, as a client gets it that reads from its beginning."""
    return "".join(event.frame for event in log.read(room, since=0, limit=1000))


def everywhere() -> str:
    return "".join(Event.objects.order_by("pk").values_list("data", flat=True))


def datas(world: World, type: str) -> list[dict[str, Any]]:
    rows = Event.objects.filter(room=project_room(world.project.pk), type=type).order_by("seq")
    return [json.loads(data) for data in rows.values_list("data", flat=True)]


def edit(user: User, task: Task, **changes: Any) -> None:
    actions.perform(user, commands.TaskUpdate(task_id=task.pk, changes=commands.TaskEdit(**changes)))


def test_what_a_task_said_before_it_was_edited_goes_after_the_time_and_not_before(world: World) -> None:
    task = world.new_task(f"{SECRET} in the title", description=f"{SECRET} in the description")
    edit(world.people["member"], task, title="Title", description="Description")
    trim(timedelta(hours=23))
    assert SECRET in stored(world.project.room)
    trim()
    assert SECRET not in everywhere()
    created, updated = datas(world, "task_created")[-1], datas(world, "task_updated")[-1]
    assert (created["task"]["title"], created["task"]["description"], created["replaced"]) == ("", "", True)
    assert updated["changes"] == {"title": "Title", "description": "Description"}
    assert updated["previous"] == {"title": "", "description": ""}
    assert "redacted" not in created | updated, "it is still there"


def test_what_a_comment_said_before_goes_from_all_rooms(world: World) -> None:
    bob = world.people["member"]
    Task.objects.filter(pk=world.task.pk).update(assignee=bob)
    added = actions.perform(world.people["owner"], commands.NewComment(task_id=world.task.pk, content=SECRET))
    assert isinstance(added, commands.CommentAnswer)
    assert SECRET in stored(user_room(bob.pk)), "the notification"
    comment_id = added.comment_id
    actions.perform(world.people["owner"], commands.CommentUpdate(comment_id=comment_id, content="Good now"))
    trim()
    assert SECRET not in everywhere()
    assert "Good now" in stored(world.project.room)
    last = datas(world, "comment_added")[-1]
    assert (last["comment"]["content"], last["comment"]["content_html"], last["replaced"]) == ("", "", True)


def test_a_user_who_joined_after_an_edit_reads_nothing_of_before(world: World) -> None:
    edit(world.people["member"], world.task, title=SECRET)
    edit(world.people["member"], world.task, title="Good")
    trim()
    newcomer = world.people["outsider"]
    Membership.objects.create(project=world.project, user=newcomer, role="viewer")
    read = world.api("outsider").get(world.path("projects/<id:project_id>/events/") + "?since=0")
    assert SECRET not in read.content.decode()
    assert "Good" in read.content.decode()


def test_text_that_came_back_stays_and_what_was_between_goes(world: World) -> None:
    for title in (SECRET, "First", SECRET + "!", "First"):
        edit(world.people["member"], world.task, title=title)
    trim()
    titles = [data["changes"]["title"] for data in datas(world, "task_updated")]
    assert titles == ["", "First", "", "First"]
    assert datas(world, "task_created")[-1]["task"]["title"] == "First"


def test_each_text_goes_when_its_own_time_is_over(world: World) -> None:
    edit(world.people["member"], world.task, title="Second")
    then = timezone.now() - timedelta(hours=20)
    Event.objects.update(at=then)
    Replacement.objects.update(due_at=then + timedelta(days=1))
    edit(world.people["member"], world.task, title="Third")
    trim(timedelta(hours=5))
    assert [data["changes"]["title"] for data in datas(world, "task_updated")] == ["Second", "Third"]
    assert datas(world, "task_created")[-1]["task"]["title"] == "", "it was replaced 25 hours before"
    assert Replacement.objects.count() == 1
    trim(timedelta(hours=25))
    assert [data["changes"]["title"] for data in datas(world, "task_updated")] == ["", "Third"]
    assert not Replacement.objects.exists()


def test_every_way_to_edit_counts(world: World) -> None:
    world.task.title = f"{SECRET} 1"
    world.task.save()
    Task.objects.filter(pk=world.task.pk).update(title=f"{SECRET} 2", description=SECRET)
    world.task.refresh_from_db()
    world.task.title, world.task.description = "Good", ""
    Task.objects.bulk_update([world.task], ["title", "description"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE taskrealtime_task SET title = %s WHERE id = %s", ["Better", world.task.pk])
    RealTimeService.broadcast_task_updated(
        task_id=world.task.pk, updates={"title": "Better"}, project_id=world.project.pk
    )
    Comment.objects.filter(pk=world.comment.pk).update(content=SECRET)
    Comment.objects.filter(pk=world.comment.pk).update(content="Good")
    trim()
    assert SECRET not in everywhere()
    assert "Better" in everywhere()


def test_the_board_is_the_same_for_clients_that_replay_it_all(world: World) -> None:
    for title in ("Second", "Third"):
        edit(world.people["member"], world.task, title=title, description=f"{title} text")
    trim()
    titles = {}
    for event in log.read(world.project.room, since=0, limit=1000):
        frame = json.loads(event.frame)
        if frame["event"] == "task_created":
            titles[frame["data"]["task"]["id"]] = frame["data"]["task"]["title"]
        elif frame["event"] == "task_updated":
            titles[frame["data"]["task_id"]] = frame["data"]["changes"].get("title", "?")
    assert titles == {world.task.pk: "Third"}


def test_an_edit_that_is_rolled_back_forgets_nothing(world: World) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        world.task.title = "Other"
        world.task.save()
        raise RuntimeError
    assert not Replacement.objects.exists()


def test_a_change_of_something_else_asks_for_nothing(world: World) -> None:
    edit(world.people["member"], world.task, status="review", priority="high")
    assert not Replacement.objects.exists()


def test_the_time_is_a_setting(world: World, settings: Settings) -> None:
    settings.REPLACED_TEXT_DAYS = 0
    edit(world.people["member"], world.task, title=SECRET)
    edit(world.people["member"], world.task, title="Good")
    trimming.trim_some()
    assert SECRET not in everywhere()


def test_what_a_process_keeps_for_returning_clients_ends_too() -> None:
    now = 0.0
    recent = RecentEvents(0, clock=lambda: now)
    recent.add([LoggedEvent(1, "one"), LoggedEvent(2, "two")])
    now = MAX_AGE - 1
    recent.add([LoggedEvent(3, "three")])
    assert [event.seq for event in recent.after(0) or []] == [1, 2, 3]
    now = MAX_AGE + 1
    assert recent.after(0) is None, "from the log"
    assert [event.seq for event in recent.after(2) or []] == [3]
    # What is read back from the log is no younger than what follows it.
    recent.extend_back([LoggedEvent(1, "one"), LoggedEvent(2, "")])
    now = 2 * MAX_AGE
    assert recent.after(0) is None
    assert recent.after(3) == []


# --- Names of projects and labels ---------------------------------------------------------------


def ask_to_join(world: World, user: User) -> None:
    added = commands.MemberAdd(project_id=world.project.pk, username=user.username)
    actions.perform(world.people["owner"], added)


def test_what_a_project_was_called_goes_after_the_time_and_its_present_name_stays(world: World) -> None:
    outsider = world.people["outsider"]
    Preferences.objects.update_or_create(user=outsider, defaults={"ask_first": True})
    for name in (SECRET, "Good", "Better"):
        actions.perform(world.people["owner"], commands.ProjectUpdate(project_id=world.project.pk, name=name))
        if name == SECRET:
            ask_to_join(world, outsider)
    assert SECRET in stored(user_room(outsider.pk)), "the request"
    trim(timedelta(hours=23))
    assert SECRET in stored(world.project.room)
    trim()
    assert SECRET not in everywhere()
    assert [data["changes"]["name"] for data in datas(world, "project_updated")] == ["", "", "Better"]


def test_what_a_label_was_called_goes_after_the_time_also_if_it_was_deleted(world: World) -> None:
    owner, project = world.people["owner"], world.project.pk
    ids = []
    for name in (SECRET, f"{SECRET} 2", "Stays"):
        made = actions.perform(owner, commands.LabelCreate(project_id=project, name=name, color="red"))
        assert isinstance(made, commands.LabelAnswer)
        ids.append(made.label_id)
    actions.perform(owner, commands.LabelUpdate(project_id=project, label_id=ids[0], name="Renamed"))
    actions.perform(owner, commands.LabelDelete(project_id=project, label_id=ids[1]))
    trim(timedelta(hours=23))
    assert SECRET in stored(world.project.room)
    trim()
    assert SECRET not in everywhere()
    last = datas(world, "project_updated")[-1]
    assert [label["name"] for label in last["changes"]["labels"]] == ["Renamed", "Stays"]
    assert [label["name"] for label in last["previous"]["labels"]] == ["Renamed", "", "Stays"]


def test_the_name_of_a_deleted_project_leaves_the_request_to_join_it(world: World) -> None:
    outsider = world.people["outsider"]
    Preferences.objects.update_or_create(user=outsider, defaults={"ask_first": True})
    Project.objects.filter(pk=world.project.pk).update(name=SECRET)
    ask_to_join(world, outsider)
    assert SECRET in stored(user_room(outsider.pk))
    Project.objects.get(pk=world.project.pk).delete()
    assert SECRET not in stored(user_room(outsider.pk))
    trim()
    assert SECRET not in everywhere()
