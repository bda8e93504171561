"""Checks names and passwords, not too often: for the API, the sign-in page and the admin alike."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from . import limits
from .errors import InvalidData, RateLimited, busy


class LimitedAttempts(ModelBackend):
    """Django's own, which counts wrong passwords by name and by address.

    It stands first in `AUTHENTICATION_BACKENDS` and has the last word; Django's own behind it only knows again the
    sessions that name it.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user; None where no name or no password was given.

        Raises:
            PermissionDenied: they do not fit, or the user is not active; no other backend is asked.
            RateLimited: there were too many wrong ones; the password was not looked at.
        """
        username = kwargs.get(User.USERNAME_FIELD) if username is None else username
        if username is None or password is None:
            return None
        address = request.META.get("REMOTE_ADDR") if request else None
        limits.spend_sign_in(username, address)
        user = super().authenticate(request, username, password)
        if user is None:
            raise PermissionDenied
        limits.forgive_sign_in(username, address)
        return user


def require_password(user: User, password: str, *, address: str | None) -> None:
    """Whoever is signed in gives the present password once more.

    Raises:
        InvalidData: at `password`: it is another one.
        RateLimited: there were too many wrong ones; the password was not looked at.
    """
    limits.spend_sign_in(user.get_username(), address)
    if not user.check_password(password):
        raise InvalidData.at("password", "Please give your present password.")
    limits.forgive_sign_in(user.get_username(), address)


class TooOftenPages(MiddlewareMixin):
    """Answers a page's request that came too often, or while the database is busy; the API tells so itself."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A page with HTTP 429 for `RateLimited`, and 503 for a busy database; None, Django's own way, for others."""
        told = exception if isinstance(exception, RateLimited) else busy(exception)
        if told is None:
            return None
        response = render(request, f"{told.status}.html", status=told.status)
        response["Cache-Control"] = "no-store"
        response["Retry-After"] = str(int(told.retry_after or 0) + 1)
        return response
