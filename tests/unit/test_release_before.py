"""Servers of release 0.1 work on beside newer ones, on the tables of the newer: the keys of users were numbers alone.

What 0.1 writes and reads is here as its statements have it.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from taskrealtime import reminders
from taskrealtime.engine import log
from taskrealtime.engine.db import migrating
from taskrealtime.engine.log.idempotency import once
from taskrealtime.engine.models import Event, IdempotencyKey
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.models import Membership, Reminder
from tests.support.world import World
from tests.unit.test_idempotency import Answer, Counter

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2031, 5, 17, 12, tzinfo=UTC)

INSERT_EVENT = """
    INSERT INTO engine_event (room, seq, type, data, at, subject, evicts) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
CLAIM = """
    UPDATE engine_room SET head = head + CAST(%s AS integer), oldest = COALESCE(oldest, %s)
    WHERE name = (SELECT name FROM engine_room WHERE name = %s)
        AND NOT EXISTS (SELECT 1 FROM engine_event WHERE room = %s AND seq IS NULL)
    RETURNING head
"""
#: On PostgreSQL both at once.
CLAIM_AND_INSERT = f"""
    WITH claimed AS ({CLAIM})
    INSERT INTO engine_event (room, seq, type, data, at, subject, evicts)
    SELECT %s, (SELECT head FROM claimed) - COUNT(*) OVER () + place, type, data, at, subject, evicts
    FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[])
        WITH ORDINALITY AS event (type, data, at, subject, evicts, place)
    ORDER BY place
    RETURNING seq
"""
READ_EVENTS = "SELECT seq, evicts FROM engine_event WHERE room = %s AND seq > %s ORDER BY seq"
INSERT_KEY = """
    INSERT INTO engine_idempotencykey (user_id, "key", fingerprint, answer, created_at)
    VALUES (%s, %s, %s, '', CURRENT_TIMESTAMP) ON CONFLICT (user_id, "key") DO NOTHING
"""
UPDATE_KEY = 'UPDATE engine_idempotencykey SET answer = %s WHERE user_id = %s AND "key" = %s'
READ_KEY = 'SELECT fingerprint, answer FROM engine_idempotencykey WHERE user_id = %s AND "key" = %s'
INSERT_REMINDER = """
    INSERT INTO taskrealtime_reminder (task_id, user_id, due_at, kind, told_at, snoozed_until)
    VALUES (%s, %s, %s, %s, %s, %s)
"""
READ_REMINDERS = "SELECT task_id, user_id, kind FROM taskrealtime_reminder WHERE task_id = %s"


def execute(statement: str, *values: Any) -> int:
    """Carry out a statement of 0.1; return how many rows it wrote."""
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapt(one) if isinstance(one, datetime) else one for one in values])
        return cursor.rowcount


def fetch(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def evictions(world: World) -> list[int | None]:
    """The users that the events of the project's room evict, as servers deliver them."""
    return [event.evicts for event in log.read(world.project.room, since=0, limit=1000)]


def test_an_eviction_that_0_1_appended_counts(world: World) -> None:
    member = world.people["member"].pk
    execute(INSERT_EVENT, world.project.room, None, "project_member_removed", "{}", NOON, "", member)
    log.sequence([world.project.room])
    assert evictions(world)[-1] == member


def test_an_eviction_that_0_1_appended_without_a_number_yet_counts_before_a_return(world: World) -> None:
    member = world.people["member"].pk
    execute(INSERT_EVENT, world.project.room, None, "project_member_removed", "{}", NOON, "", member)
    [state] = log.resume_states([log.Reader(world.project.room, member)])
    assert not isinstance(state, NotFound)
    assert isinstance(state, log.ResumeState)
    assert state.end.offset == log.heads([world.project.room])[world.project.room]
    assert evictions(world)[-1] == member


def test_an_eviction_that_0_1_numbered_itself_counts(world: World) -> None:
    room, member = world.project.room, world.people["member"].pk
    event = "project_member_removed", "{}", NOON, "", member
    if connection.vendor == "postgresql":
        execute(CLAIM_AND_INSERT, 1, NOON, room, room, room, *([value] for value in event))
    else:
        [(head,)] = fetch(CLAIM, 1, str(NOON), room, room)
        execute(INSERT_EVENT, room, head, *event)
    assert evictions(world)[-1] == member


def test_0_1_reads_the_evictions_of_newer_servers(world: World) -> None:
    member = world.people["member"].pk
    Membership.objects.get(project=world.project, user=member).delete()
    assert [evicts for _, evicts in fetch(READ_EVENTS, world.project.room, 0)] == evictions(world)
    assert evictions(world)[-1] == member


def carry_out(change: Counter, user_id: int) -> tuple[Answer, bool]:
    with transaction.atomic():
        return once(user_id=user_id, key="k", request=b"r", answer_type=Answer, change=change)


def test_a_change_that_0_1_carried_out_is_not_carried_out_again(world: World) -> None:
    member, change = world.people["member"].pk, Counter()
    assert execute(INSERT_KEY, member, "k", hashlib.sha256(b"r").hexdigest()) == 1
    execute(UPDATE_KEY, '{"number":7}', member, "k")
    assert carry_out(change, member) == (Answer(7), True)
    assert change.count == 0


def test_0_1_does_not_carry_out_again_what_a_newer_server_did(world: World) -> None:
    member = world.people["member"].pk
    carry_out(Counter(), member)
    fingerprint = hashlib.sha256(b"r").hexdigest()
    assert execute(INSERT_KEY, member, "k", fingerprint) == 0
    assert fetch(READ_KEY, member, "k") == [(fingerprint, '{"number":1}')]


def test_a_reminder_that_0_1_sent_is_not_sent_again(world: World) -> None:
    member = world.people["member"]
    task = world.new_task("Due", due_at=NOON, assignee=member)
    execute(INSERT_REMINDER, task.pk, member.pk, NOON, "overdue", NOON, None)
    assert reminders.remind(now=NOON + timedelta(hours=1)) == 0


def test_a_reminder_that_0_1_put_off_comes_again(world: World) -> None:
    member = world.people["member"]
    task = world.new_task("Due", due_at=NOON, assignee=member)
    reminders.remind(now=NOON - timedelta(hours=2))
    Reminder.objects.all().delete()
    execute(INSERT_REMINDER, task.pk, member.pk, NOON, "due_soon", NOON - timedelta(hours=2), NOON - timedelta(hours=1))
    assert reminders.remind(now=NOON - timedelta(minutes=30)) == 1


def test_0_1_knows_which_reminders_newer_servers_sent(world: World) -> None:
    member = world.people["member"]
    task = world.new_task("Due", due_at=NOON, assignee=member)
    assert reminders.remind(now=NOON + timedelta(hours=1)) == 1
    assert fetch(READ_REMINDERS, task.pk) == [(task.pk, member.pk, "overdue")]


def test_reminders_of_a_deleted_user_go_whichever_release_wrote_them(world: World) -> None:
    member = world.people["member"]
    task = world.new_task("Due", due_at=NOON)
    execute(INSERT_REMINDER, task.pk, member.pk, NOON, "overdue", NOON, None)
    member.delete()
    assert not Reminder.objects.filter(task=task).exists()


def test_the_migration_copies_the_keys_of_all_rows_in_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    member = world.people["member"].pk
    monkeypatch.setattr(migrating, "BATCH", 2)
    for number in range(5):
        execute(INSERT_EVENT, world.project.room, None, "x", "{}", NOON, "", member if number % 2 else None)
        execute(INSERT_KEY, member + number, "k", "f")
    with connection.schema_editor(atomic=False) as editor:
        migrating.copy_numbers("engine.Event", "evicts", "evicts_user")(apps, editor)
        migrating.copy_numbers("engine.IdempotencyKey", "user_id", "user_key")(apps, editor)
    copied = Event.objects.filter(type="x").order_by("pk").values_list("evicts_user", flat=True)
    assert list(copied) == [None, str(member), None, str(member), None]
    for row in IdempotencyKey.objects.all():
        assert row.user_key == str(row.user_id)
