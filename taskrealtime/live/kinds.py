"""The kinds of live rooms, as the engine asks for them: one for each model whose rows have rooms."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import Model

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.domain import Rendered, domain
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.models import Event
from taskrealtime.engine.wire.errors import NotFound, RealTimeError

from . import rendering, room_names
from .registry import Rule, registry


class LiveRooms:
    """The rooms of one model's rows."""

    personal = False
    deletions: Collection[str] = ("record_deleted",)

    def __init__(self, owner: type[Model]) -> None:
        """Create the kind of rooms of this model."""
        self.owner = owner
        self.name = room_names.prefix_of(owner)

    def refuse_reading(self, pairs: Collection[tuple[str, UserKey]]) -> dict[tuple[str, UserKey], RealTimeError]:
        """Refuse the users that the rule of these rooms does not name, and all where there is no rule."""
        rule = registry.resolved.rules.get(self.owner)
        keys = {room: room_names.key_of(self.owner, room) for room, _ in pairs}
        allowed = _allowed(rule, self.owner, {(keys[room], user) for room, user in pairs if keys[room] is not None})
        return {(room, user): NotFound("No such room.") for room, user in pairs if (keys[room], user) not in allowed}

    def render(self, rows: Sequence[Event]) -> dict[int, Rendered | None]:
        """Return the events that captured rows become."""
        return rendering.render(rows)

    def redact(self, events: Sequence[Event]) -> dict[int, str]:
        """Blank the events of rows that were deleted."""
        by_subject: dict[str, list[Event]] = {}
        for event in events:
            if event.subject:
                by_subject.setdefault(event.subject, []).append(event)
        gone = _gone(by_subject)
        return {event.id: rendering.blanked(event) for subject in gone for event in by_subject[subject]}

    def without_owner(self, rooms: Collection[str]) -> set[str]:
        """Return the rooms whose row is gone."""
        return set(rooms) - _present(self.owner, rooms)


def _present(model: type[Model], names: Iterable[str]) -> set[str]:
    """Return those of these names, of rooms or of subjects, whose rows are there."""
    keys = {name: key for name in names if (key := room_names.key_of(model, name)) is not None}
    there = set(model._base_manager.filter(pk__in=set(keys.values())).values_list("pk", flat=True))
    return {name for name, key in keys.items() if key in there}


def _gone(subjects: Collection[str]) -> set[str]:
    """Return the subjects whose row was deleted."""
    models: dict[str, type[Model]] = {}
    for capture in registry.resolved.captures:
        about: Any = capture.subject.field.related_model if capture.subject else capture.model
        models[room_names.prefix_of(about._meta.concrete_model)] = about._meta.concrete_model
    gone: set[str] = set()
    for prefix, model in models.items():
        of_model = {subject for subject in subjects if subject.startswith(f"{prefix}.")}
        if of_model:
            gone |= of_model - _present(model, of_model)
    return gone


def _allowed(rule: Rule | None, owner: type[Model], pairs: set[tuple[Any, UserKey]]) -> set[tuple[Any, UserKey]]:
    """Return those pairs of a row's key and a user's that may read."""
    if rule is None or not pairs:
        return set()
    rows = owner._base_manager.in_bulk({key for key, _ in pairs})
    found_users = user_model.users().filter(user_model.among({user for _, user in pairs}))
    users = {user.pk: user for user in found_users if user_model.is_active(user)}
    asked = {(key, user) for key, user in pairs if key in rows and user in users}
    if not asked:
        return set()
    if rule.may_read is not None:
        return {(key, user) for key, user in asked if rule.may_read(users[user], rows[key])}
    there = list({key: rows[key] for key, _ in asked}.values()), list({user: users[user] for _, user in asked}.values())
    if rule.members is not None:
        names = rule.members.owner_field.attname, rule.members.user_field.attname
        found: Iterable[Any] = rule.members.model._base_manager.filter(
            **{f"{rule.members.owner_field.name}__in": there[0], f"{rule.members.user_field.name}__in": there[1]}
        ).values_list(*names)
    else:
        assert rule.readers is not None
        found = rule.readers(*there)
    named = {(getattr(row, "pk", row), getattr(user, "pk", user)) for row, user in found}
    return asked & named


def install() -> None:
    """Register all declared kinds of rooms with the engine."""
    domain.install(captured_rooms=[LiveRooms(owner) for owner in registry.resolved.owners()])
