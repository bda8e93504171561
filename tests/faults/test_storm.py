"""A crowd that returns in one moment is admitted again, and no client has missed anything."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing

import httpx
import pytest

from tests.support.crowd import Crowd
from tests.support.stacks import Server, Stack

from .storm import PREPARE, WRITE

pytestmark = [pytest.mark.end_to_end, pytest.mark.long, pytest.mark.timeout(300)]

PEOPLE, PROJECTS, CONNECTIONS, MISSED = 150, 15, 1500, 5
#: Of the storm of resets: all of them on one board.
FETCHERS, TASKS = 600, 1000
#: Seconds that all clients have to catch up; on an idle machine it takes a tenth of that.
TIMEOUT_SECONDS = 90.0


def in_a_storm(kind: str, storm: Callable[[Stack, Server], Coroutine[object, object, None]]) -> None:
    """Let it happen to a server, which shuts down gracefully afterwards and has logged no fault."""

    async def happen() -> None:
        server = stack.server(serve=True)
        await storm(stack, server)
        assert await asyncio.to_thread(server.stop) == 0
        assert "Traceback" not in server.log(0)

    stack = Stack(kind)
    try:
        asyncio.run(happen())
    finally:
        stack.close()


@pytest.mark.parametrize("kind", ["embedded", "deployed"])
def test_a_crowd_that_was_cut_off_comes_back_and_has_missed_nothing(kind: str) -> None:
    """Were each sign-in and join a few questions to the database of its own, every attempt would take too long."""

    async def storm(stack: Stack, server: Server) -> None:
        tokens, projects = stack.run(PREPARE, count=PEOPLE, projects=PROJECTS, tasks=0)
        async with aclosing(Crowd([server.port], tokens, projects, CONNECTIONS)) as crowd:
            await crowd.arrive()
            crowd.counts.clear()
            crowd.cut()
            heads = await asyncio.to_thread(stack.run, WRITE, projects=projects, each=MISSED)
            await crowd.caught_up(heads, TIMEOUT_SECONDS)
            assert crowd.faults == []
            assert set(crowd.counts) <= {"attempts", "attempts given up"}, crowd.counts  # no error, no reset
            assert crowd.deliveries == CONNECTIONS * MISSED

    in_a_storm(kind, storm)


def test_a_storm_of_resets_is_answered_wholly() -> None:
    """Each gets the board of its `seq`, written to meanwhile. Without a bound, many waited for a connection in vain."""

    async def storm(stack: Stack, server: Server) -> None:
        tokens, projects = stack.run(PREPARE, count=PEOPLE, projects=1, tasks=TASKS)
        async with aclosing(Crowd([server.port], tokens, projects, FETCHERS)) as crowd:
            await crowd.arrive()
            crowd.counts.clear()
            [made] = {member.seq for member in crowd.members}
            assert made is not None
            crowd.forget_epoch()
            crowd.cut()
            heads = await asyncio.to_thread(stack.run, WRITE, projects=projects, each=MISSED)
            alive = await asyncio.to_thread(httpx.get, f"{server.url}/healthz", timeout=10)
            assert alive.status_code == 200
            await crowd.caught_up(heads, TIMEOUT_SECONDS)
            assert crowd.faults == []
            assert crowd.counts["board: 200"] == crowd.counts["resets"] == FETCHERS, crowd.counts
            assert set(crowd.counts) <= {"attempts", "attempts given up", "resets", "board: 200"}, crowd.counts
            for member in crowd.members:
                assert member.board is not None
                # Since the tasks were made, each event is one more.
                assert len(member.board.tasks) - TASKS == member.board.seq - made

    in_a_storm("deployed", storm)
