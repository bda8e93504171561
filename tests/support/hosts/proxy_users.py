"""The settings of a project whose user model is a proxy: a `Person` of `uuid_people`."""

from tests.support.hosts.uuid_users import *  # noqa: F403

AUTH_USER_MODEL = "uuid_people.Person"
