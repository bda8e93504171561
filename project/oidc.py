"""Sign-in by the OpenID Connect provider that OIDC_ISSUER names, with django-allauth; see docs/operations.md.

Every user that the provider knows may sign in. An account belongs to the provider's name for the user (`sub`), never to
an e-mail address: the board does not verify those that its users enter.
"""

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.openid_connect import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

PROVIDER = "oidc"

urlpatterns = [
    path("login/", views.login, {"provider_id": PROVIDER}, name="openid_connect_login"),
    path("callback/", views.callback, {"provider_id": PROVIDER}, name="openid_connect_callback"),
]


class Accounts(DefaultAccountAdapter):
    """The accounts themselves, whose pages are ours."""

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Say that the sign-in failed, as for a password."""
        return _back_to_sign_in()

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: no page of ours shows Django's messages."""


class Company(DefaultSocialAccountAdapter):
    """What follows from an answer of the provider."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Return True: every user that the provider knows may have an account."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Ignore email addresses: one that another user also has neither links accounts nor prevents a sign-in."""
        sociallogin.email_addresses = []

    def on_authentication_error(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Return to the sign-in page, which says that it did not work.

        Raises:
            ImmediateHttpResponse: always; that is allauth's way.
        """
        raise ImmediateHttpResponse(_back_to_sign_in())


def _back_to_sign_in() -> HttpResponse:
    return redirect(reverse("taskrealtime_accounts:login") + "?failed=1")
