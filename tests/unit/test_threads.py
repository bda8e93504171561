"""Work in database threads: an exception reaches the code that awaits it."""

import asyncio

import pytest

from taskrealtime.engine.db.threads import in_database_thread

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_work_raises_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_database_thread(lambda: 1 // 0)


async def test_an_iterator_that_ends_leaves_nobody_waiting_for_ever() -> None:
    async with asyncio.timeout(60):
        with pytest.raises(RuntimeError, match="StopIteration"):
            await in_database_thread(next, iter(()))
