"""Concurrent writes: clients that listen, miss messages, are evicted or take snapshots see one order without a gap."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from taskrealtime.contract.room_names import project_room
from taskrealtime.engine import log
from taskrealtime.engine.db.threads import in_database_thread
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.log import LoggedEvent
from taskrealtime.engine.process import process
from taskrealtime.engine.rooms.room import Subscription
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.models import Membership
from tests.support.operations import BROADCASTS, BULK, COMMANDS, SAVES, World, Writer, attempt, delete_a_user
from tests.support.profiles import DEEP
from tests.support.replay import (
    Board,
    BoardScript,
    Frame,
    assert_same_board,
    checked_frame,
    read_board,
    read_frames,
    replay,
    without_comments,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
]

#: An account that ends takes part in everything at once; here people stay.
OPERATIONS = [operation for operation in (*COMMANDS, *SAVES, *BULK, *BROADCASTS) if operation is not delete_a_user]
WRITERS = 4
#: A short story, and some long ones.
stories = pytest.mark.parametrize(
    "seed, steps", [(0, 20), *(pytest.param(seed, 60, marks=pytest.mark.long) for seed in range(1, 100 if DEEP else 3))]
)


@pytest.fixture
def world() -> World:
    return World.create()


def write(world: World, seed: int, steps: int) -> None:
    writer = Writer(world, Random(seed), alone=False)
    for _ in range(steps):
        attempt(writer, writer.one_of(OPERATIONS))


async def while_writing(world: World, seed: int, steps: int, repeat: Callable[[], Awaitable[object]]) -> None:
    """Let four threads write at random, and call `repeat` over and over meanwhile."""
    writers = [asyncio.create_task(in_database_thread(write, world, seed * WRITERS + n, steps)) for n in range(WRITERS)]
    while not all(writer.done() for writer in writers):
        await repeat()
    await asyncio.gather(*writers)


@stories
async def test_every_snapshot_taken_meanwhile_leads_to_the_last_one(world: World, seed: int, steps: int) -> None:
    snapshots: dict[int, list[Board]] = {project_id: [] for project_id in world.projects}

    async def take_snapshots() -> None:
        for project_id, boards in snapshots.items():
            boards.append(await in_database_thread(read_board, project_id))

    await while_writing(world, seed, steps, take_snapshots)
    await take_snapshots()
    await in_database_thread(assert_each_leads_to_the_last, snapshots)


def assert_each_leads_to_the_last(snapshots: dict[int, list[Board]]) -> None:
    script = BoardScript()
    for project_id, boards in snapshots.items():
        assert len(boards) > 1, "nothing was taken while they wrote"
        frames = read_frames(project_id, 0)
        assert [frame["seq"] for frame in frames] == list(range(1, boards[-1]["seq"] + 1))
        for board in boards:
            since = frames[board["seq"] :]
            assert_same_board(replay(board, since), boards[-1])
            assert script.replay(board, since) == without_comments(boards[-1])
    script.close()


# --- Listeners ------------------------------------------------------------------------------


@dataclass(eq=False)
class Listener:
    """A client's side of one room: it joins, receives, is evicted and returns with the number that it has."""

    lags = False

    user: User
    project_id: int
    cursor: int
    frames: list[Frame] = field(default_factory=list)
    subscription: Subscription | None = None
    #: The room's head when the membership was last checked.
    authorised: int = 0
    thrown_out: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.user_id = int(self.user.pk)

    def deliver(self, frames: Iterable[str]) -> None:
        assert self.subscription is not None
        for text in frames:
            frame = checked_frame(text)
            assert frame["seq"] == self.cursor + 1, f"{self.user}: {frame['seq']} follows {self.cursor}"
            assert not self.was_removed, f"{self.user} heard {frame['event']} after the end of the membership"
            self.cursor = frame["seq"]
            self.frames.append(frame)

    @property
    def was_removed(self) -> bool:
        """Whether the last event received was the end of this very membership."""
        last = self.frames[-1] if self.frames else None
        if last is None or last["event"] != "project_member_removed" or last["seq"] <= self.authorised:
            return False
        return bool(last["data"]["user_id"] == self.user_id)

    def membership_ended(self, room: str) -> None:
        return

    def unsubscribed(self, room: str) -> None:
        self.subscription = None
        self.thrown_out.set()

    def disconnect(self, code: int, reason: str) -> None:
        raise AssertionError(f"{self.user} was cut: {code} {reason}")

    async def drained(self) -> None:
        return

    async def join(self) -> None:
        """As the socket does, with everything that was missed; nothing happens where the user is no member."""
        if self.subscription is not None:
            return
        room = project_room(self.project_id)
        try:
            state = await process().hub.resume_state(log.Reader(room, self.user_id, self.cursor))
        except NotFound:
            return
        assert not state.reset
        served = await process().hub.open(room)
        self.authorised = state.end.offset
        self.subscription = served.subscribe(self, cursor=self.cursor, authorised=state.end.offset)
        await served.go_live(self.subscription)

    def leave(self) -> None:
        if self.subscription is not None:
            self.subscription.room.unsubscribe(self.subscription)
            self.subscription = None


class UnreliableDoorbell:
    """Publishes as the real doorbell does, but loses, repeats and holds back what it carries."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._publish = doorbell.publish
        self._held_back: list[Callable[[], None]] = []

    def publish(self, room: str, events: list[LoggedEvent], *, personal: bool = False) -> None:
        publish = partial(self._publish, room, events, personal=personal)
        fate = self._chance.random()
        if fate < 0.3:
            return
        if fate < 0.5:
            self._held_back.append(publish)
            return
        publish()
        if fate < 0.7:
            publish()
        while self._held_back and self._chance.random() < 0.6:
            self._held_back.pop()()


@pytest.fixture(params=["every publication arrives", "publications are lost, repeated and late"])
def bell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param != "every publication arrives":
        monkeypatch.setattr(doorbell, "publish", UnreliableDoorbell(Random(5)).publish)
    yield
    doorbell.set_server_loop(None)


@stories
@pytest.mark.usefixtures("bell")
async def test_every_listener_receives_everything_once_and_in_order(
    world: World, settings: Settings, seed: int, steps: int
) -> None:
    settings.SWEEP_INTERVAL = 0.05
    chance = Random(seed)
    start = await in_database_thread(heads_and_boards, world)
    # Alice stays: whatever users chance chooses, at least one is live at the end.
    listeners = [Listener(world.alice, world.projects[0], start[world.projects[0]]["seq"])]

    async def come_and_go() -> None:
        if len(listeners) < 24:
            user = chance.choice(await in_database_thread(list, User.objects.filter(pk__in=world.users)))
            project_id = chance.choice(world.projects)
            head = (await in_database_thread(log.heads, [project_room(project_id)]))[project_room(project_id)]
            since = chance.choice([start[project_id]["seq"], head])
            listeners.append(Listener(user, project_id, since))
        listener = chance.choice(listeners)
        if chance.random() < 0.2:
            listener.leave()
        await asyncio.gather(*(listener.join() for listener in chance.sample(listeners, len(listeners) // 2)))

    await while_writing(world, 100 + seed, steps, come_and_go)
    await all_at_the_end(listeners)
    # Whatever chance chose: a live user is evicted.
    removed = await in_database_thread(end_a_membership, listeners)
    await asyncio.wait_for(removed.thrown_out.wait(), 60)
    await all_at_the_end(listeners)
    for listener in listeners:
        await in_database_thread(assert_received_as_logged, listener, start)


def end_a_membership(listeners: list[Listener]) -> Listener:
    live = next(listener for listener in listeners if listener.subscription is not None)
    live.thrown_out.clear()
    Membership.objects.get(project_id=live.project_id, user_id=live.user_id).delete()
    return live


def heads_and_boards(world: World) -> dict[int, Board]:
    return {project_id: read_board(project_id) for project_id in world.projects}


async def all_at_the_end(listeners: list[Listener]) -> None:
    """All clients that may return do so, and receive events until the log's end."""
    async with asyncio.timeout(60):
        for listener in listeners:
            while True:
                await listener.join()
                room = project_room(listener.project_id)
                head = (await in_database_thread(log.heads, [room]))[room]
                members = Membership.objects.filter(project_id=listener.project_id, user_id=listener.user_id)
                waiting = await in_database_thread(log.unnumbered_rooms)
                if not waiting and (listener.cursor == head or not await in_database_thread(members.exists)):
                    break
                await asyncio.sleep(0.02)


def assert_received_as_logged(listener: Listener, start: dict[int, Board]) -> None:
    logged = {frame["seq"]: frame for frame in read_frames(listener.project_id, 0)}
    for frame in listener.frames:
        known = logged[frame["seq"]]
        # What is deleted is blank in the log: now, or when a replay was read from it.
        assert frame == known or frame["data"].get("redacted") or known["data"].get("redacted")
    old, fresh = start[listener.project_id], read_board(listener.project_id)
    if len(listener.frames) == fresh["seq"] - old["seq"]:
        assert_same_board(replay(old, listener.frames), fresh)
