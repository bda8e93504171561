"""What all endpoints have in common: how a request is signed in and read, and what the answer's headers say."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from taskrealtime.engine.conf.user_model import User, UserKey
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.wire import protocol

from .authentication import BearerAuthentication, BrowserSessionAuthentication
from .wire import StrictJSONParser, StrictJSONRenderer, answer_error

#: Methods that change nothing.
READING = {"GET", "HEAD"}

StructT = TypeVar("StructT", bound=msgspec.Struct)


class EngineView(APIView):
    """An endpoint. Its answers belong to the caller: no cache keeps them.

    It speaks as docs/protocol.md says, whatever the project has in `REST_FRAMEWORK` for its own API.
    """

    authentication_classes: Any = (BearerAuthentication, BrowserSessionAuthentication)
    permission_classes: Any = (IsAuthenticated,)
    renderer_classes: Any = (StrictJSONRenderer,)
    parser_classes: Any = (StrictJSONParser,)
    throttle_classes: Any = ()
    content_negotiation_class = DefaultContentNegotiation
    versioning_class = None
    #: No part of what describes the project's own API.
    schema: Any = None
    #: The user of a request that changes nothing.
    _reader: UserKey | None = None
    #: For how many answers one that changes nothing counts.
    read_cost = 1
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """As the framework's, outside of the transaction that ATOMIC_REQUESTS begins: each command has its own."""
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As the framework's, in English, whatever the project has chosen for its pages."""
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """As the framework's, which takes a body without a length for none at all."""
        if "HTTP_TRANSFER_ENCODING" in request.META:
            request.META.setdefault("CONTENT_LENGTH", "-1")
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As the framework's; what only reads is counted, as what changes something is elsewhere."""
        super().initial(request, *args, **kwargs)
        if request.method in READING and isinstance(request.user, User):
            rate_limits.spend_read(request.user.pk, self.read_cost)
            self._reader = request.user.pk

    def get_exception_handler(self) -> Any:
        """Return our own."""
        return answer_error

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        """As the framework's; tokens and boards stay out of caches, and their bytes count for their reader."""
        if (reader := self._reader) is not None:
            if isinstance(response, Response):
                response.add_post_render_callback(lambda made: rate_limits.charge_read(reader, len(made.content)))
            else:
                rate_limits.charge_read(reader, len(response.content))
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)


def user_of(request: Request) -> User:
    """Return the user of a request; the permission classes refuse requests without one."""
    assert isinstance(request.user, User)
    return request.user


def read_query(request: Request, type: type[StructT]) -> StructT:
    """Return the parameters behind the `?`, as their declared type. Unknown ones are ignored; empty ones are missing.

    Raises:
        InvalidData: one does not fit; `details` names it.
    """
    return protocol.parse(msgspec.json.encode(given_parameters(request, type)), type, strict=False)


def given_parameters(request: Request, type: type[msgspec.Struct]) -> dict[str, str]:
    """Return the declared parameters that the request has, as text."""
    texts: Mapping[str, str] = request.query_params
    return {name: texts[name] for name in type.__struct_fields__ if texts.get(name)}
