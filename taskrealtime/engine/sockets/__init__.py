"""One WebSocket connection on any ASGI server."""
