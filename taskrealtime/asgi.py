"""Adds taskrealtime to the ASGI application of a project.

application = integrate_with_existing_app(get_asgi_application())
"""

from .engine.integration import integrate_with_existing_app

__all__ = ["integrate_with_existing_app"]
