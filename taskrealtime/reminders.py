"""Reminds users of tasks that are due soon or overdue, once for each due date, and again if they asked for it.

`remind()` does all that is due at a moment. It may be called by anything, as often and in as many processes at once
as needed: by `manage.py remind`, by cron, as the body of a Celery task.

A lead time is a number of hours before a moment: neither of them depends on a time zone.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import Q, QuerySet

from taskrealtime.engine.db import writing

from .announcing import notifying
from .announcing.notifying import Reader
from .announcing.redaction import subject_of
from .contract import events
from .contract.room_names import user_room
from .engine import log
from .engine.conf.user_model import User, UserKey
from .engine.crash_points import crash_point
from .engine.db.clock import database_time
from .engine.models import Event
from .engine.wire.errors import InvalidData, NotFound
from .models import AT_ONCE, Membership, Reminder, Task

#: Rows of one transaction: some hundredths of a second for which writers of these tasks may have to wait.
BATCH = 100


#: Takes the present moment; returns how many rows it looked at, and how many events it sent.
Work = Callable[[datetime], tuple[int, int]]


class _Due(NamedTuple):
    """One reminder to send."""

    task: Task
    due_at: datetime
    reader: Reader
    kind: events.ReminderKind


def remind(*, now: datetime | None = None) -> int:
    """Send all reminders that are due; return how many events were sent.

    Several may run at once: each locks what it works on and passes over what others have locked. What is locked by
    a change is left to the next run. A process that dies in between has sent nothing of its batch.

    Args:
        now: as of when; None: by the database's clock, if it has one of its own.
    """
    now = now or database_time()
    sent = _in_batches(_waiting_tasks, _remind_of_tasks, now)
    return sent + _in_batches(_waiting_snoozed, _remind_again, now)


def count_waiting(*, most: int) -> int:
    """Return how many tasks the next `remind` will look at, up to `most`: many for long means that none runs it."""
    return len(_waiting_tasks(database_time()).values_list("pk")[:most])


def snooze(user: User, seq: int, pause: timedelta) -> datetime:
    """Have one of the user's reminders come again, once, after `pause`; in the open transaction.

    Asked again, the last answer counts.

    Returns:
        when it comes.

    Raises:
        NotFound: there is no such notification any more.
        InvalidData: it is none that comes again.
    """
    event = Event.objects.filter(room=user_room(user.pk), seq=seq).first()
    if event is None:
        raise NotFound("No such notification.")
    if event.type != events.DueDateReminder.event:
        raise InvalidData.at("seq", "Only reminders can be snoozed.")
    sent = msgspec.json.decode(event.data, type=events.DueDateReminder)
    # Locked, as wherever a reminder is recorded as sent.
    task = next((task for task in Task.lock_rows([sent.task_id]) if task.is_on_board), None)
    if task is None or not Membership.objects.filter(project_id=task.project_id, user=user).exists():
        raise NotFound("No such task.")
    now = database_time()
    again = {"snoozed_until": now + pause}
    Reminder.objects.of(user.pk).update_or_create(
        task=task,
        due_at=sent.due_at,
        kind=sent.kind,
        defaults=again,
        create_defaults=again | {"told_at": event.at} | Reminder.columns_of(user.pk),
    )
    return now + pause


def look_again(user: User) -> None:
    """Have the next run look at all open tasks of a user with a new lead time; in the open transaction."""
    tasks = Task.objects.filter(Q(assignee=user) | Q(assignee=None, created_by=user))
    tasks = tasks.filter(due_at__isnull=False).exclude(status="completed")
    locked = tasks.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    _look_next(dict.fromkeys(locked, AT_ONCE))


# --- In batches -----------------------------------------------------------------------------


def _remind_of_tasks(now: datetime) -> tuple[int, int]:
    """Look at some tasks whose time has come; return how many there were, and how many events were sent."""
    waiting = _waiting_tasks(now).select_for_update(no_key=True, skip_locked=True)
    tasks = list(waiting[:BATCH])
    readers = _readers(tasks)
    due: list[_Due] = []
    looks: dict[int, datetime | None] = {}
    for task in tasks:
        reader = readers.get((task.project_id, _recipient_of(task)))
        kind, next_look = _judge(task, reader, now)
        looks[task.pk] = next_look
        if kind is not None and reader is not None and task.due_at is not None:
            due.append(_Due(task, task.due_at, reader, kind))
    _look_next(looks)
    return len(tasks), _send(_claim(due, now), now)


def _remind_again(now: datetime) -> tuple[int, int]:
    """Send some reminders that were put off until now, if they still fit; return as above."""
    waiting = _waiting_snoozed(now).select_related("task")
    snoozed = list(waiting.select_for_update(no_key=True, skip_locked=True, of=("self", "task"))[:BATCH])
    readers = _readers(reminder.task for reminder in snoozed)
    overdue = _reminded_overdue(snoozed)
    again: list[_Due] = []
    for reminder in snoozed:
        task = reminder.task
        reader = readers.get((task.project_id, reminder.reader_id))
        fits = task.first_look() and task.due_at == reminder.due_at and _recipient_of(task) == reminder.reader_id
        kind: events.ReminderKind = "overdue" if reminder.due_at <= now else "due_soon"
        # A user that was notified of it as overdue since the time asked for has been reminded.
        told_at = overdue.get((task.pk, reminder.reader_id, reminder.due_at)) if kind != reminder.kind else None
        replaced = told_at is not None and reminder.snoozed_until is not None and reminder.snoozed_until <= told_at
        if fits and reader is not None and not replaced:
            again.append(_Due(task, reminder.due_at, reader, kind))
    Reminder.objects.filter(pk__in=[reminder.pk for reminder in snoozed]).update(snoozed_until=None)
    _claim(again, now)
    return len(snoozed), _send(again, now)


def _in_batches(waiting: Callable[[datetime], QuerySet[Any]], do_some: Work, now: datetime) -> int:
    """Do some until no more are waiting; return how many events were sent."""
    sent, seen = 0, BATCH
    # Asked first without a transaction, which on SQLite would block all other writers.
    while seen == BATCH and waiting(now).exists():
        with writing.atomic(durable=True):
            seen, given = do_some(now)
            crash_point("changing")
        sent += given
    return sent


def _waiting_tasks(now: datetime) -> QuerySet[Task]:
    return Task.all_objects.filter(remind_at__lte=now).order_by("remind_at", "pk")


def _waiting_snoozed(now: datetime) -> QuerySet[Reminder]:
    return Reminder.objects.filter(snoozed_until__lte=now).order_by("snoozed_until", "pk")


# --- One by one -----------------------------------------------------------------------------


def _judge(task: Task, reader: Reader | None, now: datetime) -> tuple[events.ReminderKind | None, datetime | None]:
    """Return of what to remind, if anything, and when to look again, if ever.

    A task that is first looked at when it is late is overdue, and no longer due soon.
    """
    if task.first_look() is None or task.due_at is None:
        return None, None
    if task.due_at <= now:
        return "overdue", None
    # A user that is not in the project may be by then.
    soon = task.due_at - reader.lead_time if reader else task.due_at
    return ("due_soon", task.due_at) if soon <= now else (None, soon)


def _recipient_of(task: Task) -> UserKey | None:
    return task.created_by_id if task.assignee_id is None else task.assignee_id


def _readers(tasks: Iterable[Task]) -> dict[tuple[int, UserKey | None], Reader]:
    """Return the members that tasks may concern, by project and user."""
    tasks = list(tasks)
    memberships = Membership.objects.filter(
        project_id__in={task.project_id for task in tasks},
        user_id__in={user_id for task in tasks if (user_id := _recipient_of(task)) is not None},
    )
    return {(reader.project_id, reader.user_id): reader for reader in notifying.readers_of(memberships)}


def _reminded_overdue(reminders: Collection[Reminder]) -> dict[tuple[int, UserKey | None, datetime], datetime]:
    """Return when the tasks of these reminders were announced as overdue: by task, user and due date."""
    sent = Reminder.objects.filter(task_id__in={reminder.task_id for reminder in reminders}, kind="overdue")
    return {(row.task_id, row.reader_id, row.due_at): row.told_at for row in sent}


def _claim(due: Sequence[_Due], now: datetime) -> list[_Due]:
    """Record these as sent; return those that were not yet. The locked tasks keep other processes from doing it."""
    rows = Reminder.objects.filter(task_id__in={one.task.pk for one in due})
    given = {(row.task_id, row.reader_id, row.due_at, row.kind) for row in rows}
    new = [one for one in due if (one.task.pk, one.reader.user_id, one.due_at, one.kind) not in given]
    Reminder.objects.bulk_create(
        Reminder(
            task=one.task, due_at=one.due_at, kind=one.kind, told_at=now, **Reminder.columns_of(one.reader.user_id)
        )
        for one in new
    )
    return new


def _send(due: Iterable[_Due], now: datetime) -> int:
    """Append the events that their readers want; return how many."""
    wanted = [one for one in due if one.reader.wants(events.DueDateReminder.event)]
    log.append_all([_event_of(one, now) for one in wanted])
    return len(wanted)


def _event_of(one: _Due, now: datetime) -> log.NewEvent:
    data = events.DueDateReminder(
        task_id=one.task.pk,
        project_id=one.task.project_id,
        title=one.task.title,
        due_at=one.due_at,
        kind=one.kind,
    )
    return log.NewEvent(user_room(one.reader.user_id), data.event, log.encode(data), now, subject_of(one.task))


def _look_next(looks: Mapping[int, datetime | None]) -> None:
    """Record when reminders look at each of these locked tasks, by their ids."""
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        # Past our own `update`, which would read every row again to find that nothing is to be announced.
        cursor.executemany(
            "UPDATE taskrealtime_task SET remind_at = %s WHERE id = %s",
            [(adapt(moment) if moment else None, pk) for pk, moment in sorted(looks.items())],
        )
