"""Django processes that carry out code for a test, and the nursery that they come from.

A worker stands for any other code that uses the models (a shell, a cron job). One request a line, as JSON:
`{"code", "values"}`; one answer a line: `{"result"}`, the value that the code gave to the name `result`, or
`{"error"}`, a traceback. It ends when its socket is closed.

Starting Django takes a second, nearly all of it for importing what every installation imports. The nursery
(`python -m tests.support.worker`) has done that once. It forks a worker for each message on the socket that is its
standard input: the environment as JSON, together with the worker's socket and the file of its log. Nothing is forked
that depends on settings: those a worker reads for itself.
"""

import json
import os
import signal
import socket
import traceback
from importlib import import_module
from typing import Any

#: Bytes that the environment of a worker may have.
MAX_ENVIRONMENT = 64 * 1024
#: What every worker imports, as far as it reads no settings and starts neither threads nor event loops.
NEEDED = (
    "channels_redis.pubsub",
    "django.contrib.postgres.fields",
    "django.core.handlers.asgi",
    "django.db.models",
    "django.forms",
    "django.test",
    "jwt",
    "markdown_it",
    "msgspec",
    "prometheus_client",
    "psycopg_pool",
    "redis.asyncio",
    "requests",
    "sqlparse",
    "twisted.internet.endpoints",
    "twisted.internet.tcp",
    "yaml",
)


def nursery() -> None:
    """Fork workers until the other end of the socket is closed. Each is answered with a byte once it is there."""
    for name in NEEDED:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            environment, files, _, _ = socket.recv_fds(requests, MAX_ENVIRONMENT, 2)
            if not environment:
                return
            if os.fork() == 0:
                requests.close()
                break
            for file in files:
                os.close(file)
            requests.send(b".")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(json.loads(environment))
    at, log = files
    for number in (1, 2):  # what the code prints goes to the log
        os.dup2(log, number)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    with socket.socket(fileno=at) as requests:
        work(requests)


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


if __name__ == "__main__":
    nursery()
