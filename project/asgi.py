"""The ASGI application: `daphne project.asgi:application`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from django.core.asgi import get_asgi_application

# Django must be set up before anything that imports models.
django_application = get_asgi_application()

from taskrealtime.asgi import integrate_with_existing_app

application = integrate_with_existing_app(django_application)
