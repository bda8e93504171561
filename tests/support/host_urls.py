"""The URLs of the project in `host_settings`."""

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.staticfiles.views import serve
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path, re_path


def home(request: HttpRequest) -> HttpResponse:
    """A page with links by the names that projects use."""
    return render(request, "home.html")


def api(request: HttpRequest, rest: str = "") -> JsonResponse:
    """Everything below `/api/`."""
    return JsonResponse({"api": "of the project", "path": rest})


urlpatterns = [
    path("", home, name="projects"),
    path("admin/", admin.site.urls),
    path("login/", auth_views.LoginView.as_view(), name="login"),
    path("logout/", auth_views.LogoutView.as_view(next_page="/"), name="logout"),
    path("account/", home, name="account"),
    path("api/", api),
    path("api/<path:rest>", api),
    re_path(r"^assets/(?P<path>.*)$", serve, {"insecure": True}),
]
if apps.is_installed("taskrealtime"):
    urlpatterns += [path("tools/board/", include("taskrealtime.urls"))]
