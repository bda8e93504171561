"""Position strings: where a card stands in its column, with room between any two."""

import random

from fractional_indexing import FIError, generate_key_between

#: The digits of fractional indexing in ascending order of their code units.
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def after_last(last: str | None, *, choose: random.Random | None = None) -> str:
    """Return a position after `last`, the end of a column (None: an empty one).

    It ends in three random digits, so that two tasks that are added at the same moment, neither seeing the
    other, get different positions.
    """
    chance = choose or random.SystemRandom()
    tail = "".join(chance.choice(_DIGITS) for _ in range(2)) + chance.choice(_DIGITS[1:])
    try:
        return f"{generate_key_between(last, None)}{tail}"
    except (FIError, ValueError, IndexError):  # `last` was written by other code, in another alphabet.
        return f"{last}{tail}"


def between(low: str | None, high: str | None) -> str:
    """Return a position between two others; None: no bound on that side.

    Raises:
        ValueError: there is no room: `low` is not less than `high`, or one is not a position.
    """
    try:
        return generate_key_between(low, high)
    except (FIError, IndexError) as error:
        raise ValueError(str(error)) from None
