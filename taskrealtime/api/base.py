"""What the board's endpoints have in common: how a request becomes a command, and how their answers are made."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import actions
from taskrealtime.contract import commands
from taskrealtime.engine.http.views import EngineView
from taskrealtime.engine.http.views import given_parameters as given_parameters
from taskrealtime.engine.http.views import read_query as read_query
from taskrealtime.engine.http.views import user_of as user_of
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.wire import protocol
from taskrealtime.engine.wire.errors import InvalidData

from .openapi import OwnSchema, documented_as

StructT = TypeVar("StructT", bound=msgspec.Struct)


class ApiView(EngineView):
    """An endpoint of the board, described in its OpenAPI document."""

    schema: Any = OwnSchema()


class PutIsPatch(ApiView):
    """An endpoint that takes PUT for PATCH: both change what is given and leave the rest."""

    patch: Callable[..., Response]

    def __init_subclass__(cls) -> None:
        """Give the endpoint a `put` of its own, described like its `patch`."""

        def put(self: PutIsPatch, request: Request, **path: int) -> Response:
            """Does the same as PATCH: what is not given stays."""
            return self.patch(request, **path)

        cls.put = documented_as(put, cls.patch, ending="_by_put")  # type: ignore[attr-defined]


def read_body(request: Request, type: type[StructT], **path: int) -> StructT:
    """Return the body's fields with those of the path, as a command or another declared type.

    Raises:
        InvalidMessage: the body is not a JSON object.
        InvalidData: it does not fit; `details` names the field.
    """
    fields = {**request.data, **path}  # type: ignore[dict-item] # our parser gives objects only
    return protocol.parse(msgspec.json.encode(fields), type)


def carry_out(request: Request, command: commands.Command) -> commands.Answer:
    """Do what the request asks for, once for all repetitions of its `Idempotency-Key`.

    Raises:
        RealTimeError: it was refused; nothing was changed.
    """
    user, key = user_of(request), _key_of(request)
    size = len(msgspec.json.encode(command))
    rate_limits.spend_change(user.pk, kind=type(command).__name__, slowness=command.slowness, size=size)
    return actions.perform(user, command, key=key)


def _key_of(request: Request) -> str | None:
    """Return the key, which a socket may have sent before: there it is any text, here its UTF-8 in a header."""
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if header is None:
        return None
    try:
        key: str = header.encode("latin-1").decode()
    except UnicodeError:
        raise InvalidData.at("Idempotency-Key", "Must be text in UTF-8.") from None
    if not 1 <= len(key) <= 64 or "\0" in key:
        raise InvalidData.at("Idempotency-Key", "Must have 1 to 64 characters.")
    return key


def created(answer: Any) -> Response:
    """201."""
    return Response(answer, status=201)


def deleted() -> Response:
    """204: nothing more to say, the first time or again."""
    return Response(status=204)
