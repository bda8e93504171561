"""The application of the project, in a process with a thread that never ends by itself."""

import threading

from project.asgi import application

__all__ = ["application"]

threading.Thread(target=threading.Event().wait).start()
