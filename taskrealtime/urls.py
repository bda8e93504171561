"""The addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from . import accounts, ops, views

urlpatterns = [
    path("", views.projects, name="projects"),
    path("ops/", ops.running, name="ops"),
    path("connection/", ops.connection, name="connection"),
    path("connection/check/", ops.check_connection, name="check-connection"),
    path("projects/<int:project_id>/", views.board, name="board"),
    # Another site could change the language at most; pages that have no other form need no token for this one.
    path("language/", csrf_exempt(set_language), name="set_language"),
    path("login/", accounts.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("sign-up/", accounts.SignUp.as_view(), name="sign_up"),
    path("join/", accounts.join, name="join"),
    path("password/", accounts.ChangePassword.as_view(), name="password_change"),
    path("password/changed/", accounts.PasswordChanged.as_view(), name="password_changed"),
    path("password/lost/", accounts.LostPassword.as_view(), name="password_reset"),
    path("password/lost/sent/", accounts.PasswordSent.as_view(), name="password_sent"),
    path("password/new/", accounts.open_password_link, name="password_link"),
    path("password/new/<slug:uidb64>/", accounts.NewPassword.as_view(), name="password_reset_confirm"),
    path("password/set/", accounts.PasswordSet.as_view(), name="password_set"),
]
