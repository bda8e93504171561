"""Runs database work of sockets and rooms in a few threads of their own."""

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.db import close_old_connections

from taskrealtime.engine.conf.user_model import UserKey

from .capacity import CARETAKERS, READERS, WRITERS
from .fair_line import FairLine, Share

P = ParamSpec("P")
T = TypeVar("T")

# channels' `database_sync_to_async` shares ONE thread per process: one slow query would stall every socket.
# Changes, which may have to wait for locks, have threads of their own: joins, replays and the sweep go on.
_readers: ThreadPoolExecutor
_writers: ThreadPoolExecutor
# One for background work: trimming.
_caretakers: ThreadPoolExecutor
# One for what processes count together in Redis: while that hangs, nothing but counting waits for it.
_counters: ThreadPoolExecutor


def _make_executors() -> None:
    """Make the executors, at the start and in a forked child, in which its parent's threads do not run."""
    global _readers, _writers, _caretakers, _counters
    _readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="database-reading")
    _writers = ThreadPoolExecutor(max_workers=WRITERS, thread_name_prefix="database-writing")
    _caretakers = ThreadPoolExecutor(max_workers=CARETAKERS, thread_name_prefix="database-caretaking")
    _counters = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counting")


_make_executors()
os.register_at_fork(after_in_child=_make_executors)
#: By event loop, where users take turns at the threads. A user's changes to one project wait for each other at the lock
#: of the membership anyway: better there, without a thread, so that a locked row stops only the requests that need it.
_reading: WeakKeyDictionary[asyncio.AbstractEventLoop, FairLine] = WeakKeyDictionary()
_writing: WeakKeyDictionary[asyncio.AbstractEventLoop, FairLine] = WeakKeyDictionary()


async def in_database_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work`, which reads, in a thread that may use the database, with the caller's context variables.

    For what the server itself does, once at a time; what one client asks for waits in line: `in_reading_thread`.
    """
    return await _in_thread_of(_readers, work, *args, **kwargs)


async def in_reading_thread(share: Share, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_database_thread`, when it is the turn of this share; a group has two of the threads at most."""
    line = _reading.setdefault(asyncio.get_running_loop(), FairLine(READERS))
    return await _in_turn(line, share, lambda: _submit(_readers, work, *args, **kwargs))


async def in_writing_thread(user_id: UserKey, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_reading_thread`, for work of this user that may wait for locks."""
    line = _writing.setdefault(asyncio.get_running_loop(), FairLine(WRITERS))
    return await _in_turn(line, Share(f"user:{user_id}"), lambda: _submit(_writers, work, *args, **kwargs))


async def in_caretaking_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_database_thread`, for background work: it takes no thread from requests."""
    return await _in_thread_of(_caretakers, work, *args, **kwargs)


async def in_counting_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work`, which asks Redis and no database, in the thread for that; one after the other, in order."""
    return await asyncio.get_running_loop().run_in_executor(_counters, lambda: work(*args, **kwargs))


async def _in_turn(line: FairLine, share: Share, submit: Callable[[], Future[T]]) -> T:
    """Submit work when it is its turn. A thread counts until its work has ended, even if the caller was cancelled."""
    if not line.take(share):
        turn = line.wait(share)
        try:
            await asyncio.shield(turn)
        except BaseException:
            line.leave(share, turn)
            raise
    loop = asyncio.get_running_loop()
    try:
        running = submit()
    except BaseException:
        line.pass_on(share)
        raise

    def pass_on(_: Future[T]) -> None:
        with suppress(RuntimeError):  # The loop is closed: no coroutine waits for a turn any more.
            loop.call_soon_threadsafe(line.pass_on, share)

    # Not when the caller is cancelled: the thread works on until its lock or statement is done.
    running.add_done_callback(pass_on)
    return await asyncio.wrap_future(running)


async def _in_thread_of(threads: ThreadPoolExecutor, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.wrap_future(_submit(threads, work, *args, **kwargs))


def _submit(threads: ThreadPoolExecutor, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    return threads.submit(contextvars.copy_context().run, _run, work, *args, **kwargs)  # type: ignore[arg-type]


def _run(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    try:
        return work(*args, **kwargs)
    except StopIteration as error:
        # An asyncio future refuses this one exception: its awaiter would wait for ever.
        raise RuntimeError("The work in a thread raised StopIteration.") from error
    finally:
        close_old_connections()
