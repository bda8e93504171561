"""Errors that the ASGI application itself answers over HTTP, before or instead of Django."""

from collections.abc import Mapping
from typing import Any

import msgspec

from taskrealtime.engine.wire.errors import RateLimited


def refusal(error: RateLimited) -> list[Mapping[str, Any]]:
    """Return the messages of an answer that says to come back later, in the protocol's words."""
    headers = [
        (b"Content-Type", b"application/json"),
        (b"Cache-Control", b"no-store"),
        (b"Retry-After", b"%d" % (error.retry_after or 0)),
    ]
    return [
        {"type": "http.response.start", "status": error.status, "headers": headers},
        {"type": "http.response.body", "body": msgspec.json.encode(error.as_data())},
    ]
