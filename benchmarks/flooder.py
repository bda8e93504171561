"""A user that exceeds the rate limit: `python -m benchmarks.flooder PORT TOKEN TASK_ID COMMANDS_A_SECOND`.

Says `ready` when connected; reconnects whenever it is cut off.
"""

import asyncio
import json
import sys
from contextlib import suppress
from itertools import count

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


async def flood(port: int, token: str, task_id: int, rate: float) -> None:
    """Continue until killed."""
    headers = {"Authorization": f"Bearer {token}"}
    async for socket in connect(f"ws://127.0.0.1:{port}/ws/", additional_headers=headers, proxy=None):
        print("ready", flush=True)
        asking = asyncio.create_task(_ask(socket, task_id, rate))
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
        asking.cancel()


async def _ask(socket: ClientConnection, task_id: int, rate: float) -> None:
    begun = asyncio.get_running_loop().time()
    with suppress(ConnectionClosed):
        for number in count():
            data = {"task_id": task_id, "changes": {"title": f"Title {number}"}}
            await socket.send(json.dumps({"event": "task_update", "id": number, "data": data}))
            await asyncio.sleep(begun + number / rate - asyncio.get_running_loop().time())


if __name__ == "__main__":
    port, token, task_id, rate = sys.argv[1:]
    asyncio.run(flood(int(port), token, int(task_id), float(rate)))
