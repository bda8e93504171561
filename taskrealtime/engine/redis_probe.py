"""Asks a Redis server whether it can be worked with."""

from contextlib import suppress

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: What a cluster's node is refused with.
CLUSTER = "REDIS_URL names a node of a Redis Cluster: list stand-alone servers, separated by commas, as shards."


class UnusableServer(Exception):
    """The server answers, and cannot be worked with; the message names the remedy."""


def probe(url: str, *, key: str, timeout: float) -> None:
    """Write to the server, since one that is full or read-only answers a ping.

    Args:
        key: what may be written; it expires after ten seconds.
        timeout: seconds, for the connection and for each answer.

    Raises:
        UnusableServer: it is a node of a Redis Cluster, whose slots separate the keys of one script.
        redis.RedisError: it is away, full or read-only.
    """
    with redis.Redis.from_url(
        url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=Retry(NoBackoff(), 0)
    ) as client:
        with suppress(redis.ResponseError):  # an access list may forbid INFO
            if client.info("cluster").get("cluster_enabled"):
                raise UnusableServer(CLUSTER)
        client.set(key, 1, ex=10)
