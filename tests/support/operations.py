"""Every interface through which a change may come, as operations that a random test picks from.

An operation is a function of a `Writer`: one user's code, with whatever stale rows it still holds in memory. What an
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

Operation = Callable[["Writer"], object]

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
class Writer:
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


def carry_out(writer: Writer, command: commands.Command) -> None:
    """As a user's client asks for it; now and then the same request comes twice."""
    key = f"key-{next(_numbers)}" if writer.chance.random() < 0.3 else None
    user = writer.user()
    answer = actions.perform(user, command, key=key)
    if key is not None:
        again = actions.perform(user, command, key=key)
        assert again.duplicate is True
        if isinstance(answer, commands.TaskAnswer) and not writer.alone:
            assert isinstance(again, commands.TaskAnswer)
            assert again.task.id == answer.task.id  # the task as others have left it since
        else:
            assert msgspec.structs.replace(again, duplicate=msgspec.UNSET) == answer


def create_by_command(writer: Writer) -> None:
    project_id = writer.project_id()
    fields = {"title": "New", **writer.fields(), "assignee_id": writer.member_id(project_id)}
    carry_out(writer, commands.TaskCreate(project_id=project_id, **fields))


def update_by_command(writer: Writer) -> None:
    task = Task.objects.filter(pk=writer.task_id()).first()
    if task is None:
        return
    version = writer.one_of([None, task.version, max(1, task.version - 1)])
    changes = commands.TaskEdit(**writer.fields())
    if writer.chance.random() < 0.3:
        changes.add_labels, changes.remove_labels = writer.some_of(LABELS), writer.some_of(LABELS)
    carry_out(writer, commands.TaskUpdate(task_id=task.pk, changes=changes, version=version))


def change_status_by_command(writer: Writer) -> None:
    carry_out(writer, commands.TaskStatusUpdate(task_id=writer.task_id(), status=writer.one_of(STATUSES)))


def move_by_command(writer: Writer) -> None:
    task_id = writer.task_id()
    project_id = Task.all_objects.filter(pk=task_id).values_list("project_id", flat=True).first()
    status = writer.one_of(STATUSES)
    beside = writer.task_id(project_id=project_id, status=status) or None
    anchor: dict[str, Any] = {writer.one_of(["before_id", "after_id"]): beside}
    otherwise: dict[str, Any] = (
        {"or_after_id": writer.one_of([None, writer.task_id(project_id=project_id)])} if writer.often() else {}
    )
    carry_out(
        writer, commands.TaskMove(task_id=task_id, status=status, **(anchor if writer.often() else {}), **otherwise)
    )


def delete_by_command(writer: Writer) -> None:
    carry_out(writer, commands.TaskDelete(task_id=writer.task_id()))


def restore_by_command(writer: Writer) -> None:
    carry_out(writer, commands.TaskRestore(task_id=writer.task_id(deleted=writer.often())))


def archive_by_command(writer: Writer) -> None:
    carry_out(writer, commands.TaskArchive(task_id=writer.task_id(status="completed")))


def archive_all_by_command(writer: Writer) -> None:
    carry_out(writer, commands.CompletedArchive(project_id=writer.project_id()))


def bring_back_by_command(writer: Writer) -> None:
    carry_out(writer, commands.TaskRestore(task_id=writer.archived_id()))


def comment_by_command(writer: Writer) -> None:
    carry_out(writer, commands.NewComment(task_id=writer.task_id(), content="**Said** <b>so</b>"))


def edit_comment_by_command(writer: Writer) -> None:
    content = writer.one_of(["Better", "**Said** <b>so</b>"])
    carry_out(writer, commands.CommentUpdate(comment_id=writer.comment_id(), content=content))


def delete_comment_by_command(writer: Writer) -> None:
    carry_out(writer, commands.CommentDelete(comment_id=writer.comment_id()))


def add_member_by_command(writer: Writer) -> None:
    username = writer.user().username
    carry_out(writer, commands.MemberAdd(project_id=writer.project_id(), username=username, role=writer.one_of(ROLES)))


def join_by_link(writer: Writer) -> None:
    command = commands.InvitationCreate(project_id=writer.project_id(), role=writer.one_of(["member", "viewer"]))
    made = actions.perform(writer.world.alice, command)
    assert isinstance(made, commands.InvitationMade)
    carry_out(writer, commands.InvitationAccept(secret_hash=invitations.hash_of(made.secret)))


def change_member_by_command(writer: Writer) -> None:
    project_id = writer.project_id()
    user_id = writer.member_id(project_id) or 1
    if user_id != writer.world.alice.pk:
        carry_out(writer, commands.MemberUpdate(project_id=project_id, user_id=user_id, role=writer.one_of(ROLES)))


def remove_member_by_command(writer: Writer) -> None:
    project_id = writer.project_id()
    user_id = writer.member_id(project_id) or 1
    if user_id != writer.world.alice.pk:
        carry_out(writer, commands.MemberRemove(project_id=project_id, user_id=user_id))


def rename_by_command(writer: Writer) -> None:
    name = writer.one_of(["House", "Garden", "Attic"])
    carry_out(writer, commands.ProjectUpdate(project_id=writer.project_id(), name=name))


def make_label_by_command(writer: Writer) -> None:
    name, color = writer.one_of(["Bug", "bug", "Docs", "Idea"]), writer.one_of(LABEL_COLORS)
    carry_out(writer, commands.LabelCreate(project_id=writer.project_id(), name=name, color=color))


def change_label_by_command(writer: Writer) -> None:
    label_id = writer.one_of(LABELS)
    changes = writer.one_of([{"name": writer.one_of(["Bug", "Docs"])}, {"color": "teal"}, {}])
    carry_out(writer, commands.LabelUpdate(project_id=writer.project_id(), label_id=label_id, **changes))


def delete_label_by_command(writer: Writer) -> None:
    carry_out(writer, commands.LabelDelete(project_id=writer.project_id(), label_id=writer.one_of(LABELS)))


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


def create_by_save(writer: Writer) -> None:
    task = Task(project_id=writer.project_id(), created_by=writer.user(), **{"title": "Saved", **writer.fields()})
    if not writer.often():
        task.title, task.due_at = Upper(Value("Worked out")), Now()
    task.save()
    writer.tasks.append(task)


def keep_rows_in_memory(writer: Writer) -> None:
    """Read rows now that are written much later."""
    writer.tasks += Task.all_objects.filter(pk__in=[writer.task_id(), writer.task_id(deleted=True)]).order_by("pk")
    writer.comments += Comment.objects.select_related("task").filter(pk=writer.comment_id())
    del writer.tasks[:-4], writer.comments[:-3]


def save_stale_task(writer: Writer) -> None:
    if task := writer.one_of(writer.tasks):
        for name, value in writer.fields().items():
            setattr(task, name, value)
        task.save()


def save_some_fields_of_stale_task(writer: Writer) -> None:
    if task := writer.one_of(writer.tasks):
        fields = writer.fields()
        for name, value in fields.items():
            setattr(task, name, value)
        # What is set on the instance beyond the named fields is not written.
        task.save(update_fields=writer.some_of(fields))


def save_deferred_task(writer: Writer) -> None:
    tasks = Task.objects.filter(pk=writer.task_id())
    for task in writer.one_of([tasks.only("title"), tasks.defer("description", "status", "version")]):
        task.title = f"Deferred {writer.chance.randrange(3)}"
        task.save()


def save_expression(writer: Writer) -> None:
    if task := _lock_some_task(writer):
        task.title = writer.one_of([Upper(F("title")), Left(F("title"), 3), Reverse(F("title"))])
        task.due_at = writer.one_of([F("created_at"), F("due_at")])
        task.save(update_fields=writer.one_of([None, ["title"], ["title", "due_at"]]))


def delete_by_instance(writer: Writer) -> None:
    for task in writer.one_of([writer.tasks[:1], Task.objects.filter(pk=writer.task_id())]):
        task.delete()


def restore_by_instance(writer: Writer) -> None:
    for task in writer.one_of([writer.tasks[:1], Task.all_objects.filter(pk=writer.task_id(deleted=True))]):
        task.restore()


def move_to_other_project(writer: Writer) -> None:
    task = Task.all_objects.filter(pk=writer.task_id(deleted=not writer.often())).first()
    if task is None:
        return
    target = writer.project_id()
    how = writer.chance.randrange(3)
    if how == 0:
        task.project_id = target
        task.save()
    elif how == 1:
        Task.all_objects.filter(pk=task.pk).update(project=target)
    else:
        Project.objects.get(pk=target).tasks.add(task)


def update_or_create(writer: Writer) -> None:
    Task.objects.update_or_create(
        project_id=writer.project_id(), title="Title 1", status="todo", position="a1", defaults=writer.fields()
    )


def save_nothing_new(writer: Writer) -> None:
    if task := Task.objects.filter(pk=writer.task_id()).first():
        task.save(update_fields=writer.one_of([None, ["title"], []]))
    Membership.objects.get(project_id=writer.project_id(), user=writer.world.alice).save()
    Project.objects.get(pk=writer.project_id()).save()


def save_invalid(writer: Writer) -> None:
    task = Task.objects.filter(pk=writer.task_id()).first() or Task(project_id=writer.project_id())
    task.title, task.priority = "", "high"
    task.save()


def comment_by_save(writer: Writer) -> None:
    """On a task that may be stale: its project, its deletion, everything."""
    stale = writer.one_of(writer.tasks)
    task = stale if stale and writer.often() else Task.objects.filter(pk=writer.task_id()).first()
    if task is not None:
        writer.comments.append(Comment.objects.create(task=task, author=writer.user(), content="By *hand*"))


def save_stale_comment(writer: Writer) -> None:
    if comment := writer.one_of(writer.comments):
        comment.content = writer.one_of(["Stale", "By *hand*"])
        comment.save(update_fields=writer.one_of([["content"], ["author"]]))


def delete_stale_comment(writer: Writer) -> None:
    comment = writer.one_of(writer.comments)
    if comment is not None and comment.pk is not None:
        comment.delete()
        writer.comments.remove(comment)


def move_comment(writer: Writer) -> None:
    comment = Comment.objects.filter(pk=writer.comment_id()).first()
    task_id = writer.task_id() or writer.task_id(deleted=True)
    if comment is None or not task_id:
        return
    if writer.often():
        comment.task_id = task_id
        comment.save()
    else:
        Comment.objects.filter(pk=comment.pk).update(task=task_id)


def save_membership(writer: Writer) -> None:
    """A new one, another role, or, as the admin's form allows, another person or project."""
    memberships = Membership.objects.filter(project_id=writer.project_id()).exclude(user=writer.world.alice)
    membership = writer.one_of(memberships.order_by("pk"))
    if membership is None or writer.chance.random() < 0.3:
        membership = Membership(project_id=writer.project_id(), user=writer.user())
    membership.role = writer.one_of(ROLES)
    if writer.chance.random() < 0.3:
        membership.user_id = writer.one_of(User.objects.filter(pk__in=writer.world.users).values_list("pk", flat=True))
    if writer.chance.random() < 0.2:
        membership.project_id = writer.project_id()
    if membership.user_id != writer.world.alice.pk:
        membership.save()


def delete_membership(writer: Writer) -> None:
    memberships = Membership.objects.filter(project_id=writer.project_id()).exclude(user=writer.world.alice)
    if writer.often():
        for membership in memberships.order_by("pk")[:1]:
            membership.delete()
    else:
        memberships.filter(user_id=writer.user().pk).delete()


def rename_by_save(writer: Writer) -> None:
    project = Project.objects.get(pk=writer.project_id())
    project.name = writer.one_of(["House", "Cellar"])
    project.save()


def delete_a_user(writer: Writer) -> None:
    """One user's account ends; another user signs up."""
    user = writer.user()
    if user.pk != writer.world.alice.pk:
        user.delete()
        writer.world.users.append(new_user("eve").pk)


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


def update_many(writer: Writer) -> None:
    writer.some_tasks().update(**(writer.fields() or {"priority": "urgent"}))


def update_by_expression(writer: Writer) -> None:
    expression = writer.one_of([Upper(F("title")), Left(F("title"), 4), F("priority"), Value("Same")])
    writer.some_tasks().update(title=expression)


def update_positions(writer: Writer) -> None:
    writer.some_tasks().update(position=writer.position())


def bulk_create_tasks(writer: Writer) -> None:
    project_id = writer.project_id()
    Task.objects.bulk_create(
        [Task(project_id=project_id, **{"title": f"Bulk {n}", **writer.fields()}) for n in range(writer.one_of([1, 3]))]
    )


def bulk_update_tasks(writer: Writer) -> None:
    tasks = [*writer.some_tasks(), *writer.tasks]
    for task in tasks:
        task.status, task.title = writer.one_of(STATUSES), writer.one_of(["Bulk 0", task.title])
    Task.objects.bulk_update(tasks, writer.one_of([["status"], ["status", "title"]]))


def delete_many(writer: Writer) -> None:
    writer.some_tasks().filter(status=writer.one_of(STATUSES)).delete()


def restore_many(writer: Writer) -> None:
    Task.all_objects.filter(project_id=writer.project_id(), status=writer.one_of(STATUSES)).update(deleted_at=None)


def archive_many(writer: Writer) -> None:
    writer.some_tasks().update(archived_at=writer.one_of([None, writer.moment()]))


def bring_back_many(writer: Writer) -> None:
    Task.all_objects.filter(project_id=writer.project_id(), priority=writer.one_of(PRIORITIES)).update(archived_at=None)


def clear_assigned(writer: Writer) -> None:
    user = writer.user()
    if writer.often():
        user.taskrealtime_assigned_tasks.clear()
    else:
        user.taskrealtime_assigned_tasks.set(writer.some_tasks())


def bulk_create_comments(writer: Writer) -> None:
    ids = filter(None, (writer.task_id(), writer.task_id(), writer.task_id(deleted=True)))
    Comment.objects.bulk_create([Comment(task_id=id, author=writer.user(), content="Bulk") for id in ids])


def update_comments(writer: Writer) -> None:
    comments = Comment.objects.filter(task__project_id=writer.project_id())
    writer.one_of([comments, comments.filter(author=writer.user())]).update(
        content=writer.one_of(["All alike", "Bulk"])
    )


def bulk_update_comments(writer: Writer) -> None:
    for comment in writer.comments:
        comment.content = writer.one_of(["Bulk", comment.content])
    Comment.objects.bulk_update(writer.comments, ["content"])


def delete_comments(writer: Writer) -> None:
    comments = Comment.objects.filter(task__project_id=writer.project_id())
    writer.one_of([comments.filter(content="Bulk"), comments.filter(task_id=writer.task_id())]).delete()


def update_roles(writer: Writer) -> None:
    members = Membership.objects.filter(project_id=writer.project_id()).exclude(role="owner")
    members.update(role=writer.one_of(["member", "viewer"]))


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


def announce_raw_update(writer: Writer) -> None:
    if task := _lock_some_task(writer):
        fields = writer.fields() or {"title": "Raw"}
        for name, value in fields.items():
            execute(f"UPDATE taskrealtime_task SET {name} = %s WHERE id = %s", _for_sql(value), task.pk)
        RealTimeService.broadcast_task_updated(
            task_id=task.pk, updates=fields, project_id=task.project_id, updater_id=writer.world.alice.pk
        )


def announce_raw_status(writer: Writer) -> None:
    if task := _lock_some_task(writer):
        status = writer.one_of([status for status in STATUSES if status != task.status])
        execute("UPDATE taskrealtime_task SET status = %s WHERE id = %s", status, task.pk)
        RealTimeService.broadcast_task_status_changed(
            task_id=task.pk, old_status=task.status, new_status=status, project_id=task.project_id
        )


def announce_raw_assignment(writer: Writer) -> None:
    if task := _lock_some_task(writer):
        assignee_id = writer.one_of([id for id in (None, *_living(writer)) if id != task.assignee_id])
        execute("UPDATE taskrealtime_task SET assignee_id = %s WHERE id = %s", assignee_id, task.pk)
        RealTimeService.broadcast_task_assigned(
            task_id=task.pk,
            assignee_id=assignee_id,
            project_id=task.project_id,
            previous_assignee_id=task.assignee_id,
            updater_id=writer.world.alice.pk,
        )


def announce_raw_insert(writer: Writer) -> None:
    project_id, now = writer.project_id(), datetime.now(UTC)
    row = {
        "project_id": project_id,
        "title": "Raw",
        "description": "",
        "status": writer.one_of(STATUSES),
        "priority": "low",
        "position": writer.position(),
        "created_at": _for_sql(now),
        "updated_at": _for_sql(now),
        "version": 1,
        "field_versions": "{}",
    }
    task_id = _insert("taskrealtime_task", row)
    RealTimeService.broadcast_task_created(task_id=task_id, project_id=project_id)


def announce_raw_deletion(writer: Writer) -> None:
    if task := _lock_some_task(writer):
        execute("DELETE FROM taskrealtime_comment WHERE task_id = %s", task.pk)
        execute("DELETE FROM taskrealtime_task WHERE id = %s", task.pk)
        RealTimeService.broadcast_task_deleted(task_id=task.pk, project_id=task.project_id)


def announce_comment(writer: Writer) -> None:
    """One that the service writes, or one that was written past the ORM, announced twice."""
    task = _lock_some_task(writer)
    if task is None:
        return
    alice, content = writer.world.alice.pk, "Raw"
    data: dict[str, Any] = {"content": content}
    if writer.often():
        now = _for_sql(datetime.now(UTC))
        row = {"task_id": task.pk, "author_id": alice, "content": content, "created_at": now, "updated_at": now}
        data["id"] = _insert("taskrealtime_comment", row)
        RealTimeService.broadcast_comment_added(
            task_id=task.pk, comment_data=data, project_id=task.project_id, author_id=alice
        )
    RealTimeService.broadcast_comment_added(
        task_id=task.pk, comment_data=data, project_id=task.project_id, author_id=alice
    )


def announce_raw_membership(writer: Writer) -> None:
    project_id, user_id = writer.project_id(), writer.one_of(_living(writer))
    if user_id == writer.world.alice.pk:
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


def announce_nonsense(writer: Writer) -> None:
    """What the database does not say is not announced."""
    task = Task.objects.filter(pk=writer.task_id()).first()
    if task is not None:
        RealTimeService.broadcast_task_updated(
            task_id=task.pk, updates={"title": "Never written"}, project_id=task.project_id
        )
        raise AssertionError("A title that nobody wrote was announced.")


def _lock_some_task(writer: Writer) -> Task | None:
    rows = Task.lock_rows([writer.task_id()])
    return rows[0] if rows and rows[0].is_on_board else None


def _living(writer: Writer) -> list[int]:
    return list(User.objects.filter(pk__in=writer.world.users).order_by("pk").values_list("pk", flat=True))


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


BROADCASTS: list[Operation] = [
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
ANYWHERE: list[Operation] = [*SAVES, *BULK, *BROADCASTS]


def change_much_in_one_transaction(writer: Writer) -> None:
    with transaction.atomic():
        _change_much(writer)


def roll_a_transaction_back(writer: Writer) -> None:
    with transaction.atomic():
        _change_much(writer)
        raise RolledBack


def roll_a_savepoint_back(writer: Writer) -> None:
    with transaction.atomic():
        _change_much(writer)
        try:
            with transaction.atomic():
                _change_much(writer)
                raise RolledBack
        except RolledBack:
            pass
        if writer.often():
            _change_much(writer)


def _change_much(writer: Writer) -> None:
    for _ in range(writer.one_of([1, 2, 3])):
        attempt(writer, writer.one_of(ANYWHERE))


TRANSACTIONS: list[Operation] = [
    change_much_in_one_transaction,
    roll_a_transaction_back,
    roll_a_savepoint_back,
]

OPERATIONS: list[Operation] = [*COMMANDS, *SAVES, *BULK, *BROADCASTS, *TRANSACTIONS]


def attempt(writer: Writer, operation: Operation) -> None:
    """Carry out an operation; what is refused, or loses a race for the database, happened not at all."""
    try:
        if operation in COMMANDS or operation in TRANSACTIONS:
            operation(writer)
        else:
            with acting_as(writer.one_of([None, writer.world.alice])), transaction.atomic():
                operation(writer)
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
