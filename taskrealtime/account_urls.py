"""The addresses of the accounts: pages to sign in and up, and the API's endpoint for a name and password.

For a project that has none of its own, before the addresses of the board:

    path("", include("taskrealtime.account_urls")),
    path("", include("taskrealtime.urls")),
"""

from django.urls import path

from .api import tokens
from .pages import accounts
from .urls import page

app_name = "taskrealtime_accounts"

urlpatterns = [
    page("login/", accounts.SignIn.as_view(), "login"),
    page("logout/", accounts.SignOut.as_view(), "logout"),
    page("sign-up/", accounts.SignUp.as_view(), "sign_up"),
    page("account/", accounts.account, "account"),
    page("password/", accounts.ChangePassword.as_view(), "password_change"),
    page("password/changed/", accounts.PasswordChanged.as_view(), "password_changed"),
    page("password/lost/", accounts.LostPassword.as_view(), "password_reset"),
    page("password/lost/sent/", accounts.PasswordSent.as_view(), "password_sent"),
    page("password/new/", accounts.open_password_link, "password_link"),
    page("password/new/<slug:uidb64>/", accounts.NewPassword.as_view(), "password_reset_confirm"),
    page("password/set/", accounts.PasswordSet.as_view(), "password_set"),
    path("api/token/", tokens.TokenView.as_view(), name="token"),
]
