"""The ASGI application: `daphne project.asgi:application`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

import django

# Django must be set up before anything that imports models.
django.setup(set_prefix=False)

from project.static import StaticHandler
from taskrealtime.asgi import integrate_with_existing_app

application = integrate_with_existing_app(StaticHandler())
