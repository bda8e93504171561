"""Ids in paths: only numbers that a row can have, so that any other address is simply not there."""

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.wire.protocol import MAX_INTEGER


class IdConverter:
    """1 to 2⁶³ − 1, written without leading zeros."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id.

        Raises:
            ValueError: out of range; Django then looks for another address.
        """
        number = int(value)
        if number > MAX_INTEGER:
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        """Return the id as text."""
        return str(value)


class UserConverter:
    """The key of a user: as `IdConverter` where keys are numbers, else any text that a user's key can be."""

    regex = "[^/]{1,254}"

    def __init__(self) -> None:
        if user_model.keys_are_numbers():
            self.regex = IdConverter.regex

    def to_python(self, value: str) -> UserKey:
        """Return the key.

        Raises:
            ValueError: no user can have it; Django then looks for another address.
        """
        key = user_model.parse_key(value)
        if key is None:
            raise ValueError
        return key

    def to_url(self, value: UserKey) -> str:
        """Return the key as text."""
        return str(value)
