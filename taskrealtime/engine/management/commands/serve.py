"""`manage.py serve`: the reference server, as one process or several."""

import asyncio
import errno
import fcntl
import gc
import os
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.asgi import get_asgi_application
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils.autoreload import get_child_arguments
from django.utils.module_loading import import_string

from taskrealtime.engine import metrics
from taskrealtime.engine.conf import settings
from taskrealtime.engine.db import database_probe
from taskrealtime.engine.installation.names import redis_key
from taskrealtime.engine.integration import Integrated, integrate
from taskrealtime.engine.process import process
from taskrealtime.engine.server import heartbeat
from taskrealtime.engine.server.ending import end_within
from taskrealtime.engine.server.supervisor import Supervisor
from taskrealtime.engine.wire.asgi import Application

#: Connections that the kernel keeps until a process accepts them.
BACKLOG = 1024
#: Seconds that a service may take to answer at the start.
PROBE_SECONDS = 2
#: Permissions of a Unix socket, unless something else is asked for: its owner and its group may connect.
SOCKET_MODE = 0o660
#: How many new objects, and rounds of a younger generation, the garbage collector waits for (Python: 700, 10, 10).
#: A connection is 115 objects that stay: while 2 000 came, Python's own figures stopped the process for up to
#: 0.28 s at a time, these for 0.02 s, and each connection cost 15 % less.
COLLECTING = (5_000, 5, 20)
#: Seconds that the interpreter gets to end after all connections ended: a thread may hang in a lost database.
LAST_MOMENTS = 1.0


class Command(BaseCommand):
    """Serves until SIGTERM or SIGINT, then ends all connections and exits: within 10 s, with exit status 0."""

    help = "Serves pages, API and WebSockets until SIGTERM or Ctrl-C, then closes all connections in order and exits."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where to listen, and with how many processes."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=None, help="port to listen on (default: $PORT, or 8000)")
        parser.add_argument("--processes", type=int, default=1, metavar="N", help="server processes (default: 1)")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--unix-socket", metavar="PATH", help="listen on a Unix socket instead of a port")
        instead.add_argument("--fd", type=int, metavar="N", help="serve on the listening socket with this descriptor")
        parser.add_argument(
            "--unix-socket-mode",
            type=_mode,
            default=SOCKET_MODE,
            metavar="MODE",
            help="permissions of the Unix socket, as for chmod (default: 660, its owner and group)",
        )
        parser.add_argument("--lifeline", type=int, metavar="N", help="exit when the other end of this pipe is closed")
        parser.add_argument("--heartbeat", type=int, metavar="N", help="write to this pipe while the process serves")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until a signal to end."""
        _check_processes(options["processes"])
        if options["fd"] is None:
            self._check_database()
            self._check_redis()
        listening = _listen(options)
        try:
            if options["processes"] == 1:
                self._serve(listening, options)
            else:
                self._supervise(listening, options)
        finally:
            if options["unix_socket"]:
                Path(options["unix_socket"]).unlink(missing_ok=True)

    def _check_database(self) -> None:
        try:
            reason = database_probe.probe(connection, timeout=PROBE_SECONDS)
        except database_probe.UnusableDatabase as error:
            raise CommandError(f"DATABASE_URL: {error}.") from None
        if reason is not None:
            self.stderr.write(f"DATABASE_URL: {reason}. Until it answers, /readyz is 503.")

    def _check_redis(self) -> None:
        if not settings.REDIS_URLS:
            return
        from redis import RedisError

        from taskrealtime.engine.installation import redis_probe

        for url in settings.REDIS_URLS:
            try:
                redis_probe.probe(url, key=redis_key("probe"), timeout=PROBE_SECONDS)
            except redis_probe.UnusableServer as error:
                raise CommandError(f"REDIS_URL: {error}.") from None
            except RedisError as error:
                reason = str(error).rstrip(".")
                self.stderr.write(f"REDIS_URL: {reason}. Until it answers, events arrive by the sweep.")

    def _serve(self, listening: socket.socket, options: dict[str, Any]) -> None:
        # Not before it is needed: it installs Twisted's reactor.
        try:
            from taskrealtime.engine.server.server import Server
        except ModuleNotFoundError as error:
            raise CommandError(f'{error.name} is missing: pip install "taskrealtime[server]".') from error

        application = _application()
        gc.collect()
        gc.freeze()  # What was imported stays: no collection need look through it again.
        gc.set_threshold(*COLLECTING)
        where = _describe(listening)
        _open(listening)

        def begin() -> None:
            # At once, and not with the first socket: the staff page would not show a process without clients.
            asyncio.get_event_loop().call_soon(process)
            if options["heartbeat"] is not None:
                self._beating = asyncio.get_event_loop().create_task(heartbeat.beat(options["heartbeat"]))
            if options["verbosity"] > 0:
                # After the first beat: from this line on, the supervisor takes silence for a fault.
                asyncio.get_event_loop().call_soon(self.stderr.write, f"Process {os.getpid()} serves at {where}.")

        Server(application, listening, lifeline=options["lifeline"], ready=begin).run()
        end_within(LAST_MOMENTS)

    def _supervise(self, listening: socket.socket, options: dict[str, Any]) -> None:
        descriptor = listening.detach()
        # What started this process, without its arguments: `python manage.py`, `python -m django`.
        manage = get_child_arguments()[: 1 - len(sys.argv)]
        command = [*manage, "serve", "--skip-checks", "--verbosity", str(options["verbosity"])]
        command += ["--fd", str(descriptor), "--lifeline", "{lifeline}", "--heartbeat", "{heartbeat}"]
        with metrics.shared_folder():
            status = asyncio.run(Supervisor(command, options["processes"], inherited=descriptor).run())
        if status:
            sys.exit(status)


def _application() -> Application:
    """Return the project's ASGI application, with the board in front also if the project has not put it there."""
    named = getattr(django_settings, "ASGI_APPLICATION", None)
    application = import_string(named) if named else get_asgi_application()
    return application if isinstance(application, Integrated) else integrate(application)


def _check_processes(processes: int) -> None:
    if processes < 1:
        raise CommandError("--processes must be 1 or more.")
    if processes == 1:
        return
    if connection.vendor == "sqlite":
        raise CommandError("Several processes need PostgreSQL: set DATABASE_URL=postgres://…, or serve with one.")
    if not settings.REDIS_URLS:
        raise CommandError("Several processes need Redis: set REDIS_URL=redis://…, or serve with one.")


def _listen(options: dict[str, Any]) -> socket.socket:
    """Return the socket that the options ask for, bound: what connects is refused until `_open`.

    Raises:
        CommandError: it cannot be had.
    """
    if options["fd"] is not None:
        listening = _adopt(options["fd"], must_listen=options["heartbeat"] is None)
    elif options["unix_socket"]:
        listening = _listen_at_path(options["unix_socket"], options["unix_socket_mode"])
    else:
        listening = _listen_at_port(options["host"], _port(options["port"]))
    listening.setblocking(False)
    return listening


def _adopt(descriptor: int, *, must_listen: bool) -> socket.socket:
    """Return the inherited socket; that of a supervisor listens as soon as one of its processes can answer."""
    try:
        listening = socket.socket(fileno=descriptor)
        if must_listen and not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise CommandError(f"File descriptor {descriptor} is a socket that does not listen.")
    except OSError as error:
        raise CommandError(f"File descriptor {descriptor} is no socket to listen on: {error.strerror}.") from None
    return listening


def _port(asked: int | None) -> int:
    text = os.environ.get("PORT") or "8000" if asked is None else str(asked)
    if not (text.isdecimal() and int(text) < 65536):
        raise CommandError(f"The port must be a number from 1 to 65535 (0: any that is free), not {text!r}.")
    return int(text)


def _listen_at_port(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        # Connections of an earlier process that still linger are no reason to refuse.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(_taken(f"Port {port} of {host}")) from None
        raise CommandError(f"Cannot listen on port {port} of {host}: {error.strerror}.") from None
    return listening


def _mode(text: str) -> int:
    """Return the permission bits that an octal number such as `660` names.

    Raises:
        ValueError: it is no such number.
    """
    mode = int(text, 8)
    if mode & ~0o777:
        raise ValueError
    return mode


def _listen_at_path(path: str, mode: int) -> socket.socket:
    _lock(path)
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX)
    # With these rights from the first moment on: what a peer says of addresses may be believed.
    umask = os.umask(0o777 & ~mode)
    try:
        listening.bind(path)
    except OSError as error:
        raise CommandError(f"Cannot listen at {path}: {error.strerror}.") from None
    finally:
        os.umask(umask)
    return listening


def _lock(path: str) -> None:
    """Keep the path for this process until it ends: while it starts, its socket looks like one that was left behind.

    Raises:
        CommandError: another process has it, or the lock's file cannot be made.
    """
    try:
        held = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(_taken(path)) from None
    except OSError as error:
        raise CommandError(f"Cannot listen at {path}: {error.strerror}.") from None


def _remove_stale(path: str) -> None:
    """Remove the socket's file if the process that made it is gone.

    Raises:
        CommandError: something listens there, or it is another kind of file.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise CommandError(f"{path} is there already, and is no socket.")
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
                return
        raise CommandError(_taken(path))


def _open(listening: socket.socket) -> None:
    """Accept connections from now on, when they can be answered: a proxy sends them to another server until then."""
    try:
        listening.listen(BACKLOG)
    except OSError:  # Two were bound to the port while neither listened there.
        raise CommandError(_taken(_describe(listening))) from None


def _taken(where: str) -> str:
    return f"{where} is taken: end what listens there, or choose another."


def _describe(listening: socket.socket) -> str:
    if listening.family == socket.AF_UNIX:
        return str(listening.getsockname())
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if listening.family == socket.AF_INET6 else f"http://{host}:{port}"
