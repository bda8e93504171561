"""Positions: always room between two, new ones at the end, sorted by code units."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrealtime.models import ranks
from tests.support.profiles import examples


@examples(50)
@given(chance=st.randoms(), steps=st.integers(1, 60))
def test_there_is_room_anywhere_in_any_column(chance: Random, steps: int) -> None:
    column: list[str] = []
    for _ in range(steps):
        place = chance.randrange(len(column) + 1)
        low = column[place - 1] if place else None
        if place == len(column):
            position = ranks.after_last(low, choose=chance)
        else:
            position = ranks.between(low, column[place])
        column.insert(place, position)
    assert column == sorted(set(column))
    assert all(position.isascii() for position in column)


def test_a_column_that_only_grows_keeps_short_positions() -> None:
    position = None
    for _ in range(10_000):
        position = ranks.after_last(position, choose=Random(1))
    assert position is not None
    assert len(position) < 10


def test_two_users_who_add_at_the_same_moment_hardly_ever_get_one_place() -> None:
    ends = {ranks.after_last("a0") for _ in range(100)}
    assert len(ends) > 90


@pytest.mark.parametrize("foreign", ["zzz", "ü", "~", "", "a", "Zz0"])
def test_a_position_of_another_alphabet_is_followed_all_the_same(foreign: str) -> None:
    assert ranks.after_last(foreign) > foreign


@pytest.mark.parametrize("low, high", [("a1", "a0"), ("a0", "a0"), ("?", None), (None, "?"), ("ü", "zz")])
def test_where_there_is_no_room_it_says_so(low: str | None, high: str | None) -> None:
    with pytest.raises(ValueError):
        ranks.between(low, high)
