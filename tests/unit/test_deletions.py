"""What users delete is gone at every door at once, and comes back as it was for as long as the log is kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from taskrealtime import actions
from taskrealtime.contract import commands
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.conf import settings
from taskrealtime.engine.log import trimming
from taskrealtime.engine.log.numbering import number_waiting
from taskrealtime.engine.models import Event
from taskrealtime.models import Comment, Deletion, Invitation, Membership, Project, Task
from tests.support.project_log import ProjectLog
from tests.support.replay import read_board, read_frames, replay
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)

LABELS, MEMBERS, COMMENT = (
    "projects/<id:project_id>/labels/",
    "projects/<id:project_id>/members/<user:user_id>/",
    "comments/<id:comment_id>/",
)
PROJECT = "projects/<id:project_id>/"


def deleted(world: World, role: str) -> list[dict[str, Any]]:
    """What this person can restore in the project."""
    found: list[dict[str, Any]] = world.api(role).get(world.path(f"{PROJECT}deleted/")).json()["deleted"]
    return found


def statuses(world: World, role: str, *requests: tuple[str, str]) -> set[int]:
    """What a person is answered to these requests."""
    return {world.api(role)(method, world.path(path)).status_code for method, path in requests}


def carried_on(world: World, since: Any) -> None:
    """Expect that a client which follows the events from an earlier board on has what there is now."""
    now = read_board(world.project.pk)
    followed = replay(since, read_frames(world.project.pk, since["seq"]))
    for board in (now, followed):
        board.pop("seq")
    assert followed == now


def age() -> None:
    """Let all deletions be as old as the log goes back, and a little older."""
    past = timezone.now() - timedelta(days=settings.EVENT_RETENTION_DAYS, seconds=5)
    Deletion.objects.update(deleted_at=past)
    with connection.cursor() as cursor:
        value = connection.ops.adapt_datetimefield_value(past)
        cursor.execute("UPDATE taskrealtime_project SET deleted_at = %s WHERE deleted_at IS NOT NULL", [value])


# --- Comments -------------------------------------------------------------------------------


def test_a_deleted_comment_comes_back_as_it_was(world: World, project_log: ProjectLog) -> None:
    world.api("member").patch(world.path(COMMENT), {"content": "Edited"})
    before, path = read_board(world.project.pk), world.path(COMMENT)
    shown = world.api("member").get(world.path("tasks/<id:task_id>/comments/")).json()
    assert world.api("member").delete(path).status_code == 204
    assert world.api("member").get(world.path("tasks/<id:task_id>/comments/")).json()["count"] == 0
    assert world.api("member").patch(path, {"content": "x"}).status_code == 404
    assert [(one["kind"], one["content"]) for one in deleted(world, "member")] == [("comment", "Edited")]
    project_log.data()
    back = world.api("member").post(f"{path}restore/")
    assert (back.status_code, back.json()["content"]) == (200, "Edited")
    assert world.api("member").get(world.path("tasks/<id:task_id>/comments/")).json() == shown
    [event] = project_log.data()
    assert (event["event"], event["restored"], event["comment"]) == (
        "comment_added",
        True,
        before["comments"][world.task.pk][0],
    )
    assert deleted(world, "member") == []
    assert world.api("member").post(f"{path}restore/").status_code == 404
    carried_on(world, before)


def test_a_restored_comment_notifies_no_user_again(world: World) -> None:
    room = user_room(world.people["owner"].pk)
    comment = Comment.objects.create(
        task=world.task, author=world.people["member"], content=f"@{world.name('owner')} look"
    )
    number_waiting([room])
    before = log.heads([room])[room]
    actions.perform(world.people["member"], commands.CommentDelete(comment_id=comment.pk))
    actions.perform(world.people["member"], commands.CommentRestore(comment_id=comment.pk))
    assert log.heads([room])[room] == before == 1


def test_the_words_of_a_deleted_comment_leave_the_log_at_once_and_come_back_with_it(world: World) -> None:
    comment = world.new_comment("Secret words")
    actions.perform(world.people["member"], commands.CommentDelete(comment_id=comment.pk))
    assert not Event.objects.filter(data__contains="Secret words").exists()
    actions.perform(world.people["member"], commands.CommentRestore(comment_id=comment.pk))
    assert Event.objects.filter(data__contains="Secret words").count() == 1


def test_what_an_author_took_back_is_the_authors_alone_and_what_an_owner_deleted_the_owners(world: World) -> None:
    path = world.path(COMMENT)
    world.api("member").delete(path)
    assert deleted(world, "owner") == []
    assert statuses(world, "owner", ("POST", f"{COMMENT}restore/"), ("POST", f"{COMMENT}purge/")) == {403}
    assert statuses(world, "viewer", ("POST", f"{COMMENT}restore/")) == {403}
    assert statuses(world, "outsider", ("POST", f"{COMMENT}restore/")) == {404}
    world.api("member").post(f"{path}restore/")
    world.api("owner").delete(path)
    assert deleted(world, "member") == []
    assert statuses(world, "member", ("POST", f"{COMMENT}restore/")) == {403}
    assert [one["author"]["id"] for one in deleted(world, "owner")] == [world.people["member"].pk]
    # Its author may have it gone for good.
    assert world.api("member").post(f"{path}purge/").status_code == 204
    assert statuses(world, "owner", ("POST", f"{COMMENT}restore/")) == {404}
    assert not Deletion.objects.exists()


# --- Labels ---------------------------------------------------------------------------------


def test_a_deleted_label_comes_back_on_its_tasks_at_its_place(world: World) -> None:
    bug, docs = world.new_label("Bug"), world.new_label("Docs", "teal")
    world.api("member").patch(world.path("tasks/<id:task_id>/"), {"labels": [bug, docs]})
    archived = world.new_task("Old", status="completed", labels=[bug])
    actions.perform(world.people["member"], commands.TaskArchive(task_id=archived.pk))
    before = read_board(world.project.pk)
    path = world.path(LABELS)
    assert world.api("owner").delete(f"{path}{bug}/").status_code == 204
    assert [(one["kind"], one["name"]) for one in deleted(world, "owner")] == [("label", "Bug")]
    assert deleted(world, "member") == []
    assert world.api("member").post(f"{path}{bug}/restore/").status_code == 403
    back = world.api("owner").post(f"{path}{bug}/restore/")
    assert (back.status_code, back.json()["name"], back.json()["color"]) == (200, "Bug", "red")
    new = back.json()["id"]
    assert new not in (bug, docs), "the id of a label is never used again"
    assert [label["id"] for label in world.api("viewer").get(world.path(PROJECT)).json()["labels"]] == [new, docs]
    assert world.api("viewer").get(world.path("tasks/<id:task_id>/")).json()["labels"] == [docs, new]
    assert Task.all_objects.get(pk=archived.pk).labels == [new]
    carried_on(world, before)


def test_a_label_whose_name_was_given_to_another_waits_until_it_is_free(world: World) -> None:
    bug = world.new_label("Bug")
    path = world.path(LABELS)
    world.api("owner").delete(f"{path}{bug}/")
    other = world.new_label("bug")
    assert world.api("owner").post(f"{path}{bug}/restore/").status_code == 400
    world.api("owner").patch(f"{path}{other}/", {"name": "Defect"})
    assert world.api("owner").post(f"{path}{bug}/restore/").status_code == 200
    assert world.api("owner").post(f"{path}{bug}/purge/").status_code == 404
    world.api("owner").delete(f"{path}{other}/")
    assert world.api("owner").post(f"{path}{other}/purge/").status_code == 204
    assert deleted(world, "owner") == []


# --- Members --------------------------------------------------------------------------------


def test_a_removed_member_comes_back_with_the_tasks_that_no_user_was_given_since(world: World) -> None:
    viewer = world.people["viewer"]
    mine, given = (world.new_task(title, assignee=viewer) for title in ("Mine", "Given"))
    Membership.objects.filter(user=viewer).update(muted=True)
    before, path = read_board(world.project.pk), world.path(MEMBERS)
    assert world.api("owner").delete(path).status_code == 204
    assert statuses(world, "viewer", ("GET", PROJECT), ("GET", f"{PROJECT}board/"), ("GET", f"{PROJECT}deleted/")) == {
        404
    }
    given.refresh_from_db()
    given.assignee = world.people["member"]
    given.save()
    assert [(one["kind"], one["id"], one["role"]) for one in deleted(world, "owner")] == [
        ("member", viewer.pk, "viewer")
    ]
    assert world.api("member").post(f"{path}restore/").status_code == 403
    project_log = ProjectLog(world.project)
    assert world.api("owner").post(f"{path}restore/").json()["role"] == "viewer"
    assert project_log.names() == ["project_member_added", "task_updated", "task_assigned"]
    assert Task.objects.get(pk=mine.pk).assignee_id == viewer.pk
    assert Task.objects.get(pk=given.pk).assignee_id == world.people["member"].pk
    assert Membership.objects.get(user=viewer).muted
    assert statuses(world, "viewer", ("GET", f"{PROJECT}board/")) == {200}
    carried_on(world, before)


def test_a_member_that_left_or_was_added_again_or_blocks_the_owner_is_not_brought_back(world: World) -> None:
    path = world.path(MEMBERS)
    world.api("viewer").post(world.path(f"{PROJECT}leave/"))
    assert deleted(world, "owner") == []
    world.api("owner").post(world.path("projects/<id:project_id>/members/"), {"username": world.name("viewer")})
    world.api("owner").delete(path)
    world.api("owner").post(world.path("projects/<id:project_id>/members/"), {"username": world.name("viewer")})
    assert deleted(world, "owner") == []
    world.api("viewer").post(world.path(f"{PROJECT}leave/"), {"block": True})
    assert world.api("owner").post(f"{path}restore/").status_code == 404


# --- Projects -------------------------------------------------------------------------------


def test_a_deleted_project_is_gone_at_every_interface_and_comes_back_whole(world: World) -> None:
    world.new_task("Assigned", assignee=world.people["viewer"])
    link = world.invitation[1]
    before = read_board(world.project.pk)
    assert world.api("member").delete(world.path(PROJECT)).status_code == 403
    assert world.api("owner").delete(world.path(PROJECT)).status_code == 204

    reads = [PROJECT, f"{PROJECT}board/", f"{PROJECT}events/", f"{PROJECT}members/", f"{PROJECT}deleted/"]
    reads += ["tasks/<id:task_id>/", "tasks/<id:task_id>/comments/", "rooms/<room:room>/events/"]
    for role in ("owner", "member"):
        assert statuses(world, role, *[("GET", path) for path in reads]) == {404}
        assert statuses(world, role, ("DELETE", PROJECT), ("DELETE", "tasks/<id:task_id>/")) == {404}
        assert world.api(role).get("/api/projects/").json()["count"] == 0
        assert world.api(role).get("/api/tasks/?q=First").json()["count"] == 0
    assert world.api("outsider").post("/api/invitations/accept/", {"secret": link}).status_code == 404
    assert not Project.objects.filter(pk=world.project.pk).exists()

    assert [one["name"] for one in world.api("owner").get("/api/projects/deleted/").json()["projects"]] == ["Apollo"]
    assert world.api("member").get("/api/projects/deleted/").json()["projects"] == []
    for role in ("member", "outsider"):
        assert statuses(world, role, ("POST", f"{PROJECT}restore/"), ("POST", f"{PROJECT}purge/")) == {404}
    back = world.api("owner").post(world.path(f"{PROJECT}restore/"))
    assert (back.status_code, back.json()["role"]) == (200, "owner")
    assert world.api("owner").get("/api/projects/deleted/").json()["projects"] == []
    assert world.api("owner").post(world.path(f"{PROJECT}restore/")).status_code == 404
    after = read_board(world.project.pk)
    assert {name: after[name] for name in before if name != "seq"} == {
        name: before[name] for name in before if name != "seq"
    }
    assert Invitation.objects.count() == 1
    assert world.api("outsider").post("/api/invitations/accept/", {"secret": link}).status_code == 200
    assert Deletion.objects.count() == 0


def test_each_member_of_a_deleted_project_is_evicted_and_notified_of_its_return(world: World) -> None:
    ids = [world.people[role].pk for role in ("owner", "member", "viewer")]
    since = len(log.read(world.project.room, since=0, limit=1000))
    actions.perform(world.people["owner"], commands.ProjectDelete(project_id=world.project.pk))
    assert [event.evicts for event in log.read(world.project.room, since=since, limit=100)] == ids
    actions.perform(world.people["owner"], commands.ProjectRestore(project_id=world.project.pk))
    [event] = Event.objects.filter(
        room=user_room(ids[1]), type="project_member_added", data__contains='"restored":true'
    )
    assert f'"project_id":{world.project.pk}' in event.data


def test_a_project_is_deleted_for_good_by_its_owner_or_by_time(world: World) -> None:
    other = World()
    for one in (world, other):
        one.api("owner").delete(one.path(PROJECT))
    assert world.api("owner").post(world.path(f"{PROJECT}purge/")).status_code == 204
    assert not Project.all_objects.filter(pk=world.project.pk).exists()
    assert trimming.trim().removed["deletions"] == 0
    age()
    assert other.api("owner").get("/api/projects/deleted/").json()["projects"] == []
    assert other.api("owner").post(other.path(f"{PROJECT}restore/")).status_code == 404
    assert trimming.trim().removed["deletions"] > 0
    for model in (Project.all_objects, Task.all_objects, Comment.objects, Deletion.objects):
        assert not model.exists()
    assert not Event.objects.filter(room=other.project.room).exists()


def test_what_was_deleted_long_ago_cannot_be_restored_and_its_texts_go(world: World) -> None:
    path = world.path(COMMENT)
    world.api("member").delete(path)
    age()
    assert deleted(world, "member") == []
    assert world.api("member").post(f"{path}restore/").status_code == 404
    assert trimming.trim().removed["deletions"] == 1
    assert not Deletion.objects.exists()


def test_code_deletes_for_good(world: World) -> None:
    world.comment.delete()
    Membership.objects.get(user=world.people["viewer"]).delete()
    Project.objects.get(pk=world.project.pk).delete()
    assert not Deletion.objects.exists()
    assert not Project.all_objects.filter(pk=world.project.pk).exists()
