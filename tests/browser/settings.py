"""The settings of the server that browser tests share: those of most test servers, with pages that load quickly."""

from tests.support.settings import *  # noqa: F403

SERVESTATIC_USE_FINDERS = True
# What is not collected may change, so that a browser asks for all of it again after a minute. Here nothing changes.
SERVESTATIC_MAX_AGE = 24 * 3600
