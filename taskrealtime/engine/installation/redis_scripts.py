"""Runs small Lua scripts, each atomic, on the Redis that all processes share; reports quickly that it is away."""

import os
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from taskrealtime.engine.conf import settings

if TYPE_CHECKING:
    from .redis_shard import Shard

#: The keys and the arguments of one call of a script.
Call = tuple[Sequence[str], Sequence[str | float]]


class SharedAway(Exception):
    """There is no Redis, or it does not answer: each process goes by what it knows itself."""


def is_shared() -> bool:
    """Return whether there is a Redis at all."""
    return bool(settings.REDIS_URLS)


def shards() -> list["Shard"]:
    """Return every Redis of this installation."""
    return [_shard(url) for url in settings.REDIS_URLS]


def shard_of(key: str) -> "Shard":
    """Return the Redis that holds what belongs to `key`.

    Raises:
        SharedAway: there is none.
    """
    found = shards()
    if not found:
        raise SharedAway
    return found[zlib.crc32(key.encode()) % len(found)]


@lru_cache(maxsize=16)
def _shard(url: str) -> "Shard":
    from .redis_shard import Shard  # without a Redis its library need not be installed

    return Shard(url)


# A forked child makes its own: a thread of its parent may have held a lock of one at that moment.
os.register_at_fork(after_in_child=_shard.cache_clear)
