"""Rate limits over all processes: the events and changes of a user, and attempts to sign in."""

import hashlib
import math
import threading
import time
from dataclasses import dataclass

from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db.threads import in_counting_thread
from taskrealtime.engine.installation import redis_scripts
from taskrealtime.engine.wire.errors import RateLimited

from .addresses import countable
from .buckets import Buckets, Limit, MemoryBuckets

#: The part of a burst that a process lets pass before it asks Redis, and asks for at a time. So of `200/10s` one
#: message in ten costs a round trip, and each process lets at most ten too many pass; below 20 at once none.
CHUNKS = 20
#: Accounts after which those that are out of use are forgotten.
MAX_ACCOUNTS = 10_000
#: Connections that a user may open at once, at least.
CONNECTIONS_LEAST = 200
#: How many times slower than events they come back.
CONNECTION_SLOWNESS = 4
#: KiB of events that may come at once, for each event that may.
KILOBYTES_OF_EVENT = 20
#: How many times slower than events they come back: what is written is kept in the log, twice if it replaces
#: something, for `EVENT_RETENTION_DAYS`.
BYTES_SLOWNESS = 6
#: Bytes of an answer that cost as much as one more answer.
READ_BYTES = 16 * 1024
#: Refusals, in bursts, after which a connection that goes on is a flood.
FLOOD_TIMES = 5
#: Refusals that are never a flood, however small the burst.
FLOOD_LEAST = 200


@dataclass(slots=True)
class _Account:
    """What this process may spend of one bucket without asking; less than nothing: what it owes beside `owed`."""

    tokens: int
    #: Spent or to be spent without having been taken out of the bucket.
    owed: int
    valid_until: float
    refused_until: float = 0.0


class Limiter:
    """Spends from shared buckets in chunks, so that most calls need no round trip."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def spend(self, key: str, limit: Limit, cost: int = 1) -> None:
        """Spend `cost`, even if less than that is left; blocks if the shared bucket must be asked.

        Raises:
            RateLimited: there is nothing left.
        """
        if not self._spend_own(key, limit, cost):
            self._ask(key, limit, cost)

    async def aspend(self, key: str, limit: Limit, cost: int = 1) -> None:
        """As `spend`, for an event loop.

        Raises:
            RateLimited: there is nothing left.
        """
        if self._spend_own(key, limit, cost):
            return
        if redis_scripts.is_shared():
            await in_counting_thread(self._ask, key, limit, cost)
        else:
            self._ask(key, limit, cost)

    def charge(self, key: str, limit: Limit, cost: int) -> None:
        """Spend `cost` of what was let pass before it was known, without a round trip: the next caller pays for it."""
        with self._lock:
            self._account(key, limit, time.monotonic()).tokens -= cost

    def _spend_own(self, key: str, limit: Limit, cost: int) -> bool:
        """Spend what this process holds; return False if the shared bucket must be asked."""
        now = time.monotonic()
        with self._lock:
            account = self._account(key, limit, now)
            if account.refused_until > now:
                raise _too_often(account.refused_until - now)
            if account.tokens < 1:
                return False
            account.tokens -= cost
            return True

    def _account(self, key: str, limit: Limit, now: float) -> _Account:
        account = self._accounts.get(key)
        if account is None or account.valid_until <= now:
            if len(self._accounts) >= MAX_ACCOUNTS:
                self._accounts = {key: kept for key, kept in self._accounts.items() if kept.valid_until > now}
            advance = limit.burst // CHUNKS
            account = self._accounts[key] = _Account(advance, advance, now + limit.seconds)
        return account

    def _ask(self, key: str, limit: Limit, cost: int) -> None:
        with self._lock:
            account = self._account(key, limit, time.monotonic())
            owed, account.owed = account.owed + max(0, -account.tokens), 0
            account.tokens = max(0, account.tokens)
        granted, retry_after = self._buckets.take(key, limit, owed + max(cost, limit.burst // CHUNKS))
        now = time.monotonic()
        with self._lock:
            account.valid_until = now + limit.seconds
            if granted <= owed:
                account.refused_until = now + retry_after
                raise _too_often(retry_after)
            account.tokens += granted - owed - cost


def _too_often(retry_after: float) -> RateLimited:
    # Rounded up: a client that comes back after exactly that long is let in.
    return RateLimited(
        "Too much at once. Try again a little later.", retry_after=math.ceil(retry_after * 100 + 1) / 100
    )


_buckets = Buckets()
_limiter = Limiter(_buckets)
#: Openings of sockets by address.
_openings = MemoryBuckets()


# --- Events and changes of a user -----------------------------------------------------------


def spend_change(user_id: UserKey, *, kind: str, slowness: float, size: int = 0) -> None:
    """Count one change of a user that came by HTTP.

    Args:
        kind: what it is, and `slowness` how many times slower such may come than all together; 1: as fast.
        size: its bytes.

    Raises:
        RateLimited: there were too many, or too many bytes, by sockets and HTTP together.
    """
    for key, limit, cost in _limits_of(user_id, kind, slowness, size):
        _limiter.spend(key, limit, cost)


async def spend_event(user_id: UserKey, *, kind: str, slowness: float, size: int = 0) -> None:
    """Count one event of a user that came by a socket, as `spend_change` does.

    Raises:
        RateLimited: there were too many, or too many bytes, by sockets and HTTP together.
    """
    for key, limit, cost in _limits_of(user_id, kind, slowness, size):
        await _limiter.aspend(key, limit, cost)


def spend_read(user_id: UserKey, cost: int = 1) -> None:
    """Count one answer of the API that changes nothing, or `cost` of them; `charge_read` adds what its bytes cost.

    Raises:
        RateLimited: there were too many, or too large ones.
    """
    if (limit := Limit.parse(settings.HTTP_READ_LIMIT)) is not None:
        _limiter.spend(f"reads:{user_id}", limit, cost)


def charge_read(user_id: UserKey, size: int) -> None:
    """Count the bytes of an answer that `spend_read` let pass."""
    limit = Limit.parse(settings.HTTP_READ_LIMIT)
    if limit is not None and (cost := size // READ_BYTES):
        _limiter.charge(f"reads:{user_id}", limit, cost)


async def spend_connection(user_id: UserKey) -> None:
    """Count one more connection of a user, however soon it ends: each costs more than many events.

    Raises:
        RateLimited: there were too many in a short time.
    """
    if (limit := Limit.parse(settings.WEBSOCKET_RATE_LIMIT)) is not None:
        at_once = Limit(max(CONNECTIONS_LEAST, limit.burst), limit.seconds * CONNECTION_SLOWNESS)
        await _limiter.aspend(f"connections:{user_id}", at_once)


def spend_opening(peer: str) -> None:
    """Count a socket that is opened from there; `forgive_opening` takes one back that signs in.

    In this process alone: a round trip would cost more than it saves.

    Raises:
        RateLimited: there were too many in a short time.
    """
    place = countable(peer)
    if place and (limit := Limit.parse(settings.WEBSOCKET_OPEN_LIMIT)):
        granted, retry_after = _openings.take(place, limit, 1)
        if granted < 1:
            raise _too_often(retry_after)


def forgive_opening(peer: str) -> None:
    """Take the opening back: it counts for its user now."""
    place = countable(peer)
    if place and (limit := Limit.parse(settings.WEBSOCKET_OPEN_LIMIT)):
        _openings.take(place, limit, -1)


def _limits_of(user_id: UserKey, kind: str, slowness: float, size: int) -> list[tuple[str, Limit, int]]:
    """Return what is spent together: keys, limits and costs."""
    limit = Limit.parse(settings.WEBSOCKET_RATE_LIMIT)
    if limit is None:
        return []
    found = [(f"events:{user_id}", limit, 1)]
    if slowness > 1:
        found.insert(0, (f"{kind}:{user_id}", limit.slower(slowness), 1))
    if kilobytes := size // 1024:
        room = Limit(limit.burst * KILOBYTES_OF_EVENT, limit.seconds * BYTES_SLOWNESS)
        found.insert(0, (f"bytes:{user_id}", room, kilobytes))
    return found


class FloodGuard:
    """Counts a connection's refusals, and says when it must be closed."""

    def __init__(self) -> None:
        self._refusals = MemoryBuckets()

    def ends(self) -> bool:
        """Count one more refusal; return whether it is one too many."""
        limit = Limit.parse(settings.WEBSOCKET_RATE_LIMIT)
        if limit is None:
            return False
        refusals = Limit(max(FLOOD_LEAST, limit.burst * FLOOD_TIMES), limit.seconds)
        return self._refusals.take("", refusals, 1).tokens < 1


def spend_addition(adder_id: UserKey, user_id: UserKey) -> None:
    """Count the addition of a stranger to a project.

    Raises:
        RateLimited: there were too many by this adder, or of this user.
    """
    if limit := Limit.parse(settings.STRANGER_RATE_LIMIT):
        _spend_all([(f"additions:by:{adder_id}", limit), (f"additions:of:{user_id}", limit)])


# --- Attempts to sign in --------------------------------------------------------------------


def spend_sign_in(username: str, address: str | None) -> None:
    """Count an attempt to sign in before its password is checked; `forgive_sign_in` takes a correct one back.

    Raises:
        RateLimited: there were too many wrong ones for this name, or from this address.
    """
    _spend_all(_limits_at("sign-in", username, address))


def forgive_sign_in(username: str, address: str | None) -> None:
    """Take back the attempt: the password was correct."""
    _give_back(_limits_at("sign-in", username, address))


def spend_attempt(form: str, address: str | None, *, name: str = "") -> None:
    """Count an attempt at another public form; it allows as large a burst as signing in, and refills more slowly.

    Args:
        form: its name; attempts from an address are counted for each form by itself.
        name: what it is about (an e-mail address, say), if that is counted too.

    Raises:
        RateLimited: there were too many.
    """
    _spend_all(_limits_at(form, name, address, slowness=12))


def forgive_attempt(form: str, address: str | None, *, name: str = "") -> None:
    """Take back the attempt, which was a valid one."""
    _give_back(_limits_at(form, name, address, slowness=12))


def _spend_all(limits: list[tuple[str, Limit]]) -> None:
    spent: list[tuple[str, Limit]] = []
    for key, limit in limits:
        granted, retry_after = _buckets.take(key, limit, 1)
        if granted < 1:
            _give_back(spent)
            raise _too_often(retry_after)
        spent.append((key, limit))


def _give_back(spent: list[tuple[str, Limit]]) -> None:
    for key, limit in spent:
        _buckets.take(key, limit, -1)


def _limits_at(form: str, name: str, address: str | None, *, slowness: float = 1) -> list[tuple[str, Limit]]:
    limits = []
    if name and (limit := Limit.parse(settings.SIGN_IN_RATE_LIMIT)):
        # What users enter for a name is sometimes their password: it is not stored.
        hashed = hashlib.sha256(name.casefold().encode(errors="replace")).hexdigest()[:32]
        limits.append((f"{form}:name:{hashed}", limit.slower(slowness)))
    place = countable(address)
    if place and (limit := Limit.parse(settings.SIGN_IN_ADDRESS_RATE_LIMIT)):
        limits.append((f"{form}:address:{place}", limit.slower(slowness)))
    return limits
