"""The board's WebSocket consumer."""
