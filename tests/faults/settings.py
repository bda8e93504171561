"""The settings of installations under fault: those of the project, with a help desk whose models are live."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.support.helpdesk.apps.HelpDeskConfig"]
