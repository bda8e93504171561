"""The settings of a project with the users of `uuid_people`."""

from tests.support.settings import *  # noqa: F403

INSTALLED_APPS = ["tests.support.hosts.uuid_people", *INSTALLED_APPS]  # noqa: F405
AUTH_USER_MODEL = "uuid_people.User"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
