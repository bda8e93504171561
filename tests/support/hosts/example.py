"""The settings of `examples/helpdesk`, a project with live models and no board, for the servers of tests."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import dj_database_url

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/helpdesk"
sys.path.insert(0, str(EXAMPLE))
example: Any = import_module("helpdesk.settings")
globals().update(vars(example))

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
DATABASES = example.DATABASES
DATABASES["default"]["NAME"] = dj_database_url.parse(os.environ["DATABASE_URL"])["NAME"]
PASSWORD_HASHERS = ["tests.support.hashing.QuickHasher"]
