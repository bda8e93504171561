"""ASGI middleware around Django: limits before it, long polling behind it."""
