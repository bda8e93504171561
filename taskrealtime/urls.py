"""The addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from . import ops, views

urlpatterns = [
    path("", views.projects, name="projects"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("ops/", ops.running, name="ops"),
    path("connection/", ops.connection, name="connection"),
    path("connection/check/", ops.check_connection, name="check-connection"),
    path("projects/<int:project_id>/", views.board, name="board"),
]
