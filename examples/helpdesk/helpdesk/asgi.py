"""The ASGI application of the help desk."""

import os

from django.core.asgi import get_asgi_application

from taskrealtime.asgi import integrate_with_existing_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")

application = integrate_with_existing_app(get_asgi_application())
