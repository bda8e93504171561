"""The account of the caller: name and preferences."""

from typing import Annotated

from msgspec import UNSET, Meta
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.addresses import accounts_base
from taskrealtime.contract import commands
from taskrealtime.contract.events import NOTIFICATION_KINDS
from taskrealtime.engine.conf import settings, user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.passwords import require_password
from taskrealtime.models import Membership, Preferences
from taskrealtime.serializers.objects import user_object

from .answers import Duplicate, Me
from .base import PutIsPatch, carry_out, read_body, user_of
from .openapi import documented


class MeChange(commands.MeUpdate, kw_only=True, omit_defaults=True):
    """Changes what is given of the caller's name and preferences, and leaves the rest."""

    #: The present one, for another `email`: access to its mailbox gives access to the account. It is not stored, not
    #: even as the fingerprint of a request with a key.
    password: Annotated[str, Meta(max_length=4096)] = ""


class MeView(PutIsPatch):
    """`/api/me/`."""

    @documented("me_read", answer=Me)
    def get(self, request: Request) -> Response:
        """The account of the caller, and its preferences."""
        return Response(_show(user_of(request)))

    @documented("me_change", body=MeChange, answer=Me, changes=True)
    def patch(self, request: Request) -> Response:
        """Change what is given; it counts for whatever happens from then on."""
        given, user = read_body(request, MeChange), user_of(request)
        is_another = given.email is not UNSET and given.email != user_model.email(user)
        if is_another and accounts_base() is not None:  # otherwise it is refused
            require_password(user, given.password, address=request.META.get("REMOTE_ADDR"))
        changes = {name: getattr(given, name) for name in commands.MeUpdate.__struct_fields__}
        answer = carry_out(request, commands.MeUpdate(**changes))
        return Response(_show(user_model.users().get(pk=user_of(request).pk), answer.duplicate))


def _show(user: User, duplicate: Duplicate = UNSET) -> Me:
    preferences = Preferences.objects.filter(user=user).first() or Preferences(user=user)
    muted = Membership.objects.filter(user=user, muted=True).order_by("project_id")
    hours = preferences.remind_before_hours
    return Me(
        **asdict(user_object(user)),
        email=user_model.email(user),
        timezone=preferences.timezone or "UTC",
        remind_before_hours=settings.REMIND_BEFORE_HOURS if hours is None else hours,
        notify={kind: preferences.notify.get(kind, True) for kind in NOTIFICATION_KINDS},
        ask_first=preferences.ask_first,
        muted_projects=list(muted.values_list("project_id", flat=True)),
        duplicate=duplicate,
    )
