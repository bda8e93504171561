"""The deployable project: settings, URLs and the ASGI application."""
