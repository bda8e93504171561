"""The addresses of the help desk."""

from django.contrib.auth import views as auth
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

urlpatterns = [
    path("", include("tickets.urls")),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("live/", include("taskrealtime.live.urls")),
    *staticfiles_urlpatterns(),
]
