"""The service worker with which pages open without a network."""

import json

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from taskrealtime.addresses import board_base, page_script


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Return the script of the worker, whose scope is the folder of this address: all below the board's base."""
    base = board_base()
    values = {
        "base": base,
        # The address of every static file of the board begins so.
        "assets": request.build_absolute_uri(static("taskrealtime/")),
        # As `static/js/board/page/offline.js` names it.
        "copies": f"taskrealtime{base}.copies",
    }
    script = request.build_absolute_uri(page_script("offline/worker"))
    lines = f"self.taskrealtime = {json.dumps(values)};\nimportScripts({json.dumps(script)});\n"
    return HttpResponse(lines, content_type="text/javascript; charset=utf-8")
