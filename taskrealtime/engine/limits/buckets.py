"""Token buckets: how much may be spent at once, and how fast it comes back; shared in Redis, or in memory."""

import math
import re
import threading
import time
from functools import lru_cache
from typing import NamedTuple, Self

from taskrealtime.engine.installation import redis_scripts
from taskrealtime.engine.installation.names import redis_key

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
#: Buckets in memory after which those that are full again are forgotten.
MAX_IN_MEMORY = 10_000

# A bucket that was not used until it is full again is no different from none: it expires then.
_TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local burst, rate, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if kept[1] then
  tokens = math.min(burst, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * rate)
end
local granted = math.min(wanted, math.floor(tokens))
tokens = math.min(burst, tokens - granted)
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1000)
return {granted, string.format('%.6f', math.max(0, (1 - tokens) / rate))}
"""


class Limit(NamedTuple):
    """So many at once, and as many again over that many seconds."""

    burst: int
    seconds: float

    @property
    def rate(self) -> float:
        """How many come back each second."""
        return self.burst / self.seconds

    def slower(self, times: float) -> "Limit":
        """As many at once, coming back so many times slower."""
        return Limit(self.burst, self.seconds * times)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `200/10s` (also `m`, `h`, and `5/s` for `5/1s`); None for `0`, which is no limit.

        Raises:
            ValueError: it is something else.
        """
        return _parse(str(text).strip())  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _parse(text: str) -> Limit | None:
    if text == "0":
        return None
    found = re.fullmatch(r"(\d{1,9})/(\d*(?:\.\d+)?)([smh]?)", text)
    if not found or not (found[2] or found[3]):
        raise ValueError(f"A limit looks like 200/10s, or is 0 for none: not {text!r}.")
    limit = Limit(int(found[1]), float(found[2] or 1) * _UNITS[found[3]])
    if limit.burst < 1 or limit.seconds <= 0:
        raise ValueError(f"A limit must be more than nothing: not {text!r}; 0 is none.")
    return limit


class Grant(NamedTuple):
    """What was taken out of a bucket, and in how many seconds there is one more if nothing was left."""

    tokens: int
    retry_after: float


class MemoryBuckets:
    """The buckets of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: By key what was left, when (monotonic), and when it is full again.
        self._kept: dict[str, tuple[float, float, float]] = {}

    def take(self, key: str, limit: Limit, wanted: int, *, now: float | None = None) -> Grant:
        """Take up to `wanted` out of the bucket `key`; fewer than 0: give some back."""
        now = time.monotonic() if now is None else now
        with self._lock:
            tokens, at, _ = self._kept.get(key, (limit.burst, now, now))
            tokens = min(limit.burst, tokens + (now - at) * limit.rate)
            granted = min(wanted, math.floor(tokens))
            tokens = min(limit.burst, tokens - granted)
            self._kept[key] = (tokens, now, now + (limit.burst - tokens) / limit.rate)
            if len(self._kept) > MAX_IN_MEMORY:
                self._forget_full_ones(now)
        return Grant(granted, max(0.0, (1 - tokens) / limit.rate))

    def _forget_full_ones(self, now: float) -> None:
        self._kept = {key: kept for key, kept in self._kept.items() if kept[2] > now}
        while len(self._kept) > MAX_IN_MEMORY:  # A crowd at once: the oldest ones get a full bucket again.
            del self._kept[next(iter(self._kept))]


class Buckets:
    """The buckets of all processes, in Redis; of this one alone if there is none, or while it is away."""

    def __init__(self) -> None:
        self._memory = MemoryBuckets()

    def take(self, key: str, limit: Limit, wanted: int) -> Grant:
        """As `MemoryBuckets.take`; blocks for as long as Redis takes to answer, a quarter of a second at most."""
        name = redis_key("limits", key)
        try:
            granted, retry_after = redis_scripts.shard_of(key).run(_TAKE, [name], [limit.burst, limit.rate, wanted])
        except redis_scripts.SharedAway:
            return self._memory.take(key, limit, wanted)
        return Grant(int(granted), float(retry_after))
