"""Django processes that carry out code for a test.

A worker stands for any other code that uses the models (a shell, a cron job). One request a line, as JSON:
`{"code", "values"}`; one answer a line: `{"result"}`, the value that the code gave to the name `result`, or
`{"error"}`, a traceback. It ends when its socket is closed. Workers come from `tests.support.fork_server`.
"""

import json
import os
import socket
import traceback
from typing import Any


def work(requests: socket.socket) -> None:
    """Answer requests until the other end is closed."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    with requests.makefile("rw") as lines:
        for line in lines:
            request = json.loads(line)
            lines.write(json.dumps(answer(request["code"], request["values"]), default=str) + "\n")
            lines.flush()


def answer(code: str, values: dict[str, Any]) -> dict[str, Any]:
    """Run the code with every model, and the values, as its names."""
    from django.apps import apps
    from django.db import close_old_connections

    names: dict[str, Any] = {model.__name__: model for model in apps.get_models()} | values
    try:
        exec(code, names)
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        close_old_connections()
    return {"result": names.get("result")}
