"""The ASGI application of the project in `live_only`, with all imports before Django is set up, as projects write it."""

from django.core.asgi import get_asgi_application

from taskrealtime.asgi import integrate_with_existing_app

application = integrate_with_existing_app(get_asgi_application())
