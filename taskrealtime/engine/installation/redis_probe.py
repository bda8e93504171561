"""Asks a Redis server whether it can be worked with."""

from contextlib import suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: What a cluster's node is refused with.
CLUSTER = "this is a node of a Redis Cluster: list stand-alone servers, separated by commas, as shards"
#: What another setting alone ends.
_FOR_GOOD = (redis.AuthenticationError, redis.exceptions.AuthorizationError, redis.exceptions.NoPermissionError)


class UnusableServer(Exception):
    """The server answers, and cannot be worked with; the message names the remedy."""


def probe(url: str, *, key: str, timeout: float) -> None:
    """Write to the server, since one that is full or read-only answers a ping.

    Args:
        key: what may be written; it expires after ten seconds.
        timeout: seconds, for the connection and for each answer.

    Raises:
        UnusableServer: it refuses the password, the database or the key; the address has an unknown option; it is a
            node of a Redis Cluster, whose slots separate the keys of one script.
        redis.RedisError: it is away, full or read-only.
    """
    try:
        client = redis.Redis.from_url(
            url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )
        with client:
            _refuse_cluster(client)
            client.set(key, 1, ex=10)
    except (TypeError, ValueError) as error:  # an option that no connection has, or whose value is none
        reason = str(error).rstrip(".").rpartition("() ")[2]
        raise UnusableServer(f"an option of the address is wrong ({reason})") from None
    except _FOR_GOOD as error:
        raise UnusableServer(str(error).rstrip(".")) from None
    except redis.ResponseError as error:
        if "DB index" in str(error):
            raise UnusableServer(str(error).rstrip(".")) from None
        raise


def _refuse_cluster(client: Any) -> None:
    with suppress(redis.ResponseError):  # an access list may forbid INFO
        if client.info("cluster").get("cluster_enabled"):
            raise UnusableServer(CLUSTER)
