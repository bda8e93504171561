"""The delivery engine: an event log, its rooms and their sockets. It knows nothing of tasks."""
