"""Searches compare text alike on the server and in pages."""

import json

import pytest

from taskrealtime.folding import fold
from tests.support.stacks import ROOT

CASES = json.loads((ROOT / "tests/support/folding.json").read_text())


@pytest.mark.parametrize("text, folded", CASES)
def test_case_accents_and_ligatures_make_no_difference(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_a_text_folds_character_by_character() -> None:
    """By that, excerpts find the place of a match in the text."""
    everything = "".join(chr(code) for code in range(0x3_0000) if not 0xD800 <= code < 0xE000)
    assert fold(everything) == "".join(map(fold, everything))
