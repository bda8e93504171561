"""The ASGI application of `live_only`, as projects write it: all imports come before Django is set up."""

from django.core.asgi import get_asgi_application

from taskrealtime.asgi import integrate_with_existing_app

application = integrate_with_existing_app(get_asgi_application())
