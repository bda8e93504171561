"""Pages in the language of their reader; English for everything that programs read."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

#: What programs ask for: their messages are part of the protocol, to the letter.
_FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics")


class PageLanguages(LocaleMiddleware):
    """As Django's: the language that was chosen in this browser, or the first that it accepts and that we have."""

    def process_request(self, request: HttpRequest) -> None:
        """Take up the language, from here to the answer."""
        if _is_for_programs(request):
            translation.activate(settings.LANGUAGE_CODE)
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Name to caches what the answer depends on, and leave no language behind in this thread."""
        if not _is_for_programs(request):
            super().process_response(request, response)
            patch_vary_headers(response, ["Cookie"])
        translation.deactivate()
        return response


def _is_for_programs(request: HttpRequest) -> bool:
    return request.path_info.startswith(_FOR_PROGRAMS)
