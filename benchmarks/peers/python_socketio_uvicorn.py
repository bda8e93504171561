"""A room of python-socketio on uvicorn: `python_socketio_uvicorn.py PORT`.

As https://python-socketio.readthedocs.io/en/stable/server.html has it ("Rooms", "Uvicorn").
"""

import sys

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(sio)


@sio.event
async def join(sid, room):
    """Enter the room and say so."""
    await sio.enter_room(sid, room)
    await sio.emit("joined", room, to=sid)


@sio.event
async def publish(sid, data):
    """Send to all clients in the room."""
    await sio.emit("event", data, room="room")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
