"""The ASGI application of `examples/helpdesk`, for the servers of tests."""

from importlib import import_module
from typing import Any

from django.conf import settings

assert settings.ROOT_URLCONF  # read first: the settings say where the example is

application: Any = import_module("helpdesk.asgi").application
