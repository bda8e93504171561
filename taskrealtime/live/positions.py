"""Where a live room stands for a page that is being rendered: what the page shows is at least as new as that."""

import time
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils import timezone

from taskrealtime.engine import log
from taskrealtime.engine.models import Event

#: The key under which a request's scope, or its WSGI environment, has the time at which it began.
BEGAN_KEY = "taskrealtime.began"
#: Beside it, the epoch of the log for all rooms of a page.
EPOCH_KEY = "taskrealtime.epoch"
#: Seconds that a transaction may have written before the request began and committed after the view had read; the
#: clocks of the database and of this machine may differ by that, too.
MARGIN_SECONDS = 1.0
#: Events of one room within that time; a page with more of them is fetched again.
MOST_YOUNG = 200


class PagePosition(NamedTuple):
    """Where a page stands in a room's log."""

    #: The page shows all events up to this one, whenever its view has read.
    since: int
    #: The end of the log at this moment.
    end: log.StreamPosition


def note_beginning(
    scope: MutableMapping[str, Any] | None = None, environ: MutableMapping[str, Any] | None = None, **kwargs: Any
) -> None:
    """Note when a request begins (`request_started`)."""
    holder = environ if scope is None else scope
    if holder is not None:
        holder[BEGAN_KEY] = time.time()


def position_of(room: str, request: HttpRequest | None) -> PagePosition:
    """Return where a room stands for the page that answers a request.

    Views read before their templates are rendered. So events that were written since shortly before the request began
    may be missing in the page, though they are in the log by now: they count as not shown.
    """
    notes = _notes_of(request)
    began = notes.get(BEGAN_KEY, time.time())
    if EPOCH_KEY not in notes:
        notes[EPOCH_KEY] = log.epoch()
    epoch = notes[EPOCH_KEY]
    threshold = timezone.now() - timedelta(seconds=time.time() - began + MARGIN_SECONDS)
    numbered = Event.objects.filter(room=room, seq__isnull=False).order_by("-seq").values_list("seq", "at")
    # After a reset the head is the number of no event.
    head = log.heads([room]).get(room, 0)
    end = log.StreamPosition(head, epoch)
    newest = numbered.first()
    if newest is None or newest[1] < threshold:
        return PagePosition(head, end)
    young = [seq for seq, at in numbered[:MOST_YOUNG] if at >= threshold]
    return PagePosition(0 if len(young) == MOST_YOUNG else min(head, young[-1] - 1), end)


def _notes_of(request: HttpRequest | None) -> MutableMapping[str, Any]:
    """Return where a request keeps what `note_beginning` noted: in its scope, or in its WSGI environment."""
    notes: MutableMapping[str, Any] = getattr(request, "scope", None) or getattr(request, "META", {})
    return notes
