"""One Redis of the installation: runs scripts there, and reports quickly that it is away."""

import hashlib
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .redis_scripts import Call, SharedAway

#: Seconds that an answer may take.
TIMEOUT_SECONDS = 0.25
#: Seconds for which a Redis that gave none is left alone.
RETRY_SECONDS = 1.0


class Shard:
    """One Redis. Blocks for `TIMEOUT_SECONDS` at most: not to be called in an event loop."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # Once more if a kept connection is found dead; not if the answer takes too long.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
        self._lock = threading.Lock()
        self._is_away = False
        self._left_alone_until = 0.0

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[str | float]) -> Any:
        """Run the script and return its result.

        Raises:
            SharedAway: there was no answer, now or a moment ago.
        """
        return self.run_all(script, [(keys, arguments)])[0]

    def run_all(self, script: str, calls: Sequence[Call]) -> list[Any]:
        """Run the script once for each of the calls, in one round trip; return the results.

        Raises:
            SharedAway: as `run`.
        """
        self._refuse_while_away()
        try:
            answers = self._evaluate(script, calls)
        except redis.RedisError as error:
            with self._lock:
                self._is_away, self._left_alone_until = True, time.monotonic() + RETRY_SECONDS
            raise SharedAway from error
        self._is_away = False
        return answers

    def _evaluate(self, script: str, calls: Sequence[Call]) -> list[Any]:
        """Run the script by its hash, in one trip; if Redis does not know it (a restart), hand it over first.

        redis-py's own way asks before every pipeline whether it is known, which is another trip.
        """
        answers = self._run_known(script, calls)
        unknown = [index for index, answer in enumerate(answers) if isinstance(answer, redis.exceptions.NoScriptError)]
        if unknown:
            self._client.script_load(script)
            again = self._run_known(script, [calls[index] for index in unknown])
            for index, answer in zip(unknown, again, strict=True):
                answers[index] = answer
        for answer in answers:
            if isinstance(answer, redis.RedisError):
                raise answer
        return answers

    def _run_known(self, script: str, calls: Sequence[Call]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for keys, arguments in calls:
                pipeline.evalsha(_hash_of(script), len(keys), *keys, *arguments)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
        return answers

    def _refuse_while_away(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._left_alone_until:
                raise SharedAway
            if self._is_away:
                # One caller finds out; until it has, the others do not wait.
                self._left_alone_until = now + RETRY_SECONDS


@lru_cache(maxsize=32)
def _hash_of(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
