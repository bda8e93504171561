"""Checks names and passwords, not too often: for the API, the sign-in page and the admin alike. Failures are logged."""

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from .limits import rate_limits
from .wire.errors import InvalidData, RateLimited, busy

logger = logging.getLogger(__name__)

#: Characters of a name that are logged: as many as Django's user model has.
_NAME_LENGTH = 150


class LimitedAttempts(ModelBackend):
    """Django's own, which counts wrong passwords by name and by address.

    It stands first in `AUTHENTICATION_BACKENDS` and has the last word; Django's own behind it only knows again the
    sessions that name it.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the user; None if no name or no password was given.

        Raises:
            PermissionDenied: they do not fit, or the user is not active; no other backend is asked.
            RateLimited: there were too many wrong ones; the password was not looked at.
        """
        username = kwargs.get(User.USERNAME_FIELD) if username is None else username
        if username is None or password is None:
            return None
        address = _address_of(request)
        spend_attempt(username, address)
        user = super().authenticate(request, username, password)
        if user is None:
            raise PermissionDenied
        rate_limits.forgive_sign_in(username, address)
        return user


@receiver(user_login_failed)
def log_failure(credentials: Mapping[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Log the name and the address of a failed attempt to sign in, whichever backend refused it."""
    model = get_user_model()
    name = credentials.get("username", credentials.get(model.USERNAME_FIELD))
    # What is typed for a name is sometimes a password: one that no account has is not written down.
    if isinstance(name, str) and model._default_manager.filter(**{model.USERNAME_FIELD: name}).exists():
        log_failed_sign_in(name, _address_of(request))
    else:
        logger.warning("A sign-in from %s failed: there is no such account.", _address_of(request) or "nowhere")


def log_failed_sign_in(username: str, address: str | None) -> None:
    """Log that a password was wrong or its account is not active: which, and from where. The name is escaped."""
    logger.warning("A sign-in as %a from %s failed.", username[:_NAME_LENGTH], address or "nowhere")


def spend_attempt(username: str, address: str | None) -> None:
    """Count an attempt at a password, and log one that is refused.

    Raises:
        RateLimited: there were too many wrong ones for this name, or from this address.
    """
    try:
        rate_limits.spend_sign_in(username, address)
    except RateLimited:
        logger.warning("A sign-in from %s was refused: too many wrong passwords before.", address or "nowhere")
        raise


def _address_of(request: HttpRequest | None) -> str | None:
    return request.META.get("REMOTE_ADDR") if request else None


def require_password(user: User, password: str, *, address: str | None) -> None:
    """Have a signed-in user give the present password once more.

    Raises:
        InvalidData: at `password`: it is another one.
        RateLimited: there were too many wrong ones; the password was not looked at.
    """
    spend_attempt(user.get_username(), address)
    if not user.check_password(password):
        log_failed_sign_in(user.get_username(), address)
        raise InvalidData.at("password", "Enter your current password.")
    rate_limits.forgive_sign_in(user.get_username(), address)


class TooOftenPages(MiddlewareMixin):
    """Answers a page's request that came too often, or while the database is busy; the API answers its own."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return a page with HTTP 429 for `RateLimited`, 503 for a busy database; None, Django's way, for others."""
        error = exception if isinstance(exception, RateLimited) else busy(exception)
        if error is None:
            return None
        response = render(request, f"taskrealtime/{error.status}.html", status=error.status)
        response["Cache-Control"] = "no-store"
        response["Retry-After"] = str(int(error.retry_after or 0) + 1)
        return response
