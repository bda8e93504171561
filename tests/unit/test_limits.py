"""How often one may speak: buckets, and what is spent from them without asking."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from redis import Redis as Client

from taskrealtime.engine.installation import redis_scripts, redis_shard
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.limits.buckets import Buckets, Grant, Limit, MemoryBuckets
from taskrealtime.engine.wire.errors import RateLimited
from tests.services.redis import Redis

pytestmark = pytest.mark.services
LONG = Limit(5, 3600)  # nothing refills within a test


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """A Redis of this test's own, which the buckets are in."""
    redis = Redis()
    settings.REDIS_URLS = [redis.url]
    yield redis
    redis.kill()


@pytest.fixture(params=["memory", "redis"])
def buckets(request: pytest.FixtureRequest, settings: Settings) -> Buckets:
    """Buckets of either kind, empty of history."""
    settings.REDIS_URLS = []
    if request.param == "redis":
        request.getfixturevalue("redis")
    return Buckets()


def allowed(spend: Callable[[], object], attempts: int) -> int:
    """How many of so many attempts are let through."""
    count, waits = 0, []
    for _ in range(attempts):
        try:
            spend()
            count += 1
        except RateLimited as error:
            waits.append(error.retry_after or 0)
    assert all(wait > 0 for wait in waits)
    return count


@pytest.mark.parametrize(
    "text, expected",
    [("200/10s", (200, 10)), ("5/s", (5, 1)), ("5/2m", (5, 120)), ("1/h", (1, 3600)), ("3/7", (3, 7)), ("0", None)],
)
def test_a_limit_is_written_as_so_many_per_time(text: str, expected: tuple[int, float] | None) -> None:
    assert Limit.parse(text) == expected


@pytest.mark.parametrize("text", ["", "x", "5", "5/", "-5/s", "5/0s", "0/5s", "5/d", "5 / s s", "1e9/s"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        Limit.parse(text)


def test_a_bucket_gives_what_it_has_and_no_more(buckets: Buckets) -> None:
    assert buckets.take("a", LONG, 2).tokens == 2
    assert buckets.take("a", LONG, 9).tokens == 3
    assert buckets.take("a", LONG, 1).tokens == 0
    assert 700 < buckets.take("a", LONG, 1).retry_after <= 720
    assert buckets.take("b", LONG, 1).tokens == 1


def test_what_is_given_back_can_be_taken_again_but_never_more(buckets: Buckets) -> None:
    buckets.take("a", LONG, 5)
    buckets.take("a", LONG, -1)
    assert buckets.take("a", LONG, 5).tokens == 1
    for _ in range(9):
        buckets.take("a", LONG, -1)
    assert buckets.take("a", LONG, 99).tokens == 5


def test_a_bucket_fills_with_time() -> None:
    buckets = MemoryBuckets()
    limit = Limit(10, 5)
    assert buckets.take("a", limit, 10, now=100).tokens == 10
    grant = buckets.take("a", limit, 10, now=100.4)
    assert grant.tokens == 0
    assert grant.retry_after == pytest.approx(0.1)
    assert buckets.take("a", limit, 10, now=102).tokens == 4
    assert buckets.take("a", limit, 99, now=900).tokens == 10


def test_a_crowd_of_addresses_takes_no_memory_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskrealtime.engine.limits.buckets.MAX_IN_MEMORY", 100)
    buckets = MemoryBuckets()
    for number in range(1000):
        buckets.take(f"a{number}", LONG, 1, now=number)
    assert len(buckets._kept) <= 101


@pytest.mark.parametrize("burst", [1, 5, 19, 20, 60, 200, 201])
def test_one_process_lets_pass_exactly_the_limit(buckets: Buckets, burst: int) -> None:
    limiter = rate_limits.Limiter(buckets)
    assert allowed(lambda: limiter.spend("a", Limit(burst, 3600)), burst + 50) == burst


@pytest.mark.parametrize("burst", [5, 200])
def test_processes_share_a_limit_up_to_a_chunk_of_each(redis: Redis, burst: int) -> None:
    processes = [rate_limits.Limiter(Buckets()) for _ in range(4)]
    turns = iter(range(10**6))
    passed = allowed(lambda: processes[next(turns) % 4].spend("a", Limit(burst, 3600)), burst * 3)
    # Each may keep a chunk that it did not spend, or have spent one that was not there any more.
    chunk = burst // rate_limits.CHUNKS
    assert burst - 3 * chunk <= passed <= burst + 4 * chunk
    if not chunk:
        assert passed == burst


def test_most_messages_ask_no_shared_bucket(buckets: Buckets, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    take = Buckets.take

    def counted(*args: Any) -> Grant:
        asked.append("once")
        return take(*args)

    monkeypatch.setattr(Buckets, "take", counted)
    limiter = rate_limits.Limiter(buckets)
    allowed(lambda: limiter.spend("a", Limit(200, 3600)), 1000)
    assert len(asked) <= 20


def test_a_question_is_one_trip_to_redis_also_after_it_forgot_all_scripts(redis: Redis) -> None:
    buckets, client = Buckets(), Client.from_url(redis.url)
    buckets.take("a", LONG, 1)
    client.config_resetstat()
    assert [buckets.take("a", LONG, 1).tokens for _ in range(3)] == [1, 1, 1]
    stats: Any = client.info("commandstats")
    commands = {name.removeprefix("cmdstat_") for name in stats}
    assert commands - {"config|resetstat", "info"} == {"evalsha", "time", "hmget", "hset", "pexpire"}
    client.script_flush()
    assert [buckets.take("a", LONG, 1).tokens for _ in range(2)] == [1, 0]


def test_while_redis_is_away_each_process_limits_by_itself(redis: Redis) -> None:
    one, other = rate_limits.Limiter(Buckets()), rate_limits.Limiter(Buckets())
    assert allowed(lambda: one.spend("a", LONG), 3) == 3
    redis.kill()
    assert allowed(lambda: other.spend("a", LONG), 20) == 5
    assert allowed(lambda: one.spend("b", LONG), 20) == 5


def test_when_redis_is_back_it_is_shared_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_shard, "RETRY_SECONDS", 0.0)
    one, other = Buckets(), Buckets()
    redis.pause()
    assert one.take("a", LONG, 5).tokens == 5
    redis.resume()
    redis.restart()
    assert one.take("a", LONG, 5).tokens == 5
    assert other.take("a", LONG, 5).tokens == 0


def test_a_hung_redis_costs_one_caller_a_moment(redis: Redis) -> None:
    buckets = Buckets()
    redis.pause()
    buckets.take("a", LONG, 1)
    shard = redis_scripts.shard_of("a")
    for _ in range(1000):  # a quarter of a second each, were the hung one asked again
        with pytest.raises(redis_scripts.SharedAway):
            shard.run("return 1", [], [])
    redis.resume()


def test_a_kind_of_its_own_fills_slower_and_counts_with_all(settings: Settings) -> None:
    settings.WEBSOCKET_RATE_LIMIT = "10/3600s"
    assert allowed(lambda: rate_limits.spend_change(-1, kind="Comment", slowness=6), 6) == 6
    assert allowed(lambda: rate_limits.spend_change(-1, kind="Rename", slowness=1), 99) == 4


def test_what_is_written_counts_by_its_bytes_too(settings: Settings) -> None:
    settings.WEBSOCKET_RATE_LIMIT = "200/1h"
    size = 100 * 1024
    assert allowed(lambda: rate_limits.spend_change(-3, kind="Edit", slowness=1, size=size), 99) in {40, 41, 42}
    assert allowed(lambda: rate_limits.spend_change(-3, kind="Edit", slowness=1, size=500), 30) == 30, (
        "a small one passes"
    )


def test_reads_count_by_their_bytes(settings: Settings) -> None:
    settings.HTTP_READ_LIMIT = "1000/1h"

    def read(user_id: int, size: int) -> None:
        rate_limits.spend_read(user_id)
        rate_limits.charge_read(user_id, size)

    assert 1000 <= allowed(lambda: read(-4, 1000), 1200) <= 1050
    assert 10 <= allowed(lambda: read(-5, 100 * rate_limits.READ_BYTES), 99) <= 12
    assert allowed(lambda: read(-6, 10**9), 3) == 1, "one at a time may be of any size"


def test_a_busy_user_with_ten_tabs_after_a_restart_is_let_through(settings: Settings) -> None:
    """What the client does: a page asks some fifteen times, and each takes its board, here of a megabyte."""
    del settings.HTTP_READ_LIMIT  # the default counts
    for _ in range(10):
        for _ in range(15):
            rate_limits.spend_read(-7)
            rate_limits.charge_read(-7, 20_000)
        rate_limits.spend_read(-7)
        rate_limits.charge_read(-7, 1024 * 1024)


def test_no_limit_is_no_limit(settings: Settings) -> None:
    settings.WEBSOCKET_RATE_LIMIT = "0"
    assert allowed(lambda: rate_limits.spend_change(-2, kind="Comment", slowness=6), 500) == 500
    assert not any(rate_limits.FloodGuard().ends() for _ in range(1000))


def test_a_client_that_goes_on_after_errors_is_a_flood(settings: Settings) -> None:
    settings.WEBSOCKET_RATE_LIMIT = "5/3600s"
    guard = rate_limits.FloodGuard()
    assert [guard.ends() for _ in range(rate_limits.FLOOD_LEAST + 1)] == [False] * rate_limits.FLOOD_LEAST + [True]


def test_wrong_passwords_count_by_name_and_by_address(settings: Settings) -> None:
    settings.SIGN_IN_RATE_LIMIT, settings.SIGN_IN_ADDRESS_RATE_LIMIT = "3/h", "5/h"
    here, there = "203.0.113.7", "2001:db8::1"
    assert allowed(lambda: rate_limits.spend_sign_in("Ann", here), 9) == 3
    assert allowed(lambda: rate_limits.spend_sign_in("aNN", there), 9) == 0
    names = iter(range(99))
    assert allowed(lambda: rate_limits.spend_sign_in(f"name{next(names)}", here), 9) == 2
    assert allowed(lambda: rate_limits.spend_sign_in(f"name{next(names)}", "127.0.0.1"), 9) == 9
    rate_limits.forgive_sign_in("ann", None)
    assert allowed(lambda: rate_limits.spend_sign_in("ann", None), 9) == 1


@pytest.mark.parametrize("value", ["200", "x/10s", "0/10s", "5/0s", "-1/s"])
def test_a_limit_that_is_none_stops_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from project import settings as ours

    monkeypatch.setenv("WEBSOCKET_RATE_LIMIT", value)
    with pytest.raises(ImproperlyConfigured, match="WEBSOCKET_RATE_LIMIT"):
        ours._ours("WEBSOCKET_RATE_LIMIT")
