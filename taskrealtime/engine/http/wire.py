"""JSON of requests and answers: strict both ways, and every error in the one form `{code, message, details?}`."""

import logging
import math
import secrets
from collections.abc import Mapping
from typing import IO, Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from taskrealtime.engine import metrics
from taskrealtime.engine.wire.errors import (
    DATABASE_AWAY,
    Forbidden,
    Internal,
    InvalidMessage,
    NotFound,
    RateLimited,
    RealTimeError,
    Unauthenticated,
    busy,
)
from taskrealtime.engine.wire.protocol import MAX_FRAME

logger = logging.getLogger(__name__)

#: Bytes of a request's body: what a frame of a socket may have.
MAX_BODY = MAX_FRAME

_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])


class BodyTooLarge(exceptions.APIException):
    """More than `MAX_BODY` bytes."""

    status_code = 413
    default_detail = f"A body may have {MAX_BODY // 1024} KiB."


class StrictJSONParser(BaseParser):
    """Reads a JSON object's fields, each still as text: the view decodes them as the type it declares."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, msgspec.Raw]:
        """Return the fields of the body; an empty body has none.

        Raises:
            InvalidMessage: not a JSON object in UTF-8.
            BodyTooLarge: more than `MAX_BODY` bytes.
        """
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise BodyTooLarge
        if not body.strip():
            return {}
        try:
            # Strings that no field names are skipped unread: their encoding is checked here.
            body.decode()
            return _objects.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            raise InvalidMessage("The body must be a JSON object in UTF-8.") from None


class StrictJSONRenderer(BaseRenderer):
    """Writes structs, and whatever is made of them, as JSON in UTF-8; never NaN or infinity."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the data as JSON; nothing for None."""
        return b"" if data is None else msgspec.json.encode(data)


# --- Errors ---------------------------------------------------------------------------------

#: What Django and its framework raise, as the protocol's errors. The first that fits counts.
_TRANSLATIONS: list[tuple[type[Exception], type[RealTimeError]]] = [
    (exceptions.NotAuthenticated, Unauthenticated),
    (exceptions.AuthenticationFailed, Unauthenticated),
    (exceptions.PermissionDenied, Forbidden),
    (PermissionDenied, Forbidden),
    (exceptions.NotFound, NotFound),
    (Http404, NotFound),
    (exceptions.Throttled, RateLimited),
    (exceptions.APIException, InvalidMessage),
]
#: Errors of HTTP itself: their status says more than the code.
_OF_HTTP = (
    exceptions.MethodNotAllowed,
    exceptions.NotAcceptable,
    exceptions.UnsupportedMediaType,
    BodyTooLarge,
)


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return the answer to a request whose view raised; an unexpected error is logged with a reference."""
    ours = _translate(error)
    metrics.ERRORS.labels(ours.code).inc()
    response = Response(ours.as_data(), status=error.status_code if isinstance(error, _OF_HTTP) else ours.status)
    if response.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    if ours.retry_after is not None:
        response["Retry-After"] = str(math.ceil(ours.retry_after))
    return response


def _translate(error: Exception) -> RealTimeError:
    if isinstance(error, RealTimeError):
        return error
    for raised, ours in _TRANSLATIONS:
        if isinstance(error, raised):
            return ours(str(error) or "There is nothing here.", retry_after=getattr(error, "wait", None))
    if (busy_error := busy(error)) is not None:
        logger.warning("API: a request was given up: %s.", str(error).partition("\n")[0])
        return busy_error
    reference = secrets.token_hex(6)
    if isinstance(error, DATABASE_AWAY):
        reason = str(error).partition("\n")[0]
        logger.warning("API: a request failed, error %s, since the database is away (%s).", reference, reason)
    else:
        logger.error("API: a request failed, error %s.", reference, exc_info=error)
    return Internal("Something went wrong on our side.", details={"reference": reference})
