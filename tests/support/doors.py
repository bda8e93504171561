"""Every interface through which a change may come, as operations that a random test picks from.

An operation is a function of a `Hand`: one user's code, with whatever stale rows it still holds in memory. What an
operation is refused (a role, a conflict, a constraint) is part of the game and changes nothing.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Left, Now, Reverse, Upper

from taskrealtime import actions
from taskrealtime.actor import acting_as
from taskrealtime.contract import commands
from taskrealtime.contract.events import LABEL_COLORS, PRIORITIES, ROLES, STATUSES
from taskrealtime.engine import log
from taskrealtime.engine.wire.errors import RealTimeError
from taskrealtime.models import Comment, Membership, Project, Task, invitations, ranks
from taskrealtime.services import RealTimeService

Operation = Callable[["Hand"], object]

_numbers = itertools.count(1)

#: Labels that both boards have in the beginning: any code may put them on tasks, also once they are deleted.
LABELS = [1, 2, 3]


class RolledBack(Exception):
    """A transaction was abandoned by its own code."""


@dataclass
class World:
    """Two boards and the people round them."""

    projects: list[int]
    #: `alice` owns both boards and stays; the others may be removed, added or deleted.
    alice: User
    users: list[int]

    @classmethod
    def create(cls) -> "World":
        """A world with bob as a member and carol as a viewer; dave is not in yet. Some work has begun."""
        alice, bob, carol, dave = (new_user(name) for name in ("alice", "bob", "carol", "dave"))
        projects = []
        for name in ("House", "Garden"):
            labels = [{"id": id, "name": f"Label {id}", "color": "red"} for id in LABELS]
            project = Project.objects.create(name=name, labels=labels)
            for user, role in ((alice, "owner"), (bob, "member"), (carol, "viewer")):
                Membership.objects.create(project=project, user=user, role=role)
            for status in STATUSES:
                task = Task.objects.create(project=project, title=f"{name}: {status}", status=status, assignee=bob)
                Comment.objects.create(task=task, author=carol, content="So it begins")
            task.delete()
            projects.append(project.pk)
        return cls(projects, alice, [user.pk for user in (alice, bob, carol, dave)])


def new_user(name: str) -> User:
    """A user of that name, or nearly."""
    number = next(_numbers)
    return User.objects.create(username=f"{name}{number}", first_name=name.capitalize())


@dataclass
class Hand:
    """One piece of code at work, with its dice and the rows that it read a while ago."""

    world: World
    chance: Random
    tasks: list[Task] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    #: Whether nobody else writes at the same time.
    alone: bool = True

    # -- dice --

    def one_of(self, things: Any, default: Any = None) -> Any:
        """Any of them; `default` where there are none."""
        things = list(things)
        return self.chance.choice(things) if things else default

    def some_of(self, things: Any) -> list[Any]:
        """Any subset of them."""
        return [thing for thing in things if self.chance.random() < 0.6]

    def often(self) -> bool:
        return self.chance.random() < 0.7

    # -- the database, as of now --

    def project_id(self) -> int:
        return int(self.one_of(self.world.projects + self.world.projects[:1]))

    def user(self) -> User:
        """A user; most often a member."""
        return self.one_of(User.objects.filter(pk__in=self.world.users).order_by("pk"))

    def member_id(self, project_id: int) -> int | None:
        """A member's id, or no user's."""
        members = Membership.objects.filter(project_id=project_id).order_by("user_id")
        return self.one_of([*members.values_list("user_id", flat=True), None])

    def task_id(self, *, deleted: bool = False, **filters: Any) -> int:
        """The id of a task on a board, or of a deleted one; 0, which no task has, where there is none."""
        tasks = Task.all_objects.filter(deleted_at__isnull=False) if deleted else Task.objects.all()
        tasks = tasks.filter(project_id__in=self.world.projects, **filters)
        return int(self.one_of(tasks.order_by("pk").values_list("pk", flat=True), 0))

    def archived_id(self) -> int:
        """Of a task in an archive, or 0."""
        archived = Task.all_objects.archived().filter(project_id__in=self.world.projects)
        return int(self.one_of(archived.order_by("pk").values_list("pk", flat=True), 0))

    def comment_id(self) -> int:
        comments = Comment.objects.filter(task__project_id__in=self.world.projects)
        return int(self.one_of(comments.order_by("pk").values_list("pk", flat=True), 0))

    def some_tasks(self) -> Any:
        """A queryset of some tasks of one board, in the order of their making, which no dice change."""
        tasks = Task.objects.filter(project_id=self.project_id()).order_by("pk")
        return self.one_of(
            [
                tasks,
                tasks.filter(status=self.one_of(STATUSES)),
                tasks.filter(assignee__isnull=False),
                tasks.filter(pk__in=self.some_of(tasks.values_list("pk", flat=True))),
                tasks.exclude(priority="low"),
            ]
        )

    # -- what is written --

    def fields(self) -> dict[str, Any]:
        """Some writable fields of a task, with values."""
        values: dict[str, Any] = {
            "title": f"Title {self.chance.randrange(5)}",
            "description": self.one_of(["", 'Ü\u2028"</script>', "a\nb"]),
            "status": self.one_of(STATUSES),
            "priority": self.one_of(PRIORITIES),
            "assignee_id": self.one_of([None, *self.world.users]),
            "due_at": self.one_of([None, self.moment()]),
            "labels": self.some_of(LABELS),
        }
        return {name: value for name, value in values.items() if self.chance.random() < 0.35}

    def moment(self) -> datetime:
        return datetime(2031, 5, 17, 12, 0, 0, self.one_of([0, 7, 250_000]), UTC) + timedelta(
            days=self.chance.randrange(3)
        )

    def position(self) -> str:
        """A rank between any two of the board's."""
        tasks = Task.objects.filter(project_id__in=self.world.projects)
        taken = sorted(set(tasks.values_list("position", flat=True)))
        if not taken:
            return ranks.after_last(None, choose=self.chance)
        place = self.chance.randrange(len(taken))
        return ranks.between(taken[place - 1] if place else None, taken[place])


# --- Commands: what sockets and HTTP carry out ----------------------------------------------


def carry_out(hand: Hand, command: commands.Command) -> None:
    """As a user's client asks for it; now and then the same request comes twice."""
    key = f"key-{next(_numbers)}" if hand.chance.random() < 0.3 else None
    user = hand.user()
    answer = actions.perform(user, command, key=key)
    if key is not None:
        again = actions.perform(user, command, key=key)
        assert again.duplicate is True
        if isinstance(answer, commands.TaskAnswer) and not hand.alone:
            assert isinstance(again, commands.TaskAnswer)
            assert again.task.id == answer.task.id  # the task as others have left it since
        else:
            assert msgspec.structs.replace(again, duplicate=msgspec.UNSET) == answer


def create_by_command(hand: Hand) -> None:
    project_id = hand.project_id()
    fields = {"title": "New", **hand.fields(), "assignee_id": hand.member_id(project_id)}
    carry_out(hand, commands.TaskCreate(project_id=project_id, **fields))


def update_by_command(hand: Hand) -> None:
    task = Task.objects.filter(pk=hand.task_id()).first()
    if task is None:
        return
    version = hand.one_of([None, task.version, max(1, task.version - 1)])
    changes = commands.TaskEdit(**hand.fields())
    if hand.chance.random() < 0.3:
        changes.add_labels, changes.remove_labels = hand.some_of(LABELS), hand.some_of(LABELS)
    carry_out(hand, commands.TaskUpdate(task_id=task.pk, changes=changes, version=version))


def change_status_by_command(hand: Hand) -> None:
    carry_out(hand, commands.TaskStatusUpdate(task_id=hand.task_id(), status=hand.one_of(STATUSES)))


def move_by_command(hand: Hand) -> None:
    task_id = hand.task_id()
    project_id = Task.all_objects.filter(pk=task_id).values_list("project_id", flat=True).first()
    status = hand.one_of(STATUSES)
    beside = hand.task_id(project_id=project_id, status=status) or None
    anchor: dict[str, Any] = {hand.one_of(["before_id", "after_id"]): beside}
    otherwise: dict[str, Any] = (
        {"or_after_id": hand.one_of([None, hand.task_id(project_id=project_id)])} if hand.often() else {}
    )
    carry_out(hand, commands.TaskMove(task_id=task_id, status=status, **(anchor if hand.often() else {}), **otherwise))


def delete_by_command(hand: Hand) -> None:
    carry_out(hand, commands.TaskDelete(task_id=hand.task_id()))


def restore_by_command(hand: Hand) -> None:
    carry_out(hand, commands.TaskRestore(task_id=hand.task_id(deleted=hand.often())))


def archive_by_command(hand: Hand) -> None:
    carry_out(hand, commands.TaskArchive(task_id=hand.task_id(status="completed")))


def archive_all_by_command(hand: Hand) -> None:
    carry_out(hand, commands.CompletedArchive(project_id=hand.project_id()))


def bring_back_by_command(hand: Hand) -> None:
    carry_out(hand, commands.TaskRestore(task_id=hand.archived_id()))


def comment_by_command(hand: Hand) -> None:
    carry_out(hand, commands.NewComment(task_id=hand.task_id(), content="**Said** <b>so</b>"))


def edit_comment_by_command(hand: Hand) -> None:
    content = hand.one_of(["Better", "**Said** <b>so</b>"])
    carry_out(hand, commands.CommentUpdate(comment_id=hand.comment_id(), content=content))


def delete_comment_by_command(hand: Hand) -> None:
    carry_out(hand, commands.CommentDelete(comment_id=hand.comment_id()))


def add_member_by_command(hand: Hand) -> None:
    username = hand.user().username
    carry_out(hand, commands.MemberAdd(project_id=hand.project_id(), username=username, role=hand.one_of(ROLES)))


def join_by_link(hand: Hand) -> None:
    command = commands.InvitationCreate(project_id=hand.project_id(), role=hand.one_of(["member", "viewer"]))
    made = actions.perform(hand.world.alice, command)
    assert isinstance(made, commands.InvitationMade)
    carry_out(hand, commands.InvitationAccept(secret_hash=invitations.hash_of(made.secret)))


def change_member_by_command(hand: Hand) -> None:
    project_id = hand.project_id()
    user_id = hand.member_id(project_id) or 1
    if user_id != hand.world.alice.pk:
        carry_out(hand, commands.MemberUpdate(project_id=project_id, user_id=user_id, role=hand.one_of(ROLES)))


def remove_member_by_command(hand: Hand) -> None:
    project_id = hand.project_id()
    user_id = hand.member_id(project_id) or 1
    if user_id != hand.world.alice.pk:
        carry_out(hand, commands.MemberRemove(project_id=project_id, user_id=user_id))


def rename_by_command(hand: Hand) -> None:
    name = hand.one_of(["House", "Garden", "Attic"])
    carry_out(hand, commands.ProjectUpdate(project_id=hand.project_id(), name=name))


def make_label_by_command(hand: Hand) -> None:
    name, color = hand.one_of(["Bug", "bug", "Docs", "Idea"]), hand.one_of(LABEL_COLORS)
    carry_out(hand, commands.LabelCreate(project_id=hand.project_id(), name=name, color=color))


def change_label_by_command(hand: Hand) -> None:
    label_id = hand.one_of(LABELS)
    changes = hand.one_of([{"name": hand.one_of(["Bug", "Docs"])}, {"color": "teal"}, {}])
    carry_out(hand, commands.LabelUpdate(project_id=hand.project_id(), label_id=label_id, **changes))


def delete_label_by_command(hand: Hand) -> None:
    carry_out(hand, commands.LabelDelete(project_id=hand.project_id(), label_id=hand.one_of(LABELS)))


COMMANDS: list[Operation] = [
    create_by_command,
    update_by_command,
    change_status_by_command,
    move_by_command,
    delete_by_command,
    restore_by_command,
    archive_by_command,
    archive_all_by_command,
    bring_back_by_command,
    comment_by_command,
    edit_comment_by_command,
    delete_comment_by_command,
    add_member_by_command,
    join_by_link,
    change_member_by_command,
    remove_member_by_command,
    rename_by_command,
    make_label_by_command,
    change_label_by_command,
    delete_label_by_command,
]


# --- Saves: the admin, a shell, any code ----------------------------------------------------


def create_by_save(hand: Hand) -> None:
    task = Task(project_id=hand.project_id(), created_by=hand.user(), **{"title": "Saved", **hand.fields()})
    if not hand.often():
        task.title, task.due_at = Upper(Value("Worked out")), Now()
    task.save()
    hand.tasks.append(task)


def keep_rows_in_memory(hand: Hand) -> None:
    """Read rows now that are written much later."""
    hand.tasks += Task.all_objects.filter(pk__in=[hand.task_id(), hand.task_id(deleted=True)]).order_by("pk")
    hand.comments += Comment.objects.select_related("task").filter(pk=hand.comment_id())
    del hand.tasks[:-4], hand.comments[:-3]


def save_stale_task(hand: Hand) -> None:
    if task := hand.one_of(hand.tasks):
        for name, value in hand.fields().items():
            setattr(task, name, value)
        task.save()


def save_some_fields_of_stale_task(hand: Hand) -> None:
    if task := hand.one_of(hand.tasks):
        fields = hand.fields()
        for name, value in fields.items():
            setattr(task, name, value)
        # What is set on the instance beyond the named fields is not written.
        task.save(update_fields=hand.some_of(fields))


def save_deferred_task(hand: Hand) -> None:
    tasks = Task.objects.filter(pk=hand.task_id())
    for task in hand.one_of([tasks.only("title"), tasks.defer("description", "status", "version")]):
        task.title = f"Deferred {hand.chance.randrange(3)}"
        task.save()


def save_expression(hand: Hand) -> None:
    if task := _lock_some_task(hand):
        task.title = hand.one_of([Upper(F("title")), Left(F("title"), 3), Reverse(F("title"))])
        task.due_at = hand.one_of([F("created_at"), F("due_at")])
        task.save(update_fields=hand.one_of([None, ["title"], ["title", "due_at"]]))


def delete_by_instance(hand: Hand) -> None:
    for task in hand.one_of([hand.tasks[:1], Task.objects.filter(pk=hand.task_id())]):
        task.delete()


def restore_by_instance(hand: Hand) -> None:
    for task in hand.one_of([hand.tasks[:1], Task.all_objects.filter(pk=hand.task_id(deleted=True))]):
        task.restore()


def move_to_other_project(hand: Hand) -> None:
    task = Task.all_objects.filter(pk=hand.task_id(deleted=not hand.often())).first()
    if task is None:
        return
    target = hand.project_id()
    how = hand.chance.randrange(3)
    if how == 0:
        task.project_id = target
        task.save()
    elif how == 1:
        Task.all_objects.filter(pk=task.pk).update(project=target)
    else:
        Project.objects.get(pk=target).tasks.add(task)


def update_or_create(hand: Hand) -> None:
    Task.objects.update_or_create(
        project_id=hand.project_id(), title="Title 1", status="todo", position="a1", defaults=hand.fields()
    )


def save_nothing_new(hand: Hand) -> None:
    if task := Task.objects.filter(pk=hand.task_id()).first():
        task.save(update_fields=hand.one_of([None, ["title"], []]))
    Membership.objects.get(project_id=hand.project_id(), user=hand.world.alice).save()
    Project.objects.get(pk=hand.project_id()).save()


def save_invalid(hand: Hand) -> None:
    task = Task.objects.filter(pk=hand.task_id()).first() or Task(project_id=hand.project_id())
    task.title, task.priority = "", "high"
    task.save()


def comment_by_save(hand: Hand) -> None:
    """On a task that may be stale: its project, its deletion, everything."""
    stale = hand.one_of(hand.tasks)
    task = stale if stale and hand.often() else Task.objects.filter(pk=hand.task_id()).first()
    if task is not None:
        hand.comments.append(Comment.objects.create(task=task, author=hand.user(), content="By *hand*"))


def save_stale_comment(hand: Hand) -> None:
    if comment := hand.one_of(hand.comments):
        comment.content = hand.one_of(["Stale", "By *hand*"])
        comment.save(update_fields=hand.one_of([["content"], ["author"]]))


def delete_stale_comment(hand: Hand) -> None:
    comment = hand.one_of(hand.comments)
    if comment is not None and comment.pk is not None:
        comment.delete()
        hand.comments.remove(comment)


def move_comment(hand: Hand) -> None:
    comment = Comment.objects.filter(pk=hand.comment_id()).first()
    task_id = hand.task_id() or hand.task_id(deleted=True)
    if comment is None or not task_id:
        return
    if hand.often():
        comment.task_id = task_id
        comment.save()
    else:
        Comment.objects.filter(pk=comment.pk).update(task=task_id)


def save_membership(hand: Hand) -> None:
    """A new one, another role, or, as the admin's form allows, another person or project."""
    memberships = Membership.objects.filter(project_id=hand.project_id()).exclude(user=hand.world.alice)
    membership = hand.one_of(memberships.order_by("pk"))
    if membership is None or hand.chance.random() < 0.3:
        membership = Membership(project_id=hand.project_id(), user=hand.user())
    membership.role = hand.one_of(ROLES)
    if hand.chance.random() < 0.3:
        membership.user_id = hand.one_of(User.objects.filter(pk__in=hand.world.users).values_list("pk", flat=True))
    if hand.chance.random() < 0.2:
        membership.project_id = hand.project_id()
    if membership.user_id != hand.world.alice.pk:
        membership.save()


def delete_membership(hand: Hand) -> None:
    memberships = Membership.objects.filter(project_id=hand.project_id()).exclude(user=hand.world.alice)
    if hand.often():
        for membership in memberships.order_by("pk")[:1]:
            membership.delete()
    else:
        memberships.filter(user_id=hand.user().pk).delete()


def rename_by_save(hand: Hand) -> None:
    project = Project.objects.get(pk=hand.project_id())
    project.name = hand.one_of(["House", "Cellar"])
    project.save()


def delete_a_user(hand: Hand) -> None:
    """One user's account ends; another user signs up."""
    user = hand.user()
    if user.pk != hand.world.alice.pk:
        user.delete()
        hand.world.users.append(new_user("eve").pk)


SAVES: list[Operation] = [
    create_by_save,
    keep_rows_in_memory,
    save_stale_task,
    save_some_fields_of_stale_task,
    save_deferred_task,
    save_expression,
    delete_by_instance,
    restore_by_instance,
    move_to_other_project,
    update_or_create,
    save_nothing_new,
    save_invalid,
    comment_by_save,
    save_stale_comment,
    delete_stale_comment,
    move_comment,
    save_membership,
    delete_membership,
    rename_by_save,
    delete_a_user,
]


# --- Bulk methods ---------------------------------------------------------------------------


def update_many(hand: Hand) -> None:
    hand.some_tasks().update(**(hand.fields() or {"priority": "urgent"}))


def update_by_expression(hand: Hand) -> None:
    expression = hand.one_of([Upper(F("title")), Left(F("title"), 4), F("priority"), Value("Same")])
    hand.some_tasks().update(title=expression)


def update_positions(hand: Hand) -> None:
    hand.some_tasks().update(position=hand.position())


def bulk_create_tasks(hand: Hand) -> None:
    project_id = hand.project_id()
    Task.objects.bulk_create(
        [Task(project_id=project_id, **{"title": f"Bulk {n}", **hand.fields()}) for n in range(hand.one_of([1, 3]))]
    )


def bulk_update_tasks(hand: Hand) -> None:
    tasks = [*hand.some_tasks(), *hand.tasks]
    for task in tasks:
        task.status, task.title = hand.one_of(STATUSES), hand.one_of(["Bulk 0", task.title])
    Task.objects.bulk_update(tasks, hand.one_of([["status"], ["status", "title"]]))


def delete_many(hand: Hand) -> None:
    hand.some_tasks().filter(status=hand.one_of(STATUSES)).delete()


def restore_many(hand: Hand) -> None:
    Task.all_objects.filter(project_id=hand.project_id(), status=hand.one_of(STATUSES)).update(deleted_at=None)


def archive_many(hand: Hand) -> None:
    hand.some_tasks().update(archived_at=hand.one_of([None, hand.moment()]))


def bring_back_many(hand: Hand) -> None:
    Task.all_objects.filter(project_id=hand.project_id(), priority=hand.one_of(PRIORITIES)).update(archived_at=None)


def clear_assigned(hand: Hand) -> None:
    user = hand.user()
    if hand.often():
        user.taskrealtime_assigned_tasks.clear()
    else:
        user.taskrealtime_assigned_tasks.set(hand.some_tasks())


def bulk_create_comments(hand: Hand) -> None:
    ids = filter(None, (hand.task_id(), hand.task_id(), hand.task_id(deleted=True)))
    Comment.objects.bulk_create([Comment(task_id=id, author=hand.user(), content="Bulk") for id in ids])


def update_comments(hand: Hand) -> None:
    comments = Comment.objects.filter(task__project_id=hand.project_id())
    hand.one_of([comments, comments.filter(author=hand.user())]).update(content=hand.one_of(["All alike", "Bulk"]))


def bulk_update_comments(hand: Hand) -> None:
    for comment in hand.comments:
        comment.content = hand.one_of(["Bulk", comment.content])
    Comment.objects.bulk_update(hand.comments, ["content"])


def delete_comments(hand: Hand) -> None:
    comments = Comment.objects.filter(task__project_id=hand.project_id())
    hand.one_of([comments.filter(content="Bulk"), comments.filter(task_id=hand.task_id())]).delete()


def update_roles(hand: Hand) -> None:
    members = Membership.objects.filter(project_id=hand.project_id()).exclude(role="owner")
    members.update(role=hand.one_of(["member", "viewer"]))


BULK: list[Operation] = [
    update_many,
    update_by_expression,
    update_positions,
    bulk_create_tasks,
    bulk_update_tasks,
    delete_many,
    restore_many,
    archive_many,
    bring_back_many,
    clear_assigned,
    bulk_create_comments,
    update_comments,
    bulk_update_comments,
    delete_comments,
    update_roles,
]


# --- SQL past the ORM, announced by RealTimeService -----------------------------------------


def execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def announce_raw_update(hand: Hand) -> None:
    if task := _lock_some_task(hand):
        fields = hand.fields() or {"title": "Raw"}
        for name, value in fields.items():
            execute(f"UPDATE taskrealtime_task SET {name} = %s WHERE id = %s", _for_sql(value), task.pk)
        RealTimeService.broadcast_task_updated(
            task_id=task.pk, updates=fields, project_id=task.project_id, updater_id=hand.world.alice.pk
        )


def announce_raw_status(hand: Hand) -> None:
    if task := _lock_some_task(hand):
        status = hand.one_of([status for status in STATUSES if status != task.status])
        execute("UPDATE taskrealtime_task SET status = %s WHERE id = %s", status, task.pk)
        RealTimeService.broadcast_task_status_changed(
            task_id=task.pk, old_status=task.status, new_status=status, project_id=task.project_id
        )


def announce_raw_assignment(hand: Hand) -> None:
    if task := _lock_some_task(hand):
        assignee_id = hand.one_of([id for id in (None, *_living(hand)) if id != task.assignee_id])
        execute("UPDATE taskrealtime_task SET assignee_id = %s WHERE id = %s", assignee_id, task.pk)
        RealTimeService.broadcast_task_assigned(
            task_id=task.pk,
            assignee_id=assignee_id,
            project_id=task.project_id,
            previous_assignee_id=task.assignee_id,
            updater_id=hand.world.alice.pk,
        )


def announce_raw_insert(hand: Hand) -> None:
    project_id, now = hand.project_id(), datetime.now(UTC)
    row = {
        "project_id": project_id,
        "title": "Raw",
        "description": "",
        "status": hand.one_of(STATUSES),
        "priority": "low",
        "position": hand.position(),
        "created_at": _for_sql(now),
        "updated_at": _for_sql(now),
        "version": 1,
        "field_versions": "{}",
    }
    task_id = _insert("taskrealtime_task", row)
    RealTimeService.broadcast_task_created(task_id=task_id, project_id=project_id)


def announce_raw_deletion(hand: Hand) -> None:
    if task := _lock_some_task(hand):
        execute("DELETE FROM taskrealtime_comment WHERE task_id = %s", task.pk)
        execute("DELETE FROM taskrealtime_task WHERE id = %s", task.pk)
        RealTimeService.broadcast_task_deleted(task_id=task.pk, project_id=task.project_id)


def announce_comment(hand: Hand) -> None:
    """One that the service writes, or one that was written past the ORM, announced twice."""
    task = _lock_some_task(hand)
    if task is None:
        return
    alice, content = hand.world.alice.pk, "Raw"
    data: dict[str, Any] = {"content": content}
    if hand.often():
        now = _for_sql(datetime.now(UTC))
        row = {"task_id": task.pk, "author_id": alice, "content": content, "created_at": now, "updated_at": now}
        data["id"] = _insert("taskrealtime_comment", row)
        RealTimeService.broadcast_comment_added(
            task_id=task.pk, comment_data=data, project_id=task.project_id, author_id=alice
        )
    RealTimeService.broadcast_comment_added(
        task_id=task.pk, comment_data=data, project_id=task.project_id, author_id=alice
    )


def announce_raw_membership(hand: Hand) -> None:
    project_id, user_id = hand.project_id(), hand.one_of(_living(hand))
    if user_id == hand.world.alice.pk:
        return
    here = Membership.objects.filter(project_id=project_id, user_id=user_id)
    if here.select_for_update().first() is None:
        now = _for_sql(datetime.now(UTC))
        row = {"project_id": project_id, "user_id": user_id, "role": "viewer", "created_at": now}
        _insert("taskrealtime_membership", row)
        RealTimeService.broadcast_member_added(project_id=project_id, user_id=user_id)
    else:
        Task.all_objects.filter(project_id=project_id, assignee_id=user_id).update(assignee=None)
        execute("DELETE FROM taskrealtime_membership WHERE project_id = %s AND user_id = %s", project_id, user_id)
        RealTimeService.broadcast_member_removed(project_id=project_id, user_id=user_id)


def announce_nonsense(hand: Hand) -> None:
    """What the database does not say is not announced."""
    task = Task.objects.filter(pk=hand.task_id()).first()
    if task is not None:
        RealTimeService.broadcast_task_updated(
            task_id=task.pk, updates={"title": "Never written"}, project_id=task.project_id
        )
        raise AssertionError("A title that nobody wrote was announced.")


def _lock_some_task(hand: Hand) -> Task | None:
    rows = Task.lock_rows([hand.task_id()])
    return rows[0] if rows and rows[0].is_on_board else None


def _living(hand: Hand) -> list[int]:
    return list(User.objects.filter(pk__in=hand.world.users).order_by("pk").values_list("pk", flat=True))


def _for_sql(value: Any) -> Any:
    if isinstance(value, list):
        return msgspec.json.encode(value).decode()
    if isinstance(value, datetime) and connection.vendor == "sqlite":
        return value.replace(tzinfo=None).isoformat(" ")
    return value


def _insert(table: str, row: dict[str, Any]) -> int:
    places = ", ".join(["%s"] * len(row))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id", list(row.values()))
        return int(cursor.fetchone()[0])


DOORS: list[Operation] = [
    announce_raw_update,
    announce_raw_status,
    announce_raw_assignment,
    announce_raw_insert,
    announce_raw_deletion,
    announce_comment,
    announce_raw_membership,
    announce_nonsense,
]


# --- Transactions ---------------------------------------------------------------------------

#: What may happen inside another transaction; commands insist on one of their own.
ANYWHERE: list[Operation] = [*SAVES, *BULK, *DOORS]


def change_much_in_one_transaction(hand: Hand) -> None:
    with transaction.atomic():
        _change_much(hand)


def roll_a_transaction_back(hand: Hand) -> None:
    with transaction.atomic():
        _change_much(hand)
        raise RolledBack


def roll_a_savepoint_back(hand: Hand) -> None:
    with transaction.atomic():
        _change_much(hand)
        try:
            with transaction.atomic():
                _change_much(hand)
                raise RolledBack
        except RolledBack:
            pass
        if hand.often():
            _change_much(hand)


def _change_much(hand: Hand) -> None:
    for _ in range(hand.one_of([1, 2, 3])):
        attempt(hand, hand.one_of(ANYWHERE))


TRANSACTIONS: list[Operation] = [
    change_much_in_one_transaction,
    roll_a_transaction_back,
    roll_a_savepoint_back,
]

OPERATIONS: list[Operation] = [*COMMANDS, *SAVES, *BULK, *DOORS, *TRANSACTIONS]


def attempt(hand: Hand, operation: Operation) -> None:
    """Carry out an operation; what is refused, or loses a race for the database, happened not at all."""
    try:
        if operation in COMMANDS or operation in TRANSACTIONS:
            operation(hand)
        else:
            with acting_as(hand.one_of([None, hand.world.alice])), transaction.atomic():
                operation(hand)
    except (RealTimeError, RolledBack):
        pass
    except (DatabaseError, ObjectDoesNotExist) as error:
        # Users get errors of the protocol, and races are run again for them.
        if operation in COMMANDS or not is_refusal(error):
            raise


def is_refusal(error: Exception) -> bool:
    """Whether a constraint was broken, another transaction won, or the row of an old instance is gone."""
    lost = isinstance(error, OperationalError) and log.is_retryable(error)
    return lost or isinstance(error, IntegrityError | ObjectDoesNotExist) or type(error) is DatabaseError
