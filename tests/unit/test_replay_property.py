"""An old snapshot and the events since are the new snapshot, whatever changed through any interface."""

import random
from collections.abc import Iterator
from functools import partial
from random import Random

import pytest
from django.test import Client
from hypothesis import given, note
from hypothesis import strategies as st

from tests.support.operations import (
    OPERATIONS,
    TRANSACTIONS,
    Operation,
    World,
    Writer,
    attempt,
    keep_rows_in_memory,
    roll_a_transaction_back,
)
from tests.support.profiles import DEEP, examples, few_or_many
from tests.support.replay import (
    Board,
    BoardScript,
    assert_same_board,
    read_board,
    read_frames,
    replay,
    without_comments,
)

# The limit leaves time to shrink a failure, which takes hypothesis up to five minutes.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(0 if DEEP else 900)]


@pytest.fixture(scope="module")
def board_script() -> Iterator[BoardScript]:
    """The page's reducer."""
    script = BoardScript()
    yield script
    script.close()


@few_or_many(5, 25)
def test_an_old_snapshot_and_the_events_since_are_the_new_snapshot(
    board_script: BoardScript, client: Client, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    @examples(number)
    @given(
        operations=st.lists(st.sampled_from(OPERATIONS), min_size=20, max_size=60),
        # True random: hypothesis's own leans towards the first of any choice, and makes dull stories.
        chance=st.randoms(use_true_random=True),
    )
    def whatever_happens(operations: list[Operation], chance: Random) -> None:
        # New cards' positions end in random digits: in the same ones whenever this example is run again.
        monkeypatch.setattr(random, "SystemRandom", partial(lambda digits: digits, Random(1)))
        assert_snapshots_and_events_agree(board_script, client, operations, chance)

    whatever_happens()


def assert_snapshots_and_events_agree(
    board_script: BoardScript, client: Client, operations: list[Operation], chance: Random
) -> None:
    world = World.create()
    writer = Writer(world, chance)
    keep_rows_in_memory(writer)
    snapshots = [take_snapshots(world)]
    since_then: list[Operation] = []
    for operation in operations:
        note(operation.__name__)
        attempt(writer, operation)
        since_then.append(operation)
        if chance.random() < 0.4:
            snapshots.append(take_snapshots(world))
            assert_silent_where_nothing_changed(since_then, snapshots[-2], snapshots[-1])
            since_then = []
    snapshots.append(take_snapshots(world))
    assert_events_lead_from_each_to_the_last(snapshots, board_script)
    client.force_login(world.alice)
    assert [fetch_board(client, project_id) for project_id in world.projects] == [
        without_comments(board) for board in snapshots[-1]
    ]


def take_snapshots(world: World) -> list[Board]:
    return [read_board(project_id) for project_id in world.projects]


def fetch_board(client: Client, project_id: int) -> Board:
    """What a page gets."""
    board: Board = client.get(f"/api/projects/{project_id}/board/").json()
    return board | {"members": sorted(board["members"], key=lambda member: member["user"]["id"])}


def assert_silent_where_nothing_changed(operations: list[Operation], before: list[Board], after: list[Board]) -> None:
    rolled_back = all(operation is roll_a_transaction_back for operation in operations)
    # Of several changes one may undo another, and both give events.
    single = len(operations) == 1 and operations[0] not in TRANSACTIONS
    for old, new in zip(before, after, strict=True):
        if rolled_back:
            assert new == old
        if single and new | {"seq": None} == old | {"seq": None}:
            assert new["seq"] == old["seq"], read_frames(old["project"]["id"], old["seq"])


def assert_events_lead_from_each_to_the_last(snapshots: list[list[Board]], board_script: BoardScript) -> None:
    for boards in zip(*snapshots, strict=True):
        frames = read_frames(boards[0]["project"]["id"], boards[0]["seq"])
        for board in boards:
            since = [frame for frame in frames if frame["seq"] > board["seq"]]
            assert_same_board(replay(board, since), boards[-1])
            assert board_script.replay(board, since) == without_comments(boards[-1])
