"""The pages that look at the running system: `/ops/` for staff, `/connection/` to find out what is wrong."""

from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from taskrealtime import access
from taskrealtime.addresses import SIGN_IN_URL
from taskrealtime.engine import draining
from taskrealtime.engine.asgi import origins
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.wire.errors import NotFound


@require_safe
def running(request: HttpRequest) -> HttpResponse:
    """`/ops/`: the server's figures, live by the socket. For users that are not staff there is no such page."""
    try:
        if not isinstance(request.user, User):
            raise NotFound("Not found.")
        access.require_staff(request.user)
    except NotFound:
        return render(request, "taskrealtime/404.html", status=404)  # as `views.board` does
    return render(request, "taskrealtime/ops.html")


@login_required(login_url=SIGN_IN_URL)
@ensure_csrf_cookie
@require_safe
def connection(request: HttpRequest) -> HttpResponse:
    """`/connection/`: what works between this browser and the server, step by step."""
    return render(request, "taskrealtime/connection.html")


@login_required(login_url=SIGN_IN_URL)
@require_POST
def check_connection(request: HttpRequest) -> JsonResponse:
    """Return what this server would say to a socket of that page: a POST, since browsers send their Origin with one."""
    origin, host = request.headers.get("Origin"), request.headers.get("Host")
    return JsonResponse(
        {
            "server_time": datetime.now(UTC).isoformat(),
            "sockets_enabled": settings.WEBSOCKET_ENABLED,
            "origin_allowed": origins.is_allowed(origin, host, "wss" if request.is_secure() else "ws"),
            "draining": draining.is_draining(),
        }
    )
