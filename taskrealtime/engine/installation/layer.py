"""The channel layer of this installation: the project's, or one of its own where the project has none."""

from functools import lru_cache
from typing import Any

from channels.layers import InMemoryChannelLayer, channel_layers

from taskrealtime.engine.conf import settings

#: The aliases of `CHANNEL_LAYERS` that are used, the first that there is.
ALIASES = ("taskrealtime", "default")
#: Seconds for a connection to Redis, and between two checks that an idle one is alive.
CONNECT_SECONDS, CHECK_SECONDS = 2, 15


def channel_layer() -> Any:
    """Return the layer that carries messages between the processes of this installation.

    It is that of `CHANNEL_LAYERS` named `taskrealtime`, or else `default`. A project that has neither gets one over
    `REDIS_URLS`, or in memory if there is no Redis.
    """
    for alias in ALIASES:
        if alias in channel_layers:
            return channel_layers[alias]
    return _own_layer(tuple(settings.REDIS_URLS), settings.REDIS_PREFIX)


@lru_cache(maxsize=16)
def _own_layer(urls: tuple[str, ...], prefix: str) -> Any:
    if not urls:
        return InMemoryChannelLayer()
    from channels_redis.pubsub import RedisPubSubChannelLayer  # without a Redis its library need not be installed

    hosts = [
        {"address": url, "socket_connect_timeout": CONNECT_SECONDS, "health_check_interval": CHECK_SECONDS}
        for url in urls
    ]
    return RedisPubSubChannelLayer(hosts=hosts, prefix=prefix)
