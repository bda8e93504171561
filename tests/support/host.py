"""The installation of a project of others that has the board at `tools/board/`; see `tests.support.host_settings`."""

import json
from typing import Any

from tests.services.process import scratch
from tests.support.stacks import Stack

#: Below this path are the board's pages and its API.
PREFIX = "/tools/board"


class HostStack(Stack):
    """As its superclass, on SQLite, with the settings, the models and the URLs of that project."""

    application, probe = "tests.support.host_asgi:application", "/"

    def __init__(self, settings: dict[str, Any] | None = None, **env: str) -> None:
        """Make its database; `settings` are what the project has in addition."""
        super().__init__("embedded", settings="tests.support.host_settings")
        self.env |= env | {"HOST_SETTINGS": json.dumps(settings or {})}
        self.env |= {"DATABASE_URL": f"sqlite:///{scratch()}/host-{self.name}.sqlite3"}
        self.manage("migrate", "--verbosity", "0")
