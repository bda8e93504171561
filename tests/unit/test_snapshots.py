"""Shared snapshots: one build for all concurrent requests, and for each what its own build would have returned."""

import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event as Flag
from typing import Any

import pytest
from django.db import connection, transaction

from taskrealtime.engine import log
from taskrealtime.engine.log.shared_snapshots import KEPT_BYTES, KEPT_FOR, SharedSnapshot, SharedSnapshots
from taskrealtime.engine.models import Epoch, Event
from taskrealtime.models import Membership
from tests import services
from tests.support.world import World
from tests.unit.test_log import append_text, leave_unnumbered

pytestmark = pytest.mark.django_db(transaction=True)
needs_postgresql = pytest.mark.skipif(services.TEST_STACK == "embedded", reason="SQLite has one writer at a time")

READER, STRANGER = 7, 8
_numbers = itertools.count(1)


@pytest.fixture
def room() -> str:
    name = f"project.{next(_numbers)}"
    log.create_room(name)
    return name


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


class Builder:
    """Builds the snapshots of a room as a board's are built, and counts them."""

    def __init__(self) -> None:
        self.begun = 0
        self.now = 1000.0
        self.size = 0
        self.during: Callable[[], object] = lambda: None
        self.shared = SharedSnapshots(self.build, clock=lambda: self.now)

    def build(self, room: str) -> SharedSnapshot:
        self.begun += 1

        def read_state() -> list[str]:
            texts = [json.loads(data)["text"] for data in Event.objects.order_by("id").values_list("data", flat=True)]
            self.during()
            return texts

        built = log.snapshot(room, read_state)
        body = json.dumps(built.state).encode().ljust(self.size)
        return SharedSnapshot(body, built.position, frozenset([READER]))

    def ask(self, room: str, user_id: int = READER) -> tuple[int, list[str]]:
        snapshot = self.shared.get(room, user_id)
        return snapshot.position.offset, json.loads(snapshot.body)


@pytest.fixture
def builder() -> Builder:
    return Builder()


def append_and_commit(room: str, text: str) -> None:
    with transaction.atomic():
        append_text(room, text)


def in_thread(threads: ThreadPoolExecutor, work: Callable[..., Any], *args: Any) -> Future[Any]:
    """Work of another request: with a connection of its own, which is closed at the end."""

    def run() -> Any:
        try:
            return work(*args)
        finally:
            connection.close()

    return threads.submit(run)


def test_where_nothing_happened_it_is_built_once(room: str, builder: Builder) -> None:
    append_and_commit(room, "a")
    assert [builder.ask(room) for _ in range(3)] == [(1, ["a"])] * 3
    assert builder.begun == 1


def test_whatever_is_committed_is_in_the_next_answer(room: str, builder: Builder) -> None:
    for number in range(1, 4):
        append_and_commit(room, str(number))
        assert builder.ask(room)[0] == number
    leave_unnumbered(room, "its process died")
    assert builder.ask(room) == (4, ["1", "2", "3", "its process died"])


def test_rooms_do_not_mix(room: str, builder: Builder) -> None:
    other = f"{room}0"
    log.create_room(other)
    builder.ask(room)
    append_and_commit(other, "a")
    assert builder.ask(room) == (0, [])
    assert builder.ask(other) == (1, ["a"])


def test_it_is_given_out_for_a_second_after_which_names_may_have_changed(room: str, builder: Builder) -> None:
    builder.ask(room)
    builder.now += KEPT_FOR - 0.01
    builder.ask(room)
    assert builder.begun == 1
    builder.now += 0.01
    builder.ask(room)
    assert builder.begun == 2


def test_a_new_epoch_is_a_new_snapshot(room: str, builder: Builder) -> None:
    append_and_commit(room, "a")
    old = builder.shared.get(room, READER)
    new_epoch = log.renew_epoch()
    assert builder.shared.get(room, READER).position.epoch == new_epoch != old.position.epoch


def test_a_user_who_may_not_read_the_kept_one_gets_a_new_one(room: str, builder: Builder) -> None:
    """A user added outside the log is admitted at once; the caller checks whether the new one may be shown."""
    builder.ask(room)
    builder.ask(room, STRANGER)
    assert builder.begun == 2


@needs_postgresql
def test_requests_during_a_build_share_it(room: str, builder: Builder, threads: ThreadPoolExecutor) -> None:
    append_and_commit(room, "a")
    reading, go_on = Flag(), Flag()
    builder.during = lambda: reading.set() or go_on.wait(20)  # type: ignore[func-returns-value]
    first = in_thread(threads, builder.ask, room)
    assert reading.wait(20)
    others = [in_thread(threads, builder.ask, room) for _ in range(6)]
    go_on.set()
    assert [future.result(20) for future in (first, *others)] == [(1, ["a"])] * 7
    assert builder.begun == 1


@needs_postgresql
def test_a_request_after_a_commit_during_a_build_gets_a_later_one(
    room: str, builder: Builder, threads: ThreadPoolExecutor
) -> None:
    """It does not see what was committed after its beginning, and a request made then has a right to that."""
    reading, go_on = Flag(), Flag()
    builder.during = lambda: reading.set() or go_on.wait(20)  # type: ignore[func-returns-value]
    first = in_thread(threads, builder.ask, room)
    assert reading.wait(20)
    leave_unnumbered(room, "meanwhile")  # Numbering it would wait for the room.
    later = [in_thread(threads, builder.ask, room) for _ in range(6)]
    go_on.set()
    assert first.result(20) == (0, [])
    assert [future.result(20) for future in later] == [(1, ["meanwhile"])] * 6
    assert builder.begun == 2


@needs_postgresql
def test_a_failure_is_raised_for_all_that_waited_and_the_next_builds_anew(
    room: str, builder: Builder, threads: ThreadPoolExecutor
) -> None:
    reading, go_on = Flag(), Flag()

    def fail() -> None:
        reading.set()
        go_on.wait(20)
        raise OSError("the disk is full")

    builder.during = fail
    first = in_thread(threads, builder.ask, room)
    assert reading.wait(20)
    go_on.set()
    with pytest.raises(OSError, match="the disk is full"):
        first.result(20)
    builder.during = lambda: None
    assert builder.ask(room) == (0, [])


def test_the_oldest_make_room(builder: Builder) -> None:
    rooms = [f"project.{next(_numbers)}" for _ in range(3)]
    for room in rooms:
        log.create_room(room)
    builder.size = KEPT_BYTES // 2
    for room in rooms:
        builder.ask(room)
    assert builder.begun == 3
    builder.ask(rooms[2])
    builder.ask(rooms[1])
    assert builder.begun == 3
    builder.ask(rooms[0])
    assert builder.begun == 4
    builder.size = KEPT_BYTES + 1
    builder.now += KEPT_FOR
    for _ in range(2):
        builder.ask(rooms[0])
    assert builder.begun == 6, "one that is larger than all that may be kept is not kept"


# --- The boards of the API ------------------------------------------------------------------


def board_of(world: World, role: str) -> Any:
    return world.api(role).get(world.path("projects/<id:project_id>/board/"))


def test_every_role_is_shown_the_same_board(world: World) -> None:
    answers = [board_of(world, role) for role in ("owner", "member", "viewer")]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert board_of(world, "outsider").status_code == 404


def test_a_removed_user_is_shown_no_kept_board(world: World) -> None:
    assert board_of(world, "owner").status_code == board_of(world, "viewer").status_code == 200
    Membership.objects.get(project=world.project, user=world.people["viewer"]).delete()
    assert board_of(world, "viewer").status_code == 404
    assert board_of(world, "owner").status_code == 200
    assert board_of(world, "viewer").status_code == 404


def test_a_user_removed_past_the_log_is_shown_no_kept_board(world: World) -> None:
    assert board_of(world, "viewer").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM taskrealtime_membership WHERE project_id = %s AND user_id = %s",
            [world.project.pk, world.people["viewer"].pk],
        )
    assert board_of(world, "viewer").status_code == 404


def test_a_deleted_project_has_no_kept_board(world: World) -> None:
    assert board_of(world, "owner").status_code == 200
    world.project.delete()
    assert board_of(world, "owner").status_code == 404


def test_the_log_without_a_name_keeps_nothing_from_being_built(world: World) -> None:
    Epoch.objects.all().delete()
    first = board_of(world, "owner").json()
    assert (first["epoch"], first["seq"]) == (log.epoch(), log.heads([world.project.room])[world.project.room])
    assert log.settled_position(world.project.room) == (first["seq"], first["epoch"])
