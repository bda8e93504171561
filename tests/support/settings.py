"""The settings of most test servers: the project's, without what takes long and few tests need."""

from project.settings import *  # noqa: F403

# A real hash takes a third of a second on purpose.
PASSWORD_HASHERS = ["tests.support.hashing.QuickHasher"]
# To find all static files takes a tenth of a second.
SERVESTATIC_USE_FINDERS = False
