"""How many bytes the body of a request may have, on every server."""

from typing import Any

import msgspec
from django.conf import settings as django_settings

from taskrealtime.engine.conf import settings
from taskrealtime.engine.wire.asgi import Application, Message, Receive, Scope
from taskrealtime.engine.wire.errors import InvalidMessage

from .paths import routed_path

#: Digits of a length that are read: enough for any bound.
MAX_DIGITS = 30
TOO_LARGE = "The body is too large."


def limit_of(path: str) -> int:
    """Return the bytes that a body sent to this path may have."""
    streamed = _streamed(path)
    return settings.HTTP_MAX_BODY if streamed is None else settings.HTTP_STREAMED_BODIES[streamed]


def is_streamed(path: str) -> bool:
    """Return whether the application receives a body sent to this path while it arrives."""
    return _streamed(path) is not None


def _streamed(path: str) -> str | None:
    """Find the closest of `HTTP_STREAMED_BODIES`."""
    path = path.removeprefix(django_settings.FORCE_SCRIPT_NAME or "")
    found = [
        place
        for place in settings.HTTP_STREAMED_BODIES
        if path == place or (place.endswith("/") and path.startswith(place))
    ]
    return max(found, key=len, default=None)


def refusal(message: str) -> bytes:
    """Return the body of an answer to a request that is refused before any view sees it."""
    return msgspec.json.encode(InvalidMessage(message).as_data())


class BodyLimit:
    """ASGI middleware: answers 413 at the head, or at the first byte too many.

    `manage.py serve` has done so before. Others hand over what comes.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Any) -> None:
        """Serve one request or socket."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        request = _Bounded(receive, send, limit_of(routed_path(scope)))
        if _claimed(scope) > request.limit:
            await request.refuse()
        else:
            await self._application(scope, request.receive, request.send)


class _Bounded:
    """One request whose body is counted."""

    def __init__(self, receive: Receive, send: Any, limit: int) -> None:
        self._receive, self._send = receive, send
        self.limit = limit
        self._size = 0
        self._is_refused = self._has_answered = False

    async def receive(self) -> Message:
        """Return what the server received; a body that is too large counts as broken off."""
        if self._is_refused:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size <= self.limit:
            return message
        if not self._has_answered:
            await self.refuse()
        self._is_refused = True
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send what the application answers, unless its request was refused."""
        if not self._is_refused:
            self._has_answered = True
            await self._send(message)

    async def refuse(self) -> None:
        """Answer 413 in the application's place."""
        self._is_refused = True
        # The rest of the body is not read: no other request can follow it.
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        body = refusal(TOO_LARGE)
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": 413, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _claimed(scope: Scope) -> int:
    """Return the length that the head declares, 0 if it declares none."""
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    # Python reads no number of thousands of digits.
    return max((int(value[:MAX_DIGITS]) for value in lengths if value.isdigit()), default=0)
