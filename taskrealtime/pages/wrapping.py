"""What every page of ours has, without any middleware in the project around it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from taskrealtime.engine.auth.browser_sessions import watch_session
from taskrealtime.engine.passwords import answer_too_often

Page = Callable[..., HttpResponseBase]


def as_own_page(view: Page) -> Page:
    """Have a page take no session that has ended for us, and answer what came too often.

    It is outside of the transaction that ATOMIC_REQUESTS begins: each change has its own, and what counts attempts
    stays counted. It says by itself whether it needs a signed-in user: Django's LoginRequiredMiddleware does not.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        watch_session(request)
        try:
            return view(request, *args, **kwargs)
        except Exception as error:
            answer = answer_too_often(request, error)
            if answer is None:
                raise
            return answer

    return login_not_required(transaction.non_atomic_requests(page))
