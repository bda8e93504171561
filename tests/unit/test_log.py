"""The event log: in the transaction of the change, numbered without gaps after it, read and resumed exactly."""

import itertools
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from taskrealtime.engine import log
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.log import reading
from taskrealtime.engine.models import Epoch, Event, Room
from taskrealtime.engine.wire.errors import NotFound, RealTimeError
from tests import services

pytestmark = pytest.mark.django_db(transaction=True)
needs_postgresql = pytest.mark.skipif(services.TEST_STACK == "embedded", reason="SQLite has one writer at a time")

OTHERS = timezone(timedelta(hours=5))
AT = datetime(2031, 5, 17, 12, 30, 0, 250_000, UTC)


class TextAdded(msgspec.Struct):
    """Data of an event."""

    text: str


_numbers = itertools.count(1)
Atomic = Callable[[], AbstractContextManager[None]]
#: Numbered after the commit, and within the transaction.
both_ways = pytest.mark.parametrize("within", [transaction.atomic, log.atomic])


@pytest.fixture
def room() -> str:
    """A room of this test alone, and of the one user that may read it."""
    name = f"user.{next(_numbers)}"
    log.create_room(name)
    return name


def append_text(room: str, text: str) -> None:
    log.append(room=room, type="said", data=TextAdded(text), at=AT)


@pytest.fixture
def shared() -> str:
    """A room of this test's own that is not one reader's alone: its events may be numbered before the commit."""
    name = f"room.{next(_numbers)}"
    log.create_room(name)
    return name


def append_and_commit(room: str, *texts: str, within: Atomic = transaction.atomic) -> None:
    with within():
        for text in texts:
            append_text(room, text)


def logged(room: str) -> list[tuple[int, str]]:
    frames = [json.loads(event.frame) for event in log.read(room, since=0, limit=1000)]
    return [(frame["seq"], frame["data"]["text"]) for frame in frames]


def leave_unnumbered(room: str, text: str, evicts: int | None = None) -> None:
    """As a process leaves it that dies between the commit and the numbering."""
    Event.objects.create(room=room, type="said", at=AT, data=json.dumps({"text": text}), evicts=evicts)


def resume(room: str, since: int | None, epoch: str | None = None, limit: int = 2000) -> log.Resumed:
    return log.resume(log.Reader(room, reader_of(room), since, epoch), limit=limit)


def reader_of(room: str) -> int:
    return int(room.partition(".")[2])


# --- Appending and numbering ----------------------------------------------------------------


def test_an_event_outside_a_transaction_is_refused(room: str) -> None:
    with pytest.raises(TransactionManagementError):
        append_text(room, "alone")
    assert not Event.objects.filter(room=room).exists()


@both_ways
def test_what_is_committed_is_numbered_in_the_order_of_writing(shared: str, within: Atomic) -> None:
    append_and_commit(shared, "a", "b", within=within)
    append_and_commit(shared, "c", within=within)
    assert logged(shared) == [(1, "a"), (2, "b"), (3, "c")]
    assert log.heads([shared, "room.none"]) == {shared: 3}


@both_ways
def test_what_is_rolled_back_never_happened_and_leaves_no_gap(shared: str, within: Atomic) -> None:
    append_and_commit(shared, "a", within=within)
    with within():
        append_text(shared, "never")
        transaction.set_rollback(True)
    with within():
        with transaction.atomic():
            append_text(shared, "never")
            transaction.set_rollback(True)
        append_text(shared, "b")
        with transaction.atomic():
            with transaction.atomic():
                append_text(shared, "never")
            transaction.set_rollback(True)
    assert logged(shared) == [(1, "a"), (2, "b")]


@pytest.mark.usefixtures("known_epoch")
def test_a_change_of_ours_is_committed_with_its_numbers(shared: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        append_and_commit(shared, "a", "b", within=log.atomic)
    writing = ["WITH"] if connection.vendor == "postgresql" else ["UPDATE", "INSERT"]
    assert [query["sql"].split()[0] for query in queries] == ["BEGIN", *writing, "COMMIT"]
    assert logged(shared) == [(1, "a"), (2, "b")]


def test_what_is_passed_on_is_what_the_log_says(shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[log.LoggedEvent] = []
    monkeypatch.setattr(doorbell, "publish", lambda room, events, **options: rung.extend(events))
    with log.atomic():
        for text in ("a", "Ü"):
            log.append(room=shared, type="said", data=TextAdded(text), at=AT.astimezone(OTHERS), evicts=7)
    assert rung == log.read(shared, since=0, limit=10)


def test_what_waits_in_the_room_is_numbered_before(shared: str) -> None:
    leave_unnumbered(shared, "left")
    append_and_commit(shared, "b", within=log.atomic)
    append_and_commit(shared, "c", within=log.atomic)
    assert logged(shared) == [(1, "left"), (2, "b"), (3, "c")]


@needs_postgresql
def test_a_change_is_committed_while_another_process_numbers(shared: str) -> None:
    numbering, done = threading.Event(), threading.Event()

    def number() -> None:
        try:
            with transaction.atomic():
                list(Room.objects.select_for_update().filter(name=shared))
                numbering.set()
                while not Event.objects.filter(room=shared).exists():  # Seen only once it is committed.
                    assert not done.wait(0.01)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(number)
        assert numbering.wait(10)
        append_and_commit(shared, "a", within=log.atomic)
        done.set()
        other.result()
    assert logged(shared) == [(1, "a")]


def test_a_hook_that_comes_first_may_append_too(shared: str) -> None:
    with log.atomic():
        transaction.on_commit(lambda: append_and_commit(shared, "after"))
        append_text(shared, "a")
    assert sorted(text for _, text in logged(shared)) == ["a", "after"]
    assert [seq for seq, _ in logged(shared)] == [1, 2]


def test_an_event_beside_a_rolled_back_savepoint_is_numbered_at_once(room: str) -> None:
    with transaction.atomic():
        append_text(room, "a")
        with transaction.atomic():
            append_text(room, "never")
            transaction.set_rollback(True)
    assert logged(room) == [(1, "a")]


def test_every_room_counts_for_itself(room: str) -> None:
    other = f"{room}.other"
    log.create_room(other)
    with transaction.atomic():
        append_text(room, "a")
        append_text(other, "b")
        append_text(room, "c")
    assert logged(room) == [(1, "a"), (2, "c")]
    assert logged(other) == [(1, "b")]


def test_what_a_dead_process_left_is_numbered_by_the_next(room: str) -> None:
    leave_unnumbered(room, "left")
    assert logged(room) == []
    assert room in log.unnumbered_rooms()
    log.sequence(log.unnumbered_rooms())
    assert logged(room) == [(1, "left")]
    assert room not in log.unnumbered_rooms()
    log.sequence(log.unnumbered_rooms())  # Nothing is left to do.


def test_the_first_event_makes_a_room_that_is_missing(room: str) -> None:
    missing, empty = f"{room}.missing", f"{room}.empty"
    append_and_commit(missing, "a")
    assert logged(missing) == [(1, "a")]
    log.sequence([empty])
    assert log.heads([missing, empty]) == {missing: 1}


def test_a_room_that_is_there_is_not_made_again(room: str) -> None:
    append_and_commit(room, "a")
    log.create_room(room)
    log.create_room(room)
    log.create_room(f"{room}.new")
    assert log.heads([room, f"{room}.new"]) == {room: 1, f"{room}.new": 0}


def test_a_dropped_room_is_gone_with_its_events(room: str) -> None:
    append_and_commit(room, "a")
    log.drop_room(room)
    assert logged(room) == []
    assert log.heads([room]) == {}


@needs_postgresql
@both_ways
def test_many_writers_at_once_leave_no_gap_and_no_double(shared: str, within: Atomic) -> None:
    room = shared

    def write(writer: int) -> None:
        try:
            for number in range(15):
                append_and_commit(room, f"{writer}.{number}a", f"{writer}.{number}b", within=within)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    events = logged(room)
    assert [seq for seq, _ in events] == list(range(1, 121))
    for writer in range(4):
        mine = [text for _, text in events if text.startswith(f"{writer}.")]
        assert mine == [f"{writer}.{number}{half}" for number in range(15) for half in "ab"]


# --- Frames ---------------------------------------------------------------------------------


def test_a_frame_is_the_envelope_round_the_data_as_it_was_written(room: str) -> None:
    append_and_commit(room, 'Ü\u2028"\\</script>\x07')
    [event] = log.read(room, since=0, limit=10)
    assert json.loads(event.frame) == {
        "event": "said",
        "room": room,
        "seq": 1,
        "at": "2031-05-17T12:30:00.250000Z",
        "data": {"text": 'Ü\u2028"\\</script>\x07'},
    }


@pytest.mark.parametrize("moment", [AT, AT.replace(microsecond=0), AT.astimezone(OTHERS)])
def test_times_of_frames_read_like_times_inside_the_data(moment: datetime) -> None:
    assert f'"{log.wire_time(moment)}"' == msgspec.json.encode(moment.astimezone(UTC)).decode()


def test_reading_goes_on_page_by_page(room: str) -> None:
    append_and_commit(room, *"abcde")
    assert [event.seq for event in log.read(room, since=1, limit=2)] == [2, 3]
    assert log.read(room, since=5, limit=2) == []


def test_a_page_ends_with_the_event_that_reaches_its_bytes(room: str) -> None:
    append_and_commit(room, *(letter * 40_000 for letter in "aübcde"))
    assert [event.seq for event in log.read(room, since=0, limit=10, most=100_000)] == [1, 2]
    assert [event.seq for event in log.read(room, since=2, limit=10, most=100_000)] == [3, 4, 5]
    assert [event.seq for event in log.read(room, since=2, limit=2, most=100_000)] == [3, 4]
    assert [event.seq for event in log.read(room, since=0, limit=10, most=1)] == [1], "one at the least"
    assert [event.seq for event in log.read_on(room, since=5, limit=10, most=1)] == [6]


def test_what_was_missed_is_resumed_in_pages_of_a_megabyte(room: str) -> None:
    append_and_commit(room, *("x" * 300_000 for _ in range(9)))
    seen: list[int] = []
    while len(seen) < 9:
        resumed = resume(room, seen[-1] if seen else 0)
        assert not resumed.reset
        assert sum(len(event.frame) for event in resumed.events) < 1_500_000
        seen += [event.seq for event in resumed.events]
    assert seen == list(range(1, 10))
    assert resume(room, 9).events == []


# --- Resuming -------------------------------------------------------------------------------


def test_resuming_gives_what_was_missed(room: str) -> None:
    append_and_commit(room, *"abc")
    resumed = resume(room, since=1, epoch=log.epoch())
    assert ([event.seq for event in resumed.events], resumed.end.offset, resumed.reset) == ([2, 3], 3, False)
    resumed = resume(room, since=3)
    assert resumed == ((3, log.epoch()), False, [])


def test_without_since_nothing_is_replayed(room: str) -> None:
    append_and_commit(room, *"abc")
    resumed = resume(room, since=None)
    assert (resumed.events, resumed.end.offset, resumed.reset) == ([], 3, False)


@pytest.mark.parametrize(
    "since, epoch", [(1, "another life"), (4, None), (0, None)], ids=["other epoch", "ahead of the head", "trimmed"]
)
def test_where_the_log_cannot_go_on_from_it_says_reset(room: str, since: int, epoch: str | None) -> None:
    append_and_commit(room, *"abc")
    Event.objects.filter(room=room, seq=1).delete()
    Room.objects.filter(name=room).update(floor=1)
    resumed = resume(room, since, epoch)
    assert (resumed.events, resumed.end.offset, resumed.reset) == ([], 3, True)
    assert [event.seq for event in resume(room, since=1).events] == [2, 3]


def test_a_client_that_missed_too_much_has_to_reset(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_REPLAY", 2)
    append_and_commit(room, *"abc")
    assert resume(room, since=0).reset
    assert [event.seq for event in resume(room, since=1).events] == [2, 3]


def test_a_gap_in_the_log_is_a_reset_and_never_silent(room: str) -> None:
    append_and_commit(room, *"abc")
    Event.objects.filter(room=room, seq=2).delete()
    assert resume(room, since=0).reset
    assert not resume(room, since=2).reset


def test_a_user_who_may_not_read_gets_nothing_and_others_in_the_same_batch_do(room: str) -> None:
    append_and_commit(room, "secret")
    refused, allowed = log.resume_states(
        [log.Reader("project.1", reader_of(room), 0), log.Reader(room, reader_of(room), 0)]
    )
    assert isinstance(refused, NotFound)
    assert isinstance(allowed, log.ResumeState)
    assert allowed.end.offset == 1
    with pytest.raises(NotFound):
        log.resume(log.Reader("project.1", 1, 0))


def test_a_part_of_what_was_missed_is_contiguous_too(room: str) -> None:
    append_and_commit(room, *"abcde")
    resumed = resume(room, since=1, limit=2)
    assert ([event.seq for event in resumed.events], resumed.end.offset, resumed.reset) == ([2, 3], 5, False)
    Event.objects.filter(room=room, seq=2).delete()
    assert resume(room, since=1, limit=2).reset


def test_reading_on_stops_at_a_hole_and_then_sends_every_reader_past_it(room: str) -> None:
    append_and_commit(room, *"abcde")
    Event.objects.filter(room=room, seq=3).delete()
    assert [event.seq for event in log.read_on(room, since=0, limit=10)] == [1, 2]
    assert not resume(room, since=3).reset
    assert [event.seq for event in log.read_on(room, since=2, limit=10)] == [4, 5]
    assert resume(room, since=2).reset
    assert not resume(room, since=3).reset


def test_an_eviction_without_a_number_yet_is_numbered_before_anyone_comes_back(room: str) -> None:
    leave_unnumbered(room, "out", evicts=reader_of(room))
    resumed = resume(room, since=0)
    assert (resumed.end.offset, [event.evicts for event in resumed.events]) == (1, [reader_of(room)])


def test_an_eviction_of_another_user_delays_no_reader(room: str) -> None:
    leave_unnumbered(room, "out", evicts=reader_of(room) + 1)
    assert resume(room, since=0).end.offset == 0


# --- Snapshots ------------------------------------------------------------------------------


def test_a_snapshot_contains_what_has_no_number_yet(room: str) -> None:
    append_and_commit(room, "a")
    leave_unnumbered(room, "b")
    snapshot = log.snapshot(room, lambda: logged(room))
    assert (snapshot.state, snapshot.position) == ([(1, "a"), (2, "b")], (2, log.epoch()))


def test_a_refused_snapshot_numbers_nothing(room: str) -> None:
    def refuse() -> None:
        raise NotFound("No such project.")

    leave_unnumbered(room, "a")
    with pytest.raises(NotFound):
        log.snapshot(room, refuse)
    assert room in log.unnumbered_rooms()


@needs_postgresql
def test_a_snapshot_sees_one_moment_only(room: str) -> None:
    def write() -> None:
        leave_unnumbered(room, "later")
        connection.close()

    def read_slowly() -> tuple[int, int]:
        events = Event.objects.filter(room=room)
        before = events.count()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write).result()
        return before, events.count()

    append_and_commit(room, "a")
    snapshot = log.snapshot(room, read_slowly)
    assert (snapshot.state, snapshot.position.offset) == ((1, 1), 1)
    assert log.snapshot(room, lambda: logged(room)).position.offset == 2


def test_while_a_snapshot_is_read_others_write_on(room: str) -> None:
    """A large board takes its time: neither waits for the other."""

    def write() -> None:
        append_and_commit(room, "meanwhile")
        connection.close()

    def read_slowly() -> list[tuple[int, str]]:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write).result(timeout=10)
        return logged(room)

    log.epoch()
    append_and_commit(room, "a")
    snapshot = log.snapshot(room, read_slowly)
    assert (snapshot.state, snapshot.position.offset) == ([(1, "a")], 1)
    assert logged(room) == [(1, "a"), (2, "meanwhile")]


@pytest.mark.skipif(services.TEST_STACK != "embedded", reason="only SQLite locks the whole database")
def test_a_transaction_that_read_first_writes_as_any_other(room: str) -> None:
    """SQLite refuses a transaction that writes only after its first read if another one wrote meanwhile."""

    def read_then_write() -> None:
        resume(room, since=0)
        with transaction.atomic():
            logged(room)
            other = pool.submit(write, "second")
            with suppress(TimeoutError):
                other.result(timeout=0.3)  # It should not come through before we have ended.
            append_text(room, "first")
        connection.close()
        other.result(timeout=20)

    def write(text: str) -> None:
        append_and_commit(room, text)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        pool.submit(read_then_write).result()
    assert [text for _, text in logged(room)] == ["first", "second"]


@needs_postgresql
def test_a_snapshot_waits_for_no_process_that_numbers(room: str) -> None:
    def lock_and_look() -> int:
        with transaction.atomic():
            Room.objects.select_for_update(no_key=True).get(name=room)
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(look).result(timeout=10)

    def look() -> int:
        try:
            return log.snapshot(room, lambda: None).position.offset
        finally:
            connection.close()

    log.epoch()
    append_and_commit(room, "a")
    assert lock_and_look() == 1


# --- The epoch ------------------------------------------------------------------------------


def test_the_epoch_stays_until_the_log_gets_a_new_life() -> None:
    first = log.epoch()
    assert log.epoch() == first
    Epoch.objects.all().delete()
    second = log.epoch()
    assert second != first
    assert log.epoch() == second


def test_the_epoch_contains_postgresqls_timeline() -> None:
    if connection.vendor == "postgresql":
        assert log.epoch() == f"{Epoch.objects.get().value}-1"
    else:
        assert log.epoch() == Epoch.objects.get().value


def name_the_log_elsewhere() -> None:
    """As another process does that comes first."""

    def name() -> None:
        log.epoch()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(name).result()


@needs_postgresql
def test_two_first_readers_of_a_log_without_a_name_agree(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second sees a moment at which there was no name yet, and may not give another."""
    Epoch.objects.all().delete()
    snapshot = log.snapshot(room, name_the_log_elsewhere)
    assert snapshot.position.epoch == log.epoch()
    Epoch.objects.all().delete()

    def allow_slowly(pairs: object) -> dict[tuple[str, int], RealTimeError]:
        name_the_log_elsewhere()
        return {}

    monkeypatch.setattr(domain, "refuse_reading", allow_slowly)
    assert resume(room, since=0).end.epoch == log.epoch()
