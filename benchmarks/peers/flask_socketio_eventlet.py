"""A room of Flask-SocketIO on eventlet: `flask_socketio_eventlet.py PORT`.

As https://flask-socketio.readthedocs.io/en/latest/getting_started.html has it ("Rooms"), started by `socketio.run`.
"""

import sys

from flask import Flask
from flask_socketio import SocketIO, emit, join_room

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
socketio = SocketIO(app, async_mode="eventlet")


@socketio.on("join")
def on_join(room):
    """Enter the room and say so."""
    join_room(room)
    emit("joined", room)


@socketio.on("publish")
def on_publish(data):
    """Send to all clients in the room."""
    emit("event", data, to="room")


if __name__ == "__main__":
    # By itself eventlet's server stops at 1 024 connections.
    socketio.run(app, host="127.0.0.1", port=int(sys.argv[1]), max_size=20_000)
