"""`python -m tests.support.streaming_server PORT`: the reference server and an application that streams.

Below `/streamed/` the application gets bodies while they arrive (`HTTP_STREAMED_BODIES` in the environment says so).
The last word of a path says what it does.
"""

import asyncio
import json
import socket
import sys
from typing import Any

import django

CHUNK = b"x" * 64 * 1024
MIB = 1024 * 1024
#: What requests did so far; `/progress` answers it.
progress = {"received": 0, "left": 0, "unending": 0, "ended": 0}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """`/progress`; `/count` reads the body, `/slow` not before `/go`, `/refuse` none of it, `/echo` sends it back;
    `/pieces` sends 300 MB in pieces, `/whole` 30 MB in one, `/unending` pieces until `/go`."""
    word = scope["path"].rpartition("/")[2]
    if word == "progress":
        await answer(send, 200, progress)
    elif word == "refuse":
        await answer(send, 409, {})
    elif word == "pieces":
        await begin(send)
        for number in range(4800):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": number < 4799})
    elif word == "unending":
        await begin(send)
        stop = asyncio.create_task(gate.wait())
        while not stop.done():
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
            progress["unending"] += 1
        progress["ended"] += 1
    elif word == "whole":
        await begin(send)
        await send({"type": "http.response.body", "body": CHUNK * 480})
    elif word == "echo":
        await echo(receive, send)
    elif word == "go":
        gate.set()
        gate.clear()
        await answer(send, 200, {})
    else:
        if word == "slow":
            await gate.wait()
        await answer(send, 200, await count(receive))


gate = asyncio.Event()


async def count(receive: Any) -> dict[str, Any]:
    """Read a body; how much came in how many messages, and the largest of them."""
    messages, size, largest = 0, 0, 0
    while (message := await receive())["type"] == "http.request":
        messages += 1
        size += len(message["body"])
        largest = max(largest, len(message["body"]))
        progress["received"] += len(message["body"])
        if not message["more_body"]:
            return {"messages": messages, "bytes": size, "largest": largest}
    progress["left"] += 1
    return {}


async def echo(receive: Any, send: Any) -> None:
    await begin(send)
    more = True
    while more and (message := await receive())["type"] == "http.request":
        more = message["more_body"]
        await send({"type": "http.response.body", "body": message["body"], "more_body": more})


async def begin(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def answer(send: Any, status: int, data: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(data).encode()})


def main() -> None:
    django.setup()
    from taskrealtime.engine.server import server

    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listening.setblocking(False)
    server.Server(application, listening, ready=lambda: None).run()


if __name__ == "__main__":
    main()
