"""Reminders of due tasks: each once per due date, to the right user, at the right time, however often `remind` runs."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from taskrealtime import actions, reminders
from taskrealtime.contract import commands
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.wire.errors import InvalidData, NotFound
from taskrealtime.models import Membership, Reminder, Task
from taskrealtime.services import RealTimeService
from tests.support.inboxes import Inbox
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2031, 5, 17, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def inbox(world: World) -> Inbox:
    """The viewer's: only reminders send events."""
    return Inbox(world.people["viewer"])


def due(world: World, due_at: datetime | None = NOON, *, role: str = "viewer", **fields: Any) -> Task:
    """A task of that user's, whose assignment was received already."""
    return world.new_task("Due", due_at=due_at, **{"assignee": world.people[role], **fields})


def remind(*moments: datetime) -> int:
    return sum(reminders.remind(now=moment) for moment in moments)


def reminders_in(inbox: Inbox) -> list[str]:
    """The kinds of the reminders since the last look."""
    return [event["kind"] for event in inbox.new() if event["event"] == "due_date_reminder"]


def prefer(world: World, **changes: Any) -> None:
    assert world.api("viewer").patch("/api/me/", changes).status_code == 200


# --- Once, at the right time ----------------------------------------------------------------


def test_each_comes_once_at_its_time(world: World, inbox: Inbox) -> None:
    due(world)
    for moment, expected in [
        (NOON - 2 * DAY, []),
        (NOON - DAY - HOUR, []),
        (NOON - DAY, ["due_soon"]),
        (NOON - DAY, []),
        (NOON - HOUR, []),
        (NOON, ["overdue"]),
        (NOON + HOUR, []),
        (NOON + 30 * DAY, []),
    ]:
        assert remind(moment) == len(expected)
        assert reminders_in(inbox) == expected, moment


def test_what_a_reminder_says(world: World, inbox: Inbox) -> None:
    task = due(world)
    remind(NOON - HOUR)
    reminder = inbox.new()[-1]
    assert reminder == {
        "event": "due_date_reminder",
        "by": None,
        "task_id": task.pk,
        "project_id": world.project.pk,
        "title": "Due",
        "due_at": "2031-05-17T12:00:00Z",
        "kind": "due_soon",
    }
    task.delete()
    reminder = inbox.replayed()[-1]
    assert (reminder["title"], reminder["redacted"]) == ("", True)


def test_what_is_first_seen_late_is_overdue_alone(world: World, inbox: Inbox) -> None:
    for _ in range(3):
        due(world)
    assert remind(NOON + 3 * DAY, NOON + 4 * DAY) == 3
    assert reminders_in(inbox) == ["overdue"] * 3


def test_rescheduling_reminds_again_but_not_of_a_date_that_came_back(world: World, inbox: Inbox) -> None:
    task = due(world)
    remind(NOON - HOUR)
    Task.objects.filter(pk=task.pk).update(due_at=NOON + DAY)
    remind(NOON - HOUR, NOON + HOUR)
    assert reminders_in(inbox) == ["due_soon", "due_soon"]
    task.refresh_from_db()
    task.due_at = NOON
    task.save()
    remind(NOON - HOUR)
    assert reminders_in(inbox) == []
    remind(NOON + HOUR)
    assert reminders_in(inbox) == ["overdue"]


def test_a_change_of_something_else_does_not_remind_again(world: World, inbox: Inbox) -> None:
    task = due(world)
    stale = Task.objects.get(pk=task.pk)
    remind(NOON - HOUR, NOON)
    stale.title = "Other"
    stale.save()
    Task.objects.filter(pk=task.pk).update(status="review")
    task.refresh_from_db()
    task.delete()
    task.restore()
    assert remind(NOON, NOON + DAY) == 0
    assert reminders_in(inbox) == ["due_soon", "overdue"]


@pytest.mark.parametrize("change", [{"status": "completed"}, {"deleted_at": NOON}, {"due_at": None}])
def test_what_is_done_gone_or_without_a_date_is_left_alone_until_it_is_back(
    world: World, inbox: Inbox, change: dict[str, Any]
) -> None:
    task = due(world)
    Task.objects.filter(pk=task.pk).update(**change)
    assert remind(NOON - HOUR, NOON + HOUR) == 0
    assert Task.all_objects.get(pk=task.pk).remind_at is None
    Task.all_objects.filter(pk=task.pk).update(status="todo", deleted_at=None, due_at=NOON)
    remind(NOON + HOUR)
    assert reminders_in(inbox) == ["overdue"]


def test_tasks_that_other_code_wrote_are_found(world: World, inbox: Inbox) -> None:
    task = due(world, due_at=None)
    with connection.cursor() as cursor:
        moment = connection.ops.adapt_datetimefield_value(NOON)
        cursor.execute("UPDATE taskrealtime_task SET due_at = %s WHERE id = %s", [moment, task.pk])
    RealTimeService.broadcast_task_updated(task_id=task.pk, updates={"due_at": NOON}, project_id=world.project.pk)
    remind(NOON)
    assert reminders_in(inbox) == ["overdue"]


# --- To the right one -----------------------------------------------------------------------


def test_the_creator_is_reminded_where_there_is_no_assignee(world: World, inbox: Inbox) -> None:
    due(world, assignee=None, created_by=world.people["viewer"])
    due(world, assignee=None, created_by=None)
    due(world, role="outsider")
    assert remind(NOON - HOUR, NOON) == 2
    assert reminders_in(inbox) == ["due_soon", "overdue"]


def test_a_former_member_is_not_reminded_and_is_again_after_returning(world: World, inbox: Inbox) -> None:
    due(world, assignee=None, created_by=world.people["viewer"])
    Membership.objects.get(project=world.project, user=world.people["viewer"]).delete()
    assert remind(NOON - HOUR) == 0
    Membership.objects.create(project=world.project, user=world.people["viewer"])
    remind(NOON)
    assert reminders_in(inbox) == ["overdue"]


def test_a_new_assignee_is_reminded_of_what_the_earlier_one_knew(world: World, inbox: Inbox) -> None:
    task = due(world, role="member")
    remind(NOON - HOUR)
    assert reminders_in(inbox) == []
    task.assignee = world.people["viewer"]
    task.save()
    remind(NOON - HOUR)
    assert reminders_in(inbox) == ["due_soon"]


# --- As they want it ------------------------------------------------------------------------


def test_every_user_has_their_own_lead_time(world: World, inbox: Inbox, settings: Settings) -> None:
    settings.REMIND_BEFORE_HOURS = 5
    due(world)
    assert remind(NOON - 6 * HOUR) == 0
    prefer(world, remind_before_hours=2.5)
    assert remind(NOON - 4 * HOUR, NOON - timedelta(minutes=151)) == 0
    assert remind(NOON - timedelta(minutes=150)) == 1
    due(world, due_at=NOON + DAY)
    assert remind(NOON - HOUR) == 0
    prefer(world, remind_before_hours=48)
    assert remind(NOON - HOUR) == 1
    prefer(world, remind_before_hours=0)
    due(world, due_at=NOON + 2 * DAY)
    assert reminders_in(inbox) == ["due_soon", "due_soon"]
    remind(NOON + 2 * DAY)
    assert reminders_in(inbox) == ["overdue"] * 3


def test_a_user_who_does_not_want_them_gets_none_also_later(world: World, inbox: Inbox) -> None:
    due(world)
    prefer(world, notify={"due_date_reminder": False})
    assert remind(NOON - HOUR) == 0
    prefer(world, notify={"due_date_reminder": True}, muted_projects=[world.project.pk])
    assert remind(NOON) == 0
    prefer(world, muted_projects=[], remind_before_hours=30)
    assert remind(NOON, NOON + DAY) == 0
    assert reminders_in(inbox) == []


# --- Again, where they ask for it -----------------------------------------------------------


@pytest.fixture
def snoozed(world: World, inbox: Inbox) -> Task:
    """A task whose reminder comes again an hour from now; it is due in two."""
    now = datetime.now(UTC)
    task = due(world, due_at=now + 2 * HOUR)
    remind(now)
    assert reminders_in(inbox) == ["due_soon"]
    snooze(world, len(inbox.replayed()))
    return task


def snooze(world: World, seq: int, minutes: int = 60, **options: Any) -> Any:
    return world.api("viewer").post(f"/api/notifications/{seq}/snooze/", {"minutes": minutes}, **options)


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + hours * HOUR


def test_a_reminder_that_was_put_off_comes_again_once(world: World, inbox: Inbox, snoozed: Task) -> None:
    assert remind(in_hours(0.9)) == 0
    assert remind(in_hours(1.1), in_hours(1.2)) == 1
    assert reminders_in(inbox) == ["due_soon"]
    snooze(world, len(inbox.replayed()), minutes=5)
    assert remind(in_hours(0.2), in_hours(0.3)) == 1


def test_the_last_snooze_counts(world: World, inbox: Inbox, snoozed: Task) -> None:
    seq = len(inbox.replayed())
    answer = snooze(world, seq, minutes=100, key="k").json()
    assert answer["seq"] == seq
    assert abs(datetime.fromisoformat(answer["remind_at"]) - in_hours(100 / 60)) < timedelta(minutes=1)
    assert remind(in_hours(1.1)) == 0
    assert remind(in_hours(1.7)) == 1
    assert snooze(world, seq, minutes=100, key="k").json() == answer | {"duplicate": True}
    assert remind(in_hours(1.9)) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda world, task: Task.objects.filter(pk=task.pk).update(status="completed"),
        lambda world, task: Task.objects.filter(pk=task.pk).delete(),
        lambda world, task: Task.objects.filter(pk=task.pk).purge(),
        lambda world, task: Task.objects.filter(pk=task.pk).update(due_at=in_hours(60)),
        lambda world, task: Task.objects.filter(pk=task.pk).update(assignee=world.people["member"]),
        lambda world, task: Membership.objects.filter(user=world.people["viewer"]).delete(),
    ],
    ids=["completed", "deleted", "purged", "rescheduled", "reassigned", "removed"],
)
def test_what_no_longer_fits_does_not_come_again(
    world: World, inbox: Inbox, snoozed: Task, change: Callable[[World, Task], Any]
) -> None:
    change(world, snoozed)
    remind(in_hours(1.1), in_hours(1.2))
    assert reminders_in(inbox) == []


def test_after_a_long_sleep_one_reminder_is_enough(world: World, inbox: Inbox, snoozed: Task) -> None:
    assert remind(in_hours(3), in_hours(4)) == 1
    assert reminders_in(inbox) == ["overdue"]


def test_a_reminder_that_comes_again_late_says_so(world: World, inbox: Inbox, snoozed: Task) -> None:
    snooze(world, len(inbox.replayed()), minutes=180)
    assert remind(in_hours(2.5), in_hours(3.1), in_hours(3.2)) == 2
    assert reminders_in(inbox) == ["overdue", "overdue"]


def test_what_was_put_off_and_is_muted_by_then_is_not_sent(world: World, inbox: Inbox, snoozed: Task) -> None:
    prefer(world, muted_projects=[world.project.pk])
    assert remind(in_hours(1.1)) == 0


def test_only_own_reminders_can_be_put_off(world: World, inbox: Inbox, snoozed: Task) -> None:
    user = world.people["viewer"]
    assert snooze(world, 99).json()["code"] == "not_found"
    assert snooze(world, 1).json()["details"][0]["field"] == "seq"
    for minutes in (0, -1, 1.5, "5", None, 10**7):
        assert snooze(world, len(inbox.replayed()), minutes=minutes).json()["code"] == "invalid_data"  # type: ignore[arg-type]
    with pytest.raises(InvalidData), transaction.atomic():
        reminders.snooze(user, 1, HOUR)
    Membership.objects.get(project=world.project, user=user).delete()
    with pytest.raises(NotFound), transaction.atomic():
        reminders.snooze(user, len(inbox.replayed()), HOUR)


# --- Many of them, many at once -------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 3)


@pytest.mark.usefixtures("small_batches")
def test_more_than_a_batch_is_done_in_one_run(world: World, inbox: Inbox) -> None:
    for _ in range(7):
        due(world)
    assert remind(NOON - HOUR) == 7
    snooze_all = Reminder.objects.filter(kind="due_soon").update(snoozed_until=NOON - HOUR)
    assert snooze_all == 7
    assert remind(NOON - HOUR) == 7
    assert reminders_in(inbox) == ["due_soon"] * 14


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.usefixtures("small_batches")
def test_a_task_that_a_user_holds_delays_no_other(world: World, inbox: Inbox) -> None:
    held, *_ = [due(world) for _ in range(7)]
    with transaction.atomic():
        Task.lock_rows([held.pk])
        counts: list[int] = []
        elsewhere = threading.Thread(target=lambda: counts.append(remind_and_leave(NOON)))
        elsewhere.start()
        elsewhere.join(timeout=30)
        assert counts == [6]
    assert remind(NOON) == 1
    assert reminders_in(inbox) == ["overdue"] * 7


def remind_and_leave(moment: datetime) -> int:
    try:
        return remind(moment)
    finally:
        connection.close()


@pytest.mark.usefixtures("small_batches")
def test_several_processes_at_once_remind_each_user_once(world: World, inbox: Inbox) -> None:
    for _ in range(20):
        due(world)
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(remind_and_leave(NOON))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    # What another one held was passed over: it is the next run's.
    assert sum(counts) + remind(NOON) == 20
    assert reminders_in(inbox) == ["overdue"] * 20


def test_a_round_that_fails_in_between_reminds_no_user(
    world: World, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(world)

    def fail(name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(reminders, "crash_point", fail)
        remind(NOON)
    assert (reminders_in(inbox), Reminder.objects.count()) == ([], 0)
    assert remind(NOON) == 1


def test_nothing_due_costs_two_short_looks_however_many_tasks_there_are(world: World) -> None:
    Task.objects.bulk_create(
        Task(
            project=world.project, title=f"Task {number}", due_at=NOON + number * HOUR, assignee=world.people["viewer"]
        )
        for number in range(300)
    )
    remind(NOON - 30 * DAY)
    with CaptureQueriesContext(connection) as captured:
        assert remind(NOON - 29 * DAY) == 0
    looks = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    assert len(looks) == len(captured) == 2
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        for sql in looks:
            prefix = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
            cursor.execute(prefix + sql)
            plan = str(cursor.fetchall())
            assert "task_remind_at" in plan or "reminder_snoozed" in plan, plan
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")


def test_reminders_are_numbered_and_unread(world: World, inbox: Inbox) -> None:
    due(world)
    before = log.bounds([inbox.room])[inbox.room].unread
    remind(NOON)
    assert log.bounds([inbox.room])[inbox.room].unread == before + 1
    assert user_room(world.people["viewer"].pk) == inbox.room


def test_nothing_is_left_of_a_user_who_is_deleted(world: World, inbox: Inbox) -> None:
    due(world)
    remind(NOON)
    world.people["viewer"].delete()
    assert Reminder.objects.count() == 0
    assert remind(NOON) == 1  # the creator's, now that there is no assignee


def test_a_task_that_is_deleted_for_good_takes_its_reminders_along(world: World, inbox: Inbox) -> None:
    due(world)
    remind(NOON)
    Task.objects.filter(title="Due").purge()
    assert Reminder.objects.count() == 0


def test_moving_a_card_costs_nothing_more(world: World) -> None:
    task = due(world)
    remind(NOON - HOUR)
    looked_at = Task.objects.get(pk=task.pk).remind_at
    actions.perform(world.people["owner"], commands.TaskMove(task_id=task.pk))
    assert Task.objects.get(pk=task.pk).remind_at == looked_at == NOON
