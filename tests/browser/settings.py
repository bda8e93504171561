"""The settings of the servers that browser tests share: the project's, with pages that load quickly."""

from project.settings import *  # noqa: F403

# What is not collected may change, so that a browser asks for all of it again after a minute. Here nothing changes.
SERVESTATIC_MAX_AGE = 24 * 3600
