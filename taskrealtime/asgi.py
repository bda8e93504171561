"""Adds taskrealtime to the ASGI application of a project.

application = integrate_with_existing_app(get_asgi_application())
"""

from .engine.wire.asgi import Application


def integrate_with_existing_app(application: Application, *, path: str | None = None) -> Application:
    """Return an ASGI application that serves the board, or live rooms alone, in front of `application`.

    Args:
        application: the project's: `get_asgi_application()`, or a router with sockets of its own.
        path: where our socket is, if not at `TASKREALTIME["SOCKET_PATH"]`. All other sockets go to
            `application`, if it serves any.
    """
    # Not before: this module is imported at the top of files that set Django up below, and models cannot be then.
    from .engine.integration import integrate

    return integrate(application, path=path)
