"""The installation under test: a database and a Redis of its own, and server processes that are brought back."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.services.postgres import Postgres
from tests.services.process import Process, free_port, scratch
from tests.services.redis import Redis
from tests.support.stacks import (
    ROOT,
    RemoteError,
    Stack,
    User,
    encoded_password,
    forked,
    plain_environment,
    run_manage,
)

from .record import Fault, Final, Record

#: Pings this often, and a client that answers none for so long counts as gone: seconds, so that sleep shows in a run.
PING_INTERVAL, PING_TIMEOUT = 2, 7
#: Seconds that any service may take to restart on a busy machine.
TIMEOUT_SECONDS = 60.0
#: Seconds between two looks at the server processes, and before one that died is started again.
POLL_SECONDS, PAUSE_SECONDS = 0.05, 0.3
SETTINGS = "tests.faults.settings"
#: Seconds that a token of a run is good for.
TOKEN_LIFE = 86_400


@dataclass(frozen=True)
class Board:
    """A project of the run."""

    id: int

    @property
    def room(self) -> str:
        """The name of its room."""
        return f"project.{self.id}"


class Slot:
    """An address for a server: a port, and the process that serves there now."""

    def __init__(self, index: int, env: dict[str, str], entry: Sequence[str]) -> None:
        self.index = index
        self.port = free_port()
        #: Whether it is brought back when it ends.
        self.kept = True
        #: How many processes were started here.
        self.starts = 0
        self.log_path = scratch() / f"faults-server-{self.port}.log"
        self._env = env
        self._entry = list(entry)
        self._process: Process | None = None

    def launch(self, *, entry: Sequence[str] | None = None, **env: str) -> None:
        """Start a process and do not wait for it."""
        self.starts += 1
        command = [sys.executable, *(entry or self._entry), "serve", "--skip-checks", "--port", str(self.port)]
        # What shifts the clock must come before all imports; others may have most of theirs already.
        start = None if entry else forked()
        self._process = Process(
            command, log_path=self.log_path, env=self._env | env, cwd=ROOT, end_with=signal.SIGTERM, start=start
        )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def send(self, number: signal.Signals) -> None:
        """Signal the process; nothing happens where it has ended."""
        if self._process is not None:
            self._process.send(number)

    def reap(self) -> int:
        """The exit status of the process, which has ended or is about to."""
        assert self._process is not None
        status, self._process = self._process.end(), None
        return status

    async def until_ended(self, seconds: float) -> bool:
        """Whether the process ends within that time; it may have been replaced already."""
        starts = self.starts
        return await until(lambda: self.starts > starts or not self.running, seconds)

    async def answers(self) -> bool:
        """Whether it serves."""
        if not self.running:
            return False
        try:
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                try:
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    async def until_answers(self) -> None:
        """Wait until it serves; it may be started again meanwhile."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not await self.comes_up(TIMEOUT_SECONDS):
            if time.monotonic() > deadline:
                raise AssertionError(f"Server {self.index} does not come back.\n{self.log()}")
            await asyncio.sleep(POLL_SECONDS)

    async def comes_up(self, seconds: float) -> bool:
        """Whether the present process comes to serve within that time."""
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            if await self.answers():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    def log(self, lines: int = 60) -> str:
        """The last lines that its processes printed."""
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Installation(Stack):
    """A stack whose PostgreSQL is its own, too, with several servers that are restarted when they end."""

    def __init__(self, kind: str, *, record: Record, servers: int = 1, entry: Sequence[str] = ("manage.py",)) -> None:
        self.postgres: Postgres | None = None
        if kind == "deployed":
            self._begin_deployed()
        else:
            super().__init__(kind, settings=SETTINGS)
            self._add_help_desk()
        self.env |= {"WEBSOCKET_PING_INTERVAL": str(PING_INTERVAL), "WEBSOCKET_PING_TIMEOUT": str(PING_TIMEOUT)}
        self.record = record
        self.slots = [Slot(index, self.env, entry) for index in range(servers)]
        self._asking = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None

    def _begin_deployed(self) -> None:
        # Not `super().__init__`: the cluster that it takes is shared with other test runs.
        self.kind, self.name = "deployed", "faults"
        self.servers, self._worker = [], None
        self.postgres, self.redis = Postgres(), Redis()
        self.env = plain_environment() | {"REDIS_URL": self.redis.url}
        self.env["DATABASE_URL"] = self.postgres.create_database(self.name)
        run_manage(["migrate", "--verbosity", "0"], self.env)
        self.env["DJANGO_SETTINGS_MODULE"] = SETTINGS
        self._add_help_desk()

    def _add_help_desk(self) -> None:
        """Create its tables, which have no migrations, and then their triggers."""
        key = "serial" if self.kind == "deployed" else "integer"
        table = f'CREATE TABLE "legacy rows" (id {key} PRIMARY KEY, queue_id bigint, text varchar(50))'
        self.run("from django.db import connection\nconnection.cursor().execute(table)", table=table)
        self.manage("migrate", "--run-syncdb", "--verbosity", "0")

    async def start(self) -> None:
        """Start the servers, and keep them from now on."""
        for slot in self.slots:
            slot.launch()
        self._keeper = asyncio.create_task(self._keep())
        for slot in self.slots:
            await slot.until_answers()

    async def stop(self) -> None:
        """End everything that runs here."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for slot in self.slots:
            slot.send(signal.SIGKILL)
            if slot._process is not None:
                slot.reap()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """End the services."""
        if self._worker:
            self._worker.close()
        if self.redis:
            self.redis.resume()
            self.redis.kill()
        if self.postgres:
            self.postgres.kill()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            for slot in self.slots:
                if slot.kept and not slot.running:
                    if slot._process is not None:
                        self._note_end(slot, slot.reap())
                        await asyncio.sleep(PAUSE_SECONDS)
                    if slot.kept and not slot.running:
                        slot.launch()

    def _note_end(self, slot: Slot, status: int) -> None:
        """An end that no fault of the run caused is the product's fault."""
        meant = [fault for fault in self.record.faults if fault.server == slot.index and fault.healed is None]
        if not meant:
            self.note_unwanted(slot, f"ended by itself with {status}")
        elif meant[-1].kind == "rolling restart" and status != 0:
            self.note_unwanted(slot, f"ended with {status} after SIGTERM")

    def note_unwanted(self, slot: Slot, what: str) -> None:
        """Something unintended happened to a server."""
        now = time.time()
        self.record.faults.append(Fault(what, now, now, slot.index, unwanted=True))

    def choose(self, chance: Random) -> list[tuple[int, int]]:
        """The servers in a random order, as links ask for them."""
        return [(slot.index, slot.port) for slot in chance.sample(self.slots, len(self.slots))]

    # -- the database, asked by a process that is no server --

    async def ask(self, code: str, **values: Any) -> Any:
        """What `Stack.run` gives; tried again while the database is away."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                async with self._asking:
                    return await asyncio.to_thread(self.run, code, **values)
            except RemoteError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)

    async def people(self, names: Sequence[str]) -> list[User]:
        """Users of these names."""
        code = "result = User.objects.create(username=name, password=password).id"
        password = encoded_password()
        return [User(await self.ask(code, name=name, password=password), name) for name in names]

    async def token(self, user: User) -> str:
        """A token that is good for all of the run."""
        code = (
            "from datetime import timedelta\n"
            "from taskrealtime.engine.auth.tokens import make_access_token\n"
            "token = make_access_token(User.objects.get(id=id))\n"
            "token.set_exp(lifetime=timedelta(seconds=life))\n"
            "result = str(token)"
        )
        return str(await self.ask(code, id=user.id, life=TOKEN_LIFE))

    async def board(self, people: Sequence[tuple[User, str]], name: str) -> Board:
        """A project with these people in these roles."""
        code = (
            "project = Project.objects.create(name=name)\n"
            "for user, role in people: Membership.objects.create(project=project, user_id=user, role=role)\n"
            "result = project.id"
        )
        return Board(int(await self.ask(code, name=name, people=[(user.id, role) for user, role in people])))

    async def queue(self, people: Sequence[User]) -> int:
        """A queue of the help desk on which these people work."""
        code = (
            "from tests.support.helpdesk.models import Queue, QueueMembership\n"
            "queue = Queue.objects.create(name='Support')\n"
            "for user in people: QueueMembership.objects.create(queue=queue, user_id=user)\n"
            "result = queue.pk"
        )
        return int(await self.ask(code, people=[user.id for user in people]))

    async def heads(self) -> dict[str, int]:
        """The head of every room."""
        heads: dict[str, int] = await self.ask("result = dict(Room.objects.values_list('name', 'head'))")
        return heads

    async def unnumbered(self) -> int:
        """How many committed events have no number."""
        return int(await self.ask("result = Event.objects.filter(seq=None).count()"))

    async def name_in_messages(self) -> str:
        """What messages between its processes name it."""
        code = (
            "from taskrealtime.engine.installation.epochs import present_installation; result = present_installation()"
        )
        return str(await self.ask(code))

    async def frames(self, room: str, since: int, limit: int) -> list[list[Any]]:
        """Events of a room as a publication carries them: `[seq, frame, evicts]`."""
        code = "from taskrealtime.engine import log; result = log.read(room, since=since, limit=limit)"
        return [list(event) for event in await self.ask(code, room=room, since=since, limit=limit)]

    async def final(self, boards: Sequence[Board], queue: int) -> Final:
        """What the database holds."""
        path = scratch() / f"{self.name}-final.json"
        await self.ask(DUMP, path=str(path), projects=[board.id for board in boards], queue=queue)
        found = json.loads(path.read_text())
        os.unlink(path)
        log: dict[str, list[Any]] = {
            room: [json.loads(text) for text in texts] for room, texts in found.pop("log").items()
        }
        return Final(log=log, **found)


#: Writes all that a `Final` has to a file.
DUMP = """
import json
import msgspec
from taskrealtime.engine.log.rows import logged
from taskrealtime.live.snapshots import read_records
from taskrealtime.models import Comment
from tests.support.replay import read_board
frames = {room: [] for room in Room.objects.values_list('name', flat=True)}
for event in Event.objects.exclude(seq=None).order_by('room', 'seq'):
    frames.setdefault(event.room, []).append(logged(event.seq, event).frame)
found = {
    'log': frames,
    'heads': dict(Room.objects.values_list('name', 'head')),
    'unnumbered': Event.objects.filter(seq=None).count(),
    'boards': {f'project.{id}': read_board(id) for id in projects},
    'records': {room: read_records(room) for room in [f'helpdesk.queue.{queue}']},
    'tasks': list(Task.all_objects.values_list('id', flat=True)),
    'comments': list(Comment.objects.values_list('content', flat=True)),
}
with open(path, 'w') as file:
    json.dump(found, file)
"""


async def until(condition: Any, seconds: float) -> bool:
    """Whether the condition comes true within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
