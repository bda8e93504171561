"""Whole installations for end-to-end tests: a database, perhaps a Redis, and server processes on them."""

import itertools
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
from websockets.sync.client import connect as websocket_connect

from tests import services
from tests.services import guard, run
from tests.services.process import Process, free_port, scratch
from tests.services.redis import Redis
from tests.support.forked import Forked, fork
from tests.support.sockets import Connection, Socket

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("embedded", "deployed")
#: Settings: those of the project, and those of most test servers.
PROJECT, LIGHT = "project.settings", "tests.support.settings"
#: What the names of the settings of projects with users of their own begin with.
HOSTS = "tests.support.hosts."
PASSWORD = "correct horse battery staple"

_numbers = itertools.count(1)
#: Nothing here speaks TLS, and httpx takes 40 ms to read the certificates of the world for each client.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class User:
    """A user that can sign in."""

    #: As JSON has it: a number, or text where a host's users have other keys.
    id: Any
    username: str
    password: str = PASSWORD


class RemoteError(AssertionError):
    """The code given to `Stack.run` raised; the message is its traceback."""


class Stack:
    """One installation: `embedded` (SQLite, in-memory layer) or `deployed` (PostgreSQL, a Redis of its own)."""

    def __init__(self, kind: str, *, settings: str = PROJECT) -> None:
        """Make its database and start its Redis. Its processes have these settings."""
        self.kind = kind
        self.name = f"{kind}-{run.WORKER}-{next(_numbers)}"
        self.redis: Redis | None = None
        self.servers: list[Server] = []
        self._worker: Worker | None = None
        self.env = plain_environment() | {"DJANGO_SETTINGS_MODULE": settings}
        self._password = encoded_password(quick=settings != PROJECT)
        # A project with users of its own has tables of its own.
        tables = settings if settings.startswith(HOSTS) else PROJECT
        if kind == "deployed":
            self.redis = Redis()
            self.env["REDIS_URL"] = self.redis.url
            self.env["DATABASE_URL"] = services.shared_postgres().create_database(self.name, migrated_postgres(tables))
        else:
            path = scratch() / f"{self.name}.sqlite3"
            shutil.copy(migrated_sqlite(tables), path)
            self.env["DATABASE_URL"] = f"sqlite:///{path}"

    #: The ASGI application of its servers, and a path where one that works answers 200.
    application, probe = "project.asgi:application", "/readyz"

    def server(self, *, serve: bool = False, processes: int = 1, **env: str) -> "Server":
        """Start one more server, with these settings changed, and wait until it answers.

        It is stock daphne, or with `serve` the reference server, `manage.py serve`.
        """
        server = Server(self, env, serve=serve, processes=processes)
        self.servers.append(server)
        server.start()
        return server

    def manage(self, *args: str, **env: str) -> str:
        """Run `manage.py` here and return what it printed."""
        return run_manage(args, self.env | env)

    def run(self, code: str, **values: Any) -> Any:
        """Run code in a Django process of this stack that is no server; return what it called `result`.

        Every model is there by its name, and `values` by theirs: `stack.run("Task.objects.get(id=id).delete()", id=7)`.
        """
        if self._worker is None:
            self._worker = Worker(self.name, self.env)
        return self._worker.run(code, values)

    def user(self, username: str | None = None, **fields: Any) -> User:
        """Create a user (with a name of its own where none is given)."""
        username = username or f"user{next(_numbers)}"
        code = (
            "named = {User.USERNAME_FIELD: username}\n"
            "result = User.objects.create(password=password, **named, **fields).pk"
        )
        user_id = self.run(code, username=username, password=self._password, fields=fields)
        return User(user_id, username)

    def close(self) -> None:
        """End all that runs here."""
        for server in self.servers:
            server.discard()
        if self._worker:
            self._worker.close()
        if self.redis:
            self.redis.kill()
            services.shared_postgres().drop_database(self.name)


class Server:
    """One server, real and on a port of its own, which it keeps over restarts."""

    def __init__(self, stack: Stack, env: dict[str, str], *, serve: bool = False, processes: int = 1) -> None:
        self.stack = stack
        self.serve = serve
        self.processes = processes
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/ws/"
        self.env = stack.env | env
        self.log_path = scratch() / f"{stack.name}-server-{self.port}.log"
        self._process: Process | None = None
        self._tokens: dict[Any, str] = {}
        self._clients: list[httpx.Client] = []

    def command(self) -> list[str]:
        """What starts it."""
        if self.serve:
            command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
            return [*command, "--processes", str(self.processes)]
        return [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), self.stack.application]

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self._process = Process(
            self.command(), log_path=self.log_path, env=self.env, end_with=signal.SIGTERM, start=forked()
        )
        self._process.wait_until(self.answers)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        assert self._process, "the server is not running"
        return self._process.pid

    def answers(self) -> bool:
        """Whether it is ready for work."""
        try:
            return httpx.get(f"{self.url}{self.stack.probe}", timeout=5, verify=_NO_TLS).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Ask it to end (SIGTERM); return its exit status."""
        return self._end(signal.SIGTERM)

    def ended(self) -> int:
        """Its exit status, once it has ended as it was asked to: a second signal may come while Python shuts down."""
        assert self._process, "the server is not running"
        return self._process.wait()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it, as a new release does, and start it again on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing is answered, until `resume`."""
        assert self._process
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process
        self._process.send(signal.SIGCONT)

    def discard(self) -> None:
        """End it, whatever state it is in."""
        for client in self._clients:
            client.close()
        if self.running:
            self.kill()

    def log(self, lines: int = 60) -> str:
        """The last lines that it printed, over all its starts, without the static files that it served."""
        return _tail(self.log_path, lines, leave_out='"GET /static/')

    def token(self, user: User) -> str:
        """An access token as `/api/token/` makes it; without the password, whose check takes a third of a second."""
        if user.id not in self._tokens:
            code = (
                "from taskrealtime.engine.auth import tokens\n"
                "result = str(tokens.make_access_token(User.objects.get(pk=id)))"
            )
            self._tokens[user.id] = self.stack.run(code, id=user.id)
        return self._tokens[user.id]

    def session(self, user: User) -> str:
        """The cookie `sessionid` of a signed-in browser."""
        code = (
            "from django.test import Client\n"
            "client = Client()\n"
            "client.force_login(User.objects.get(pk=id))\n"
            "result = client.cookies['sessionid'].value"
        )
        cookie: str = self.stack.run(code, id=user.id)
        return cookie

    def api(self, user: User | None = None, **headers: str) -> httpx.Client:
        """An HTTP client for this server, signed in by token as the user."""
        if user is not None:
            headers["Authorization"] = f"Bearer {self.token(user)}"
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=_NO_TLS)
        self._clients.append(client)
        return client

    def connect(self, user: User | None = None, *, token: str | None = None, **options: Any) -> Socket:
        """A WebSocket, signed in by header (by nothing where there is neither user nor token).

        `options` go to `websockets.sync.client.connect`. `connected` is the first frame to come.
        """
        token = self.token(user) if user else token
        headers = dict(options.pop("additional_headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        # The client's own pings are off: what is tested is the server's.
        bounds = {"open_timeout": 60, "close_timeout": 5}
        options = {"create_connection": Connection, "ping_interval": None, "proxy": None} | bounds | options
        return Socket(websocket_connect(self.ws_url, additional_headers=headers, **options))

    def project(
        self, owner: User, *, members: Iterable[User] = (), viewers: Iterable[User] = (), name: str | None = None
    ) -> int:
        """Create a project through the API and return its id."""
        api = self.api(owner)
        answer = api.post("/api/projects/", json={"name": name or f"Project {next(_numbers)}"})
        assert answer.status_code == 201, answer.text
        project_id: int = answer.json()["id"]
        for role, users in (("member", members), ("viewer", viewers)):
            for user in users:
                fields = {"username": user.username, "role": role}
                added = api.post(f"/api/projects/{project_id}/members/", json=fields)
                assert added.status_code == 201, added.text
        return project_id

    def _end(self, number: signal.Signals) -> int:
        assert self._process, "the server is not running"
        return self._process.end(number)


class Worker:
    """The Django process behind `Stack.run`; see `tests.support.worker`."""

    def __init__(self, name: str, env: dict[str, str]) -> None:
        self.log_path = scratch() / f"{name}-worker.log"
        with self.log_path.open("ab") as log:
            self._socket = fork(fork_server(), None, log=log, env=env)
        self._lines = self._socket.makefile("rw")

    def run(self, code: str, values: dict[str, Any]) -> Any:
        try:
            self._lines.write(json.dumps({"code": code, "values": values}) + "\n")
            self._lines.flush()
            line = self._lines.readline()
        except OSError:
            line = ""
        if not line:
            raise AssertionError(f"The worker ended.\n{_tail(self.log_path, 60)}")
        answer = json.loads(line)
        if "error" in answer:
            raise RemoteError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Let it end."""
        with suppress(OSError):  # it may have ended before
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._lines.close()
        self._socket.close()


@cache
def fork_server() -> socket.socket:
    """Where workers and servers are asked for."""
    ours, its_end = socket.socketpair()
    command = [sys.executable, "-m", "tests.support.fork_server"]
    with its_end:
        process = subprocess.Popen(
            command, stdin=its_end.fileno(), env=plain_environment(), cwd=ROOT, start_new_session=True
        )
    guard.watch_process(process)
    return ours


def forked() -> Callable[..., Forked]:
    """Return what starts a program of Python in the fork server, for `Process`."""
    return partial(Forked, fork_server())


def plain_environment() -> dict[str, str]:
    """What a server process gets to see: nothing of the developer's shell but the paths."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    ours = {"SECRET_KEY": os.environ["SECRET_KEY"], "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}
    # Users of tests are quicker than any human; what the limits are about sets them itself.
    unlimited = ("WEBSOCKET_RATE_LIMIT", "WEBSOCKET_MAX_CONNECTIONS_PER_USER", "HTTP_READ_LIMIT")
    return kept | ours | dict.fromkeys(unlimited, "0")


def run_manage(args: Iterable[str], env: dict[str, str]) -> str:
    """Run `manage.py`; raise with its output where it fails."""
    command = [sys.executable, "manage.py", *args]
    with TemporaryFile() as log, TemporaryFile() as errors:
        status = Forked(fork_server(), command, log=log, env=env, errors=errors).wait()
        said, complained = (_all_of(file) for file in (log, errors))
    if status != 0:
        raise AssertionError(f"manage.py {' '.join(args)} ended with {status}.\n{said}{complained}")
    return said


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def migrated_postgres(settings: str = PROJECT) -> str:
    """Return the name of a migrated, empty database, to be copied; one for the run and these settings."""
    name = f"migrated-{settings}"

    def make() -> str:
        url = services.shared_postgres().create_database(name)
        _migrate(url, settings)
        return name

    return run.once(f"{name}-postgres", make)


@cache
def migrated_sqlite(settings: str = PROJECT) -> Path:
    """Return a migrated, empty database file, to be copied; one for the run and these settings."""
    name = f"migrated-{settings}"

    def make() -> str:
        path = run.folder() / f"{name}.sqlite3"
        _migrate(f"sqlite:///{path}", settings)
        return str(path)

    return Path(run.once(f"{name}-sqlite", make))


def _migrate(url: str, settings: str) -> None:
    env = plain_environment() | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": settings}
    run_manage(["migrate", "--verbosity", "0"], env)


@cache
def encoded_password(*, quick: bool = False) -> str:
    """PASSWORD as the database holds it; made once, since making it takes a third of a second."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    hasher = PBKDF2PasswordHasher()
    if quick:
        from tests.support.hashing import QuickHasher

        hasher = QuickHasher()
    return hasher.encode(PASSWORD, hasher.salt())


def _tail(path: Path, lines: int, leave_out: str = "\0") -> str:
    text = path.read_text(errors="replace") if path.exists() else ""
    kept = [line for line in text.splitlines() if leave_out not in line]
    return "\n".join([f"--- {path.name} ---", *kept[-lines:]])
