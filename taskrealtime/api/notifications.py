"""The own notifications: list, follow, mark as read, have one come again later."""

from typing import Annotated

import msgspec
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.contract import commands
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.http.rooms import Events, EventsQuery, answer_events
from taskrealtime.engine.wire.errors import NotFound

from .answers import NotificationPage
from .base import ApiView, carry_out, read_body, read_query, user_of
from .openapi import body_of, documented
from .paging import PageQuery, link_pages


class NotificationQuery(PageQuery, kw_only=True):
    """Which notifications."""

    unread: Annotated[bool, Meta(description="`1`: only those that were not read.")] = False


class NotificationsView(ApiView):
    """`/api/notifications/`."""

    @documented("notification_list", query=NotificationQuery, answer=NotificationPage, errors=[NotFound])
    def get(self, request: Request) -> Response:
        """The caller's notifications, newest first, exactly as after event `seq` of the own room.

        Texts that were deleted since, or that the caller may no longer see, are empty: `redacted`.
        """
        query = read_query(request, NotificationQuery)
        room = user_room(user_of(request).pk)

        def read_state() -> tuple[log.Bounds, list[log.LoggedEvent]]:
            bounds = log.bounds([room]).get(room, log.Bounds(0, 0, 0))
            # Numbers have no gaps: a page is a stretch of them, however long the log is.
            last = bounds.head - (query.page - 1) * query.page_size
            first = max(last - query.page_size, _before_first(query, bounds)) + 1
            return bounds, log.read_back(room, last=last, first=first)

        snapshot = log.snapshot(room, read_state)
        bounds, events = snapshot.state
        page = link_pages(request, query, count=bounds.head - _before_first(query, bounds))
        return Response(
            {
                **page,
                "results": [_item(event, bounds) for event in events],
                "seq": snapshot.position.offset,
                "epoch": snapshot.position.epoch,
                "unread": bounds.unread,
            }
        )


class NotificationEventsView(ApiView):
    """`/api/notifications/events/`."""

    @documented("notification_events", query=EventsQuery, answer=Events)
    def get(self, request: Request) -> Response:
        """The caller's notifications after event `since`; with `wait`, as soon as there is something."""
        return answer_events(request, user_room(user_of(request).pk))


class NotificationsReadView(ApiView):
    """`/api/notifications/read/`."""

    @documented("notifications_read", body=commands.NotificationsRead, answer=commands.Unread, changes=True)
    def post(self, request: Request) -> Response:
        """Mark all up to this one as read; the mark never goes back."""
        return Response(carry_out(request, read_body(request, commands.NotificationsRead)))


class SnoozeView(ApiView):
    """`/api/notifications/<seq>/snooze/`."""

    @documented(
        "notification_snooze",
        body=body_of(commands.ReminderSnooze, "seq"),
        answer=commands.Snoozed,
        changes=True,
        errors=[NotFound],
    )
    def post(self, request: Request, seq: int) -> Response:
        """Have a reminder come again, once, unless its task is done, deleted, rescheduled or reassigned by then."""
        return Response(carry_out(request, read_body(request, commands.ReminderSnooze, seq=seq)))


def _before_first(query: NotificationQuery, bounds: log.Bounds) -> int:
    """Return the number before the first event that is wanted."""
    return max(bounds.floor, bounds.read if query.unread else 0)


def _item(event: log.LoggedEvent, bounds: log.Bounds) -> msgspec.Raw:
    # The frame is finished JSON text, an object: one field is added at its end.
    read = "true" if event.seq <= bounds.read else "false"
    return msgspec.Raw(f'{event.frame[:-1]},"read":{read}}}'.encode())
