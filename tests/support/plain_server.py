"""`python -m tests.support.plain_server PORT`: the reference server and an application that does what paths say.

With `ordinary` behind the port it takes no transport for one that it may push to.
"""

import asyncio
import socket
import sys
from typing import Any

import django

from taskrealtime.engine.sockets.outbox import PUSH
from taskrealtime.engine.wire.frames import Frames

CHUNK = "x" * 16_000
#: How many chunks `/flood` has handed to the server.
handed_over = 0


async def application(scope: Any, receive: Any, send: Any) -> None:
    """`/close/<code>/<reason>`, `/refuse/<status>`, `/flood`, `/fail`, `/listen/<seconds that it is busy before>`,
    `/mixed/<frames>/<characters of each>`, `/kept`."""
    word, *rest = scope["path"].strip("/").split("/")
    if scope["type"] == "http":
        await answer(send, str(handed_over))
        return
    await receive()
    if word == "refuse":
        await send({"type": "websocket.http.response.start", "status": int(rest[0]), "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
        return
    await send({"type": "websocket.accept"})
    if word == "close":
        await send({"type": "websocket.close", "code": int(rest[0]), "reason": rest[1]})
    elif word == "flood":
        flooding = asyncio.create_task(flood(send))
        await end_of(receive)
        flooding.cancel()
    elif word == "mixed":
        await mix(scope, send, int(rest[0]), int(rest[1]))
        await end_of(receive)
    elif word == "kept":
        scope["headers"].clear()
        await send({"type": "websocket.send", "text": kept(scope["extensions"][PUSH].__self__)})
    elif word == "fail":
        raise RuntimeError("As asked.")
    elif word == "listen":
        await asyncio.sleep(float(rest[0]))
        await end_of(receive)


def kept(protocol: Any) -> str:
    """What a connection holds, as text."""
    return repr([vars(protocol), protocol.request.headers])


async def end_of(receive: Any) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def flood(send: Any) -> None:
    """Send without end."""
    global handed_over
    while True:
        await send({"type": "websocket.send", "text": CHUNK})
        handed_over += 1
        await asyncio.sleep(0)


async def mix(scope: Any, send: Any, count: int, size: int) -> None:
    """Push where the server takes it and send where not, and every tenth in any case; last, say how many it took."""
    pushed = 0
    for number in range(count):
        text = str(number).ljust(size, ".")
        if number % 10 and scope["extensions"][PUSH](Frames([text]).wire):
            pushed += 1
        else:
            await send({"type": "websocket.send", "text": text})
    await send({"type": "websocket.send", "text": f"pushed {pushed}"})


async def answer(send: Any, text: str) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


def main() -> None:
    django.setup()
    from taskrealtime.engine.server import server, socket_protocol

    if "ordinary" in sys.argv:
        socket_protocol.PLAIN_TRANSPORTS = ()

    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listening.setblocking(False)
    server.Server(application, listening, ready=lambda: None).run()


if __name__ == "__main__":
    main()
