"""The end of what the log keeps: old events and keys are removed, what is said of deleted content is blanked.

Nothing here is part of a user's change. It is done in many short transactions, any of which may be the last before
the process is killed: the next run goes on from there. Several processes may do it at once.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import ref

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery

from taskrealtime.engine import log
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.db import writing
from taskrealtime.engine.db.clock import database_time
from taskrealtime.engine.db.threads import in_caretaking_thread
from taskrealtime.engine.models import Event, IdempotencyKey, Redaction, Replacement, Room

logger = logging.getLogger(__name__)

#: Rows of one transaction.
BATCH = 500
#: Events of one subject that are read at a time: each may hold as much text as a task.
PAGE = 50
#: Rooms that one round looks at. With the other bounds it takes a few tenths of a second.
ROOMS = 100
#: Events, and idempotency keys, that one round removes.
ROWS = 5000
#: Subjects that one round blanks.
SUBJECTS = 200
#: Objects of each kind that one round has the domain remove.
THINGS = 20
#: Seconds between two rounds of a server process, give or take a half.
PAUSE_SECONDS = 60.0
#: The same if there is more to do.
SHORT_PAUSE_SECONDS = 1.0
#: Subjects that are blanked right after the commit of their deletion; more of them are left to the next round.
AT_ONCE = 20


@dataclass
class Trimmed:
    """What was done, and whether there is more to do."""

    #: By what it was: `events`, `keys`, `deleted texts`, and what the domain registered.
    removed: Counter[str] = field(default_factory=Counter)
    more: bool = False


def trim(*, now: datetime | None = None) -> Trimmed:
    """Do all that is due.

    Every room is looked at, also those whose `oldest` was not kept by the log (rows that another program loaded).

    Args:
        now: as of when; None: the present moment.
    """
    done = Trimmed()
    for name in _overlooked_rooms(cutoff(now)):
        _note_oldest(name)
    while True:
        part = trim_some(now=now)
        done.removed += part.removed
        if not part.more:
            return done


def trim_some(*, now: datetime | None = None) -> Trimmed:
    """One round: a bounded part of what is due."""
    oldest_kept = cutoff(now)
    removed = Counter({"deleted texts": _redact_queued(), "replaced texts": _blank_replaced(now)})
    removed["events"], looked_at = _remove_events(oldest_kept)
    removed["keys"] = _remove_keys(oldest_kept)
    for what, remove in domain.removers.items():
        removed[what] = remove(oldest_kept, THINGS)
    # After any progress: something may not have fitted into this round.
    return Trimmed(removed, more=looked_at or any(removed.values()))


def cutoff(now: datetime | None = None) -> datetime:
    """Return the time before which events are no longer kept.

    By the database's clock if it has one of its own: a process whose clock is wrong removes nothing young.
    """
    return (now or database_time()) - timedelta(days=settings.EVENT_RETENTION_DAYS)


# --- Events ---------------------------------------------------------------------------------


def _remove_events(oldest_kept: datetime) -> tuple[int, bool]:
    """Trim the rooms that have waited longest; returns how many events went, and whether any room moved on."""
    removed, moved = 0, False
    due = Room.objects.filter(oldest__lt=oldest_kept).order_by("oldest").values_list("name", flat=True)
    for name in list(due[:ROOMS]):
        removed += _trim_room(name, oldest_kept, ROWS - removed)
        moved |= _note_oldest(name)
        if removed >= ROWS:
            break
    return removed, moved


def _trim_room(name: str, oldest_kept: datetime, most: int) -> int:
    """Remove leading events that are too old, about `most` of them; returns how many.

    The floor is set and committed before its events go: a reader that misses an event sees also that it was trimmed.
    """
    floor = Room.objects.filter(name=name).values_list("floor", flat=True).first()
    if floor is None:
        return 0
    # Left by a process that was killed after the floor was set.
    removed = _remove_up_to(name, floor, after=0)
    while removed < most:
        higher = _raise_floor(name, floor, oldest_kept)
        if higher is None:
            break
        removed += _remove_up_to(name, higher, after=floor)
        floor = higher
    return removed


def _raise_floor(name: str, floor: int, oldest_kept: datetime) -> int | None:
    """Set the room's floor to the last of its next events that are too old; None: there is none, or others were first.

    One statement: the room's row is locked no longer than it takes.
    """
    higher = None
    events = Event.objects.filter(room=name, seq__gt=floor).order_by("seq")
    for seq, at in events.values_list("seq", "at")[:BATCH]:
        if at >= oldest_kept:
            break
        higher = seq
    if higher is None or not Room.objects.filter(name=name, floor=floor).update(floor=higher):
        return None
    return higher


def _remove_up_to(name: str, floor: int, *, after: int) -> int:
    """Delete the events after `after` up to the floor."""
    removed = 0
    while True:
        with writing.atomic(durable=True):
            events = Event.objects.filter(room=name, seq__gt=after, seq__lte=floor).order_by("seq")
            # Those that another process is deleting need no waiting for.
            rows = list(events.select_for_update(skip_locked=True).values_list("pk", "seq")[:BATCH])
            removed += Event.objects.filter(pk__in=[pk for pk, _ in rows]).delete()[0]
        if len(rows) < BATCH:
            return removed
        after = rows[-1][1] or 0


def _note_oldest(name: str) -> bool:
    """Write down when the first event was that the room still has, once all before it are gone.

    Nothing is locked meanwhile: if the room moved on since it was looked at, the next run does it.

    Returns:
        whether it was another time than before.
    """
    room = Room.objects.filter(name=name).first()
    if room is None or _first_up_to(name, room.floor) is not None:
        return False
    times = Event.objects.filter(room=name, seq__gt=room.floor).order_by("seq").values_list("at", flat=True)
    oldest = times.first()
    if oldest == room.oldest:
        return False
    unmoved = Room.objects.filter(name=name, floor=room.floor)
    if oldest is None:
        unmoved = unmoved.filter(head=room.floor)
    return bool(unmoved.update(oldest=oldest))


def _first_up_to(name: str, floor: int) -> int | None:
    """Return the first number up to the floor that is still there; None: all are gone."""
    # Ordered, since for `exists()` PostgreSQL reads the whole table if it guesses that it has many such rows.
    numbers = Event.objects.filter(room=name, seq__lte=floor).order_by("seq").values_list("seq", flat=True)
    return numbers.first()


def _overlooked_rooms(oldest_kept: datetime) -> list[str]:
    """Return rooms whose first event is too old, though `oldest` does not say so."""
    first = Event.objects.filter(room=OuterRef("name"), seq=OuterRef("floor") + 1)
    rooms = Room.objects.exclude(oldest__lt=oldest_kept).filter(head__gt=F("floor"))
    # One value for each room, not a join: it looks at as many events as there are rooms, however long the log is.
    rooms = rooms.annotate(first_at=Subquery(first.values("at")[:1]))
    return list(rooms.filter(first_at__lt=oldest_kept).order_by("name").values_list("name", flat=True))


# --- Keys -----------------------------------------------------------------------------------


def _remove_keys(oldest_kept: datetime) -> int:
    removed = 0
    keys = IdempotencyKey.objects.filter(created_at__lt=oldest_kept).order_by("created_at")
    while removed < ROWS:
        with writing.atomic(durable=True):
            pks = list(keys.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
            removed += IdempotencyKey.objects.filter(pk__in=pks).delete()[0]
        if len(pks) < BATCH:
            break
    return removed


# --- Content that was deleted ---------------------------------------------------------------


def forget(subjects: Iterable[str]) -> None:
    """Queue these subjects, in the transaction that deletes them: what the log says about them will be blanked.

    A few at once, right after the commit and in transactions of their own; the next trimming does the rest.
    """
    queued = Redaction.objects.bulk_create([Redaction(subject=subject) for subject in _in_log(subjects)])
    if not queued:
        return
    # Only the hooks hold it: rolled back, it is forgotten with them.
    hurry: _Hurry | None = getattr(connection, "taskrealtime_hurry", lambda: None)()
    if hurry is None or hurry.done:
        hurry = _Hurry()
        connection.taskrealtime_hurry = ref(hurry)  # type: ignore[attr-defined]
    hurry.pks += [redaction.pk for redaction in queued][:AT_ONCE]
    # One hook per call: a savepoint that is rolled back takes only its own hooks with it.
    transaction.on_commit(hurry.redact, robust=True)


def _in_log(subjects: Iterable[str]) -> list[str]:
    """Return those of `subjects` that the log says something about. (The second condition is the index's.)"""
    log.write_appended()
    wanted = sorted(subjects)
    found: list[str] = []
    for start in range(0, len(wanted), BATCH):
        events = Event.objects.filter(subject__in=wanted[start : start + BATCH], subject__gt="")
        found += events.order_by("subject").values_list("subject", flat=True).distinct()
    return found


@dataclass
class _Hurry:
    """What one transaction deleted: its first hook after the commit blanks it."""

    pks: list[int] = field(default_factory=list)
    done: bool = False

    def redact(self) -> None:
        if not self.done:
            self.done = True
            for redaction in Redaction.objects.filter(pk__in=self.pks[:AT_ONCE]):
                _redact(redaction)


def _redact_queued() -> int:
    """Blank what is queued; one that cannot be stays queued and delays no other."""
    done = 0
    for redaction in Redaction.objects.order_by("pk")[:SUBJECTS]:
        try:
            _redact(redaction)
            done += 1
        except Exception:
            logger.exception(
                "Trimming: what the log says about %s could not be blanked; the next round tries again.",
                redaction.subject,
            )
    return done


def _redact(redaction: Redaction) -> None:
    """Blank every event of one subject; they keep number, type and shape.

    Each by a statement of its own: nothing waits for more than one row, so there can be no deadlock.
    """
    last = 0
    while True:
        events = Event.objects.filter(subject=redaction.subject, subject__gt="", pk__gt=last).order_by("pk")
        page = list(events[:BATCH])
        blanked = domain.redact(page)
        for event in page:
            if (data := blanked.get(event.pk, event.data)) != event.data:
                Event.objects.filter(pk=event.pk).update(data=data)
        if len(page) < BATCH:
            break
        last = page[-1].pk
    redaction.delete()


# --- Content that was edited ----------------------------------------------------------------


def forget_replaced(subjects: Iterable[str]) -> None:
    """Called in the transaction that edits these subjects: what it replaces is blanked after `REPLACED_TEXT_DAYS`."""
    due_at = connection.ops.adapt_datetimefield_value(database_time() + _replaced_life())
    with connection.cursor() as cursor:
        # The update changes nothing, but waits for a round that is about to find nothing more to do for the subject.
        cursor.executemany(
            "INSERT INTO engine_replacement (subject, due_at) VALUES (%s, %s) "
            "ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject",
            [(subject, due_at) for subject in sorted(subjects)],
        )


def _replaced_life() -> timedelta:
    return timedelta(days=min(settings.REPLACED_TEXT_DAYS, settings.EVENT_RETENTION_DAYS))


def _blank_replaced(now: datetime | None) -> int:
    """Blank what was replaced long enough ago; return of how many subjects."""
    now = now or database_time()
    before = now - _replaced_life()
    due = Replacement.objects.filter(due_at__lte=now).order_by("due_at")
    return sum(_blank_replaced_of(pk, before) for pk in list(due.values_list("pk", flat=True)[:SUBJECTS]))


def _blank_replaced_of(pk: int, before: datetime) -> int:
    with writing.atomic(durable=True):
        row = Replacement.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if row is None:
            return 0
        blanker = domain.blanker(before)
        for event in _newest_first(row.subject):
            if (data := blanker.blank(event)) is not None:
                Event.objects.filter(pk=event.pk).update(data=data)
        if blanker.pending is None:
            row.delete()
        else:
            row.due_at = blanker.pending + _replaced_life()
            row.save(update_fields=["due_at"])
    return 1


def _newest_first(subject: str) -> Iterator[Event]:
    last: int | None = None
    while True:
        events = Event.objects.filter(subject=subject, subject__gt="").order_by("-pk")
        page = list((events if last is None else events.filter(pk__lt=last))[:PAGE])
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].pk


# --- By the servers themselves --------------------------------------------------------------


async def trim_forever() -> None:
    """Run a round every minute or so, sooner while there is more to do. A failure is logged, and tried again later."""
    pause = PAUSE_SECONDS
    while True:
        # At another moment in each process, and not right after all of them were started.
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
        pause = PAUSE_SECONDS
        try:
            done = await in_caretaking_thread(trim_some)
            if done.more:
                pause = SHORT_PAUSE_SECONDS
        except Exception as error:
            logger.warning("Trimming: a round failed (%s: %s); the next one tries again.", type(error).__name__, error)
