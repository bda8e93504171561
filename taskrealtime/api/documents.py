"""The two documents that describe the interfaces: OpenAPI for HTTP, AsyncAPI for the socket. Open to all."""

from functools import cache
from typing import Any

from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.settings import patched_settings
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.addresses import accounts_base, board_base
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.http.page import socket_path

from .asyncapi import make_document
from .base import ApiView
from .openapi import describing_ours
from .tokens import TokenView

_ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
OPENAPI_SETTINGS = {
    "TITLE": "taskrealtime",
    "DESCRIPTION": "The HTTP side of a live task board. The WebSocket side is described at /api/asyncapi/.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    # The schemas come finished from msgspec: nothing is to be split or renamed afterwards.
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [],
    "PATH_CONVERTER_OVERRIDES": {"id": _ID, "user": _ID if user_model.keys_are_numbers() else {"type": "string"}},
}


class _DocumentView(ApiView):
    schema = None
    authentication_classes = ()
    permission_classes = ()


class OpenApiView(_DocumentView):
    """`/api/schema/`: YAML, or JSON by `Accept` or `?format=json`."""

    renderer_classes = (OpenApiYamlRenderer, OpenApiYamlRenderer2, OpenApiJsonRenderer, OpenApiJsonRenderer2)

    def get(self, request: Request) -> Response:
        """The OpenAPI document."""
        return Response(openapi(board_base(), accounts_base()))


class AsyncApiView(_DocumentView):
    """`/api/asyncapi/`."""

    def get(self, request: Request) -> Response:
        """The AsyncAPI document, naming the requested host as its server."""
        return Response(
            make_document(host=request.get_host(), secure=request.is_secure(), path=socket_path(request._request))
        )


@cache
def openapi(board: str = "", accounts: str | None = "") -> dict[str, Any]:
    """Return the OpenAPI document; made once, since it is the same for all and takes a while.

    Args:
        board: the path below which the board's URLs are.
        accounts: the path below which those of the accounts are; None if the project does not include them.
    """
    ours = [path("api/", include("taskrealtime.api.urls"))]
    if accounts is not None:
        ours.insert(0, path("api/token/", TokenView.as_view()))
    # Our endpoints alone, and by our settings: the project may describe an API of its own.
    with patched_settings(OPENAPI_SETTINGS), describing_ours():
        document: dict[str, Any] = SchemaGenerator(patterns=ours).get_schema(request=None, public=True)
    if board:
        document["servers"] = [{"url": board}]
    if accounts is not None and accounts != board:
        document["paths"]["/api/token/"]["servers"] = [{"url": accounts or "/"}]
    return document
