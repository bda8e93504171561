"""Where the pages of a project find live rooms."""

from contextlib import suppress

from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

#: The token's URL in an API: that of `live.urls`, else that of the board.
_NAMES = ("taskrealtime_live:token", "taskrealtime:session_token")
MISSING = "The URLs of live rooms are not included."
HINT = 'Add path("live/", include("taskrealtime.live.urls")) to urlpatterns; any prefix will do.'


def api_base() -> str:
    """Return the path below which rooms are served over HTTP.

    Raises:
        ImproperlyConfigured: it is not among the project's URLs.
    """
    for name in _NAMES:
        with suppress(NoReverseMatch):
            return reverse(name).removesuffix("token/session/")
    raise ImproperlyConfigured(f"{MISSING} {HINT}")
