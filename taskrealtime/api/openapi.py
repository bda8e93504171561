"""How endpoints describe themselves in the OpenAPI document: by the types that read and write their bodies."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction, OpenApiParameter, OpenApiResponse, extend_schema

from taskrealtime.contract.events import ErrorData
from taskrealtime.engine.http.wire import MAX_BODY
from taskrealtime.engine.wire.errors import (
    Busy,
    Conflict,
    Forbidden,
    InvalidData,
    InvalidMessage,
    RateLimited,
    RealTimeError,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
)

from .schemas import Schema, describe

Method = TypeVar("Method", bound=Callable[..., Any])

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 64},
    OpenApiParameter.HEADER,
    description=(
        "The same key again, here or as `key` on a socket, has no second effect and gets the first answer, "
        "with `duplicate`. Kept as long as the event log."
    ),
)


_describes_ours: ContextVar[bool] = ContextVar("describes_ours", default=False)


@contextmanager
def describing_ours() -> Iterator[None]:
    """Have our endpoints be described, in this thread."""
    token = _describes_ours.set(True)
    try:
        yield
    finally:
        _describes_ours.reset(token)


class OwnSchema(AutoSchema):
    """None to whatever else describes the project's API: our endpoints are no part of that."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        """Return the schema of a view where ours are described."""
        return super().__get__(instance, owner) if _describes_ours.get() else None


def documented(
    operation: str,
    *,
    answer: type[msgspec.Struct] | None = None,
    status: int = 200,
    also: Mapping[int, type[msgspec.Struct]] | None = None,
    body: type[msgspec.Struct] | None = None,
    query: type[msgspec.Struct] | None = None,
    changes: bool = False,
    signed_in: bool = True,
    errors: Sequence[type[RealTimeError]] = (),
) -> Callable[[Method], Method]:
    """Describe a method of an endpoint.

    Args:
        operation: its name, unique in the document.
        also: what it answers with other statuses.
        changes: it takes an `Idempotency-Key`.
        signed_in: it is for signed-in users.
        errors: what it may answer beyond what its other traits imply.
    """
    described = [*errors, Busy]
    if body or query or changes:
        described += [InvalidData]
    if body:
        described += [InvalidMessage]
    if signed_in:
        described += [Unauthenticated, TokenInvalid, TokenExpired, RateLimited]
    if changes:
        described += [Conflict, Forbidden]
    describe_method = extend_schema(
        operation_id=operation,
        parameters=[*_query_parameters(query), *([IDEMPOTENCY_KEY] if changes else [])],
        request=body,
        responses={status: answer, **(also or {}), **_error_responses(described), **_of_http(bool(body))},
        auth=None if signed_in else [],
    )

    def decorate(method: Method) -> Method:
        # Whatever `DEFAULT_SCHEMA_CLASS` the project has for its own API.
        method.kwargs = {"schema": OwnSchema}  # type: ignore[attr-defined] # where the framework looks
        described: Method = describe_method(method)
        described.operation = operation  # type: ignore[attr-defined]
        return described

    return decorate


def documented_as(method: Method, other: Callable[..., Any], *, ending: str) -> Method:
    """Describe a method as another one of the same endpoint, under the other's name with this ending."""
    method.kwargs = dict(other.kwargs)  # type: ignore[attr-defined] # where the framework keeps it
    operation = f"{other.operation}{ending}"  # type: ignore[attr-defined]
    described: Method = extend_schema(operation_id=operation, description=method.__doc__)(method)
    return described


def body_of(command: type[msgspec.Struct], *in_path: str) -> type[msgspec.Struct]:
    """Return a command's body, as a type: all of its fields that are not in the path."""
    fields = [field for field in msgspec.structs.fields(command) if field.name not in in_path]
    body = msgspec.defstruct(
        f"{command.__name__}Body",
        [(field.name, field.type) if field.required else (field.name, field.type, field.default) for field in fields],
        kw_only=True,
    )
    body.__doc__ = command.__doc__
    return body


def _query_parameters(query: type[msgspec.Struct] | None) -> list[OpenApiParameter]:
    if query is None:
        return []
    _, components = describe([query])
    properties = components[query.__name__]["properties"]
    return [
        OpenApiParameter(name, _plain(schema), description=schema.get("description", ""))
        for name, schema in properties.items()
    ]


def _plain(schema: Schema) -> Schema:
    """Return a parameter's schema: it is missing rather than null, and its description stands beside."""
    schema = {name: value for name, value in schema.items() if name != "description" and value is not None}
    variants = [variant for variant in schema.pop("anyOf", []) if variant != {"type": "null"}]
    plain = {**schema, **(variants[0] if variants else {})}
    if "enum" in plain:
        plain["enum"] = [value for value in plain["enum"] if value is not None]
        plain["type"] = "string"
    return plain


def _of_http(has_body: bool) -> dict[int, OpenApiResponse]:
    """Return what HTTP itself may have against a request."""
    described = {406: "The answer is JSON, which `Accept` does not allow."}
    if has_body:
        described[413] = f"The body has more than {MAX_BODY // 1024} KiB."
        described[415] = "The body is no `application/json`."
    return {
        status: OpenApiResponse(ErrorData, description=f"`{InvalidMessage.code}`: {words}")
        for status, words in described.items()
    }


def _error_responses(errors: Sequence[type[RealTimeError]]) -> dict[int, OpenApiResponse]:
    by_status: dict[int, list[type[RealTimeError]]] = defaultdict(list)
    for error in errors:
        if error not in by_status[error.status]:
            by_status[error.status].append(error)
    return {
        status: OpenApiResponse(ErrorData, description="\n".join(f"`{kind.code}`: {kind.__doc__}" for kind in kinds))
        for status, kinds in sorted(by_status.items())
    }


# --- For the framework ----------------------------------------------------------------------


class StructSchema(OpenApiSerializerExtension):
    """Takes msgspec's structs where the framework expects its serializers."""

    target_class = msgspec.Struct
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        """Return the struct's own."""
        return self.target.__name__

    def get_identity(self, auto_schema: AutoSchema, direction: Direction) -> str:
        """Return the name again: it may be registered first as a part of another."""
        return self.target.__name__

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Its schema; those that it refers to are registered beside it."""
        _, components = describe([self.target])
        schema = components.pop(self.target.__name__)
        for name, referred in components.items():
            component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema=referred, object=name)
            auto_schema.registry.register_on_missing(component)
        return schema


class BearerScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer <access token>`."""

    target_class = "taskrealtime.engine.http.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:
        """As OpenAPI calls it."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class BrowserSessionScheme(OpenApiAuthenticationExtension):
    """The browser's session."""

    target_class = "taskrealtime.engine.http.authentication.BrowserSessionAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:
        """As OpenAPI calls it."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A signed-in browser; over TLS the cookie's name begins with `__Host-`. "
            "Every change also needs the header `X-CSRFToken`.",
        }
