"""The sweep: looks at the log once a second for what no message of the channel layer said."""

import asyncio
import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime

from django.db import connection as database

from taskrealtime.engine import log, metrics
from taskrealtime.engine.auth import tokens
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.db.threads import in_database_thread
from taskrealtime.engine.installation.membership import LayerMembership
from taskrealtime.engine.presence.presence import Presence
from taskrealtime.engine.wire.errors import DATABASE_AWAY

from .hub import Hub
from .watching import GROUP as ALL_PROCESSES
from .watching import Watch

logger = logging.getLogger(__name__)

#: Seconds that a room without subscribers is kept.
IDLE_ROOM_TTL_SECONDS = 30.0
#: Seconds after which the membership in a group is renewed.
RENEW_GROUP_SECONDS = 300.0
#: Seconds that a sweep may take before the database counts as away.
DATABASE_TIMEOUT_SECONDS = 3.0


class Sweep:
    """Compares what a process serves with the database, and tends its groups on the channel layer."""

    def __init__(self, hub: Hub, layer: LayerMembership, presence: Presence, watch: Watch) -> None:
        self._hub = hub
        self._layer = layer
        self._presence = presence
        self._watch = watch
        self._tending: asyncio.Task[None] | None = None
        self._numbering: asyncio.Task[None] | None = None
        #: Whether more may wait than the numbering that is under way has seen.
        self._is_asked = False
        #: When the last one found the database there (monotonic).
        self._succeeded_at = time.monotonic()

    @property
    def sees_database(self) -> bool:
        """Whether the last one found the database there in time."""
        return time.monotonic() - self._succeeded_at <= settings.SWEEP_INTERVAL + DATABASE_TIMEOUT_SECONDS

    async def run(self) -> None:
        """Sweep at each interval."""
        while True:
            await asyncio.sleep(settings.SWEEP_INTERVAL)
            try:
                await self.once()
            except Exception as error:
                logger.warning("Sweep: one failed (%s: %s); the next one tries again.", type(error).__name__, error)

    async def once(self) -> None:
        """Look at the log once: what moved on, what is unnumbered, which sign-ins ended, what is gone."""
        names = list(self._hub.rooms)
        users = {user: set(of_user.values()) for user, of_user in self._hub.listeners.items()}
        readers = self._hub.readers_to_confirm()
        found = await in_database_thread(_read_log_state, names, users, set(self._hub.browsers.values()), set(readers))
        self._succeeded_at = time.monotonic()
        if self._hub.epoch is not None and found.epoch != self._hub.epoch:
            self._hub.start_over()
        self._hub.epoch = found.epoch
        for name in names:
            if (room := self._hub.rooms.get(name)) is not None:
                self._hub.reconcile(room, found.bounds.get(name))
        for reader in found.refused:
            for subscription in readers[reader]:
                if not subscription.ended:
                    metrics.SWEEP_FINDINGS.labels("right_lost").inc()
                    bounds = found.bounds.get(reader[0])
                    subscription.room.evict(subscription, after=bounds.head if bounds else 0)
        for user_id, valid in found.revoked.items():
            for listener, stamp in list(self._hub.listeners.get(user_id, {}).items()):
                if stamp != valid:
                    metrics.SWEEP_FINDINGS.labels("signed_out").inc()
                    listener.disconnect(4403, "You were signed out.")
        for listener, browser in list(self._hub.browsers.items()) if found.ended else ():
            if browser in found.ended:
                metrics.SWEEP_FINDINGS.labels("signed_out").inc()
                listener.disconnect(4403, "You were signed out.")
        # Not waited for: while the layer is away each room costs seconds there, and delivery hangs on the sweep alone.
        if self._tending is None or self._tending.done():
            self._tending = asyncio.create_task(self._tend_groups())
        self._measure()

    def number(self) -> None:
        """Number what was committed without numbers, now: a writer says that there is something."""
        self._is_asked = True
        if self._numbering is None or self._numbering.done():
            self._numbering = asyncio.create_task(self._number())

    async def _number(self) -> None:
        while self._is_asked:
            self._is_asked = False
            try:
                await in_database_thread(_number_waiting)
            except Exception as error:
                logger.warning(
                    "Sweep: numbering failed (%s: %s); the next sweep tries again.", type(error).__name__, error
                )

    def _measure(self) -> None:
        for kind in domain.kinds():
            sizes = [room.size for room in self._hub.rooms.values() if room.kind == kind]
            metrics.ROOMS.labels(kind).set(len(sizes))
            metrics.LISTENERS.labels(kind).set(sum(sizes))
        metrics.PRESENT.set(self._presence.people)
        # On PostgreSQL alone there is a pool.
        metrics.measure_process(getattr(database, "pool", None))

    async def _tend_groups(self) -> None:
        for room in list(self._hub.rooms.values()):
            now = time.monotonic()
            if self._hub.rooms.get(room.name) is not room:
                continue  # Closed while others were tended.
            if room.size:
                room.idle_since = None
            elif room.idle_since is None:
                room.idle_since = now
            elif now - room.idle_since > IDLE_ROOM_TTL_SECONDS:
                self._hub.retire(room)
                continue
            if room.detached or now - room.renewed_at > RENEW_GROUP_SECONDS:
                room.detached, room.renewed_at = not await self._layer.join(room.name), now
        if self._watch.detached or time.monotonic() - self._watch.renewed_at > RENEW_GROUP_SECONDS:
            self._watch.detached, self._watch.renewed_at = not await self._layer.join(ALL_PROCESSES), time.monotonic()


class _Found:
    """What one look at the log brought."""

    def __init__(
        self,
        bounds: dict[str, log.Bounds],
        epoch: str,
        refused: Collection[tuple[str, UserKey]],
        revoked: dict[UserKey, str | None],
        ended: set[str],
    ) -> None:
        self.bounds = bounds
        self.epoch = epoch
        #: Users that may no longer read a room.
        self.refused = refused
        self.revoked = revoked
        self.ended = ended


def _read_log_state(
    names: list[str], users: dict[UserKey, set[str]], browsers: set[str], readers: set[tuple[str, UserKey]]
) -> _Found:
    # First, so that the bounds below include all that was committed before a right was lost.
    refused = _refused(readers)
    waiting = log.unnumbered_rooms()
    ages = [(datetime.now(UTC) - oldest).total_seconds() for oldest in waiting.values()]
    metrics.UNNUMBERED_SECONDS.set(max(0.0, *ages) if ages else 0.0)
    if waiting:
        metrics.SWEEP_FINDINGS.labels("unnumbered").inc(sum(age > settings.SWEEP_INTERVAL for age in ages))
        log.sequence(waiting)
    return _Found(log.bounds(names), log.epoch(), refused, tokens.revoked_users(users), tokens.ended_sessions(browsers))


def _number_waiting() -> None:
    if waiting := log.unnumbered_rooms():
        log.sequence(waiting)


def _refused(readers: set[tuple[str, UserKey]]) -> Collection[tuple[str, UserKey]]:
    """Return those that may no longer read their room; one kind of rooms whose rule fails delays no other."""
    by_kind: dict[str, set[tuple[str, UserKey]]] = {}
    for reader in readers:
        by_kind.setdefault(domain.kind_of(reader[0]).name, set()).add(reader)
    refused: set[tuple[str, UserKey]] = set()
    for kind, of_kind in by_kind.items():
        try:
            refused |= set(domain.refuse_reading(of_kind))
        except DATABASE_AWAY:
            raise
        except Exception:
            # No user reads what the rule does not allow.
            logger.exception("Sweep: the rule for rooms of %s failed, so their readers are removed.", kind)
            refused |= of_kind
    return refused
