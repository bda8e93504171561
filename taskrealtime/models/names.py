"""What names are made of: nothing that cannot be seen.

A username names one account, so it holds no invisible character at all. The names of projects and users are text of
any language: they keep what joins their letters and emoji, and need something to be seen.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.wire.protocol import HIDDEN, JOINS

#: Letters and marks that Unicode says to show as nothing (Default_Ignorable_Code_Point); the others of that property
#: are format characters by their category.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
#: Control and format characters, halves of surrogate pairs, separators of lines and paragraphs.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_NAME = re.compile(rf"[^{HIDDEN}]*[^\s{HIDDEN}{JOINS}][^{HIDDEN}]*")
_MESSAGE = _("Names cannot contain invisible or control characters.")


def is_invisible(character: str) -> bool:
    """Return whether the character is shown as nothing, or controls how others are shown."""
    return bool(_IGNORABLE.match(character)) or unicodedata.category(character) in _INVISIBLE_CATEGORIES


def validate_username(name: str) -> None:
    """Refuse a username by which two accounts could look the same.

    Raises:
        ValidationError: it holds an invisible character.
    """
    if any(map(is_invisible, name)):
        raise ValidationError(_MESSAGE, code="invisible")


def validate_name(name: str) -> None:
    """Refuse a name that cannot be seen, or that changes how others are seen.

    Raises:
        ValidationError: it holds such a character, or nothing visible. An empty name is the field's affair.
    """
    if name and not (_NAME.fullmatch(name) and any(not is_invisible(one) and not one.isspace() for one in name)):
        raise ValidationError(_MESSAGE, code="invisible")


def watch_user_model() -> None:
    """Have the user model refuse such names wherever it validates: in forms, the admin and `createsuperuser`.

    The model is Django's or a project's own, so its fields cannot be declared with our validators.
    """
    fields = user_model.model()._meta
    _add(fields.get_field(user_model.username_field()), validate_username)
    for name in user_model.name_fields():
        _add(fields.get_field(name), validate_name)


def _add(field: Any, validate: Callable[[str], None]) -> None:
    if validate not in field.validators:
        field.validators.append(validate)
