"""Checks names and passwords, not too often: for the API, the sign-in page and the admin alike. Failures are logged."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User

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
        username = kwargs.get(user_model.username_field()) if username is None else username
        if username is None or password is None:
            return None
        address = _address_of(request)
        spend_attempt(username, address)
        user = super().authenticate(request, username, password)
        if user is None:
            _log_failure(username, address)
            raise PermissionDenied
        rate_limits.forgive_sign_in(username, address)
        return user


def _log_failure(username: str, address: str | None) -> None:
    # What is typed for a name is sometimes a password: one that no account has is not written down.
    if user_model.users().filter(**{user_model.username_field(): username}).exists():
        log_failed_sign_in(username, address)
    else:
        logger.warning("A sign-in from %s failed: there is no such account.", address or "nowhere")


def begin_attempt(username: str, request: HttpRequest) -> None:
    """Count an attempt at the account pages or `api/token/`, where no backend of the project counts it.

    Raises:
        RateLimited: there were too many wrong ones.
    """
    if not _are_counted_by_backend():
        spend_attempt(username, _address_of(request))


def forgive_attempts(username: str, request: HttpRequest) -> None:
    """Forget the attempts that `begin_attempt` counted: the password was right."""
    if not _are_counted_by_backend():
        rate_limits.forgive_sign_in(username, _address_of(request))


def _are_counted_by_backend() -> bool:
    return any(issubclass(import_string(path), LimitedAttempts) for path in settings.AUTHENTICATION_BACKENDS)


def backend_of_new_users() -> str:
    """Return the path of the backend by which a user that has just signed up is signed in."""
    paths: list[str] = settings.AUTHENTICATION_BACKENDS
    return next((path for path in paths if issubclass(import_string(path), ModelBackend)), paths[0])


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
    spend_attempt(user_model.username(user), address)
    if not user.check_password(password):
        log_failed_sign_in(user_model.username(user), address)
        raise InvalidData.at("password", "Enter your current password.")
    rate_limits.forgive_sign_in(user_model.username(user), address)


class TooOftenPages(MiddlewareMixin):
    """Answers a page's request that came too often, or while the database is busy, where the page does not itself."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """As `answer_too_often`, for pages that are not ours: the admin's sign-in page."""
        return answer_too_often(request, exception)


def answer_too_often(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """Return a page with HTTP 429 for `RateLimited`, 503 for a busy database; None, Django's way, for others."""
    error = exception if isinstance(exception, RateLimited) else busy(exception)
    if error is None:
        return None
    response = render(request, f"taskrealtime/{error.status}.html", status=error.status)
    response["Cache-Control"] = "no-store"
    response["Retry-After"] = str(int(error.retry_after or 0) + 1)
    return response
