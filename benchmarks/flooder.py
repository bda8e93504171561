"""A user who asks for far too much: `python -m benchmarks.flooder PORT TOKEN TASK_ID COMMANDS_A_SECOND`.

Says `ready` when connected; comes back whenever it is cut off.
"""

import asyncio
import json
import sys
from contextlib import suppress
from itertools import count

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


async def flood(port: int, token: str, task_id: int, rate: float) -> None:
    """Go on until killed."""
    headers = {"Authorization": f"Bearer {token}"}
    async for socket in connect(f"ws://127.0.0.1:{port}/ws/", additional_headers=headers, proxy=None):
        print("ready", flush=True)
        with suppress(ConnectionClosed):
            async with asyncio.TaskGroup() as group:
                group.create_task(_ask(socket, task_id, rate))
                group.create_task(_hear(socket))


async def _ask(socket: ClientConnection, task_id: int, rate: float) -> None:
    begun = asyncio.get_running_loop().time()
    for number in count():
        changes = {"title": f"Title {number}"}
        data = {"task_id": task_id, "changes": changes}
        await socket.send(json.dumps({"event": "task_update", "id": number, "data": data}))
        await asyncio.sleep(begun + number / rate - asyncio.get_running_loop().time())


async def _hear(socket: ClientConnection) -> None:
    async for _ in socket:
        pass
    raise ConnectionResetError  # ends the asking, too


if __name__ == "__main__":
    port, token, task_id, rate = sys.argv[1:]
    asyncio.run(flood(int(port), token, int(task_id), float(rate)))
