"""Where Django processes of tests come from: the fork server, which has imported what every installation imports.

Starting Django takes a second and more of the processor, nearly all of it for such imports. The fork server
(`python -m tests.support.fork_server`) has done that once, and forks a process for each message on the socket that is
its standard input: as JSON its environment, and the command of a program, or none for a worker; with it a socket and
the files for what it prints and for its errors. Nothing is forked that depends on settings: those a process reads for
itself.

A program runs as its command would, in a session of its own. Over its socket it says its number, a line; its parent
says what it ended with, another (negative: the signal that ended it). See `tests.support.worker` for a worker's output.
"""

import gc
import json
import os
import runpy
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module

from django.conf import settings

#: Bytes that a message may have.
MAX_MESSAGE = 64 * 1024
#: What every process imports, as far as it reads no settings and starts neither threads nor event loops nor a reactor.
NEEDED = (
    "channels.auth",
    "channels.consumer",
    "channels.routing",
    "channels_redis.pubsub",
    "daphne.endpoints",
    "daphne.http_protocol",
    "daphne.utils",
    "daphne.ws_protocol",
    "django.contrib.admin",
    "django.contrib.admindocs.views",
    "django.contrib.auth.apps",
    "django.contrib.postgres.fields",
    "django.contrib.sessions.middleware",
    "django.contrib.sites.shortcuts",
    "django.contrib.staticfiles.finders",
    "django.core.asgi",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.test",
    "django.views.debug",
    "drf_spectacular.utils",
    "fractional_indexing",
    "jwt",
    "markdown_it",
    "msgspec",
    "nh3",
    "prometheus_client",
    "psycopg_pool",
    "redis.asyncio",
    "rest_framework.compat",
    "rest_framework.metadata",
    "rest_framework.mixins",
    "rest_framework.negotiation",
    "rest_framework_simplejwt.token_blacklist.apps",
    "servestatic",
    "sqlparse",
    "taskrealtime.api.converters",
    "taskrealtime.engine.asgi.cross_origin",
    "taskrealtime.engine.installation.checks",
    "taskrealtime.engine.presence.attendance",
    "taskrealtime.engine.server.stock_daphne",
    "taskrealtime.engine.sockets.outbox",
    "taskrealtime.languages",
    "taskrealtime.live.apps",
    "taskrealtime.pages.agents",
    "twisted.internet.asyncioreactor",
)


def serve() -> tuple[list[str] | None, socket.socket] | None:
    """Fork for each message, and answer it with a byte, until the other end is closed.

    Returns:
        In a forked process its command and its socket; None in the fork server.
    """
    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            message, files, _, _ = socket.recv_fds(requests, MAX_MESSAGE, 3)
            if not message:
                return None
            if os.fork() == 0:
                break
            for file in files:
                os.close(file)
            requests.send(b".")
    wanted = json.loads(message)
    at, *outputs = files
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and its children
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.clear()
    os.environ.update(wanted["env"])
    return wanted["command"], socket.socket(fileno=at)


def watch_over(parent: socket.socket) -> None:
    """Fork, say the child's number and what it ended with, and end; in the child, return."""
    child = os.fork()
    if child == 0:
        os.setsid()
        parent.sendall(f"{os.getpid()}\n".encode())
        return
    _, status = os.waitpid(child, 0)
    with suppress(OSError):  # the requesting process may have ended
        parent.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def run(command: list[str]) -> None:
    """Continue as `command` would: `[python, file, …]` or `[python, "-m", module, …]`."""
    if command[1] == "-m":
        sys.argv = command[2:]
        runpy.run_module(command[2], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command[1:]
        runpy.run_path(command[1], run_name="__main__")


def main() -> None:
    for name in NEEDED:
        import_module(name)
    assert "twisted.internet.reactor" not in sys.modules, "each server installs its own"
    assert not settings.configured, "each process reads its own"
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the ends of workers and parents of programs are not waited for
    forked = serve()
    if forked is None:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command, at = forked
    if command is None:
        from tests.support import worker

        with at:
            worker.work(at)
    else:
        with at:
            watch_over(at)
        run(command)


if __name__ == "__main__":
    main()
