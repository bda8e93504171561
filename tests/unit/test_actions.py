"""Commands of users: checked, carried out in one transaction, announced in their name, and answered."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st
from psycopg.errors import SerializationFailure
from pytest_django import Settings

from taskrealtime import actions
from taskrealtime.actions import dispatch, projects
from taskrealtime.actor import current_actor
from taskrealtime.contract import commands
from taskrealtime.contract.events import STATUSES
from taskrealtime.engine.models import IdempotencyKey
from taskrealtime.engine.wire.errors import Conflict, Forbidden, InvalidData, NotFound, RealTimeError
from taskrealtime.models import AdditionRequest, Block, Comment, Membership, Project, Task, invitations
from tests.support.profiles import examples
from tests.support.project_log import ProjectLog
from tests.support.world import World, undone

pytestmark = pytest.mark.django_db


NAMES = {command.__name__ for command in actions.ACTIONS}
#: What one changes for oneself alone.
OWN = {"NotificationsRead", "ReminderSnooze", "MeUpdate", "RequestAccept", "RequestDecline", "BlockRemove"}
#: Not shown by any board: its owner has joined already.
LINKS = {"InvitationCreate", "InvitationRevoke", "InvitationAccept"}
#: Of a project that has no members any more, or of what was deleted before: published by no event.
GONE = {"ProjectRestore", "ProjectPurge", "CommentPurge", "LabelPurge"}


def ask(world: World, command: commands.Command, role: str = "member", key: str | None = None) -> Any:
    return actions.perform(world.people[role], command, key=key)


def update(world: World, version: int | None = None, **changes: Any) -> Any:
    fields = commands.TaskEdit(**changes)
    return ask(world, commands.TaskUpdate(task_id=world.task.pk, changes=fields, version=version))


# --- Every change ---------------------------------------------------------------------------


def changes_of(world: World) -> dict[str, commands.Command]:
    """One of every change, on what there is."""
    project_id, task_id, comment_id = world.project.pk, world.task.pk, world.comment.pk
    owner, member = world.people["owner"], world.people["member"]
    asking = ask(world, commands.ProjectCreate(name="Asking")).project_id
    AdditionRequest.objects.create(project_id=asking, user=owner, asked_by=member)
    Block.objects.create(user=owner, blocked=member)
    gone, gone_label = ask(world, commands.ProjectCreate(name="Gone"), "owner").project_id, world.new_label("Gone")
    gone_comment, gone_member = world.new_comment("Gone"), User.objects.create_user("gone")
    Membership.objects.create(project=world.project, user=gone_member)
    for deletion in (
        commands.ProjectDelete(project_id=gone),
        commands.LabelDelete(project_id=project_id, label_id=gone_label),
        commands.CommentDelete(comment_id=gone_comment.pk),
        commands.MemberRemove(project_id=project_id, user_id=gone_member.pk),
    ):
        ask(world, deletion, "owner")
    found = [
        commands.TaskCreate(project_id=project_id, title="New"),
        commands.TaskUpdate(task_id=task_id, changes=commands.TaskEdit(title="Changed")),
        commands.TaskStatusUpdate(task_id=task_id, status="review"),
        commands.TaskMove(task_id=task_id, status="completed"),
        commands.TaskDelete(task_id=task_id),
        commands.TaskRestore(task_id=task_id),
        commands.TaskArchive(task_id=world.done.pk),
        commands.CompletedArchive(project_id=project_id),
        commands.NewComment(task_id=task_id, content="New"),
        commands.CommentUpdate(comment_id=comment_id, content="Changed"),
        commands.CommentDelete(comment_id=comment_id),
        commands.ProjectCreate(name="Gemini"),
        commands.ProjectUpdate(project_id=project_id, name="Gemini"),
        commands.LabelCreate(project_id=project_id, name="New", color="teal"),
        commands.LabelUpdate(project_id=project_id, label_id=world.label, name="Changed"),
        commands.LabelDelete(project_id=project_id, label_id=world.label),
        commands.MemberAdd(project_id=project_id, username=world.name("outsider")),
        commands.MemberUpdate(project_id=project_id, user_id=world.people["viewer"].pk, role="member"),
        commands.MemberRemove(project_id=project_id, user_id=world.people["viewer"].pk),
        commands.ProjectHandOver(project_id=project_id, user_id=world.people["viewer"].pk),
        commands.InvitationCreate(project_id=project_id),
        commands.InvitationRevoke(project_id=project_id, invitation_id=world.invitation[0]),
        commands.InvitationAccept(secret_hash=invitations.hash_of(world.invitation[1])),
        commands.ProjectDelete(project_id=project_id),
        commands.ProjectRestore(project_id=gone),
        commands.ProjectPurge(project_id=gone),
        commands.LabelRestore(project_id=project_id, label_id=gone_label),
        commands.LabelPurge(project_id=project_id, label_id=gone_label),
        commands.CommentRestore(comment_id=gone_comment.pk),
        commands.CommentPurge(comment_id=gone_comment.pk),
        commands.MemberRestore(project_id=project_id, user_id=gone_member.pk),
        commands.NotificationsRead(up_to=0),
        commands.ReminderSnooze(seq=world.reminder, minutes=5),
        commands.MeUpdate(name="Ada", muted_projects=[]),
        commands.RequestAccept(project_id=asking),
        commands.RequestDecline(project_id=asking, block=True),
        commands.BlockRemove(user_id=member.pk),
    ]
    return {type(command).__name__: command for command in found}


def test_the_list_below_leaves_no_action_out(world: World) -> None:
    assert set(changes_of(world)) == NAMES


def test_every_change_is_published_in_the_name_of_its_user_and_once_for_a_key(
    world: World, subtests: pytest.Subtests
) -> None:
    for name, command in changes_of(world).items():
        with subtests.test(name), undone():
            assert_published_once_for_a_key(world, name, command)


def assert_published_once_for_a_key(world: World, name: str, command: commands.Command) -> None:
    role = "member" if name == "CommentUpdate" else "owner"
    project_log = ProjectLog(world.project)
    first = ask(world, command, role, key="key")
    assert type(first) is actions.ACTIONS[type(command)].answer
    published = project_log.data()
    assert bool(published) == (name not in {"ProjectCreate", "TaskRestore", *LINKS, *OWN, *GONE})
    assert all(data["by"] == {"id": world.people[role].pk, "username": world.name(role)} for data in published)
    again = ask(world, command, role, key="key")
    assert (again == msgspec.structs.replace(first, duplicate=True)) == command.takes_key
    assert project_log.data() == []
    assert current_actor() is None


# Every holder of a link may join by it.
@pytest.mark.parametrize("role, error", [("viewer", Forbidden), ("outsider", NotFound)])
def test_a_user_without_the_right_changes_nothing(
    world: World, role: str, error: type[RealTimeError], subtests: pytest.Subtests
) -> None:
    cases = changes_of(world)
    # All members may remove themselves.
    cases["MemberRemove"] = commands.MemberRemove(project_id=world.project.pk, user_id=world.people["member"].pk)
    for name in sorted(NAMES - {"ProjectCreate", "ProjectRestore", "ProjectPurge", "InvitationAccept"} - OWN):
        with subtests.test(name), undone():
            project_log = ProjectLog(world.project)
            with pytest.raises(error):
                ask(world, cases[name], role, key="key")
            assert project_log.data() == []
            assert not IdempotencyKey.objects.exists()


def test_a_key_of_another_request_is_a_conflict(world: World) -> None:
    ask(world, commands.TaskCreate(project_id=world.project.pk, title="A"), key="key")
    with pytest.raises(Conflict):
        ask(world, commands.TaskCreate(project_id=world.project.pk, title="B"), key="key")
    with pytest.raises(Conflict):
        ask(world, commands.ProjectCreate(name="A"), key="key")
    assert Task.objects.filter(title="A").count() == 1


def test_what_the_database_refuses_for_now_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def lose_twice(user: Any, command: commands.ProjectCreate) -> commands.ProjectAnswer:
        tries.append(command.name)
        if len(tries) < 3:
            raise OperationalError("deadlock detected") from SerializationFailure()
        return projects.create_project(user, command)

    action = actions.Action(lose_twice, commands.ProjectAnswer)
    known: dict[type[commands.Command], Any] = {**actions.ACTIONS, commands.ProjectCreate: action}
    monkeypatch.setattr(dispatch, "ACTIONS", known)
    answer = ask(world, commands.ProjectCreate(name="Third time"))
    assert len(tries) == 3
    assert Project.objects.get(name="Third time").pk == answer.project_id


# --- Tasks ----------------------------------------------------------------------------------


def test_a_new_task_has_what_was_given_and_an_author(world: World) -> None:
    noon = datetime(2031, 5, 17, 12, tzinfo=UTC)
    fields: dict[str, Any] = {"description": "d", "status": "review", "priority": "urgent", "due_at": noon}
    command = commands.TaskCreate(
        project_id=world.project.pk, title="New", assignee_id=world.people["viewer"].pk, **fields
    )
    task = ask(world, command).task
    assert {name: getattr(task, name) for name in fields} == fields
    assert (task.title, task.assignee_id, task.version) == ("New", world.people["viewer"].pk, 1)
    assert task.created_by_id == world.people["member"].pk


@pytest.mark.parametrize("kind", ["create", "update"])
def test_tasks_are_assigned_to_members_only(world: World, project_log: ProjectLog, kind: str) -> None:
    outsider = world.people["outsider"].pk
    with pytest.raises(InvalidData) as refused:
        if kind == "create":
            ask(world, commands.TaskCreate(project_id=world.project.pk, title="New", assignee_id=outsider))
        else:
            update(world, assignee_id=outsider)
    assert [detail["field"].rpartition(".")[2] for detail in refused.value.details] == ["assignee_id"]
    assert project_log.names() == []


def test_two_users_who_edit_different_fields_both_win(world: World) -> None:
    assert update(world, version=1, title="Mine").version == 2
    assert update(world, version=1, priority="high").version == 3
    task = Task.objects.get(pk=world.task.pk)
    assert (task.title, task.priority) == ("Mine", "high")


def test_of_two_users_who_edit_one_field_the_second_gets_a_conflict(world: World, project_log: ProjectLog) -> None:
    update(world, version=1, title="Theirs", priority="low")
    project_log.data()
    with pytest.raises(Conflict) as refused:
        update(world, version=1, title="Mine", due_at=None, priority="high")
    assert refused.value.details["fields"] == ["title", "priority"]
    assert refused.value.details["task"]["title"] == "Theirs"
    assert project_log.names() == []
    assert update(world, version=2, title="Mine").version == 3


def test_without_a_version_the_last_write_wins(world: World) -> None:
    update(world, title="Theirs")
    update(world, title="Mine")
    assert Task.objects.get(pk=world.task.pk).title == "Mine"


def test_a_status_update_knows_conflicts_too(world: World) -> None:
    ask(world, commands.TaskStatusUpdate(task_id=world.task.pk, status="review", version=1))
    with pytest.raises(Conflict):
        ask(world, commands.TaskStatusUpdate(task_id=world.task.pk, status="completed", version=1))


def test_changing_nothing_is_answered_and_silent(world: World, project_log: ProjectLog) -> None:
    assert update(world, title="First").version == 1
    assert update(world).version == 1
    assert project_log.names() == []


def test_a_task_is_restored_while_it_is_kept(world: World, settings: Settings) -> None:
    ask(world, commands.TaskDelete(task_id=world.task.pk))
    assert ask(world, commands.TaskRestore(task_id=world.task.pk)).task.version == 3
    assert ask(world, commands.TaskRestore(task_id=world.task.pk)).task.version == 3
    ask(world, commands.TaskDelete(task_id=world.task.pk))
    long_ago = F("deleted_at") - timedelta(days=settings.EVENT_RETENTION_DAYS)
    Task.all_objects.filter(pk=world.task.pk).update(deleted_at=long_ago)
    with pytest.raises(NotFound):
        ask(world, commands.TaskRestore(task_id=world.task.pk))


# --- Moving ---------------------------------------------------------------------------------


@examples(5)
@given(chance=st.randoms(), steps=st.integers(1, 25))
def test_columns_stand_as_they_were_arranged(chance: Random, steps: int) -> None:
    world = World()
    columns: dict[str, list[int]] = {status: [] for status in STATUSES}
    columns["todo"].append(world.task.pk)
    for _ in range(steps):
        task_id = chance.choice([id for column in columns.values() for id in column])
        status: Any = chance.choice(STATUSES)
        if chance.random() < 0.4:
            task_id = ask(world, commands.TaskCreate(project_id=world.project.pk, title="x", status=status)).task.id
            columns[status].append(task_id)
            continue
        for column in columns.values():
            column[:] = [id for id in column if id != task_id]
        where, place = arrange(columns[status], task_id, chance)
        columns[status].insert(place, task_id)
        answer = ask(world, commands.TaskMove(task_id=task_id, status=status, **where))
        assert answer.status == status
    for status, column in columns.items():
        tasks = Task.objects.filter(project=world.project, status=status)
        assert list(tasks.order_by("position").values_list("pk", flat=True)) == column
        positions = sorted(tasks.values_list("position", flat=True))
        assert len(set(positions)) == len(positions)


def arrange(column: list[int], task_id: int, chance: Random) -> tuple[dict[str, Any], int]:
    """A place in the column, and how a client asks for it."""
    place = chance.randrange(len(column) + 1)
    choices: list[dict[str, Any]] = []
    if place < len(column):
        choices.append({"before_id": column[place]})
    if place > 0:
        choices.append({"after_id": column[place - 1]})
    if place == len(column):
        choices.append({})
    return chance.choice(choices), place


def test_a_task_that_is_there_already_does_not_move(world: World, project_log: ProjectLog) -> None:
    other = world.new_task("Second")
    project_log.data()
    ask(world, commands.TaskMove(task_id=world.task.pk, before_id=other.pk))
    ask(world, commands.TaskMove(task_id=other.pk))
    ask(world, commands.TaskMove(task_id=other.pk, after_id=world.task.pk))
    assert project_log.names() == []


def test_a_move_says_where_the_task_was_when_it_came_if_asked(world: World) -> None:
    first = world.task.position
    move = commands.TaskMove(task_id=world.task.pk, status="review", tell_previous=True)
    moved = ask(world, move)
    assert moved.previous == commands.TaskPlace(status="todo", position=first)
    again = ask(world, move)
    assert again.previous == commands.TaskPlace(status="review", position=moved.position)  # another user was faster


def test_a_task_moves_next_to_another_task_of_that_column_only(world: World, project_log: ProjectLog) -> None:
    other, elsewhere = world.new_task("Other", status="review"), World()
    deleted = world.new_task("Gone")
    deleted.delete()
    project_log.data()
    for anchor in (other.pk, elsewhere.task.pk, deleted.pk, world.task.pk, 10**9):
        beside: list[dict[str, Any]] = [{"before_id": anchor}, {"after_id": anchor}]
        for where in beside:
            with pytest.raises(InvalidData) as refused:
                ask(world, commands.TaskMove(task_id=world.task.pk, **where))
            assert [detail["field"] for detail in refused.value.details] == list(where)
    with pytest.raises(InvalidData):
        ask(world, commands.TaskMove(task_id=world.task.pk, status="review", before_id=other.pk, after_id=other.pk))
    assert project_log.names() == []


def test_a_task_finds_the_place_that_was_meant_where_the_one_after_it_has_left(world: World) -> None:
    def order(status: str) -> list[int]:
        return list(Task.objects.filter(status=status).order_by("position").values_list("pk", flat=True))

    one, two, three = (world.new_task(title, status="review").pk for title in ("One", "Two", "Three"))
    moved, elsewhere, gone = world.task.pk, World().task.pk, world.new_task("Gone", status="review")
    gone.delete()
    for before, or_after, expected in [
        (two, three, [one, moved, two, three]),  # it is there still
        (gone.pk, one, [one, moved, two, three]),
        (elsewhere, two, [one, two, moved, three]),
        (gone.pk, None, [moved, one, two, three]),
        (10**9, gone.pk, [one, two, three, moved]),
        (gone.pk, moved, [one, two, three, moved]),
    ]:
        where = {"status": "review", "before_id": before, "or_after_id": or_after}
        answer = world.api("member").post(world.path("tasks/<id:task_id>/move/"), where)
        assert answer.status_code == 200, answer.text
        assert order("review") == expected
    ask(world, commands.TaskMove(task_id=moved, status="completed", before_id=one, or_after_id=None))
    assert order("completed")[0] == moved
    ask(world, commands.TaskMove(task_id=moved, status="in_progress", before_id=one, or_after_id=None))
    assert order("in_progress") == [moved]  # no other task is there


def test_cards_can_be_dragged_among_positions_that_other_code_wrote(world: World) -> None:
    ids = [world.new_task(title).pk for title in "ab"]
    for position in ("zzz", "ü", "~~", "a0", "hello world"):
        with undone():
            Task.objects.filter(pk__in=ids).update(position=position)
            ask(world, commands.TaskMove(task_id=world.task.pk, before_id=ids[0]))
            assert Task.objects.get(pk=world.task.pk).position < position
            ask(world, commands.TaskMove(task_id=world.task.pk, after_id=ids[0]))
            assert Task.objects.get(pk=world.task.pk).position > position
            ask(world, commands.TaskMove(task_id=world.task.pk))
            assert Task.objects.filter(project=world.project).order_by("position").last() == world.task, position


# --- Comments, projects, members ------------------------------------------------------------


def test_a_comment_is_its_authors_words(world: World) -> None:
    answer = ask(world, commands.NewComment(task_id=world.task.pk, content="Hi"))
    comment = Comment.objects.get(pk=answer.comment_id)
    assert (comment.author, comment.content, answer.project_id) == (world.people["member"], "Hi", world.project.pk)
    ask(world, commands.CommentUpdate(comment_id=comment.pk, content="Ho"))
    comment.refresh_from_db()
    assert comment.content == "Ho"
    with pytest.raises(Forbidden):
        ask(world, commands.CommentUpdate(comment_id=comment.pk, content="Hum"), "owner")
    ask(world, commands.CommentDelete(comment_id=comment.pk), "owner")
    with pytest.raises(NotFound):
        ask(world, commands.CommentDelete(comment_id=comment.pk))


def test_a_project_belongs_to_the_user_who_made_it(world: World) -> None:
    project = Project.objects.get(pk=ask(world, commands.ProjectCreate(name="Mine")).project_id)
    assert list(project.memberships.values_list("user_id", "role")) == [(world.people["member"].pk, "owner")]


@pytest.mark.parametrize("username", ["nobody", "", "INACTIVE", "member"])
def test_only_active_users_who_are_not_in_yet_are_added(world: World, username: str) -> None:
    if username == "INACTIVE":
        world.people["outsider"].is_active = False
        world.people["outsider"].save()
        username = world.name("outsider")
    elif username == "member":
        username = world.name("member")
    with pytest.raises(InvalidData):
        ask(world, commands.MemberAdd(project_id=world.project.pk, username=username), "owner")
    assert Membership.objects.filter(project=world.project).count() == 3


def test_every_member_may_leave_but_the_last_owner(world: World) -> None:
    for role in ("viewer", "member"):
        ask(world, commands.MemberRemove(project_id=world.project.pk, user_id=world.people[role].pk), role)
    owner = world.people["owner"].pk
    with pytest.raises(Forbidden):
        ask(world, commands.MemberRemove(project_id=world.project.pk, user_id=owner), "owner")
    with pytest.raises(Forbidden):
        ask(world, commands.MemberUpdate(project_id=world.project.pk, user_id=owner, role="viewer"), "owner")
    assert list(world.project.memberships.values_list("user_id", "role")) == [(owner, "owner")]


def test_members_who_are_none_are_not_found(world: World) -> None:
    outsider = world.people["outsider"].pk
    with pytest.raises(NotFound):
        ask(world, commands.MemberUpdate(project_id=world.project.pk, user_id=outsider, role="viewer"), "owner")
    with pytest.raises(NotFound):
        ask(world, commands.MemberRemove(project_id=world.project.pk, user_id=outsider), "owner")
