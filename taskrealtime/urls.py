"""The addresses of the pages."""

from collections.abc import Callable

from django.contrib.auth.views import LogoutView
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from .pages import accounts, ops, views


def _page(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    """Return the pattern of a page, which belongs to one user: no cache keeps it."""
    return path(route, never_cache(view), name=name)


urlpatterns = [
    _page("", views.projects, "projects"),
    _page("ops/", ops.running, "ops"),
    _page("connection/", ops.connection, "connection"),
    _page("connection/check/", ops.check_connection, "check-connection"),
    _page("projects/<int:project_id>/", views.board, "board"),
    _page("requests/<int:project_id>/", views.answer_addition, "answer_addition"),
    # Another site could change the language at most; pages that have no other form need no token for this one.
    _page("language/", csrf_exempt(accounts.choose_language), "set_language"),
    _page("login/", accounts.SignIn.as_view(), "login"),
    _page("logout/", LogoutView.as_view(), "logout"),
    _page("sign-up/", accounts.SignUp.as_view(), "sign_up"),
    _page("join/", accounts.join, "join"),
    _page("account/", accounts.account, "account"),
    _page("password/", accounts.ChangePassword.as_view(), "password_change"),
    _page("password/changed/", accounts.PasswordChanged.as_view(), "password_changed"),
    _page("password/lost/", accounts.LostPassword.as_view(), "password_reset"),
    _page("password/lost/sent/", accounts.PasswordSent.as_view(), "password_sent"),
    _page("password/new/", accounts.open_password_link, "password_link"),
    _page("password/new/<slug:uidb64>/", accounts.NewPassword.as_view(), "password_reset_confirm"),
    _page("password/set/", accounts.PasswordSet.as_view(), "password_set"),
]
