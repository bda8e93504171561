"""Notifications: which users get them, with which content, and what they may no longer see of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from taskrealtime import actions
from taskrealtime.actor import acting_as
from taskrealtime.contract import commands
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.log import appending
from taskrealtime.engine.models import Event, Room
from taskrealtime.models import Comment, Membership, Project, Task
from taskrealtime.services import RealTimeService
from tests.support.inboxes import Inbox
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def inboxes(world: World) -> dict[str, Inbox]:
    return {role: Inbox(user) for role, user in world.people.items()}


def kinds(inboxes: dict[str, Inbox]) -> dict[str, list[str]]:
    """The events that each user got since the last call; users without any are left out."""
    return {role: notification for role, inbox in inboxes.items() if (notification := inbox.kinds())}


def comment_on(world: World, role: str, content: str, task: Task | None = None) -> None:
    command = commands.NewComment(task_id=(task or world.task).pk, content=content)
    actions.perform(world.people[role], command)


def prefer(world: World, role: str, **changes: Any) -> None:
    answer = world.api(role).patch("/api/me/", changes)
    assert answer.status_code == 200, answer.content


# --- Assignments ----------------------------------------------------------------------------


def assign_by_save(world: World, user: User) -> None:
    world.task.assignee = user
    world.task.save()


def assign_by_update(world: World, user: User) -> None:
    Task.objects.filter(pk=world.task.pk).update(assignee=user)


def assign_by_command(world: World, user: User) -> None:
    changes = commands.TaskEdit(assignee_id=user.pk)
    actions.perform(world.people["owner"], commands.TaskUpdate(task_id=world.task.pk, changes=changes))


def assign_past_the_orm(world: World, user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE taskrealtime_task SET assignee_id = %s WHERE id = %s", [user.pk, world.task.pk])
    RealTimeService.broadcast_task_assigned(task_id=world.task.pk, assignee_id=user.pk, project_id=world.project.pk)


@pytest.mark.parametrize("assign", [assign_by_save, assign_by_update, assign_by_command, assign_past_the_orm])
@pytest.mark.parametrize("role", ["member", "viewer"])
def test_the_new_assignee_is_notified_by_whatever_user_assigns(
    world: World, inboxes: dict[str, Inbox], assign: Callable[[World, User], None], role: str
) -> None:
    assign(world, world.people[role])
    [notification] = inboxes[role].new()
    assert (notification["event"], notification["task_id"], notification["title"]) == (
        "task_assigned",
        world.task.pk,
        "First",
    )
    assert (notification["assignee_id"], notification["previous_assignee_id"], notification["version"]) == (
        world.people[role].pk,
        None,
        2,
    )
    assert not kinds(inboxes)


def test_a_task_made_for_another_user_notifies_them(world: World, inboxes: dict[str, Inbox]) -> None:
    owner, member = world.people["owner"], world.people["member"]
    for assignee in (owner, member):
        command = commands.TaskCreate(project_id=world.project.pk, title="New", assignee_id=assignee.pk)
        actions.perform(owner, command)
    world.new_task("By and for the member, from a shell", assignee=member)
    assert kinds(inboxes) == {"member": ["task_assigned"]}


def test_a_task_that_comes_back_notifies_no_user_again(world: World, inboxes: dict[str, Inbox]) -> None:
    task = world.new_task("Back", assignee=world.people["viewer"])
    assert kinds(inboxes) == {"viewer": ["task_assigned"]}
    task.delete()
    task.restore()
    task.status = "review"
    task.save()
    assert kinds(inboxes) == {}


def test_no_user_is_notified_of_their_own_act_or_of_being_unassigned(world: World, inboxes: dict[str, Inbox]) -> None:
    with acting_as(world.people["member"]):
        assign_by_save(world, world.people["member"])
        world.task.assignee = None
        world.task.save()
    assert kinds(inboxes) == {}


def test_a_user_outside_of_the_project_is_not_notified(world: World, inboxes: dict[str, Inbox]) -> None:
    assign_by_save(world, world.people["outsider"])
    comment_on(world, "owner", f"@{world.name('outsider')}")
    assert "outsider" not in kinds(inboxes)


def test_what_is_rolled_back_notifies_no_user(world: World, inboxes: dict[str, Inbox]) -> None:
    with transaction.atomic():
        assign_by_save(world, world.people["viewer"])
        transaction.set_rollback(True)
    assert kinds(inboxes) == {}


# --- Comments -------------------------------------------------------------------------------


def test_a_comment_notifies_each_of_them_once_with_the_first_reason_that_fits(
    world: World, inboxes: dict[str, Inbox]
) -> None:
    # The member made the task and commented on it.
    world.task.assignee = world.people["viewer"]
    world.task.save()
    kinds(inboxes)
    comment_on(world, "owner", "Hi")
    assert kinds(inboxes) == {"member": ["creator"], "viewer": ["assignee"]}
    comment_on(world, "member", f"@{world.name('viewer')} and @{world.name('member')}")
    assert kinds(inboxes) == {"owner": ["participant"], "viewer": ["mention"]}
    Task.objects.update(created_by=None, assignee=None)
    kinds(inboxes)
    comment_on(world, "owner", f"@{world.name('owner')}")
    assert kinds(inboxes) == {"member": ["participant"]}


def test_the_copy_is_the_projects_event_with_the_reason(world: World, inboxes: dict[str, Inbox]) -> None:
    comment_on(world, "owner", "Hi *there*")
    [copy] = inboxes["member"].new()
    [event] = Event.objects.filter(room=world.project.room).order_by("-id")[:1]
    original = log.read(world.project.room, since=(event.seq or 0) - 1, limit=1)[0].frame
    assert '"reason"' not in original
    assert copy.pop("event") == "comment_added"
    assert copy.pop("reason") == "creator"
    [replayed] = [
        notification for notification in inboxes["member"].replayed() if notification["event"] == "comment_added"
    ]
    assert replayed["comment"] == copy["comment"]
    assert copy["comment"]["content_html"].strip() == "<p>Hi <em>there</em></p>"


def test_every_interface_for_comments_notifies(world: World, inboxes: dict[str, Inbox]) -> None:
    owner = world.people["owner"]
    Comment.objects.create(task=world.task, author=owner, content="1")
    Comment.objects.bulk_create([Comment(task=world.task, author=owner, content=text) for text in "23"])
    made = RealTimeService.broadcast_comment_added(
        task_id=world.task.pk, comment_data={"content": "4"}, project_id=world.project.pk, author_id=owner.pk
    )
    assert kinds(inboxes) == {"member": ["creator"] * 4}
    made.content = f"Edited @{world.name('viewer')}"
    made.save()
    RealTimeService.broadcast_comment_added(
        task_id=world.task.pk, comment_data={"id": made.pk}, project_id=world.project.pk, author_id=owner.pk
    )
    assert kinds(inboxes) == {}


def test_a_comment_on_a_deleted_task_notifies_no_user(world: World, inboxes: dict[str, Inbox]) -> None:
    world.task.delete()
    Comment.objects.create(task=world.task, author=world.people["owner"], content="Late")
    assert kinds(inboxes) == {}


@pytest.mark.usefixtures("known_epoch")
def test_fifty_participants_cost_a_handful_of_statements(world: World) -> None:
    def crowd(size: int) -> None:
        with transaction.atomic():
            for number in range(size):
                user = User.objects.create(username=f"crowd{size}-{number}")
                Membership.objects.create(project=world.project, user=user)
                Comment.objects.create(task=world.task, author=user, content="Me, too")

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            comment_on(world, "owner", f"@{world.name('viewer')}")
        return len(captured)

    crowd(1)
    statements()  # what a process learns once
    few = statements()
    crowd(49)
    many = statements()
    assert many == few
    last = Comment.objects.order_by("-pk")[0].pk
    assert Event.objects.filter(subject=f"comment.{last}", room__startswith="user.", seq__isnull=False).count() == 52


# --- Memberships ----------------------------------------------------------------------------


def test_a_new_member_is_notified_unless_they_made_the_project(world: World, inboxes: dict[str, Inbox]) -> None:
    actions.perform(world.people["outsider"], commands.ProjectCreate(name="Mine"))
    command = commands.MemberAdd(project_id=world.project.pk, username=world.name("outsider"), role="viewer")
    actions.perform(world.people["owner"], command)
    [notification] = inboxes["outsider"].new()
    assert (notification["event"], notification["project_id"], notification["role"]) == (
        "project_member_added",
        world.project.pk,
        "viewer",
    )
    assert notification["user"]["id"] == world.people["outsider"].pk
    assert kinds(inboxes) == {}


# --- Settings -------------------------------------------------------------------------------


def test_a_kind_that_is_switched_off_is_not_logged(world: World, inboxes: dict[str, Inbox]) -> None:
    prefer(world, "member", notify={"comment_added": False})
    comment_on(world, "owner", f"@{world.name('member')}")
    assign_by_save(world, world.people["member"])
    assert kinds(inboxes) == {"member": ["task_assigned"]}
    prefer(world, "member", notify={"comment_added": True, "task_assigned": False})
    comment_on(world, "owner", "Hi")
    assert kinds(inboxes) == {"member": ["assignee"]}


def test_a_muted_project_says_nothing_but_that_one_was_added(world: World, inboxes: dict[str, Inbox]) -> None:
    prefer(world, "member", muted_projects=[world.project.pk])
    comment_on(world, "owner", f"@{world.name('member')}")
    assign_by_save(world, world.people["member"])
    assert kinds(inboxes) == {}
    prefer(world, "member", muted_projects=[])
    comment_on(world, "owner", "Hi")
    assert kinds(inboxes) == {"member": ["assignee"]}
    prefer(world, "member", muted_projects=[world.project.pk])
    Membership.objects.get(project=world.project, user=world.people["member"]).delete()
    Membership.objects.create(project=world.project, user=world.people["member"])
    comment_on(world, "owner", "Hi")
    assert kinds(inboxes) == {"member": ["project_member_added", "creator"]}


def test_a_membership_that_is_given_to_another_user_is_not_muted_for_them(
    world: World, inboxes: dict[str, Inbox]
) -> None:
    prefer(world, "member", muted_projects=[world.project.pk])
    membership = Membership.objects.get(project=world.project, user=world.people["member"])
    membership.user = world.people["outsider"]
    membership.save()
    comment_on(world, "owner", f"@{world.name('outsider')}")
    assert kinds(inboxes) == {"outsider": ["project_member_added", "mention"]}


# --- What one may no longer see -------------------------------------------------------------


def test_what_was_deleted_is_blank_in_the_inbox(world: World, inboxes: dict[str, Inbox]) -> None:
    comment_on(world, "owner", "Secret")
    assign_by_save(world, world.people["member"])
    Comment.objects.get(content="Secret").delete()
    comment, assignment = inboxes["member"].replayed()[-2:]
    assert (comment["comment"]["content"], comment["redacted"]) == ("", True)
    assert assignment["title"] == "First"
    world.task.delete()
    assignment = inboxes["member"].replayed()[-1]
    assert (assignment["title"], assignment["redacted"]) == ("", True)
    assert not Event.objects.filter(room=user_room(world.people["member"].pk), data__contains="Secret").exists()


def test_a_removed_member_sees_no_content_any_more(world: World, inboxes: dict[str, Inbox]) -> None:
    comment_on(world, "owner", "Secret")
    membership = Membership.objects.get(project=world.project, user=world.people["member"])
    membership.delete()
    notification = inboxes["member"].replayed()[-1]
    assert (notification["event"], notification["comment"]["content"], notification["redacted"]) == (
        "comment_added",
        "",
        True,
    )
    page = world.api("member").get("/api/notifications/")
    assert "Secret" not in page.content.decode()
    assert page.json()["unread"] == page.json()["count"] == 2
    Membership.objects.create(project=world.project, user=world.people["member"])
    notification = inboxes["member"].replayed()[1]
    assert (notification["event"], notification["comment"]["content"]) == ("comment_added", "Secret")


def test_a_deleted_project_leaves_numbers_without_words(world: World, inboxes: dict[str, Inbox]) -> None:
    comment_on(world, "owner", "Secret")
    numbers = [notification["seq"] for notification in inboxes["member"].replayed()]
    Project.objects.get(pk=world.project.pk).delete()
    assert [notification["seq"] for notification in inboxes["member"].replayed()] == numbers
    assert all(notification["redacted"] for notification in inboxes["member"].replayed())
    assert not Event.objects.filter(data__contains="Secret").exists()


def test_a_user_who_is_removed_before_the_numbering_is_sent_a_blank(
    world: World, publications: list[dict[str, Any]]
) -> None:
    room = user_room(world.people["member"].pk)
    with unnumbered():
        comment_on(world, "owner", "Secret")
        Membership.objects.get(project=world.project, user=world.people["member"]).delete()
    log.sequence([room])
    [message] = [message for message in publications if message["room"] == room]
    assert "Secret" not in str(message)
    assert '"redacted":true' in str(message)


def test_nothing_is_left_of_a_user_who_is_deleted_while_being_notified(world: World) -> None:
    member = world.people["member"]
    room = user_room(member.pk)
    with unnumbered():
        comment_on(world, "owner", "Hi")
        User.objects.get(pk=member.pk).delete()
        # As appended by a transaction that commits a moment later.
        with transaction.atomic():
            log.append(room=room, type="task_assigned", data=commands.Answer(), at=world.task.created_at)
    log.sequence(log.unnumbered_rooms())
    assert not Room.objects.filter(name=room).exists()
    assert not Event.objects.filter(room=room).exists()
    assert log.unnumbered_rooms() == {}


@contextmanager
def unnumbered() -> Iterator[None]:
    """As where the process dies after each commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(appending, "sequence", lambda rooms: None)
        yield


@pytest.fixture
def publications(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was published, by room, with its events."""
    rung: list[dict[str, Any]] = []
    monkeypatch.setattr(doorbell, "publish", lambda room, events, **_: rung.append({"room": room, "events": events}))
    return rung
