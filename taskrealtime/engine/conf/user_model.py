"""The one file that knows the user model: the project's own, whatever it is.

The key of a user is the value of the model's primary key: a number, a UUID or a text. Outside of Python it has one of
two forms. JSON has a number where keys are numbers, and text otherwise (`on_wire`). Names, such as those of rooms,
groups and keys in Redis, and our own columns have text of letters, digits, `-` and `_` (`as_text`).
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias
from uuid import UUID

import msgspec
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import AutoField, CharField, Field, IntegerField, Q, QuerySet, UUIDField

__all__ = ["User", "UserKey"]

AnyKey: TypeAlias = int | str | UUID

if TYPE_CHECKING:
    # Type checkers take Django's own model for the project's, with its keys. Nothing outside of this file asks for more
    # of a user than the key, or of a key than what it is equal to.
    from django.contrib.auth.models import User

    UserKey: TypeAlias = int
else:
    UserKey = AnyKey

#: What a number's column holds.
_MAX_NUMBER = 2**63 - 1
#: Characters of a text key as it stands in names (`as_text`): a room's name with it fits into its column, and a group's
#: into what channel layers take.
MAX_TEXT = 48
#: Characters of a text key that a client may name.
_KEY_LENGTH = 254
#: Characters of the name of a user that the protocol takes, unless the model's field holds more.
_NAME_LENGTH = 150
#: Fields that hold the whole name where the model has no method for it, the first that there is.
_WHOLE_NAME = ("name", "full_name", "display_name")
_IN_NAMES = re.compile(r"[A-Za-z0-9-]+")


# --- The model ------------------------------------------------------------------------------


def model() -> "type[User]":
    """Return the model itself."""
    return get_user_model()


def users() -> "QuerySet[User]":
    """Return all users that the project's manager shows."""
    return get_user_model()._default_manager.all()


def _field(name: str) -> "Field[Any, Any] | None":
    """Return the model's own field of this name; None: it is a method, a property, or missing."""
    try:
        field = get_user_model()._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) else None


@cache
def _key_field() -> "Field[Any, Any]":
    """Return the field that makes the keys; of a model that extends another one by a table, the other's."""
    # By itself, since this is also asked while the models are still being loaded.
    label, _, name = settings.AUTH_USER_MODEL.rpartition(".")
    apps.get_app_config(label).import_models()
    field: Field[Any, Any] = apps.all_models[label][name.lower()]._meta.pk
    while field.remote_field is not None:
        field = field.remote_field.model._meta.pk
    return field


@cache
def _key_path() -> str:
    """Return the lookup of the key that ends at a column of its own, which `any_of` needs."""
    names = []
    field = get_user_model()._meta.pk
    while field.remote_field is not None:
        names.append(field.name)
        field = field.remote_field.model._meta.pk
    return "__".join([*names, field.name])


def among(keys: Iterable[UserKey], user: str = "") -> Q:
    """Return the condition that a user is among many; `user`: the foreign key to it, if the query is not of users."""
    path = f"{user}__{_key_path()}" if user else _key_path()
    return Q(**{f"{path}__any_of": list(keys)})


# --- Keys -----------------------------------------------------------------------------------


@cache
def keys_are_numbers() -> bool:
    """Return whether the keys of this project's users are numbers."""
    return isinstance(_key_field(), IntegerField)


@cache
def _kind_of_key() -> type[int] | type[UUID] | type[str]:
    if keys_are_numbers():
        return int
    return UUID if isinstance(_key_field(), UUIDField) else str


def kind_of_key() -> str | None:
    """Return what the keys are: `number`, `UUID` or `text`; None: something that the board cannot use."""
    field = _key_field()
    kinds = {IntegerField: "number", UUIDField: "UUID", CharField: "text"}
    return next((kind for type, kind in kinds.items() if isinstance(field, type)), None)


def longest_key() -> int:
    """Return how many characters a text key may have; 0: keys are no texts."""
    return _key_field().max_length or 0 if kind_of_key() == "text" else 0


def parse_key(value: object) -> UserKey | None:
    """Return the key that JSON or other text names; None: no user can have it."""
    found: Any = value
    if _kind_of_key() is int:
        return _parse_number(found)
    if isinstance(value, UUID) and _kind_of_key() is UUID:
        return found
    if not isinstance(value, str) or not 0 < len(value) <= _KEY_LENGTH or "\0" in value:
        return None
    try:
        found = UUID(value) if _kind_of_key() is UUID else _key_field().to_python(value)
    except (ValueError, ValidationError):
        return None
    return found


def _parse_number(value: Any) -> UserKey | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_NUMBER else None


def forget_generated_key(user: "User") -> None:
    """Have a user that is not saved yet get another key, unless the key is what the user chose."""
    if isinstance(_key_field(), AutoField) or _key_field().has_default():
        user.pk = None


def on_wire(key: AnyKey) -> int | str:
    """Return a key as JSON, and messages between processes, have it."""
    return key if isinstance(key, int) else str(key)


def as_text(key: AnyKey) -> str:
    """Return a key as a part of names; `from_text` reverses it.

    Raises:
        ValueError: it is a text that is too long for that.
    """
    text = _as_text(key)
    if len(text) > MAX_TEXT:
        raise ValueError("The key of this user is too long for the names of rooms.")
    return text


def fits_names(key: AnyKey) -> bool:
    """Return whether a key is short enough for the names of rooms: a user with a longer one cannot use the board."""
    return len(_as_text(key)) <= MAX_TEXT


def _as_text(key: AnyKey) -> str:
    if not isinstance(key, str):
        return str(key)
    return "".join(
        part if _IN_NAMES.fullmatch(part) else "".join(f"_{byte:02x}" for byte in part.encode())
        for part in re.findall(r"[A-Za-z0-9-]+|.", key, re.DOTALL)
    )


def from_text(text: str) -> UserKey | None:
    """Return the key that is a part of a name; None: it is none."""
    if _kind_of_key() is not str:
        return parse_key(text)
    try:
        plain = re.sub(rb"_([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode()).decode()
    except UnicodeDecodeError:
        return None
    return parse_key(plain)


def as_number(key: AnyKey) -> int | None:
    """Return the key where keys are numbers; None elsewhere: for columns of earlier releases, which hold numbers."""
    return key if isinstance(key, int) else None


def in_order(keys: Iterable[UserKey]) -> list[UserKey]:
    """Return keys in their order."""
    return sorted(keys)


def in_database(key: UserKey, connection: Any) -> Any:
    """Return a key as the database's driver takes it."""
    return _key_field().get_db_prep_value(key, connection)


# --- What others see ------------------------------------------------------------------------


def username_field() -> str:
    """Return the field by which users are found, mentioned and added."""
    return get_user_model().USERNAME_FIELD


def sign_up_fields() -> list[str]:
    """Return the fields that a new account needs, apart from the password, and its e-mail address."""
    wanted = [username_field(), email_field(), *get_user_model().REQUIRED_FIELDS]
    return list(dict.fromkeys(name for name in wanted if name is not None))


def max_username() -> int:
    """Return how many characters a name of a user may have where one is given."""
    length = getattr(_field(username_field()), "max_length", None)
    return max(_NAME_LENGTH, length or 0)


def username(user: "User") -> str:
    """Return the name by which a user is found, mentioned and added."""
    return str(user.get_username())


def full_name(user: "User") -> str:
    """Return the name that is shown: the full one, or the username if there is none."""
    return _whole_name(user) or username(user)


def _whole_name(user: "User") -> str:
    if _has_own_full_name():
        return str(user.get_full_name() or "").strip()
    field = _whole_name_field()
    return str(getattr(user, field, None) or "").strip() if field else ""


@cache
def _has_own_full_name() -> bool:
    """Return whether `get_full_name` means something: Django's own needs fields that a model may have done without."""
    method = getattr(get_user_model(), "get_full_name", None)
    if method is None:
        return False
    is_djangos = method.__module__ == "django.contrib.auth.models"
    return not is_djangos or (_field("first_name") is not None and _field("last_name") is not None)


@cache
def _whole_name_field() -> str | None:
    return next((name for name in _WHOLE_NAME if isinstance(_field(name), CharField)), None)


def name_fields() -> list[str]:
    """Return the fields that hold names which a user may change."""
    if _field("first_name") is not None and _field("last_name") is not None:
        return ["first_name", "last_name"]
    field = _whole_name_field()
    return [field] if field else []


def set_name(key: UserKey, name: str) -> bool:
    """Store another name to show; return False if the model has no field for it."""
    fields = name_fields()
    if not fields:
        return False
    # Shown in this order wherever the name is.
    first, _, last = name.strip().partition(" ")
    values = [first, last] if len(fields) > 1 else [name.strip()]
    users().filter(pk=key).update(**dict(zip(fields, values, strict=True)))
    return True


def by_username(name: str) -> "User | None":
    """Return the user of this name, as the project's manager compares names; an address in any case of letters."""
    found = _find(name)
    return found if found is not None and fits_names(found.pk) else None


def _find(name: str) -> "User | None":
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)
    except (model.DoesNotExist, AttributeError):
        pass
    if username_field() != email_field():
        return users().filter(**{username_field(): name}).first()
    found = list(users().filter(**{f"{username_field()}__iexact": name})[:2])
    return found[0] if len(found) == 1 else None


# --- E-mail, rights -------------------------------------------------------------------------


def email_field() -> str | None:
    """Return the field of the e-mail address; None: the model has none."""
    name = get_user_model().get_email_field_name()
    return name if _field(name) is not None else None


def email(user: "User") -> str:
    """Return a user's e-mail address; empty: there is none."""
    name = email_field()
    return getattr(user, name, None) or "" if name else ""


def by_email(address: str) -> "list[User]":
    """Return the active users with this e-mail address, in any case of letters."""
    if (name := email_field()) is None:
        return []
    return [user for user in users().filter(active(), **{f"{name}__iexact": address}) if is_active(user)]


def is_active(user: "User") -> bool:
    """Return whether a user may sign in."""
    return bool(_value(user, "is_active", default=True))


def is_staff(user: "User") -> bool:
    """Return whether a user is of the staff; a model that knows no staff has superusers at most."""
    return bool(_value(user, "is_staff", default=_value(user, "is_superuser", default=False)))


def _value(user: "User", name: str, *, default: object) -> object:
    value = getattr(user, name, default)
    return value() if callable(value) else value


def active_among(keys: Iterable[UserKey], *fields: str) -> list[tuple[Any, ...]]:
    """Return these fields, the key first, of those of the users that are active."""
    keys = list(keys)
    rows = list(users().filter(among(keys), active()).values_list(*fields))
    if _field("is_active") is not None or getattr(get_user_model(), "is_active", True) is True:
        return rows
    there = {user.pk for user in users().filter(among(keys)) if is_active(user)}
    return [row for row in rows if row[0] in there]


def staff_among(keys: Iterable[UserKey]) -> set[UserKey]:
    """Return which of these users are staff, and active, now."""
    found = users().filter(among(keys), active())
    return {user.pk for user in found if is_active(user) and is_staff(user)}


def active(user: str = "") -> Q:
    """Return the condition that a user is active, as far as the database knows; `user`: as for `among`."""
    prefix = f"{user}__" if user else ""
    return Q(**{f"{prefix}is_active": True}) if _field("is_active") is not None else Q()


# --- Types of the protocol ------------------------------------------------------------------

if TYPE_CHECKING:
    #: Of a user that a client names, and of one that the server names.
    GivenKey: TypeAlias = UserKey
    ShownKey: TypeAlias = UserKey
    GivenName: TypeAlias = str


def __getattr__(name: str) -> Any:
    """Make the types when they are first asked for: they need the model, or that Django knows its apps."""
    if name == "User":
        # In the place of Django's own when the code runs: what every model of users is derived from.
        from django.contrib.auth.base_user import AbstractBaseUser

        return AbstractBaseUser
    if name == "ShownKey":
        return _kind_of_key()
    if name == "GivenKey":
        return _given_key()
    if name == "GivenName":
        return Annotated[str, msgspec.Meta(min_length=1, max_length=max_username())]
    raise AttributeError(name)


def _given_key() -> Any:
    if keys_are_numbers():
        return Annotated[int, msgspec.Meta(ge=-_MAX_NUMBER - 1, le=_MAX_NUMBER)]
    is_text = _kind_of_key() is str
    return Annotated[str, msgspec.Meta(min_length=1, max_length=_KEY_LENGTH)] if is_text else _kind_of_key()
