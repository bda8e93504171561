"""The two documents that describe the doors: OpenAPI for HTTP, AsyncAPI for the socket. Open to all."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from .asyncapi import make_document
from .base import ApiView


class _DocumentView(ApiView):
    authentication_classes = ()
    permission_classes = ()


@extend_schema(exclude=True)
class OpenApiView(_DocumentView):
    """`/api/schema/`: YAML, or JSON by `Accept` or `?format=json`."""

    renderer_classes = (OpenApiYamlRenderer, OpenApiYamlRenderer2, OpenApiJsonRenderer, OpenApiJsonRenderer2)

    def get(self, request: Request) -> Response:
        """The OpenAPI document."""
        return Response(_openapi())


@extend_schema(exclude=True)
class AsyncApiView(_DocumentView):
    """`/api/asyncapi/`."""

    def get(self, request: Request) -> Response:
        """The AsyncAPI document, naming the requested host as its server."""
        return Response(make_document(host=request.get_host(), secure=request.is_secure()))


@cache
def _openapi() -> dict[str, Any]:
    """Made once: it is the same for all users, and takes a while."""
    return SchemaGenerator().get_schema(request=None, public=True)
