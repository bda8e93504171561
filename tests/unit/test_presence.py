"""Presence without sockets: the events of listeners, leases, typing; time and failures are arguments."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from taskrealtime.engine.models import LastSeen
from taskrealtime.engine.presence.attendance import STATUSES, Attendance, Connection, Entry, News
from taskrealtime.engine.presence.last_seen import write_seen
from taskrealtime.engine.presence.presence import Presence
from taskrealtime.engine.presence.store import PresenceStore
from taskrealtime.engine.presence.typists import ANNOUNCE_SECONDS, TYPING_TIME, Typists
from tests import services
from tests.support.profiles import examples
from tests.unit.listeners import until

pytestmark = pytest.mark.services
ROOM = "project.1"
with_redis = pytest.mark.skipif(services.TEST_STACK == "embedded", reason="there is no Redis in this stack")
#: Rooms that no other test of this run has, whose people may still have a lease.
_rooms = itertools.count(1_000_000)


class PresenceListener:
    """Keeps the picture that a client has: the answer to its join, and each frame applied to it."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.present: dict[int, str] = {}
        self.viewers: dict[int, list[int]] = {}
        self.frames: list[dict[str, Any]] = []
        self.announced: list[tuple[int, str]] = []

    def joined(self, present: Iterable[tuple[int, str]], frames: Iterable[str]) -> None:
        self.present, self.viewers = dict(present), {}
        self.deliver(frames)

    def deliver(self, frames: Iterable[str]) -> None:
        for text in frames:
            frame = msgspec.json.decode(text)
            self.frames.append(frame)
            data = frame["data"]
            if frame["event"] == "task_viewers":
                self._change(self.viewers, data["task_id"], data["user_ids"] or None)
            elif frame["event"] == "user_presence":
                for user in data.get("users", [data]):
                    status = user["status"]
                    self.announced.append((user["user_id"], status))
                    self._change(self.present, user["user_id"], None if status == "offline" else status)

    def _change(self, known: dict[int, Any], key: int, value: Any) -> None:
        assert known.get(key) != value, f"{key} was {value} already"
        if value is None:
            del known[key]
        else:
            known[key] = value


# --- One room -------------------------------------------------------------------------------


class Stage:
    """A room with users that come and go, and listeners that must have the whole picture after every event."""

    def __init__(self) -> None:
        self.room = Attendance(ROOM)
        self.inside: list[tuple[PresenceListener, Connection]] = []
        self.now = 0.0

    def join(self, user_id: int) -> None:
        listener, connection = PresenceListener(user_id), Connection(user_id)
        self.room.enter(listener, connection)
        connection.rooms.add(ROOM)
        listener.present, listener.viewers = dict(self.room.present()), self.room.viewed()
        self.inside.append((listener, connection))

    def leave(self, which: int, until: float | None) -> None:
        listener, connection = self.inside.pop(which)
        self.room.leave(listener, connection, now=1000 + self.now, until=until)

    def deliver(self) -> None:
        for listeners, news in self.room.take_news():
            for listener in listeners:
                apply(listener, news)  # type: ignore[arg-type]
        for listener, _ in self.inside:
            assert listener.present == dict(self.room.present())
            assert listener.viewers == self.room.viewed()


def apply(listener: PresenceListener, news: News) -> None:
    for user_id, (status, _) in news.people.items():
        listener._change(listener.present, user_id, status)
    for place, users in news.viewers.items():
        listener._change(listener.viewers, place, users or None)


@examples(60)
@given(chance=st.randoms(), steps=st.integers(1, 60))
def test_every_listener_has_the_whole_picture_and_receives_nothing_twice(chance: Random, steps: int) -> None:
    stage = Stage()
    for _ in range(steps):
        stage.now += chance.random() * 3
        step = chance.randrange(8)
        user_id = chance.randrange(1, 5)
        if step < 2:
            stage.join(user_id)
        elif step == 2 and stage.inside:
            stage.leave(chance.randrange(len(stage.inside)), chance.choice([None, stage.now + 4.5]))
        elif step == 3 and stage.inside:
            _, connection = chance.choice(stage.inside)
            connection.status = chance.choice(STATUSES)
            connection.viewing = chance.choice([None, (ROOM, 7), (ROOM, 8), ("project.2", 7)])
            stage.room.update([connection.user_id])
        elif step == 4:
            entry = Entry(chance.choice(STATUSES), chance.choice([(), (7,), (7, 8)]), chance.choice([None, 999.0]))
            stage.room.update_from(chance.choice("ab"), {user_id: chance.choice([None, entry])})
        elif step == 5:
            stage.room.replace(chance.choice("ab"), {user_id: Entry(chance.choice(STATUSES))})
        elif step == 6:
            stage.room.expire(stage.now)
        elif chance.randrange(3) == 0 and stage.inside:
            listener, _ = chance.choice(stage.inside)
            apply(listener, stage.room.catch_up(listener))
            assert listener.present == dict(stage.room.present())
        else:
            stage.deliver()
    stage.deliver()
    for process in "ab":
        stage.room.replace(process, {})
    while stage.inside:
        stage.leave(0, stage.now + 4.5)
    stage.room.expire(stage.now + 5)
    assert (stage.room.present(), stage.room.viewed(), stage.room.empty) == ([], {}, True)


def test_a_user_who_left_is_gone_when_the_time_is_up_and_not_before() -> None:
    stage = Stage()
    stage.join(1)
    stage.join(2)
    stage.deliver()
    watcher = stage.inside[0][0]
    stage.leave(1, until=4.5)
    assert stage.room.expire(4.4) == ([], 4.5)
    assert stage.room.take_news() == []
    assert stage.room.expire(4.5) == ([2], None)
    assert stage.room.take_news() == [([watcher], News({2: (None, 1000.0)}, {}))]


def test_a_user_who_comes_back_in_time_was_never_away() -> None:
    stage = Stage()
    stage.join(1)
    stage.join(2)
    stage.deliver()
    stage.leave(1, until=4.5)
    stage.join(2)
    assert stage.room.expire(100.0) == ([], None)
    assert stage.room.take_news() == []


def test_a_change_that_was_taken_back_is_no_news() -> None:
    stage = Stage()
    stage.join(1)
    _, connection = stage.inside[0]
    for status in STATUSES:
        connection.status = status
        stage.room.update([1])
    connection.status = "online"
    stage.room.update([1])
    assert stage.room.take_news() == []


def test_a_user_who_left_a_busy_tab_elsewhere_is_what_the_open_one_says() -> None:
    stage = Stage()
    stage.join(1)
    stage.room.update_from("a", {1: Entry("busy", left_at=900.0)})
    assert dict(stage.room.present()) == {1: "online"}
    stage.leave(0, until=4.5)  # The last one that was left counts, not the strongest.
    assert dict(stage.room.present()) == {1: "online"}


# --- What processes share -------------------------------------------------------------------


@pytest.fixture
async def store_of() -> AsyncIterator[Callable[[str], PresenceStore]]:
    """One process after another on the same, empty Redis."""
    stores: list[PresenceStore] = []

    def make(process: str) -> PresenceStore:
        stores.append(PresenceStore(services.shared_redis().url, process))
        return stores[-1]

    await make("cleaner")._redis.flushdb()
    yield make
    for store in stores:
        await store.close()


StoreOf = Callable[[str], PresenceStore]


@with_redis
async def test_what_a_process_wrote_is_read_and_goes_with_its_lease(store_of: StoreOf) -> None:
    one, two = store_of("one"), store_of("two")
    entry, other = Entry("busy", (7, 8)), Entry("idle", left_at=5.5)
    assert await one.register({ROOM: {1: entry}}, lease=0.3) == {ROOM: 1}
    assert await two.register({ROOM: {1: other}}, lease=30) == {ROOM: 2}
    assert await two.write({ROOM: {2: entry}, "project.2": {2: entry}}) == {ROOM: 3, "project.2": 1}
    reading = await one.read(ROOM)
    assert (reading.alive, reading.version) == ({"one", "two"}, 3)
    assert reading.entries == {"one": {1: entry}, "two": {1: other, 2: entry}}
    found = None
    async with asyncio.timeout(60):
        while found is None or "one" in found.alive:
            found = await two.look([ROOM, "project.3"], lease=30)
    assert found.versions == {ROOM: 4, "project.3": 0}
    assert (await two.read(ROOM)).entries == {"two": {1: other, 2: entry}}
    # It lives, after all: whatever it does says that it must register again.
    assert await one.look([ROOM], lease=30) is None
    assert await one.write({ROOM: {1: entry}}) is None
    assert (await two.read(ROOM)).version == 4


@with_redis
async def test_a_lease_that_is_renewed_lasts_and_the_next_end_is_returned(store_of: StoreOf) -> None:
    one, two = store_of("one"), store_of("two")
    await one.register({ROOM: {1: Entry("online")}}, lease=0.5)
    await two.register({}, lease=30)
    end = asyncio.get_running_loop().time() + 1.2
    while asyncio.get_running_loop().time() < end:
        assert await one.look([], lease=0.5) is not None
        found = await two.look([ROOM], lease=30)
        assert found
        assert found.alive == {"one", "two"}
        assert 0 <= found.until_next_end <= 0.5


@with_redis
async def test_registering_takes_the_place_of_what_was_written_before(store_of: StoreOf) -> None:
    one = store_of("one")
    await one.register({ROOM: {1: Entry("online")}, "project.2": {1: Entry("online")}}, lease=30)
    versions = await one.register({ROOM: {2: Entry("online")}}, lease=30)
    assert versions == {ROOM: 2, "project.2": 2}
    assert (await one.read(ROOM)).entries == {"one": {2: Entry("online")}}
    assert (await one.read("project.2")).entries == {}


@with_redis
async def test_nothing_is_left_for_ever_of_a_room_that_every_user_left(store_of: StoreOf) -> None:
    one = store_of("one")
    await one.register({ROOM: {1: Entry("online")}}, lease=0.2)
    await one.write({ROOM: {1: None}})
    redis = one._redis
    await asyncio.sleep(0.3)  # The lease is over.
    two = store_of("two")
    await two.register({}, lease=30)
    await two.look([], lease=30)
    keys = set(await redis.keys("*presence*"))
    assert keys == {"taskrealtime:presence", f"taskrealtime:presence:room:{ROOM}"}
    assert 0 < await redis.ttl(f"taskrealtime:presence:room:{ROOM}") <= 3600


class Process:
    """A server process without sockets. Its publications reach no process: the sweeps must heal that."""

    def __init__(self, *urls: str, lease: float = 25.0) -> None:
        self.presence = Presence(urls, lease=lease, grace=0.2, gather=0.01)

    async def join(self, room: str, user_id: int) -> PresenceListener:
        listener = PresenceListener(user_id)
        await self.presence.open(room)
        listener.joined(*self.presence.enter(room, listener))
        return listener

    async def look(self) -> None:
        for sharing in self.presence._sharings:
            await sharing.look()

    async def close(self) -> None:
        for sharing in self.presence._sharings:
            await sharing.store.close()


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Process]]:
    processes: list[Process] = []

    def start(**options: Any) -> Process:
        processes.append(Process(services.shared_redis().url, **options))
        return processes[-1]

    yield start
    for process in processes:
        await process.close()


@with_redis
async def test_lost_publications_delay_what_processes_know_of_each_other(start: Callable[..., Process]) -> None:
    room = f"project.{next(_rooms)}"
    one, two = start(), start()
    watcher = await one.join(room, 1)
    await one.look()
    listener = await two.join(room, 2)
    assert listener.present == {1: "online", 2: "online"}
    await until(lambda: watcher.present == listener.present, one.look)
    two.presence.set_status(listener, "busy")
    two.presence.view(listener, room, 7)
    await until(lambda: watcher.present[2] == "busy" and watcher.viewers == {7: [2]}, one.look)
    two.presence.leave_all(listener)
    await until(lambda: watcher.present == {1: "online"} and not watcher.viewers, one.look)
    assert watcher.announced == [(2, "online"), (2, "busy"), (2, "offline")]


@with_redis
async def test_publications_in_any_order_or_twice_announce_everything_once(
    start: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = f"project.{next(_rooms)}"
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "taskrealtime.engine.installation.doorbell.hint",
        lambda room, message: messages.append({**message, "room": room}),
    )
    one, two = start(), start()
    watcher, listener = await one.join(room, 1), await two.join(room, 2)
    await until(lambda: watcher.present == {1: "online", 2: "online"}, one.look)
    messages.clear()
    for number, status in enumerate(("busy", "idle", "busy", "idle"), start=1):
        two.presence.set_status(listener, status)  # type: ignore[arg-type]
        await until(lambda number=number: len(messages) == number)  # type: ignore[misc]
    await until(lambda: one.presence.attendance(room).version is not None)
    for message in [*reversed(messages), *messages]:
        one.presence.receive(message)
    await until(lambda: watcher.present[2] == "idle")
    assert watcher.announced == [(2, "online"), (2, "idle")]


@with_redis
async def test_a_process_that_stops_renewing_loses_its_people_and_gets_them_back(start: Callable[..., Process]) -> None:
    room = f"project.{next(_rooms)}"
    one, two = start(), start(lease=0.4)
    watcher = await one.join(room, 1)
    await two.join(room, 2)
    # Both renew, for the lease may be over before the first look.
    await until(lambda: 2 in watcher.present, lambda: asyncio.gather(one.look(), two.look()))
    await until(lambda: 2 not in watcher.present, one.look)
    await until(lambda: 2 in watcher.present, lambda: asyncio.gather(one.look(), two.look()))
    assert watcher.announced == [(2, "online"), (2, "offline"), (2, "online")]


@with_redis
async def test_an_emptied_redis_makes_no_user_absent_until_every_user_had_the_time_to_register(
    start: Callable[..., Process], store_of: StoreOf
) -> None:
    room = f"project.{next(_rooms)}"
    one, two, three = start(lease=2.0), start(), start()
    watcher = await one.join(room, 1)
    await two.join(room, 2)
    await three.join(room, 3)
    await until(lambda: len(watcher.present) == 3, one.look)
    await store_of("cleaner")._redis.flushdb()
    await one.look()  # It registers, and finds no other process.
    late = await one.join(room, 4)
    await until(lambda: one.presence.attendance(room).version is not None)
    assert (await one.presence._sharings[0].store.read(room)).alive == {one.presence.process}
    assert late.present.keys() == {1, 2, 3, 4}
    await until(lambda: 3 not in watcher.present, lambda: asyncio.gather(one.look(), two.look()))
    announced = [change for change in watcher.announced if change[0] != 4]
    assert sorted(announced[:2]) == [(2, "online"), (3, "online")]
    assert announced[2:] == [(3, "offline")]  # `two` has registered, `three` never did.


async def test_what_one_process_knows_needs_no_redis() -> None:
    alone = Process()
    watcher, listener = await alone.join(ROOM, 1), await alone.join(ROOM, 2)
    alone.presence.set_status(listener, "busy")
    await until(lambda: watcher.present == {1: "online", 2: "busy"})
    alone.presence.leave_all(listener)
    await until(lambda: watcher.present == {1: "online"})
    assert watcher.announced == [(2, "busy"), (2, "offline")]


async def test_two_hundred_users_who_join_in_a_moment_are_a_few_frames() -> None:
    alone = Process()
    alone.presence._gather = 0.2
    watcher = await alone.join(ROOM, 1)
    crowd = [await alone.join(ROOM, user_id) for user_id in range(2, 202)]
    await until(lambda: len(watcher.present) == 201)
    assert len(watcher.frames) <= 3
    for listener in crowd:
        await until(lambda listener=listener: len(listener.present) == 201)  # type: ignore[misc]
        assert len(listener.frames) <= 3


async def test_a_removed_user_is_gone_without_the_moment_of_grace() -> None:
    alone = Process()
    alone.presence._grace = 1000
    watcher, one, two = await alone.join(ROOM, 1), await alone.join(ROOM, 2), await alone.join(ROOM, 2)
    alone.presence.leave(ROOM, one)
    await until(lambda: 2 in watcher.present)
    alone.presence.leave(ROOM, two, at_once=True)
    alone.presence.forget(ROOM, 2)
    await until(lambda: 2 not in watcher.present)


# --- Typing ---------------------------------------------------------------------------------


class Desk:
    """Typists whose time advances on command; their events are kept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.announced: list[tuple[float, bool]] = []
        self._timers: list[Timer] = []
        self.typists = Typists(Presence([]), alone=True, clock=lambda: self.now, call_at=self._call_at)
        self.typists._announce = lambda key, typing, is_typing: self.announced.append((self.now, is_typing))  # type: ignore[method-assign]

    def _call_at(self, at: float, call: Callable[[], None]) -> "Timer":
        self._timers.append(Timer(at, call))
        return self._timers[-1]

    def type(self, is_typing: bool = True, connection: str = "a") -> None:
        user = {"id": 1, "username": "bob", "name": "Bob"}
        self.typists.set_typing(ROOM, 7, user, connection=connection, is_typing=is_typing)

    def receive(self, is_typing: bool, connection: str = "b") -> None:
        """Another process reports a connection of the same user."""
        user = {"id": 1, "username": "bob", "name": "Bob"}
        message = {"process": "another", "place": 7, "user": user, "connection": connection, "is_typing": is_typing}
        self.typists.receive({"room": ROOM, **message})

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self._timers if timer.at <= end]:
            timer = min(due, key=lambda timer: timer.at)
            self._timers.remove(timer)
            self.now = max(self.now, timer.at)
            if not timer.cancelled:
                timer.call()
        self.now = end

    @property
    def idle(self) -> bool:
        return not self.typists._typing and not self.typists._last_publications


class Timer:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at, self.call, self.cancelled = at, call, False

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
async def desk() -> Desk:
    return Desk()


async def test_typing_ends_six_seconds_after_the_last_renewal(desk: Desk) -> None:
    desk.type()
    desk.pass_time(1.5)
    desk.type()
    desk.pass_time(20)
    assert desk.announced == [(0, True), (1.5 + TYPING_TIME, False)]


async def test_every_key_is_announced_once_in_two_seconds(desk: Desk) -> None:
    for _ in range(100):
        desk.type()
        desk.pass_time(0.1)
    begun = [at for at, is_typing in desk.announced if is_typing]
    assert len(begun) == 5
    assert all(later - earlier >= ANNOUNCE_SECONDS for earlier, later in itertools.pairwise(begun))


async def test_beginning_and_ending_all_the_time_is_announced_once_in_two_seconds(desk: Desk) -> None:
    for _ in range(50):
        desk.type()
        desk.type(False)
        desk.pass_time(0.1)
    begun = [at for at, is_typing in desk.announced if is_typing]
    assert all(later - earlier >= ANNOUNCE_SECONDS - 1e-9 for earlier, later in itertools.pairwise(begun))
    assert [is_typing for _, is_typing in desk.announced] == [True, False] * len(begun)


async def test_a_user_who_begins_again_right_after_the_end_is_announced_two_seconds_after_the_first(desk: Desk) -> None:
    desk.type()
    desk.type(False)
    desk.type()
    desk.pass_time(5)
    assert desk.announced == [(0, True), (0, False), (ANNOUNCE_SECONDS, True)]


async def test_what_a_dead_process_announced_ends_by_itself(desk: Desk) -> None:
    desk.receive(True)
    desk.pass_time(20)
    assert desk.announced == [(0, True), (TYPING_TIME, False)]
    assert desk.idle


async def test_connections_of_two_processes_type_as_one(desk: Desk) -> None:
    desk.type()
    desk.receive(True)
    desk.receive(True)
    desk.pass_time(1)
    desk.type(False)
    desk.pass_time(1)
    assert desk.announced == [(0, True)]
    desk.receive(False)
    assert desk.announced == [(0, True), (2, False)]


async def test_the_end_of_a_connection_ends_its_typing_everywhere_and_leaves_nothing(desk: Desk) -> None:
    desk.type()
    desk.typists.stop("a", room="project.2")
    desk.typists.stop("a", place=8)
    assert desk.announced == [(0, True)]
    desk.typists.stop("a")
    assert desk.announced == [(0, True), (0, False)]
    desk.pass_time(ANNOUNCE_SECONDS)
    assert desk.idle


async def test_a_removed_user_types_no_more(desk: Desk) -> None:
    desk.type()
    desk.receive(True)
    desk.typists.forget(ROOM, 2)
    assert desk.announced == [(0, True)]
    desk.typists.forget(ROOM, 1)
    assert desk.announced == [(0, True), (0, False)]


# --- Last seen ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_when_users_were_seen_never_goes_back_and_deleted_ones_are_passed_over() -> None:
    one, two = User.objects.create(username="one"), User.objects.create(username="two")
    gone = User.objects.create(username="gone")
    gone_id = gone.pk
    gone.delete()

    def seen() -> dict[int, float]:
        return {row.user_id: row.at.timestamp() for row in LastSeen.objects.all()}

    write_seen({one.pk: 1000.5, two.pk: 2000, gone_id: 3000})
    assert seen() == {one.pk: 1000.5, two.pk: 2000}
    write_seen({one.pk: 999, two.pk: 2001})
    assert seen() == {one.pk: 1000.5, two.pk: 2001}
    assert LastSeen.objects.get(user=one).at == datetime.fromtimestamp(1000.5, UTC)
    write_seen({})
