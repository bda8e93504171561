"""The ASGI application of the project in `host_settings`."""

from django.conf import settings
from django.core.asgi import get_asgi_application

application = get_asgi_application()
if settings.HAS_BOARD:
    from taskrealtime.asgi import integrate_with_existing_app

    application = integrate_with_existing_app(application)
