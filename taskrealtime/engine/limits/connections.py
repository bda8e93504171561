"""How many connections there are: of a user over all processes, from an address, and such as are not signed in yet.

Each process keeps its own count and announces it in Redis, beside a sign of life. The counts of a process that gives
none count for nothing, so a killed one takes up no capacity. While Redis is away each process goes by its own count;
when it is back, or has forgotten everything, the counts are announced again.
"""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.user_model import UserKey, as_text
from taskrealtime.engine.db.batching import Batcher
from taskrealtime.engine.db.threads import in_counting_thread
from taskrealtime.engine.installation import redis_scripts
from taskrealtime.engine.installation.names import redis_key

if TYPE_CHECKING:
    from taskrealtime.engine.installation.redis_shard import Shard

logger = logging.getLogger(__name__)

#: Seconds between two heartbeats of a process.
HEARTBEAT_SECONDS = 0.5
#: Seconds that a heartbeat lasts: for so long a killed process still counts.
LEASE_SECONDS = 3.0
#: Heartbeats between two announcements of everything.
HEARTBEATS_BETWEEN_ANNOUNCEMENTS = 600
#: Seconds after which Redis drops what a dead process announced.
ANNOUNCEMENT_TTL_SECONDS = 3600

# Says how many connections of a user this process has; returns how many the other living ones have.
_ANNOUNCE = """
local mine, count = ARGV[1], tonumber(ARGV[2])
if count > 0 then redis.call('HSET', KEYS[1], mine, count) else redis.call('HDEL', KEYS[1], mine) end
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[3]))
local others, all = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= mine then
    if redis.call('EXISTS', ARGV[4] .. all[i]) == 1 then
      others = others + tonumber(all[i + 1])
    else
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
end
return others
"""
# A sign of life; returns whether the last one still held.
_BEAT = """
local held = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], '1', 'PX', tonumber(ARGV[1]))
return held
"""


class ConnectionSlot:
    """One connection's place among those of its user."""

    def __init__(self, counts: "Counts", user_id: UserKey) -> None:
        self._counts: Counts | None = counts
        self._user_id = user_id

    def leave(self) -> None:
        """Give the place up, once."""
        if self._counts is not None:
            counts, self._counts = self._counts, None
            counts.leave(self._user_id)


class Counts:
    """The connections that one event loop serves, by user."""

    def __init__(self) -> None:
        self._own: Counter[UserKey] = Counter()
        self._announcer = Batcher(self._announce_all, run=in_counting_thread)
        self._announcing: set[asyncio.Task[int]] = set()
        self._beating: asyncio.Task[None] | None = None
        #: Redis servers that did not answer, and users whose count one of them may not know.
        self._unsure: set[Shard] = set()
        self._unreported: set[UserKey] = set()
        #: Another one each time, even if a process number is given again.
        self._process = secrets.token_hex(8)

    def enter(self, user_id: UserKey) -> ConnectionSlot:
        """Count one more connection; ask `is_full` next."""
        self._own[user_id] += 1
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat_forever())
        return ConnectionSlot(self, user_id)

    async def is_full(self, user_id: UserKey) -> bool:
        """Return whether the connection that came last is one too many."""
        limit = settings.WEBSOCKET_MAX_CONNECTIONS_PER_USER
        own = self._own[user_id]
        if own > limit > 0:
            return True
        others = await self._announcer.ask((user_id, own))
        return own + others > limit > 0

    def leave(self, user_id: UserKey) -> None:
        """Count one less, and say so."""
        self._own[user_id] -= 1
        own = self._own[user_id]
        if not own:
            del self._own[user_id]
        announcing = asyncio.create_task(self._announcer.ask((user_id, own)))
        self._announcing.add(announcing)
        announcing.add_done_callback(self._announcing.discard)

    def _announce_all(self, counts: Sequence[tuple[UserKey, int]]) -> list[int]:
        """Announce how many connections these users have here; return how many each has elsewhere."""
        others: dict[int, int] = {}
        names = [redis_key("connections", as_text(user_id)) for user_id, _ in counts]
        for shard in redis_scripts.shards():
            mine = [index for index, name in enumerate(names) if redis_scripts.shard_of(name) is shard]
            calls: list[redis_scripts.Call] = [
                (
                    [names[index]],
                    [self._process, counts[index][1], ANNOUNCEMENT_TTL_SECONDS, redis_key("connections", "alive:")],
                )
                for index in mine
            ]
            try:
                others.update(zip(mine, map(int, shard.run_all(_ANNOUNCE, calls)), strict=True))
            except redis_scripts.SharedAway:
                self._unsure.add(shard)
                self._unreported.update(counts[index][0] for index in mine)
        return [others.get(index, 0) for index in range(len(counts))]

    async def _beat_forever(self) -> None:
        beats = 0
        announcing: asyncio.Task[None] | None = None
        due = False
        while True:
            beats += 1
            try:
                known = await in_counting_thread(self._beat)
            except Exception:
                logger.exception("Connection counts: the heartbeat to Redis failed; the next one is due at once.")
                known = True
            due |= not known or beats % HEARTBEATS_BETWEEN_ANNOUNCEMENTS == 0
            # Beside the beats: with thousands of users it takes longer than a sign of life lasts.
            if due and (announcing is None or announcing.done()):
                due = False
                announcing = asyncio.create_task(self._announce_everything())
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _announce_everything(self) -> None:
        users = {*self._own, *self._unreported}
        self._unreported.clear()
        try:
            await asyncio.gather(*(self._announcer.ask((user_id, self._own[user_id])) for user_id in users))
        except Exception:
            logger.exception("Connection counts: they could not be announced; a later round tries again.")

    def _beat(self) -> bool:
        """Give a sign of life; return whether every Redis that answers knows all counts."""
        known = True
        for shard in redis_scripts.shards():
            try:
                held = shard.run(_BEAT, [redis_key("connections", "alive", self._process)], [int(LEASE_SECONDS * 1000)])
            except redis_scripts.SharedAway:
                # It may take this sign of life all the same, after it has lost the counts.
                self._unsure.add(shard)
            else:
                known &= bool(held) and shard not in self._unsure
                self._unsure.discard(shard)
        return known


# --- In this process alone ------------------------------------------------------------------

_by_address: Counter[str] = Counter()
#: Those that are not signed in yet, by address, the oldest first, each with what ends it.
_handshakes: dict[str, dict[object, Callable[[], None]]] = {}
#: When each connection began that is being signed in, the earliest first; when one was done with that last. Monotonic.
_signing_in: dict[object, float] = {}
_last_done = 0.0
#: Connections that may be signed in at once, however long that takes.
MANY_SIGNING_IN = 50
#: Seconds that signing in may take while there are more.
SLOW_SECONDS = 0.5
#: Seconds without any that was signed in, after which slowness no longer counts: they do not wait for work then, and
#: keeping others out would not help.
STALLED_SECONDS = 5.0


@contextmanager
def from_address(address: str | None) -> Iterator[bool]:
    """Count a connection from there; yield whether there is a place for it. None: an address that clients share."""
    if address is None:
        yield True
        return
    _by_address[address] += 1
    try:
        yield not _by_address[address] > settings.WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS > 0
    finally:
        _by_address[address] -= 1
        if not _by_address[address]:
            del _by_address[address]


@contextmanager
def handshake(peer: str, give_up: Callable[[], None]) -> Iterator[None]:
    """Count a connection from there that is not signed in yet; it may have to give way (`make_room_for_handshake`)."""
    this = object()
    _handshakes.setdefault(peer, {})[this] = give_up
    try:
        yield
    finally:
        _forget_handshake(peer, this)


def make_room_for_handshake(peer: str) -> bool:
    """Return whether one more connection from there may begin to sign in.

    If all places are taken, the oldest one of the address that has most of them gives way, unless that is this one.
    """
    limit = settings.WEBSOCKET_MAX_HANDSHAKES
    if not sum(map(len, _handshakes.values())) >= limit > 0:
        return True
    greediest = max(_handshakes, key=lambda address: len(_handshakes[address]))
    if len(_handshakes[greediest]) <= len(_handshakes.get(peer, ())) + 1:
        return False
    oldest, give_up = next(iter(_handshakes[greediest].items()))
    _forget_handshake(greediest, oldest)
    give_up()
    return True


def _forget_handshake(peer: str, this: object) -> None:
    of_peer = _handshakes.get(peer, {})
    of_peer.pop(this, None)
    if not of_peer:
        _handshakes.pop(peer, None)


@contextmanager
def signing_in() -> Iterator[None]:
    """Count a connection whose token is being looked at, until it is in its user's room."""
    global _last_done
    this = object()
    _signing_in[this] = time.monotonic()
    try:
        yield
    finally:
        del _signing_in[this]
        _last_done = time.monotonic()


def is_signing_in_slow() -> bool:
    """Return whether more connections than can be signed in soon have come: others should wait until they are."""
    if len(_signing_in) < MANY_SIGNING_IN:
        return False
    now = time.monotonic()
    return now - next(iter(_signing_in.values())) > SLOW_SECONDS and now - _last_done < STALLED_SECONDS
