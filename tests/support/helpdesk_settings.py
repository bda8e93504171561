"""The settings of test servers beside whose board there is a help desk with live models."""

from tests.support.settings import *  # noqa: F403
from tests.support.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.support.helpdesk.apps.HelpDeskConfig"]
