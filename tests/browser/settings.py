"""The settings of the server that browser tests share: those of most test servers, with pages that load quickly."""

import os

from tests.support.settings import *  # noqa: F403

STATIC_ROOT = os.environ.get("TEST_STATIC_ROOT", STATIC_ROOT)  # type: ignore[assignment]  # noqa: F405
SERVESTATIC_USE_FINDERS = "TEST_STATIC_ROOT" not in os.environ
# What is not collected may change, so that a browser asks for all of it again after a minute. Here nothing changes.
SERVESTATIC_MAX_AGE = 24 * 3600
