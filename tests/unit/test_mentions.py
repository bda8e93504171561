"""The users that a text mentions."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskrealtime.announcing.mentions import mentioned
from taskrealtime.folding import fold

MEMBERS = ["bob", "bobby", "a.b", "a", "ünal", "x+y@z", "bob-"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("@bob", {"bob"}),
        ("Hi @bob!", {"bob"}),
        ("(@bob)", {"bob"}),
        ("@bobby", {"bobby"}),
        ("@bobb", {"bob"}),
        ("@bob and @a", {"bob", "a"}),
        ("@bob @bob", {"bob"}),
        ("@bob@a", {"bob"}),
        ("_@bob", {"bob"}),
        ("@@bob", {"bob"}),
        ("bob@bob", set()),
        ("7@bob", set()),
        ("é@bob", set()),
        ("@a.b.", {"a.b"}),
        ("@a.", {"a"}),
        ("@ünal", {"ünal"}),
        ("@x+y@z", {"x+y@z"}),
        ("@bob-", {"bob-"}),
        ("@Bob", {"bob"}),
        ("@BOBBY", {"bobby"}),
        ("@unal @ÜNAL", {"ünal"}),
        ("e\u0301@bob", set()),
        ("@ bob", set()),
        ("@", set()),
        ("bob", set()),
        ("", set()),
    ],
)
def test_a_mention_is_the_longest_member_after_an_at(text: str, expected: set[str]) -> None:
    assert mentioned(text, MEMBERS) == expected


NAMES = st.text("ab.@1é", min_size=1, max_size=4)


@given(text=st.text("ab.@1é _", max_size=30), usernames=st.sets(NAMES, max_size=6))
@example(text="@a.@b", usernames={"a.@b", "b"})
def test_it_finds_what_one_would_find_by_looking_everywhere(text: str, usernames: set[str]) -> None:
    text, usernames = fold(text), {fold(name) for name in usernames}
    expected = set()
    for place in range(len(text)):
        if text[place] == "@" and (place == 0 or not text[place - 1].isalnum()):
            fitting = [name for name in usernames if text.startswith(name, place + 1)]
            expected |= {max(fitting, key=len)} if fitting else set()
    assert mentioned(text, usernames) == expected


def test_of_names_that_differ_in_case_alone_the_one_as_written_is_meant() -> None:
    assert mentioned("@Bob", {"bob", "Bob"}) == {"Bob"}
    assert mentioned("@BOB", {"bob", "Bob"}) == {"bob", "Bob"}


def test_a_text_full_of_ats_takes_no_time() -> None:
    usernames = {"x" * length for length in range(1, 150)}
    assert mentioned("@" * 10_000, usernames) == set()
