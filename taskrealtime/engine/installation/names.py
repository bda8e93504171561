"""Names what this installation keeps in Redis and the groups that it uses there, apart from those of any other."""

from functools import lru_cache

from taskrealtime.engine.conf import settings

#: What every key began with before there was a setting for it.
_DEFAULT_PREFIX = "taskrealtime"


def redis_key(*parts: object) -> str:
    """Return a key of this installation. Redis keeps the keys of its databases apart by itself."""
    return ":".join([settings.REDIS_PREFIX, *map(str, parts)])


def layer_group(room: str) -> str:
    """Return the group of a room on the channel layer.

    Redis Pub/Sub knows no database numbers, and a layer's own `prefix` is up to the project that configures it. So the
    group names the prefix and the database itself. With the default prefix and database 0 it is the room's name, as
    processes of the release before have it.
    """
    prefix = settings.REDIS_PREFIX if settings.REDIS_PREFIX != _DEFAULT_PREFIX else ""
    databases = "-".join(map(str, _databases(tuple(settings.REDIS_URLS))))
    return ".".join(part for part in (prefix, databases, room) if part)


@lru_cache(maxsize=16)
def _databases(urls: tuple[str, ...]) -> tuple[int, ...]:
    """Return the database number of each server; nothing if all are 0."""
    if not urls:
        return ()
    from redis.connection import parse_url  # without a Redis its library need not be installed

    numbers = tuple(int(parse_url(url).get("db", 0)) for url in urls)
    return numbers if any(numbers) else ()
