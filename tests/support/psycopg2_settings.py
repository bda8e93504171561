"""The settings of a project with live models whose driver is psycopg 2; read before anything of Django's database."""

import sys

# Django takes psycopg 3 where there is one.
sys.modules["psycopg"] = None  # type: ignore[assignment]

from tests.support.helpdesk_settings import *  # noqa: E402, F403
from tests.support.helpdesk_settings import DATABASES  # noqa: E402

# A pool and prepared statements are psycopg 3's.
DATABASES["default"]["OPTIONS"] = {}
