"""The ASGI application: `daphne project.asgi:application`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from django.core.asgi import get_asgi_application

# Django must be set up before anything that imports models.
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter

from taskrealtime.engine.addresses import ProxyHeaders
from taskrealtime.engine.polling import LongPolling
from taskrealtime.routing import websocket_application

application = ProxyHeaders(
    ProtocolTypeRouter(
        {
            "http": LongPolling(django_application),
            "websocket": websocket_application,
        }
    )
)
