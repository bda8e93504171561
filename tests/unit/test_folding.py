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
