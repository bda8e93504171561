"""The ASGI application of the project in `live_only`."""

from typing import Any

from django.core.asgi import get_asgi_application

application: Any = get_asgi_application()

from taskrealtime.asgi import integrate_with_existing_app  # noqa: E402 -- it imports models

application = integrate_with_existing_app(application)
