"""The reference server: daphne, with a graceful shutdown and bounds on what one connection may hold.

Only this file, `socket_protocol`, `http_requests`, `back_pressure` and `stock_daphne` know Twisted, and only
`manage.py serve` depends on them: `project.asgi:application` also runs on stock daphne and on uvicorn. Where they rely
on something that its makers do not promise, they say so, and `tests/flows/test_server.py` fails if another version
behaves differently.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

# Installs the reactor; every other import of Twisted must find it installed.
from daphne.server import Server as DaphneServer  # isort: skip
import autobahn.websocket.protocol
from twisted.internet import reactor as twisted_reactor
from twisted.internet.defer import Deferred

from taskrealtime.engine import draining
from taskrealtime.engine.conf import settings
from taskrealtime.engine.limits import connections
from taskrealtime.engine.sockets.outbox import PUSH
from taskrealtime.engine.wire.protocol import MAX_FRAME

from .acceptor import Acceptor
from .http_requests import Channel, Factory
from .socket_protocol import Inbox, Message, SocketProtocol, in_pieces

logger = logging.getLogger(__name__)

#: Its type depends on what was installed.
reactor: Any = twisted_reactor
# For each connection autobahn formats its options for a debug message that is not logged: 0.1 ms.
autobahn.websocket.protocol.pformat = repr  # type: ignore[attr-defined, assignment]
#: Seconds from the signal until connections that do not end by themselves are cut. A process manager waits 10.
DRAIN_TIME = 7.0
#: Seconds that a connection without a request has to send one, once the process has no other work.
FIRST_REQUEST_TIME = 0.5
#: Seconds that applications have to end once they were cancelled.
LAST_MOMENT = 0.5
#: Seconds that a client has to answer a close frame before its connection is cut.
CLOSE_ANSWER_TIME = 4.0


class Server(DaphneServer):
    """Serves an ASGI application on a listening socket until SIGTERM or SIGINT, then drains."""

    def __init__(
        self, application: Any, listening: socket.socket, *, lifeline: int | None = None, ready: Callable[[], None]
    ) -> None:
        """Create a server, which does not run yet.

        Args:
            listening: listening and not blocking; `run` takes it over.
            lifeline: a file descriptor: when its other end is closed, the server drains as after SIGTERM.
            ready: called when connections are about to be accepted.
        """
        super().__init__(
            application,
            # Daphne insists on endpoints; its own for adopted sockets are IPv4 only, so `_begin` does without.
            endpoints=["adopted"],
            ready_callable=self._begin,
            # Sockets have no maximum age: daphne would close them after a day.
            websocket_timeout=-1,
            websocket_max_message_size=MAX_FRAME,
            websocket_max_frame_size=MAX_FRAME,
            # Autobahn pings (see `_begin`): daphne puts its ping off whenever the client sends something, so that a
            # client which sends but reads nothing is never found out.
            ping_interval=float("inf"),
        )
        self.endpoints: list[str] = []
        self._listening = listening
        self._lifeline = lifeline
        self._ready = ready
        self._acceptor: Acceptor | None = None

    def _begin(self) -> None:
        """Called by `run` between making its factories and running the reactor."""
        self.http_factory = Factory(self)
        self.ws_factory.protocol = SocketProtocol
        self.ws_factory.setProtocolOptions(
            # None is the default, and would be taken for False.
            allowNullOrigin=True,
            # A violation, such as a frame that is too large, is answered by a close frame with its code. What follows
            # of that frame is read and forgotten, so that the client gets to read why.
            failByDrop=False,
            closeHandshakeTimeout=CLOSE_ANSWER_TIME,
            # The timeout counts from the last pong: the next ping goes out an interval later.
            autoPingInterval=settings.WEBSOCKET_PING_INTERVAL,
            autoPingTimeout=settings.WEBSOCKET_PING_TIMEOUT - settings.WEBSOCKET_PING_INTERVAL,
            # Only a pong shows that a client reads what it is sent.
            autoPingRestartOnAnyTraffic=False,
        )
        # Autobahn copies to each connection those options that its class does not have: 2 KB for the same values.
        for name in SocketProtocol.CONFIG_ATTRS:
            value = getattr(self.ws_factory, name)
            if not callable(value):  # As an attribute of the class that would become a method.
                setattr(SocketProtocol, name, value)
        self._acceptor = Acceptor(
            self._listening, self._take_in, connections.is_signing_in_slow, asyncio.get_event_loop()
        )
        if self._lifeline is not None:
            asyncio.get_event_loop().add_reader(self._lifeline, self._end_with_supervisor, self._lifeline)
        self._ready()

    def _take_in(self, connection: socket.socket) -> None:
        reactor.adoptStreamConnection(connection.fileno(), connection.family, self.http_factory)

    def _end_with_supervisor(self, lifeline: int) -> None:
        asyncio.get_event_loop().remove_reader(lifeline)
        if not draining.is_draining():
            self.stop()

    # -- what daphne calls --

    def create_application(self, protocol: Any, scope: Message) -> Any:
        """Daphne's; declares to sockets' applications what more they may do: refuse with an own status, and push."""
        scope["asgi"] = {"version": "3.0"}
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}, PUSH: protocol.push}
            inbox = Inbox()
        else:
            inbox = protocol.begin()
        running = self.application(scope=scope, receive=inbox.get, send=partial(self.handle_reply, protocol))
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(running)
        return inbox

    async def handle_reply(self, protocol: Any, message: Message) -> None:
        """Daphne's; waits until the client has read enough of what it was sent before."""
        for piece in in_pieces(message):
            await super().handle_reply(protocol, piece)
            if piece["type"] in {"websocket.send", "http.response.body"}:
                await protocol.writable()
            if piece.get("more_body"):
                # Nothing stops an application that sends to a client that left, or the body of an answer to HEAD.
                await asyncio.sleep(0)

    def kill_all_applications(self) -> Deferred[None]:
        """Called before the reactor stops, which waits for the answer: let all connections end first.

        Daphne cancels the applications, drops the sockets without a word and, on CPython 3.11, may crash then.
        """
        return Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    # -- draining --

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DRAIN_TIME
        logger.info("Server: process %s shuts down and closes %s sockets.", os.getpid(), len(self._open_sockets()))
        try:
            if self._acceptor is not None:
                self._acceptor.stop()
            await draining.shut_down_all()
            # What has writers are connections with bytes on their way: answers and close frames.
            while self._running() or self._open_sockets() or reactor.getWriters():
                if loop.time() > deadline:
                    break
                await asyncio.sleep(0.02)
            await self._retire_channels(deadline)
        finally:
            await self._cut_the_rest()

    async def _retire_channels(self, deadline: float) -> None:
        """Close the connections that clients and proxies keep, each between two of its requests.

        They would send requests until the interpreter has ended, which nothing would answer.
        """
        loop = asyncio.get_running_loop()
        waiting_until = loop.time() + FIRST_REQUEST_TIME
        while (channels := self._channels()) and loop.time() < deadline:
            for channel in channels:
                channel.retire(wait_for_first=loop.time() < waiting_until)
            await asyncio.sleep(0.02)

    def _channels(self) -> list[Channel]:
        protocols = (getattr(reader, "protocol", None) for reader in reactor.getReaders())
        return [protocol for protocol in protocols if isinstance(protocol, Channel)]

    def _running(self) -> list[asyncio.Future[None]]:
        """Return the applications that have not ended.

        `connections` is daphne's own: by connection a dict with the application's task, from its start until it was
        seen to have ended, and the time of the disconnection, once there was one.
        """
        found = (details.get("application_instance") for details in self.connections.values())
        return [application for application in found if application is not None and not application.done()]

    def _open_sockets(self) -> list[SocketProtocol]:
        return [
            connection
            for connection, details in self.connections.items()
            if isinstance(connection, SocketProtocol) and "disconnected" not in details
        ]

    async def _cut_the_rest(self) -> None:
        for connection in self._open_sockets():
            connection.dropConnection(abort=True)
        if running := self._running():
            logger.warning("Server: %s connections did not end in time and are cut.", len(running))
            for application in running:
                application.cancel()
            await asyncio.wait(running, timeout=LAST_MOMENT)
