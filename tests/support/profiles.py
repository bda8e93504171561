"""How hard hypothesis looks: a few seconds by default, hours with `HYPOTHESIS_PROFILE=deep`.

Importing this chooses the profile for the whole run.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    # The same examples on every machine: a failure elsewhere is a failure here.
    derandomize=True,
    deadline=None,
    database=None,
    # Examples share their test's database on purpose: each makes rows of its own.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.register_profile("deep", settings.get_profile("ci"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

DEEP = settings.get_current_profile_name() == "deep"


def few_or_many(few: int, many: int) -> pytest.MarkDecorator:
    """The parameter `number` for `examples`: few of them, and many with the mark `long`."""
    values = [few, pytest.param(many, marks=pytest.mark.long)]
    return pytest.mark.parametrize("number", values, ids=["few", "many"])


def examples(number: int) -> settings:
    """So many examples by default; in the deep profile two hundred times as many."""
    return settings(max_examples=number * 200 if DEEP else number)
