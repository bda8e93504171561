"""Presence in Redis: what each server process knows, under a lease that ends with the process.

One lease per process, by Redis's own clock, holds up all that the process wrote: keeping it costs one command, however
many users it serves. Each room is a hash of (process, user) → entry, with a version that every change moves. Each
script is atomic. An ended lease is cleared away by whichever process looks first.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from taskrealtime.engine.conf.user_model import UserKey, as_text, from_text
from taskrealtime.engine.installation.names import redis_key

from .attendance import Entry

#: Seconds after which Redis counts as away.
REDIS_TIMEOUT_SECONDS = 2.0

_COMMON = """
local function room_key(room) return KEYS[1] .. ':room:' .. room end
local function owned_key(process) return KEYS[1] .. ':of:' .. process end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function put(process, room, user, entry)
  if entry == cjson.null then
    redis.call('HDEL', room_key(room), process .. ' ' .. user)
    redis.call('SREM', owned_key(process), room .. ' ' .. user)
  else
    redis.call('HSET', room_key(room), process .. ' ' .. user, entry)
    redis.call('SADD', owned_key(process), room .. ' ' .. user)
  end
end

local function forget(process, touched)
  for _, owned in ipairs(redis.call('SMEMBERS', owned_key(process))) do
    local room, user = string.match(owned, '^(%S+) (%S+)$')
    redis.call('HDEL', room_key(room), process .. ' ' .. user)
    touched[room] = true
  end
  redis.call('DEL', owned_key(process))
end

-- The version of an empty room is kept for an hour: longer than any process remembers it.
local function bump(touched)
  local versions = {}
  for room in pairs(touched) do
    versions[#versions + 1] = room
    versions[#versions + 1] = redis.call('HINCRBY', room_key(room), 'version', 1)
    if redis.call('HLEN', room_key(room)) == 1 then
      redis.call('EXPIRE', room_key(room), 3600)
    else
      redis.call('PERSIST', room_key(room))
    end
  end
  return versions
end

local function put_all(process, rooms, touched)
  for room, people in pairs(rooms) do
    for user, entry in pairs(people) do put(process, room, user, entry) end
    touched[room] = true
  end
end
"""

#: process, lease (ms), rooms as JSON: {room: {user: entry}}. It takes the place of all that the process wrote before.
_REGISTER = """
local touched = {}
forget(ARGV[1], touched)
put_all(ARGV[1], cjson.decode(ARGV[3]), touched)
redis.call('ZADD', KEYS[1], clock() + ARGV[2], ARGV[1])
return bump(touched)
"""

#: process, rooms as JSON: {room: {user: entry or null}}
_WRITE = """
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return false end
local touched = {}
put_all(ARGV[1], cjson.decode(ARGV[2]), touched)
return bump(touched)
"""

#: process, lease (ms), names of rooms
_LOOK = """
local now = clock()
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return false end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
local touched = {}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  forget(process, touched)
  redis.call('ZREM', KEYS[1], process)
end
bump(touched)
local versions = {}
for i = 3, #ARGV do
  versions[i - 2] = tonumber(redis.call('HGET', room_key(ARGV[i]), 'version') or 0)
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return {redis.call('ZRANGE', KEYS[1], 0, -1), first - now, versions}
"""

#: name of a room
_READ = """
local room = redis.call('HGETALL', room_key(ARGV[1]))
return {redis.call('ZRANGE', KEYS[1], 0, -1), room}
"""

_decode_entry = msgspec.json.Decoder(Entry).decode


class Look(NamedTuple):
    """What a process sees when it renews its lease."""

    #: Every process that has a lease.
    alive: set[str]
    #: Seconds until the first lease ends.
    until_next_end: float
    #: By room, as they were asked for.
    versions: dict[str, int]


class Reading(NamedTuple):
    """A whole room."""

    alive: set[str]
    version: int
    #: By process and user.
    entries: dict[str, dict[UserKey, Entry]]


class PresenceStore:
    """One Redis, as one server process uses it. Its errors are raised unchanged."""

    def __init__(self, url: str, process: str) -> None:
        self.process = process
        #: The leases; every other key begins with it.
        self._key = redis_key("presence")
        # No second try within a command: the caller tries again a second later, knowing what may have been done.
        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        script = self._redis.register_script
        self._register, self._write = script(_COMMON + _REGISTER), script(_COMMON + _WRITE)
        self._look, self._read = script(_COMMON + _LOOK), script(_COMMON + _READ)

    async def register(self, rooms: Mapping[str, Mapping[UserKey, Entry]], *, lease: float) -> dict[str, int]:
        """Take out the lease, of so many seconds, with all that this process knows; return the rooms' new versions."""
        found = await self._register(keys=[self._key], args=[self.process, _milliseconds(lease), _encode(rooms)])
        return _pairs(found)

    async def write(self, rooms: Mapping[str, Mapping[UserKey, Entry | None]]) -> dict[str, int] | None:
        """Write changes (None: the user is gone); return the rooms' new versions, or None if the lease has ended."""
        found = await self._write(keys=[self._key], args=[self.process, _encode(rooms)])
        return None if found is None else _pairs(found)

    async def look(self, rooms: list[str], *, lease: float) -> Look | None:
        """Renew the lease, remove those that ended, and return what moved; None if the own one has ended."""
        found = await self._look(keys=[self._key], args=[self.process, _milliseconds(lease), *rooms])
        if found is None:
            return None
        alive, until_next_end, versions = found
        return Look(set(alive), until_next_end / 1000, dict(zip(rooms, versions, strict=True)))

    async def read(self, room: str) -> Reading:
        """Return everything of a room."""
        alive, flat = await self._read(keys=[self._key], args=[room])
        version, entries = 0, dict[str, dict[UserKey, Entry]]()
        for field, value in zip(flat[::2], flat[1::2], strict=True):
            process, _, user = field.partition(" ")
            if not user:
                version = int(value)
            elif (user_id := from_text(user)) is not None:
                entries.setdefault(process, {})[user_id] = _decode_entry(value)
        return Reading(set(alive), version, entries)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _encode(rooms: Mapping[str, Mapping[UserKey, Entry | None]]) -> bytes:
    """Return JSON, the entries as texts in it, which the scripts pass on as they are."""
    texts = {
        room: {as_text(user_id): entry and msgspec.json.encode(entry).decode() for user_id, entry in of.items()}
        for room, of in rooms.items()
    }
    return msgspec.json.encode(texts)


def _pairs(flat: list[Any]) -> dict[str, int]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
