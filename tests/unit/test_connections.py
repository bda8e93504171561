"""How many connections a user has over all processes, when Redis does not answer for a while."""

import time
from collections.abc import Iterator

import pytest
import redis as client
from pytest_django import Settings

from taskrealtime.engine.installation import redis_shard
from taskrealtime.engine.installation.names import redis_key
from taskrealtime.engine.limits import connections
from tests.services.redis import Redis

pytestmark = pytest.mark.services
USER = 7


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """A Redis of this test's own, which the counts are in."""
    redis = Redis()
    settings.REDIS_URLS = [redis.url]
    yield redis
    redis.resume()
    redis.kill()


@pytest.fixture
def counts() -> connections.Counts:
    return connections.Counts()


def freeze_for_one_question(redis: Redis, counts: connections.Counts, *, announce: bool) -> None:
    """Ask a Redis that does not answer; it does again afterwards, and is asked again."""
    redis.pause()
    if announce:
        counts._announce_all([(USER, 1)])
    else:
        counts._beat()
    redis.resume()
    time.sleep(redis_shard.RETRY_SECONDS)  # for so long it is left alone


def test_a_redis_that_kept_everything_needs_no_announcement(redis: Redis, counts: connections.Counts) -> None:
    assert not counts._beat()
    assert counts._beat()


def test_after_an_unanswered_sign_of_life_everything_is_announced(redis: Redis, counts: connections.Counts) -> None:
    """Redis may have lost everything before, and still have taken that sign of life."""
    counts._beat()
    freeze_for_one_question(redis, counts, announce=False)
    with client.Redis.from_url(redis.url) as direct:
        direct.flushall()
        direct.set(redis_key("connections", "alive", counts._process), "1")
    assert not counts._beat()
    assert counts._beat()


def test_an_unanswered_announcement_is_made_again(redis: Redis, counts: connections.Counts) -> None:
    counts._beat()
    freeze_for_one_question(redis, counts, announce=True)
    assert not counts._beat()
    assert counts._unreported == {USER}
