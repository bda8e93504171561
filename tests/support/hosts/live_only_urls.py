"""The URLs of the project in `live_only`."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie


@ensure_csrf_cookie
def home(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Whatever else is asked for."""
    return HttpResponse(f"the project's own {rest}")


urlpatterns = [path("tools/live/", include("taskrealtime.live.urls")), path("", home), path("<path:rest>", home)]
