"""The ASGI application of the project in `host_settings`."""

from typing import Any

from django.apps import apps
from django.core.asgi import get_asgi_application

application: Any = get_asgi_application()
if apps.is_installed("taskrealtime"):
    from taskrealtime.asgi import integrate_with_existing_app

    application = integrate_with_existing_app(application)
