"""The addresses of the board: its pages, and its API below `api/`.

    path("board/", include("taskrealtime.urls"))

`taskrealtime.account_urls` has those of the accounts, for projects that have no pages of their own for them.
"""

from collections.abc import Callable

from django.http.response import HttpResponseBase
from django.urls import URLPattern, include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page

from .languages import in_page_language
from .pages import accounts, offline, ops, views
from .pages.wrapping import as_own_page

app_name = "taskrealtime"


def page(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    """Return the pattern of a page, which belongs to one user: no cache keeps it."""
    return path(route, gzip_page(never_cache(in_page_language(as_own_page(view)))), name=name)


urlpatterns = [
    page("", views.projects, "projects"),
    page("ops/", ops.running, "ops"),
    page("connection/", ops.connection, "connection"),
    page("connection/check/", ops.check_connection, "check-connection"),
    page("projects/<int:project_id>/", views.board, "board"),
    page("requests/<int:project_id>/", views.answer_addition, "answer_addition"),
    page("deleted/<int:project_id>/", views.answer_deletion, "answer_deletion"),
    # Its folder is what the worker is for: the whole board.
    page("worker.js", offline.worker, "offline-worker"),
    page("join/", accounts.join, "join"),
    # Another site could change the language at most; pages that have no other form need no token for this one.
    page("language/", csrf_exempt(accounts.choose_language), "set_language"),
    path("api/", include("taskrealtime.api.urls")),
]
