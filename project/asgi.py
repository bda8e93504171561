"""The ASGI application: `daphne project.asgi:application`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from django.core.asgi import get_asgi_application

# Django must be set up before anything that imports models.
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter
from django.conf import settings

from taskrealtime.engine.asgi.body_limits import BodyLimit
from taskrealtime.engine.asgi.concurrency_limit import ConcurrencyLimit
from taskrealtime.engine.asgi.paths import OnePath
from taskrealtime.engine.asgi.polling import LongPolling
from taskrealtime.engine.limits.addresses import ProxyHeaders
from taskrealtime.routing import websocket_application

# A waiting long poll is outside and holds no slot. How the server does and its static files need no database.
concurrency_limit = ConcurrencyLimit(
    django_application,
    open_paths=["/healthz", "/readyz", "/metrics", settings.STATIC_URL],
    hashing_paths=r"/(api/token|api/me|login|sign-up|password(/.+)?|admin/login)/",
)
router = ProtocolTypeRouter({"http": LongPolling(concurrency_limit), "websocket": websocket_application})
application = OnePath(ProxyHeaders(BodyLimit(router)))
