"""Changes of a user's own account, preferences and notifications."""

import zoneinfo
from datetime import timedelta
from functools import cache

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from msgspec import UNSET

from taskrealtime import reminders
from taskrealtime.addresses import accounts_base
from taskrealtime.contract import commands
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.db import writing
from taskrealtime.engine.wire.errors import InvalidData
from taskrealtime.models import Membership, Preferences


def read_notifications(user: User, command: commands.NotificationsRead) -> commands.Unread:
    """Mark the user's notifications as read, up to one of them."""
    return commands.Unread(unread=log.mark_read(user_room(user.pk), command.up_to))


def snooze_reminder(user: User, command: commands.ReminderSnooze) -> commands.Snoozed:
    """Have a reminder come again later, once."""
    remind_at = reminders.snooze(user, command.seq, timedelta(minutes=command.minutes))
    return commands.Snoozed(seq=command.seq, remind_at=remind_at)


def update_me(user: User, command: commands.MeUpdate) -> commands.MeAnswer:
    """Change the own name, address and preferences."""
    if command.email is not UNSET and command.email != user_model.email(user):
        _change_email(user, command.email)
    if command.name is not UNSET:
        _change_name(user, command.name)
    if command.muted_projects is not UNSET:
        _mute(user, set(command.muted_projects))
    _change_preferences(user, command)
    return commands.MeAnswer(user_id=user.pk)


def _change_name(user: User, name: str) -> None:
    if accounts_base() is not None and user_model.set_name(user.pk, name):
        return
    if name.strip() not in ("", user_model.full_name(user)):
        raise InvalidData.at("name", "Names cannot be changed here.")


def _change_email(user: User, email: str) -> None:
    field = user_model.email_field()
    # In a project with an account page of its own, an address may be what users sign in with, and verified.
    if field is None or accounts_base() is None:
        raise InvalidData.at("email", "The address cannot be changed here.")
    try:
        # Where it is the name with which the user signs in, it cannot be empty.
        if email or field == user_model.username_field():
            validate_email(email)
    except ValidationError:
        raise InvalidData.at("email", "Enter a valid email address.") from None
    # By a save, which sends mails to both addresses.
    account = user_model.users().select_for_update(no_key=True).get(pk=user.pk)
    setattr(account, field, email)
    try:
        with writing.atomic():
            account.save(update_fields=[field])
    except IntegrityError:
        raise InvalidData.at("email", "A user with that email address already exists.") from None


def _change_preferences(user: User, command: commands.MeUpdate) -> None:
    Preferences.objects.bulk_create([Preferences(user=user)], ignore_conflicts=True)
    preferences = Preferences.objects.select_for_update(no_key=True).get(user=user)
    if command.timezone is not UNSET:
        if command.timezone not in _timezones():
            raise InvalidData.at("timezone", "Unknown time zone.")
        preferences.timezone = command.timezone
    if command.notify is not UNSET:
        preferences.notify |= msgspec.to_builtins(command.notify)
    if command.remind_before_hours is not UNSET:
        preferences.remind_before_hours = command.remind_before_hours
        reminders.look_again(user)
    if command.ask_first is not UNSET:
        preferences.ask_first = command.ask_first
    preferences.save()


def _mute(user: User, project_ids: set[int]) -> None:
    memberships = Membership.objects.filter(user=user)
    own = set(memberships.values_list("project_id", flat=True))
    if project_ids - own:
        raise InvalidData.at("muted_projects", "You can only mute projects you are a member of.")
    memberships.filter(project_id__in=project_ids, muted=False).update(muted=True)
    memberships.exclude(project_id__in=project_ids).filter(muted=True).update(muted=False)


@cache
def _timezones() -> set[str]:
    return zoneinfo.available_timezones()
