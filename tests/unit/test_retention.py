"""Retention: old events go, deleted content is blanked, and no client misses anything silently."""

import asyncio
import itertools
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import msgspec
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext

from taskrealtime import actions
from taskrealtime.contract import commands
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.db.threads import in_database_thread
from taskrealtime.engine.log import idempotency, trimming
from taskrealtime.engine.log.idempotency import once
from taskrealtime.engine.models import Event, IdempotencyKey, Redaction, Room
from taskrealtime.engine.process import Process
from taskrealtime.engine.rooms import hub as hub_module
from taskrealtime.engine.rooms import room as room_module
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.models import Comment, Membership, Project, Task, purging
from tests import services
from tests.unit.listeners import FrameListener

pytestmark = pytest.mark.django_db(transaction=True)
needs_postgresql = pytest.mark.skipif(services.TEST_STACK == "embedded", reason="SQLite has one writer at a time")

NOW = datetime.now(UTC)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)
_numbers = itertools.count(1_000_000)


class TextAdded(msgspec.Struct):
    """Data of an event."""

    text: str


@pytest.fixture
def room() -> str:
    """A room of this test alone, and of the one user that may read it."""
    name = f"user.{next(_numbers)}"
    log.create_room(name)
    return name


def append_at(room: str, *times: datetime) -> None:
    """One event at each of these times."""
    with transaction.atomic():
        for at in times:
            log.append(room=room, type="said", data=TextAdded("words"), at=at)


def kept(room: str) -> list[int]:
    """The numbers that the log still has."""
    return list(Event.objects.filter(room=room).order_by("seq").values_list("seq", flat=True))


def row(room: str) -> tuple[int, int, datetime | None]:
    """The room's floor, head and oldest time."""
    return Room.objects.values_list("floor", "head", "oldest").get(name=room)


def resume(room: str, since: int | None, epoch: str | None = None) -> log.Resumed:
    return log.resume(log.Reader(room, int(room.partition(".")[2]), since, epoch))


def numbers(resumed: log.Resumed) -> list[int] | str:
    return "reset" if resumed.reset else [event.seq for event in resumed.events]


# --- Events ---------------------------------------------------------------------------------


def test_old_events_go_and_the_young_stay(room: str) -> None:
    append_at(room, OLD, OLD, OLD, YOUNG, NOW)
    assert trimming.trim().removed["events"] == 3
    assert (kept(room), row(room)) == ([4, 5], (3, 5, YOUNG))
    assert [numbers(resume(room, since)) for since in (0, 2, 3, 5)] == ["reset", "reset", [4, 5], []]
    assert trimming.trim().removed.total() == 0


def test_numbers_go_on_after_everything_was_trimmed(room: str) -> None:
    append_at(room, OLD, OLD)
    trimming.trim()
    assert (kept(room), row(room)) == ([], (2, 2, None))
    assert (numbers(resume(room, 2)), numbers(resume(room, None)), numbers(resume(room, 1))) == ([], [], "reset")
    append_at(room, YOUNG)
    assert (kept(room), row(room)) == ([3], (2, 3, YOUNG))
    assert numbers(resume(room, 2)) == [3]
    trimming.trim(now=NOW + timedelta(days=2))
    assert row(room) == (3, 3, None)


def test_what_is_exactly_as_old_as_allowed_is_kept(room: str) -> None:
    append_at(room, NOW - timedelta(days=30, microseconds=1), NOW - timedelta(days=30))
    trimming.trim(now=NOW)
    assert kept(room) == [2]


def test_an_odd_time_holds_up_those_behind_it_and_no_more(room: str) -> None:
    append_at(room, OLD, NOW + timedelta(days=400), OLD)
    trimming.trim()
    assert kept(room) == [2, 3]
    trimming.trim(now=NOW + timedelta(days=431))
    assert kept(room) == []


def test_a_time_long_ago_behind_young_ones_leaves_no_gap(room: str) -> None:
    append_at(room, YOUNG, OLD - timedelta(days=400), YOUNG)
    trimming.trim()
    assert (kept(room), numbers(resume(room, 0))) == ([1, 2, 3], [1, 2, 3])


def test_events_without_a_number_stay(room: str) -> None:
    append_at(room, OLD)
    Event.objects.create(room=room, type="said", at=OLD, data="{}")
    trimming.trim()
    assert kept(room) == [None]
    log.sequence([room])
    assert kept(room) == [2]


def test_a_long_log_goes_in_small_transactions(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "BATCH", 3)
    append_at(room, *[OLD] * 10, YOUNG)
    with CaptureQueriesContext(connection) as queries:
        assert trimming.trim().removed["events"] == 10
    deletions = [query["sql"] for query in queries if query["sql"].startswith('DELETE FROM "engine_event"')]
    assert [sql.partition(" IN ")[2].count(",") + 1 for sql in deletions] == [3, 3, 3, 1]
    assert kept(room) == [11]


def test_one_round_is_bounded_and_says_that_there_is_more(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "BATCH", 2)
    monkeypatch.setattr(trimming, "ROWS", 4)
    append_at(room, *[OLD] * 9)
    rounds = [trimming.trim_some() for _ in range(4)]
    assert [(part.removed["events"], part.more) for part in rounds] == [(4, True), (4, True), (1, True), (0, False)]


def test_rooms_with_nothing_due_cost_nothing(room: str) -> None:
    def queries_of_a_round() -> int:
        with CaptureQueriesContext(connection) as queries:
            trimming.trim_some()
        return len(queries)

    append_at(room, YOUNG)
    few = queries_of_a_round()
    Room.objects.bulk_create([Room(name=f"{room}.{n}", head=1, oldest=YOUNG) for n in range(300)])
    assert queries_of_a_round() == few


def test_a_room_whose_times_other_code_wrote_is_found_by_a_full_trim(room: str) -> None:
    append_at(room, NOW, NOW)
    Event.objects.filter(room=room, seq=1).update(at=OLD)
    assert trimming.trim_some().removed["events"] == 0
    assert trimming.trim().removed["events"] == 1
    assert kept(room) == [2]


def test_a_dropped_room_is_no_obstacle(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append_at(room, OLD)
    raise_floor = trimming._raise_floor

    def dropped_meanwhile(name: str, *args: Any) -> int | None:
        log.drop_room(name)
        return raise_floor(name, *args)

    monkeypatch.setattr(trimming, "_raise_floor", dropped_meanwhile)
    assert trimming.trim().removed["events"] == 0


@needs_postgresql
def test_a_process_whose_clock_is_wrong_removes_nothing_young(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append_at(room, YOUNG)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=1000))
    assert trimming.trim().removed["events"] == 0
    assert abs(trimming.cutoff() - (NOW - timedelta(days=30))) < timedelta(minutes=30)


def test_rooms_of_before_learn_their_age(room: str) -> None:
    """What the migration does to a database that has a log already."""
    empty = f"{room}.empty"
    log.create_room(empty)
    append_at(room, OLD, YOUNG)
    Room.objects.update(oldest=None)
    import_module("taskrealtime.engine.migrations.0003_retention").note_oldest(apps, None)
    assert (row(room)[2], row(empty)[2]) == (OLD, None)


# --- Interrupted, and at once ---------------------------------------------------------------


class Killed(BaseException):
    """The end of the process, as far as the code can see."""


def trim_until_the_floor_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process leaves it that is killed before the events below the new floor go."""
    remove_up_to = trimming._remove_up_to

    def killed(name: str, floor: int, *, after: int) -> int:
        if Room.objects.get(name=name).floor > after:
            raise Killed
        return remove_up_to(name, floor, after=after)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(trimming, "_remove_up_to", killed)
        trimming.trim()


def test_what_was_killed_after_the_floor_was_set_is_finished(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append_at(room, OLD, OLD, YOUNG)
    trim_until_the_floor_is_set(monkeypatch)
    assert (kept(room), row(room)) == ([1, 2, 3], (2, 3, OLD))
    assert (numbers(resume(room, 1)), numbers(resume(room, 2))) == ("reset", [3])
    assert trimming.trim_some().removed["events"] == 2
    assert (kept(room), row(room)) == ([3], (2, 3, YOUNG))


def test_it_is_finished_also_where_the_room_went_on(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append_at(room, OLD, OLD)
    trim_until_the_floor_is_set(monkeypatch)
    append_at(room, YOUNG)
    assert trimming.trim_some().removed["events"] == 2
    assert (kept(room), row(room)) == ([3], (2, 3, YOUNG))


def in_threads(*works: Callable[[], Any]) -> list[Any]:
    """What these return, carried out at once, each with a connection of its own."""
    ready = threading.Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        try:
            ready.wait(10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(60) for future in [pool.submit(begin, work) for work in works]]


def test_two_that_trim_at_once_do_it_once(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "BATCH", 7)
    names = [room, f"{room}.b", f"{room}.c"]
    for name in names:
        log.create_room(name)
        append_at(name, *[OLD] * 100, YOUNG)
    done = in_threads(trimming.trim, trimming.trim, trimming.trim)
    assert sum(part.removed["events"] for part in done) == 300
    trimming.trim()  # What all of them left to one another.
    assert [(kept(name), row(name)) for name in names] == [([101], (100, 101, YOUNG))] * 3


@needs_postgresql
def test_what_another_is_deleting_is_not_waited_for_nor_forgotten(room: str) -> None:
    append_at(room, OLD, OLD, YOUNG)
    holds, release = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            list(Event.objects.select_for_update().filter(room=room, seq=1))
            holds.set()
            assert release.wait(20)

    def trim() -> int:
        assert holds.wait(20)
        try:
            return trimming.trim().removed["events"]
        finally:
            release.set()

    assert in_threads(other, trim) == [None, 1]
    assert (kept(room), row(room)) == ([1, 3], (2, 3, OLD))
    assert trimming.trim_some().removed["events"] == 1
    assert (kept(room), row(room)) == ([3], (2, 3, YOUNG))


def test_readers_see_no_gap_while_it_is_written_and_trimmed(
    room: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`resume` itself complains of a hole; here it must see none, only that the log begins later now."""
    monkeypatch.setattr(trimming, "BATCH", 3)
    log.epoch()  # Created by the first call: a migration makes it, but tests empty the table.
    trimmed, written = threading.Event(), threading.Event()

    def write() -> None:
        try:
            for half in range(2):
                for _ in range(40):
                    append_at(room, OLD, OLD)
                assert half or trimmed.wait(60)
        finally:
            written.set()

    def trim() -> None:
        while not written.is_set():
            if trimming.trim().removed["events"]:
                trimmed.set()

    def read() -> None:
        last = 0
        while not written.is_set():
            for since in (0, max(0, last - 2)):  # Where it was trimmed, and where it is just being trimmed.
                resumed = resume(room, since)
                assert resumed.reset or numbers(resumed) == list(range(since + 1, resumed.end.offset + 1))
                assert resumed.end.offset >= last
                last = resumed.end.offset

    in_threads(write, trim, read, read)
    assert "has a gap" not in caplog.text
    trimming.trim()
    assert row(room) == (160, 160, None)
    assert (numbers(resume(room, 0)), numbers(resume(room, 160))) == ("reset", [])


# --- Clients that listen meanwhile ----------------------------------------------------------


class Reading(FrameListener):
    """Does something when it has read its first chunk; then it reads on."""

    on_read: Callable[[], Any] | None = None

    async def drained(self) -> None:
        if self.on_read is not None:
            on_read, self.on_read = self.on_read, None
            await in_database_thread(on_read)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await in_database_thread(condition):  # noqa: ASYNC110 -- rows set no event
            await asyncio.sleep(0.01)


async def test_a_reader_that_catches_up_while_the_log_is_trimmed_has_to_reset(
    room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "PAGE", 10)
    monkeypatch.setattr(room_module, "CHUNK_CHARACTERS", 200)
    monkeypatch.setattr(hub_module, "CHUNK_CHARACTERS", 200)
    await in_database_thread(append_at, room, *[OLD] * 40)
    served = await Process().hub.open(room)
    listener = Reading()
    listener.on_read = trimming.trim
    subscription = served.subscribe(listener, cursor=0, authorised=40)
    await served.go_live(subscription)
    assert listener.received == list(range(1, 11))
    assert (listener.close_codes, subscription.ended) == ([1012], True)
    assert numbers(await in_database_thread(resume, room, 10)) == "reset"


async def test_a_room_that_fell_behind_the_floor_makes_every_client_reset(room: str) -> None:
    """Its process slept, say: there is nothing to read any more, and perhaps no new event for long."""
    process = Process()
    served, listener = await process.hub.open(room), Reading()
    await served.go_live(served.subscribe(listener, cursor=0, authorised=0))
    await in_database_thread(insert_unpublished, room, 5)
    await in_database_thread(trimming.trim)
    await process.sweep.once()
    assert (listener.close_codes, listener.received) == ([1012], [])
    late = Reading()
    await served.go_live(served.subscribe(late, cursor=5, authorised=5))
    await in_database_thread(append_at, room, YOUNG)
    await process.sweep.once()
    await until(lambda: late.received == [6])
    assert late.close_codes == []


def insert_unpublished(room: str, count: int) -> None:
    """Events that were not published."""
    Event.objects.bulk_create(
        [Event(room=room, seq=seq, type="said", at=OLD, data="{}") for seq in range(1, count + 1)]
    )
    Room.objects.filter(name=room).update(head=count, oldest=OLD)


async def test_a_server_trims_by_itself(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "PAUSE_SECONDS", 0.02)
    await in_database_thread(append_at, room, OLD, OLD, YOUNG)
    process = Process()
    await until(lambda: kept(room) == [3])
    assert not any(task.done() for task in process.tasks)


async def test_a_round_that_fails_is_reported_and_tried_again(
    room: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([ConnectionError("The database is away.")])
    trim_some = trimming.trim_some

    def fail_once() -> trimming.Trimmed:
        if failure := next(failures, None):
            raise failure
        return trim_some()

    monkeypatch.setattr(trimming, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(trimming, "trim_some", fail_once)
    await in_database_thread(append_at, room, OLD, YOUNG)
    process = Process()
    await until(lambda: kept(room) == [2])
    assert "a round failed (ConnectionError: The database is away.)" in caplog.text
    assert not any(task.done() for task in process.tasks)


async def test_a_server_goes_on_soon_while_there_is_more(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first round it would otherwise wait for an hour."""
    monkeypatch.setattr(trimming, "BATCH", 1)
    monkeypatch.setattr(trimming, "ROWS", 1)
    monkeypatch.setattr(trimming, "SHORT_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(trimming, "PAUSE_SECONDS", 0.01)
    await in_database_thread(append_at, room, *[OLD] * 5, YOUNG)
    running = asyncio.create_task(trimming.trim_forever())
    await asyncio.sleep(0)  # It begins its first pause.
    monkeypatch.setattr(trimming, "PAUSE_SECONDS", 3600.0)
    await until(lambda: kept(room) == [6])
    running.cancel()


# --- Keys -----------------------------------------------------------------------------------


class Answer(msgspec.Struct):
    """What was done."""

    number: int


def ask(key: str, number: int) -> tuple[Answer, bool]:
    with transaction.atomic():
        return once(user_id=1, key=key, request=b"r", answer_type=Answer, change=lambda: Answer(number))


def test_a_key_may_be_used_anew_once_it_is_older_than_the_log() -> None:
    for key, at in (("old", OLD), ("young", YOUNG)):
        ask(key, 1)
        IdempotencyKey.objects.filter(key=key).update(created_at=at)
    assert trimming.trim().removed["keys"] == 1
    assert ask("young", 2) == (Answer(1), True)
    assert ask("old", 2) == (Answer(2), False)


def test_many_keys_go_in_small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "BATCH", 3)
    monkeypatch.setattr(trimming, "ROWS", 6)
    for number in range(10):
        ask(f"k{number}", number)
    IdempotencyKey.objects.exclude(key="k9").update(created_at=OLD)
    assert [trimming.trim_some().removed["keys"] for _ in range(3)] == [6, 3, 0]
    assert IdempotencyKey.objects.get().key == "k9"


def test_a_key_that_goes_while_it_is_asked_for_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    insert, calls = idempotency._insert, itertools.count()

    def seen_by_the_first_statement_only(*args: Any) -> bool:
        return bool(next(calls)) and insert(*args)

    monkeypatch.setattr(idempotency, "_insert", seen_by_the_first_statement_only)
    assert ask("k", 1) == (Answer(1), False)
    assert next(calls) == 2


# --- Content that was deleted ---------------------------------------------------------------


@pytest.fixture
def project() -> Project:
    return Project.objects.create(name="Apollo")


@pytest.fixture
def task(project: Project) -> Task:
    return Task.objects.create(project=project, title="Secret plan", description="Words")


def comment(task: Task, content: str = "Secret words") -> Comment:
    made: Comment = Comment.objects.create(task=task, content=content)
    return made


def stored(subject: str) -> list[tuple[int | None, str, dict[str, Any]]]:
    """Number, type and data of the events about this, as they stand in the table."""
    events = Event.objects.filter(subject=subject).order_by("id")
    return [(event.seq, event.type, json.loads(event.data)) for event in events]


def without_texts(data: dict[str, Any]) -> dict[str, Any]:
    return {
        name: without_texts(value) if isinstance(value, dict) else "" if name in {"content", "content_html"} else value
        for name, value in data.items()
    }


def test_what_a_deleted_comment_said_is_no_longer_in_the_database(task: Task) -> None:
    added, other = comment(task), comment(task, "Stays")
    added.content = "Other secret words"
    added.save()
    before, others = stored(f"comment.{added.pk}"), stored(f"comment.{other.pk}")
    subject = f"comment.{added.pk}"
    added.delete()
    assert [seq for seq, _, _ in before] == [2, 4]
    assert stored(subject) == [(seq, type, {**without_texts(data), "redacted": True}) for seq, type, data in before]
    assert stored(f"comment.{other.pk}") == others
    assert not Event.objects.filter(data__contains="ecret words").exists()
    assert not Redaction.objects.exists()


def test_what_was_said_and_deleted_in_one_transaction_is_nowhere(task: Task) -> None:
    with log.atomic():
        added = comment(task)
        added.delete()
    types = Event.objects.filter(room=task.project.room).order_by("seq").values_list("seq", "type")
    assert list(types)[1:] == [(2, "comment_added"), (3, "comment_deleted")]
    assert not Event.objects.filter(data__contains="ecret words").exists()


def test_what_is_blanked_in_the_database_reads_as_before(task: Task) -> None:
    room = task.project.room
    added = comment(task)
    with transaction.atomic():
        added.delete()
        before = log.read(room, since=0, limit=10)
    after = log.read(room, since=0, limit=10)
    assert after[: len(before)] == before
    assert "redacted" in after[1].frame


def delete_by_queryset(task: Task) -> None:
    task.comments.all().delete()


def delete_task_for_good(task: Task) -> None:
    task.delete()
    Task.all_objects.filter(pk=task.pk).purge()


def delete_project(task: Task) -> None:
    task.project.delete()


def delete_project_by_queryset(task: Task) -> None:
    Project.objects.filter(pk=task.project_id).delete()


@pytest.mark.parametrize(
    "delete", [delete_by_queryset, delete_task_for_good, delete_project, delete_project_by_queryset]
)
def test_in_whatever_way_it_is_deleted(task: Task, room: str, delete: Callable[[Task], None]) -> None:
    """Also in other rooms, which stay when the project goes."""
    added = [comment(task), comment(task)]
    for one in added:
        with transaction.atomic():
            log.append(room=room, type="said", data=TextAdded("x"), at=NOW, subject=f"comment.{one.pk}")
    Event.objects.filter(room=room).update(data='{"content":"Secret words"}')
    delete(task)
    assert not Event.objects.filter(data__contains="Secret words").exists()
    assert [json.loads(event.data) for event in Event.objects.filter(room=room)] == [
        {"content": "", "redacted": True}
    ] * 2
    assert not Redaction.objects.exists()


def test_a_deletion_that_is_rolled_back_blanks_nothing(task: Task) -> None:
    added, goes = comment(task), comment(task, "Goes")
    with transaction.atomic():
        Comment.objects.get(pk=added.pk).delete()
        transaction.set_rollback(True)
    with transaction.atomic():
        with transaction.atomic():
            Comment.objects.filter(pk=added.pk).delete()
            transaction.set_rollback(True)
        Comment.objects.get(pk=goes.pk).delete()
    assert [data["comment"]["content"] for _, _, data in stored(f"comment.{added.pk}")] == ["Secret words"]
    assert [data["comment"]["content"] for _, _, data in stored(f"comment.{goes.pk}")] == [""]
    assert not Redaction.objects.exists()


def test_what_a_dead_process_left_to_blank_is_blanked_by_the_next_trim(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = comment(task)
    with monkeypatch.context() as patch:
        patch.setattr(trimming._Hurry, "redact", lambda self: None)
        added.delete()
    assert (Redaction.objects.count(), Event.objects.filter(data__contains="Secret words").count()) == (1, 1)
    assert trimming.trim_some().removed["deleted texts"] == 1
    assert (Redaction.objects.count(), Event.objects.filter(data__contains="Secret words").count()) == (0, 0)


def test_of_very_much_the_rest_is_left_to_the_next_trim(task: Task) -> None:
    for number in range(trimming.AT_ONCE + 5):
        comment(task, f"Secret words {number}")
    task.comments.all().delete()
    assert Redaction.objects.count() == Event.objects.filter(data__contains="Secret words").count() == 5
    assert trimming.trim().removed["deleted texts"] == 5
    assert not Event.objects.filter(data__contains="Secret words").exists()


def test_what_cannot_be_blanked_delays_nothing_else(task: Task, caplog: pytest.LogCaptureFixture) -> None:
    added, other = comment(task), comment(task, "Other secret words")
    Event.objects.filter(subject=f"comment.{added.pk}").update(data="{")
    task.comments.all().delete()
    trimming.trim()
    assert f"comment.{added.pk} could not be blanked" in caplog.text
    assert stored(f"comment.{other.pk}")[0][2]["redacted"] is True
    assert Redaction.objects.get().subject == f"comment.{added.pk}"


def test_what_is_there_again_is_not_blanked(task: Task) -> None:
    """Loaded from a fixture, say, before the queue was looked at."""
    added = comment(task)
    Redaction.objects.create(subject=f"comment.{added.pk}")
    trimming.trim()
    assert stored(f"comment.{added.pk}")[0][2]["comment"]["content"] == "Secret words"


@needs_postgresql
def test_an_open_deletion_delays_no_numbers(task: Task) -> None:
    added = comment(task)
    Event.objects.filter(subject=f"comment.{added.pk}").update(seq=None)
    Room.objects.filter(name=task.project.room).update(head=1)

    def number() -> int:
        log.sequence([task.project.room])
        return log.heads([task.project.room])[task.project.room]

    with transaction.atomic():
        added.delete()
        assert in_threads(number) == [2]


# --- Deleted tasks --------------------------------------------------------------------------


def delete_at(task: Task, at: datetime) -> None:
    task.delete()
    models_update(task, at)


def models_update(task: Task, at: datetime) -> None:
    """Bypasses our own saving, which would announce it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE taskrealtime_task SET deleted_at = %s WHERE id = %s",
            [connection.ops.adapt_datetimefield_value(at), task.pk],
        )


def test_a_task_that_was_deleted_long_ago_goes_for_good_without_an_event(project: Project, task: Task) -> None:
    added = comment(task)
    delete_at(task, OLD)
    Room.objects.filter(name=project.room).update(oldest=None)
    before = list(Event.objects.filter(room=project.room).order_by("id").values_list("seq", "type"))
    assert trimming.trim().removed["deleted tasks"] == 1
    assert not Task.all_objects.filter(pk=task.pk).exists()
    assert not Comment.objects.filter(pk=added.pk).exists()
    assert list(Event.objects.filter(room=project.room).order_by("id").values_list("seq", "type")) == before
    assert not Event.objects.filter(data__contains="ecret").exists()
    assert stored(f"task.{task.pk}")[0][2]["task"]["title"] == ""


def test_a_task_with_very_many_comments_goes_in_many_transactions(task: Task) -> None:
    """What was done before a kill stays done; the next round continues."""
    added = [Comment(task=task, content="Secret") for _ in range(2 * purging.COMMENTS + 1)]
    QuerySet[Comment](Comment).bulk_create(added)
    delete_at(task, OLD)
    passed = itertools.count(1)

    def die(**kwargs: object) -> None:
        if next(passed) == purging.COMMENTS + 1:
            raise OSError("killed")

    post_delete.connect(die, sender=Comment)
    try:
        with pytest.raises(OSError, match="killed"):
            trimming.trim()
        assert Comment.objects.filter(task=task.pk).count() == purging.COMMENTS + 1
        assert Task.all_objects.filter(pk=task.pk).exists()
        before = Event.objects.count()
        assert trimming.trim().removed["deleted tasks"] == 1
    finally:
        post_delete.disconnect(die, sender=Comment)
    assert Event.objects.count() == before, "no event is published"
    assert not Comment.objects.filter(task=task.pk).exists()
    assert not Task.all_objects.filter(pk=task.pk).exists()


def test_a_task_that_can_be_restored_keeps_its_words(project: Project) -> None:
    owner = User.objects.create_user("owner")
    Membership.objects.create(project=project, user=owner, role="owner")
    kept, gone = (Task.objects.create(project=project, title="Secret plan") for _ in range(2))
    delete_at(kept, YOUNG)
    delete_at(gone, OLD)
    with pytest.raises(NotFound):
        actions.perform(owner, commands.TaskRestore(task_id=gone.pk))
    trimming.trim()
    assert stored(f"task.{kept.pk}")[0][2]["task"]["title"] == "Secret plan"
    [created] = [
        event for event in log.read(project.room, since=0, limit=10) if f'"task":{{"id":{kept.pk},' in event.frame
    ]
    assert "redacted" in created.frame  # As long as it is not restored.
    actions.perform(owner, commands.TaskRestore(task_id=kept.pk))
    assert Task.objects.get(pk=kept.pk).title == "Secret plan"
    with pytest.raises(NotFound):
        actions.perform(owner, commands.TaskRestore(task_id=gone.pk))


def test_a_task_that_is_restored_while_it_is_to_go_stays(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    delete_at(task, OLD)
    overdue = Task.all_objects.filter(deleted_at__lt=NOW)
    Task.all_objects.get(pk=task.pk).restore()
    assert overdue.purge() == 0
    assert Task.objects.filter(pk=task.pk).exists()


# --- The epoch, and the commands ------------------------------------------------------------


def run(command: str) -> str:
    printed = StringIO()
    call_command(command, stdout=printed)
    return printed.getvalue()


def test_a_new_epoch_makes_old_numbers_worthless(room: str) -> None:
    append_at(room, NOW)
    before = log.epoch()
    output = run("renew_epoch")
    after = log.epoch()
    assert after != before
    assert f"was {before} and is {after} now" in output
    resumed = resume(room, 1, before)
    assert resumed == ((1, after), True, [])


def test_trim_says_what_it_did(task: Task, room: str) -> None:
    added = comment(task)
    ask("old", 1)
    IdempotencyKey.objects.update(created_at=OLD)
    append_at(room, OLD, OLD)
    delete_at(task, OLD)
    for name, ended in ("over", OLD), ("kept", YOUNG):
        Session.objects.create(session_key=name, session_data="", expire_date=ended)
    assert run("trim") == (
        "Removed 2 events, 1 idempotency keys, 0 ended sessions, 0 expired sign-ins, 1 deleted tasks, "
        "0 deletions, 0 old invitations, 0 old requests, "
        "1 expired sessions, 0 outstanding tokens; blanked 0 deleted texts and 0 replaced ones in the log.\n"
    )
    assert not stored(f"comment.{added.pk}")[0][2]["comment"]["content"]
    assert [one.pk for one in Session.objects.all()] == ["kept"]
    assert run("trim") == (
        "Removed 0 events, 0 idempotency keys, 0 ended sessions, 0 expired sign-ins, 0 deleted tasks, "
        "0 deletions, 0 old invitations, 0 old requests, "
        "0 expired sessions, 0 outstanding tokens; blanked 0 deleted texts and 0 replaced ones in the log.\n"
    )


def test_the_room_of_a_user_is_trimmed_like_any_other() -> None:
    user = User.objects.create_user("somebody")
    append_at(user_room(user.pk), OLD, YOUNG)
    trimming.trim()
    assert (kept(user_room(user.pk)), numbers(resume(user_room(user.pk), 0))) == ([2], "reset")
