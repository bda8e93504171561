"""Work in database threads: users take turns, and an exception reaches the code that awaits it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from threading import Event
from typing import Any

import pytest

from taskrealtime.engine.db.batching import MAX_BATCH, Batcher
from taskrealtime.engine.db.fair_line import Share
from taskrealtime.engine.db.threads import in_database_thread, in_reading_thread, in_writing_thread
from tests.unit.listeners import until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_work_raises_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_database_thread(lambda: 1 // 0)


async def test_an_iterator_that_ends_leaves_no_caller_waiting_for_ever() -> None:
    async with asyncio.timeout(60):
        with pytest.raises(RuntimeError, match="StopIteration"):
            await in_database_thread(next, iter(()))


async def read_for(user_id: int, work: Callable[[], Any]) -> Any:
    return await in_reading_thread(Share(f"user:{user_id}"), work)


async def write_for(user_id: int, work: Callable[[], Any]) -> Any:
    return await in_writing_thread(user_id, work)


@pytest.mark.parametrize("run_for", [read_for, write_for])
async def test_a_user_whose_work_hangs_leaves_threads_to_others_also_after_giving_up(
    run_for: Callable[[int, Callable[[], Any]], Awaitable[Any]],
) -> None:
    end, begun = Event(), []

    def hang() -> None:
        begun.append(1)
        assert end.wait(60)

    hanging = [asyncio.ensure_future(run_for(1, hang)) for _ in range(30)]
    async with asyncio.timeout(60):
        assert await run_for(2, lambda: "done") == "done"
        await until(lambda: len(begun) == 2)
    for one in hanging:
        one.cancel()
        with suppress(asyncio.CancelledError):
            await one
    again = asyncio.ensure_future(run_for(1, hang))
    async with asyncio.timeout(60):
        assert await run_for(2, lambda: "done") == "done"
        assert len(begun) == 2, "the threads still work, so they count"
        end.set()
        await again


async def test_a_user_who_asks_once_is_in_the_next_batch_however_much_another_asks() -> None:
    batches: list[Sequence[str]] = []

    async def run(answer_all: Callable[..., Sequence[str]], questions: Sequence[str]) -> Sequence[str]:
        await asyncio.sleep(0)
        batches.append(questions)
        return answer_all(questions)

    batcher: Batcher[str, str] = Batcher(lambda questions: questions, run=run)
    crowd = [asyncio.ensure_future(batcher.ask(f"eve {n}", share="eve")) for n in range(10 * MAX_BATCH)]
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        assert await batcher.ask("ann", share="ann") == "ann"
        assert len(batches) <= 2
        assert [await one for one in crowd] == [f"eve {n}" for n in range(10 * MAX_BATCH)]
