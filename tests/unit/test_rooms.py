"""Rooms: every listener gets every event once and in order, whatever happened to the publications."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from taskrealtime.engine import log
from taskrealtime.engine.auth import tokens
from taskrealtime.engine.db.threads import in_database_thread
from taskrealtime.engine.installation import doorbell, membership
from taskrealtime.engine.log import LoggedEvent, reading
from taskrealtime.engine.models import Epoch
from taskrealtime.engine.process import Process
from taskrealtime.engine.process import process as process_here
from taskrealtime.engine.rooms import sweep
from taskrealtime.engine.rooms.room import Room, Subscription
from taskrealtime.engine.rooms.sweep import Sweep
from taskrealtime.engine.sockets.outbox import Outbox
from taskrealtime.engine.wire.frames import Frames
from tests.support.profiles import examples
from tests.unit.listeners import FrameListener, Listener, until

# --- One room, its log a list ---------------------------------------------------------------


class ListedLog:
    """A log of numbers, as long as `grow` made it; `failures` reads fail first."""

    def __init__(self, evictions: dict[int, int] | None = None) -> None:
        self.events: list[LoggedEvent] = []
        self.failures = 0
        self._evictions = evictions or {}

    def grow(self, count: int) -> list[LoggedEvent]:
        first = len(self.events) + 1
        new = [LoggedEvent(seq, str(seq), self._evictions.get(seq)) for seq in range(first, first + count)]
        self.events += new
        return new

    async def read(self, name: str, *, since: int, limit: int) -> list[LoggedEvent]:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("The database is away.")
        page = self.events[since : since + limit]
        await asyncio.sleep(0)
        return page


class Stage:
    """A room on such a log, with listeners that subscribe at any time."""

    def __init__(self, evictions: dict[int, int] | None = None) -> None:
        self.log = ListedLog(evictions)
        self.room = Room("project.1", 0, self.log.read)
        self.listeners: list[tuple[Listener, Subscription, int]] = []
        self._arrivals: list[asyncio.Task[None]] = []

    def join(self, since: int, user_id: int = 1) -> Listener:
        """As a socket does: its right was checked a while ago, the room may be elsewhere by now."""
        listener = Listener(user_id)
        subscription = self.room.subscribe(listener, cursor=since, authorised=len(self.log.events))
        self.listeners.append((listener, subscription, since))
        self._arrivals.append(asyncio.create_task(self.room.go_live(subscription)))
        return listener

    async def settle(self) -> None:
        """The sweep finds the events that were not published; then all listeners have everything."""
        async with asyncio.timeout(60):
            await asyncio.gather(*self._arrivals)
            self.room.advance_to(len(self.log.events))
            while self.room.position < len(self.log.events):
                self.room.advance_to(len(self.log.events))
                await asyncio.sleep(0)


@examples(40)
@given(chance=st.randoms(), steps=st.integers(1, 40))
async def test_lost_repeated_and_late_publications_make_no_gap_and_no_double(chance: Random, steps: int) -> None:
    evictions = {chance.randrange(1, 80): 7 for _ in range(chance.randrange(3))}
    stage = Stage(evictions)
    publications: list[list[LoggedEvent]] = []
    for _ in range(steps):
        publications.append(stage.log.grow(chance.randrange(1, 4)))
        chance.shuffle(publications)
        for _ in range(chance.randrange(3)):
            events = chance.choice(publications)
            carried = events if chance.random() < 0.8 else []
            stage.room.receive(carried, events[-1].seq)
            if publications and chance.random() < 0.5:
                publications.remove(events)
                publications = publications or [events]
        if chance.random() < 0.4:
            stage.join(chance.randrange(len(stage.log.events) + 1), user_id=chance.choice([1, 7]))
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
    await stage.settle()
    for listener, subscription, since in stage.listeners:
        end = last_number(listener, subscription, evictions)
        assert listener.received == list(range(since + 1, since + 1 + len(listener.received)))
        if end is None or end > len(stage.log.events):
            assert subscription.cursor == len(stage.log.events)
            assert not subscription.ended
        else:
            # A listener that is evicted while catching up does not receive the rest.
            assert subscription.cursor <= end
            assert listener.rooms_left == ["project.1"]


def last_number(listener: Listener, subscription: Subscription, evictions: dict[int, int]) -> int | None:
    """The number of the event that ends this listener's membership."""
    ends = [seq for seq, user_id in evictions.items() if user_id == listener.user_id]
    return min((seq for seq in ends if seq > subscription.authorised), default=None)


async def test_a_subscriber_receives_what_it_missed_and_then_what_is_new() -> None:
    stage = Stage()
    stage.room.receive(stage.log.grow(3), 3)
    listener = stage.join(since=1)
    await stage.settle()
    assert listener.received == [2, 3]
    stage.room.receive(stage.log.grow(2), 5)
    await stage.settle()
    assert listener.received == [2, 3, 4, 5]


async def test_a_subscriber_ahead_of_the_room_receives_nothing_twice() -> None:
    stage = Stage()
    events = stage.log.grow(3)
    listener = stage.join(since=2)
    await asyncio.sleep(0)
    assert listener.received == []
    stage.room.receive(events, 3)
    await stage.settle()
    assert listener.received == [3]


async def test_a_removed_member_receives_the_removal_last() -> None:
    stage = Stage(evictions={3: 7})
    removed, stays = stage.join(since=0, user_id=7), stage.join(since=0, user_id=1)
    stage.room.receive(stage.log.grow(5), 5)
    await stage.settle()
    assert (removed.received, removed.rooms_left) == ([1, 2, 3], ["project.1"])
    assert (stays.received, stays.rooms_left) == ([1, 2, 3, 4, 5], [])


async def test_a_member_added_again_is_not_evicted_by_the_old_removal() -> None:
    stage = Stage(evictions={2: 7})
    events = stage.log.grow(4)
    back = stage.join(since=0, user_id=7)
    stage.room.receive(events, 4)
    await stage.settle()
    assert (back.received, back.rooms_left) == ([1, 2, 3, 4], [])


async def test_a_user_who_left_receives_nothing_more() -> None:
    stage = Stage()
    listener = stage.join(since=0)
    stage.room.receive(stage.log.grow(1), 1)
    await stage.settle()
    stage.room.unsubscribe(stage.listeners[0][1])
    stage.room.receive(stage.log.grow(1), 2)
    await stage.settle()
    assert (listener.received, listener.rooms_left) == ([1], [])


async def test_a_closed_room_is_left_by_every_subscriber() -> None:
    stage = Stage()
    listener = stage.join(since=0)
    await stage.settle()
    stage.room.close()
    assert listener.rooms_left == ["project.1"]
    assert stage.room.subscriptions() == []


async def test_a_database_that_was_away_is_asked_again(settings: Settings) -> None:
    settings.SWEEP_INTERVAL = 0.01
    stage = Stage()
    stage.log.failures = 3
    stage.log.grow(2)
    stage.room.advance_to(2)
    listener = stage.join(since=2)
    await stage.settle()
    stage.log.failures = 2
    stage.log.grow(300)
    late = Listener()
    subscription = stage.room.subscribe(late, cursor=0, authorised=0)
    await stage.settle()
    await stage.room.go_live(subscription)
    assert listener.received == list(range(3, 303))
    assert late.received == list(range(1, 303))


async def test_a_subscriber_behind_the_logs_floor_must_come_back() -> None:
    async def read(name: str, *, since: int, limit: int) -> list[LoggedEvent]:
        return [LoggedEvent(9, "9", None)]

    room = Room("project.1", 9, read)
    listener = Listener()
    await room.go_live(room.subscribe(listener, cursor=3, authorised=9))
    assert (listener.received, listener.close_codes) == ([], [1012])


async def test_a_hole_in_the_log_disconnects_every_subscriber_and_is_skipped() -> None:
    async def read(name: str, *, since: int, limit: int) -> list[LoggedEvent]:
        return [LoggedEvent(9, "9", None)]

    room = Room("project.1", 3, read)
    listener, late = Listener(), Listener()
    await room.go_live(room.subscribe(listener, cursor=3, authorised=3))
    room.advance_to(9)
    await until(lambda: room.position == 9)
    assert (listener.received, listener.close_codes) == ([], [1012])
    await room.go_live(room.subscribe(late, cursor=9, authorised=9))
    room.receive([LoggedEvent(10, "10", None)], 10)
    await until(lambda: late.received == [10])
    assert listener.received == []


@pytest.mark.parametrize("way", ["replay", "burst"])
async def test_no_subscriber_is_cut_for_long_events_that_it_would_have_read(way: str) -> None:
    read: list[str] = []

    async def send_text(frame: str) -> None:
        read.append(frame)

    outbox = Outbox(send_text, None, lambda: pytest.fail("cut"))

    class Reading(Listener):
        @property
        def lags(self) -> bool:  # type: ignore[override]
            return outbox.lags

        def deliver(self, frames: Frames) -> None:
            outbox.put(frames)

        async def drained(self) -> None:
            await outbox.drained()

    listener = Reading()
    events = [LoggedEvent(seq, "x" * 40_000, None) for seq in range(1, 151)]

    async def read_log(name: str, *, since: int, limit: int) -> list[LoggedEvent]:
        return events[since : since + limit]

    room = Room("project.1", 150 if way == "replay" else 0, read_log)
    await room.go_live(room.subscribe(listener, cursor=0, authorised=0))
    if way == "burst":
        room.receive(events, 150)
    await until(lambda: len(read) == 150)


# --- One user's room ------------------------------------------------------------------------


class Reader(Listener):
    """Receives numbers, and marks as (up to, unread)."""

    def __init__(self) -> None:
        super().__init__()
        self.delivered: list[int | tuple[int, int]] = []

    def deliver(self, frames: Frames) -> None:
        self.delivered += [_number_or_mark(frame) for frame in frames]


def _number_or_mark(frame: str) -> int | tuple[int, int]:
    if frame.isdecimal():
        return int(frame)
    event = msgspec.json.decode(frame)
    assert (event["event"], event["room"]) == ("notifications_read", "user.1")
    return event["data"]["up_to"], event["data"]["unread"]


async def enter(room: Room, cursor: int, read: int | None) -> Reader:
    reader = Reader()
    await room.go_live(room.subscribe(reader, cursor=cursor, authorised=cursor, read=read))
    return reader


async def test_a_mark_is_sent_once_and_never_goes_back() -> None:
    log_of_five = ListedLog()
    log_of_five.grow(5)
    room = Room("user.1", 5, log_of_five.read)
    reader = await enter(room, 5, read=0)
    for mark in (2, 2, 1, 4, 3):
        room.mark(mark, 0)
    room.mark(4, 0)
    assert reader.delivered == [(2, 3), (4, 1)]


async def test_a_mark_waits_for_the_events_that_were_read_elsewhere() -> None:
    log_of_three = ListedLog()
    room = Room("user.1", 0, log_of_three.read)
    reader = await enter(room, 0, read=0)
    events = log_of_three.grow(3)
    room.mark(2, 0)
    room.receive(events[:1], 1)
    await until(lambda: room.position == 1)
    assert reader.delivered == [1]
    room.receive(events[1:], 3)
    await until(lambda: room.position == 3)
    assert reader.delivered == [1, 2, 3, (2, 1)]


async def test_a_subscriber_that_comes_later_is_sent_what_it_does_not_know() -> None:
    log_of_three = ListedLog()
    log_of_three.grow(3)
    room = Room("user.1", 3, log_of_three.read)
    room.mark(2, 1)
    behind, knowing, polling = (
        await enter(room, 1, read=0),
        await enter(room, 3, read=2),
        await enter(room, 1, read=None),
    )
    assert behind.delivered == [2, 3, (2, 1)]
    assert knowing.delivered == []
    assert polling.delivered == [2, 3]
    room.mark(3, 1)
    assert (behind.delivered[-1], knowing.delivered, polling.delivered) == ((3, 0), [(3, 0)], [2, 3])


@pytest.mark.parametrize("name, again", [("user.1", "2 blanked"), ("project.1", "2")])
async def test_a_users_room_keeps_nothing_in_memory(name: str, again: str) -> None:
    """The reader may have lost access to its content by the next time."""

    async def read_log(name: str, *, since: int, limit: int) -> list[LoggedEvent]:
        return [LoggedEvent(2, "2 blanked")]

    room = Room(name, 0, read_log)
    room.receive([LoggedEvent(1, "1"), LoggedEvent(2, "2")], 2)
    await until(lambda: room.position == 2)
    received: list[str] = []

    class Verbatim(Listener):
        def deliver(self, frames: Frames) -> None:
            received.extend(frames)

    await room.go_live(room.subscribe(Verbatim(), cursor=1, authorised=1))
    assert received == [again]


# --- A hub on the real log and the real layer -----------------------------------------------

with_database = pytest.mark.django_db(transaction=True)


class Number(msgspec.Struct):
    """Data of an event."""

    n: int


@pytest.fixture
async def process(settings: Settings) -> AsyncIterator[Process]:
    settings.SWEEP_INTERVAL = 3600
    yield process_here()
    doorbell.set_server_loop(None)


def append(room: str, evicts: int | None = None) -> None:
    with transaction.atomic():
        log.append(room=room, type="number", data=Number(1), at=datetime.now(UTC), evicts=evicts)


async def listen(process: Process, name: str, user_id: int = 1) -> FrameListener:
    room = await process.hub.open(name)
    listener = FrameListener(user_id)
    await room.go_live(room.subscribe(listener, cursor=room.position, authorised=room.position))
    return listener


@with_database
async def test_a_commit_is_received_through_the_layer(process: Process) -> None:
    await in_database_thread(log.create_room, "project.1")
    listener = await listen(process, "project.1")
    for _ in range(3):
        await in_database_thread(append, "project.1")
    await until(lambda: listener.received == [1, 2, 3])


@with_database
async def test_the_sweep_delivers_what_no_publication_carried(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "publish", lambda *_, **__: None)
    await in_database_thread(log.create_room, "project.1")
    listener = await listen(process, "project.1")
    await in_database_thread(append, "project.1")
    assert listener.received == []
    await process.sweep.once()
    await until(lambda: listener.received == [1])


@with_database
async def test_the_sweep_delivers_while_the_layer_is_gone(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            raise ConnectionError("The layer is away.")

    await in_database_thread(log.create_room, "project.1")
    with monkeypatch.context() as patch:
        patch.setattr(membership, "channel_layer", Away)
        patch.setattr(doorbell, "publish", lambda *_, **__: None)
        listener = await listen(process, "project.1")
        assert process.hub.rooms["project.1"].detached
        await in_database_thread(append, "project.1")
        await process.sweep.once()
        await until(lambda: listener.received == [1])
    await until(lambda: not process.hub.rooms["project.1"].detached, process.sweep.once)
    await in_database_thread(append, "project.1")
    await until(lambda: listener.received == [1, 2])


@with_database
async def test_the_sweep_waits_for_no_layer_that_hangs(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that started while Redis was away: each of its rooms tries to join its group again."""

    class Hanging:
        async def group_add(self, group: str, channel: str) -> None:
            await asyncio.Event().wait()

    await in_database_thread(log.create_room, "project.1")
    monkeypatch.setattr(doorbell, "publish", lambda *_, **__: None)
    listener = await listen(process, "project.1")
    process.hub.rooms["project.1"].detached = True
    monkeypatch.setattr(membership, "channel_layer", Hanging)
    monkeypatch.setattr(doorbell, "PUBLISH_TIMEOUT", 3600)
    for seq in (1, 2):
        await in_database_thread(append, "project.1")
        async with asyncio.timeout(60):
            await process.sweep.once()
            await until(lambda: len(listener.received) == seq)  # noqa: B023 -- called at once
    assert listener.received == [1, 2]


@with_database
async def test_a_room_that_is_dropped_is_left_by_publication_and_by_sweep(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("project.1", "project.2"):
        await in_database_thread(log.create_room, name)
    rung, swept = await listen(process, "project.1"), await listen(process, "project.2")
    await in_database_thread(log.drop_room, "project.1")
    await until(lambda: rung.rooms_left == ["project.1"])
    monkeypatch.setattr(doorbell, "publish_closed", lambda room: None)
    await in_database_thread(log.drop_room, "project.2")
    await process.sweep.once()
    assert swept.rooms_left == ["project.2"]
    assert process.hub.rooms == {}


@with_database
async def test_the_sweep_ends_connections_of_users_that_are_signed_out_or_deleted(process: Process) -> None:
    users = await in_database_thread(lambda: [User.objects.create(username=f"user{n}") for n in range(3)])
    stays, out, gone = listeners = [FrameListener(user.pk) for user in users]
    for user, listener in zip(users, listeners, strict=True):
        process.enter(listener, await in_database_thread(tokens.session_stamp, user))
    await process.sweep.once()
    assert [listener.close_codes for listener in listeners] == [[], [], []]
    await in_database_thread(tokens.sign_out_everywhere, users[1])
    await in_database_thread(lambda: User.objects.filter(pk=users[2].pk).update(is_active=False))
    await process.sweep.once()
    assert (stays.close_codes, out.close_codes, gone.close_codes) == ([], [4403], [4403])
    for listener in listeners:
        process.leave(listener)
    assert process.hub.listeners == {}


class Punctual(FrameListener):
    """Writes down when it was given up, by the server's clock."""

    closed_at = 0.0

    def disconnect(self, code: int, reason: str) -> None:
        super().disconnect(code, reason)
        self.closed_at = asyncio.get_running_loop().time()


class Timeline:
    """What a hub that sweeps by itself asks of its clock, and what it gets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[float] = []
        #: Of its pauses: from when on, how long they were to be, how long they were.
        self.pauses: list[tuple[float, float, float]] = []
        self.seconds_of_sweeps = 0.0
        self._sweeper: object = None
        self._sweep, self._sleep = Sweep.once, asyncio.sleep
        monkeypatch.setattr(Sweep, "once", lambda sweep: self._note_sweep(sweep))
        monkeypatch.setattr(asyncio, "sleep", self._note_sleep)

    async def _note_sweep(self, sweep: Sweep) -> None:
        self._sweeper = asyncio.current_task()
        began = asyncio.get_running_loop().time()
        self.begun.append(began)
        await self._sweep(sweep)
        self.seconds_of_sweeps += asyncio.get_running_loop().time() - began

    async def _note_sleep(self, seconds: float) -> None:
        began = asyncio.get_running_loop().time()
        await self._sleep(seconds)
        if asyncio.current_task() is self._sweeper:
            self.pauses.append((began, seconds, asyncio.get_running_loop().time() - began))


@with_database
async def test_a_user_who_is_signed_out_is_out_with_the_next_sweep_and_within_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the server's own clock, without the time by which a busy machine wakes it late or answers it slowly."""
    timeline = Timeline(monkeypatch)
    process = process_here()
    listener = Punctual((user := await in_database_thread(lambda: User.objects.create(username="ann"))).pk)
    process.enter(listener, await in_database_thread(tokens.session_stamp, user))
    await until(lambda: timeline.begun)
    await in_database_thread(tokens.sign_out_everywhere, user)
    signed_out_at, sweeps_before = asyncio.get_running_loop().time(), len(timeline.begun)
    await until(lambda: listener.close_codes)
    assert listener.close_codes == [4403]
    assert len(timeline.begun) - sweeps_before <= 1
    since = [pause for pause in timeline.pauses if pause[0] + pause[2] >= signed_out_at]
    late = sum(slept - wanted for _, wanted, slept in since)
    assert listener.closed_at - signed_out_at - late - timeline.seconds_of_sweeps < 2.0
    doorbell.set_server_loop(None)


@with_database
async def test_a_renewed_epoch_disconnects_every_subscriber(process: Process) -> None:
    user = await in_database_thread(lambda: User.objects.create(username="user"))
    listener = FrameListener(user.pk)
    process.enter(listener, await in_database_thread(tokens.session_stamp, user))
    await process.sweep.once()
    await in_database_thread(lambda: Epoch.objects.update(value="restored"))
    await process.sweep.once()
    assert listener.close_codes == [1012]


@with_database
async def test_a_new_life_of_the_log_before_the_first_sweep_is_noticed(process: Process) -> None:
    user = await in_database_thread(lambda: User.objects.create(username="user"))
    room = f"user.{user.pk}"
    await in_database_thread(log.create_room, room)
    listener = FrameListener(user.pk)
    process.enter(listener, await in_database_thread(tokens.session_stamp, user))
    state = await process.hub.resume_state(log.Reader(room, user.pk))
    await in_database_thread(lambda: Epoch.objects.update(value="another"))
    assert state.end.epoch != await in_database_thread(log.epoch)
    await process.sweep.once()
    assert listener.close_codes == [1012]


@with_database
async def test_a_room_without_listeners_is_given_up_after_a_while(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_database_thread(log.create_room, "project.1")
    room = await process.hub.open("project.1")
    await process.sweep.once()
    assert process.hub.rooms == {"project.1": room}
    monkeypatch.setattr(sweep, "IDLE_ROOM_TTL_SECONDS", 0)
    await until(lambda: not process.hub.rooms, process.sweep.once)
    listener = await listen(process, "project.1")
    await in_database_thread(append, "project.1")
    await until(lambda: listener.received == [1])


@with_database
async def test_a_publication_while_a_room_is_being_opened_is_not_lost(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bounds = log.bounds

    def commit_after_reading(names: Iterable[str]) -> dict[str, log.Bounds]:
        bounds = read_bounds(names)
        append("project.1")
        deadline = time.monotonic() + 60
        while process.hub._published_heads["project.1"] == 0:
            assert time.monotonic() < deadline, "the publication did not come"
        return bounds

    await in_database_thread(log.create_room, "project.1")
    with monkeypatch.context() as patch:
        patch.setattr(reading, "bounds", commit_after_reading)
        room = await process.hub.open("project.1")
    await until(lambda: room.position == 1)


@with_database
async def test_callers_that_open_a_room_at_once_get_the_same(process: Process) -> None:
    await in_database_thread(log.create_room, "project.1")
    opened = await asyncio.gather(*(process.hub.open("project.1") for _ in range(5)))
    assert len(set(map(id, opened))) == 1


@with_database
async def test_messages_for_rooms_that_are_not_served_are_ignored(process: Process) -> None:
    await in_database_thread(log.create_room, "project.1")
    listener = await listen(process, "project.1")
    channel = await process.layer._channel
    await get_channel_layer().send(channel, {"type": "room.closed", "room": "project.404"})
    await in_database_thread(append, "project.1")
    await until(lambda: listener.received == [1])
