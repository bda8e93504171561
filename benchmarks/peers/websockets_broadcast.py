"""`websockets.broadcast`: `websockets_broadcast.py PORT`.

As https://websockets.readthedocs.io/en/stable/topics/broadcast.html has it ("The built-in solution").
"""

import asyncio
import sys

from websockets.asyncio.server import broadcast, serve

CLIENTS = set()


async def handler(websocket):
    """Send every message to all clients."""
    CLIENTS.add(websocket)
    try:
        async for message in websocket:
            broadcast(CLIENTS, message)
    finally:
        CLIENTS.remove(websocket)


async def main():
    """Serve until killed."""
    async with serve(handler, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
