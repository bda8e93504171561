"""The settings of a project with the users of `staff_people`."""

from tests.support.settings import *  # noqa: F403

INSTALLED_APPS = ["tests.support.hosts.staff_people", *INSTALLED_APPS]  # noqa: F405
AUTH_USER_MODEL = "staff_people.User"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
