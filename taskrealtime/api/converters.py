"""Ids in paths: only numbers that a row can have, so that any other address is simply not there."""

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
