"""Oneself: name and preferences."""

from django.contrib.auth.models import User
from msgspec import UNSET
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import commands
from taskrealtime.engine.conf import settings
from taskrealtime.events import NOTIFICATION_KINDS
from taskrealtime.models import Membership, Preferences
from taskrealtime.serializing import user_object

from .answers import Duplicate, Me
from .base import PutIsPatch, carry_out, read_body, user_of
from .openapi import documented


class MeView(PutIsPatch):
    """`/api/me/`."""

    @documented("me_read", answer=Me)
    def get(self, request: Request) -> Response:
        """Who one is, and what one wants to be told."""
        return Response(_show(user_of(request)))

    @documented("me_change", body=commands.MeUpdate, answer=Me, changes=True)
    def patch(self, request: Request) -> Response:
        """Change what is given; it counts for whatever happens from then on."""
        answer = carry_out(request, read_body(request, commands.MeUpdate))
        return Response(_show(User.objects.get(pk=user_of(request).pk), answer.duplicate))


def _show(user: User, duplicate: Duplicate = UNSET) -> Me:
    preferences = Preferences.objects.filter(user=user).first() or Preferences(user=user)
    muted = Membership.objects.filter(user=user, muted=True).order_by("project_id")
    hours = preferences.remind_before_hours
    return Me(
        **asdict(user_object(user)),
        timezone=preferences.timezone,
        remind_before_hours=settings.REMIND_BEFORE_HOURS if hours is None else hours,
        notify={kind: preferences.notify.get(kind, True) for kind in NOTIFICATION_KINDS},
        muted_projects=list(muted.values_list("project_id", flat=True)),
        duplicate=duplicate,
    )
