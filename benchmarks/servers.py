"""The measured servers: how each is started and used, and what its listeners get."""

import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests import services
from tests.services.process import Process, free_port, scratch
from tests.services.redis import Redis
from tests.support.stacks import PROJECT, Stack, plain_environment

from .bench import BUILD, PAYLOAD, PEERS, ROOT, VENV, Client, Cores, LoadGenerator, cpu_seconds, memory
from .writer import Writer

OURS = "taskrealtime"
LIMIT = "C, epoll"
ROOM_STEPS = ("0{", "40", "40{", '42["join","room"]', '42["joined"')


@dataclass(frozen=True)
class Peer:
    """Another server."""

    name: str
    #: By port.
    command: Callable[[int], Sequence[str]]
    #: What is said to publish one event, and what each listener gets of that.
    template: str
    path: str = "/"
    talk: Sequence[str] = ("",)
    #: Whether it needs Redis and a database.
    backed: bool = False


def _filled(template: str) -> str:
    """The template, padded so that all servers' payloads have the same length."""
    return template.replace("$PAD", "x" * (PAYLOAD - len(template) - 15))  # $NS becomes 15 digits and more


def _python(file: str) -> Callable[[int], Sequence[str]]:
    return lambda port: [str(VENV / "bin" / "python"), str(PEERS / file), str(port)]


def _node(file: str) -> Callable[[int], Sequence[str]]:
    return lambda port: ["node", str(PEERS / file), str(port)]


def _daphne(port: int) -> Sequence[str]:
    command = [str(VENV / "bin" / "daphne"), "-b", "127.0.0.1", "-p", str(port)]
    return [*command, "benchmarks.peers.tutorial:application"]


EVENT = _filled('{"event":"task_updated","room":"project.1","seq":$SEQ,"data":{"title":"@$NS@$PAD"}}')
SOCKETIO_EVENT = f'42["publish",{EVENT}]'
SOCKETIO_PATH = "/socket.io/?EIO=4&transport=websocket"

PEERS_BY_NAME = {
    peer.name: peer
    for peer in (
        Peer(
            "Channels tutorial",
            _daphne,
            _filled('{"message":"seq $SEQ @$NS@$PAD"}'),
            "/ws/chat/lobby/",
            backed=True,
        ),
        Peer(
            "Flask-SocketIO, eventlet",
            _python("flask_socketio_eventlet.py"),
            SOCKETIO_EVENT,
            SOCKETIO_PATH,
            ROOM_STEPS,
        ),
        Peer(
            "python-socketio, uvicorn",
            _python("python_socketio_uvicorn.py"),
            SOCKETIO_EVENT,
            SOCKETIO_PATH,
            ROOM_STEPS,
        ),
        Peer("Socket.IO, Node", _node("socketio_node.js"), SOCKETIO_EVENT, SOCKETIO_PATH, ROOM_STEPS),
        Peer("ws, Node", _node("ws_node.js"), EVENT),
        Peer("websockets.broadcast", _python("websockets_broadcast.py"), EVENT),
        Peer(LIMIT, lambda port: [str(BUILD / "limit"), str(port)], EVENT),
    )
}


class Running:
    """A server that runs, with the load generators at it."""

    name: str
    pid: int

    def __init__(self) -> None:
        self.load: LoadGenerator | None = None

    def cpu(self) -> float:
        """Seconds of CPU that it used so far."""
        return cpu_seconds(self.pid)

    def memory(self) -> int:
        """Bytes that it holds."""
        return memory(self.pid)

    def open(self, listeners: int, *, rooms: int = 1) -> LoadGenerator:
        """Let so many listeners join, and one publisher; peers have one room, whatever `rooms` says."""
        raise NotImplementedError

    def close(self) -> None:
        """End it."""
        raise NotImplementedError


class RunningPeer(Running):
    """Another server, running."""

    def __init__(self, peer: Peer, cores: Cores) -> None:
        super().__init__()
        self.peer, self.name, self.port = peer, peer.name, free_port()
        self.env = plain_environment() | {"PYTHONPATH": str(ROOT)}
        self._redis: Redis | None = None
        if peer.backed:
            self._redis = Redis()
            self._database = f"peer-{self.port}"
            self.env["REDIS_URL"] = self._redis.url
            self.env["DATABASE_URL"] = services.shared_postgres().create_database(self._database)
        with cores.serving():
            log = scratch() / f"peer-{self.port}.log"
            self._process = Process(peer.command(self.port), log_path=log, env=self.env, cwd=ROOT)
        self.pid = self._process.pid
        self._process.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def open(self, listeners: int, *, rooms: int = 1, writer: Writer | None = None) -> LoadGenerator:
        clients = [Client(self.port, "L", talk=self.peer.talk) for _ in range(listeners)]
        clients.append(Client(self.port, "P", talk=self.peer.talk))
        trigger = writer.trigger if writer else None
        self.load = LoadGenerator(self.peer.path, clients, template=self.peer.template, trigger=trigger)
        return self.load

    def close(self) -> None:
        if self.load:
            self.load.close()
        self._process.end()
        if self._redis:
            self._redis.kill()
            services.shared_postgres().drop_database(self._database)


POPULATE = """
from django.db.models import QuerySet
from taskrealtime.engine.auth import tokens
from taskrealtime.engine.models import Room

first = User.objects.count()
people = User.objects.bulk_create([User(username=f"user{first + n}", password="!") for n in range(users)])
Room.objects.bulk_create([Room(name=f"user.{user.pk}") for user in people])
boards = [Project.objects.create(name=f"Project {n}") for n in range(projects)]
# Nobody needs to be told that these people are members.
QuerySet(Membership).bulk_create(
    [Membership(project=boards[n % projects], user=user) for n, user in enumerate(people)]
)
for board in boards:
    Task.objects.bulk_create([Task(project=board, title=f"Task {n}") for n in range(tasks)])
result = {
    "projects": [board.pk for board in boards],
    "tasks": [list(board.tasks.values_list("pk", flat=True)) for board in boards],
    "tokens": [str(tokens.make_access_token(user)) for user in people],
}
"""


@dataclass
class World:
    """Projects with their tasks and members."""

    projects: list[int]
    #: Of each project.
    tasks: list[list[int]]
    #: Of each member; the n-th is a member of project n modulo their number.
    tokens: list[str]

    def of(self, index: int) -> "World":
        """One project's part of it."""
        return World([self.projects[index]], [self.tasks[index]], self.tokens[index :: len(self.projects)])


class Installation:
    """One installation of ours: PostgreSQL, Redis, and a world in it."""

    def __init__(self, limit: str = "0", *, settings: str = PROJECT) -> None:
        # Made for the life of a benchmark; as a rule without the bound on how much one user may change.
        self.stack = Stack("deployed", settings=settings)
        self.stack.env |= {"ACCESS_TOKEN_MINUTES": "600", "WEBSOCKET_RATE_LIMIT": limit}

    def populate(self, *, users: int, projects: int = 1, tasks: int = 1) -> World:
        """Create projects with so many tasks each, and users that are members of one each."""
        return World(**self.stack.run(POPULATE, users=users, projects=projects, tasks=tasks))

    def writer(self, tasks: Sequence[int], *, apart: bool = False) -> Writer:
        """A process of its own that saves tasks."""
        command = [sys.executable, "-m", "benchmarks.writer", "apart" if apart else "together", *map(str, tasks)]
        return Writer(command, self.stack.env)

    def close(self) -> None:
        """End all that runs here."""
        self.stack.close()


class RunningOurs(Running):
    """`manage.py serve`, with JWT, log, PostgreSQL and Redis."""

    def __init__(self, cores: Cores, installation: Installation | None = None, *, limit: str = "0") -> None:
        super().__init__()
        self.name = OURS
        self._own = installation is None
        self.installation = installation or Installation(limit)
        with cores.serving():
            self._server = self.installation.stack.server(serve=True)
        self.pid, self.port = self._server.pid, self._server.port

    def open(
        self,
        listeners: int,
        *,
        rooms: int = 1,
        world: World | None = None,
        writer: Writer | None = None,
        probe: bool = False,
    ) -> LoadGenerator:
        """Let the listeners join the projects of `world`, each as another user; one more publishes."""
        world = world or self.installation.populate(users=listeners + 2, projects=rooms)
        joins = [join(world.projects[n % len(world.projects)]) for n in range(listeners)]
        clients = [self.client("L", token, talk) for token, talk in zip(world.tokens, joins, strict=False)]
        clients.append(self.client("P", world.tokens[-1], ('"connected"',)))
        if probe:
            clients.append(self.client("Q", world.tokens[-2], ('"connected"',)))
        trigger = writer.trigger if writer else None
        template = update(world.tasks[0][0])
        self.load = LoadGenerator("/ws/", clients, template=template, trigger=trigger)
        return self.load

    def client(self, role: str, token: str, talk: Sequence[str]) -> Client:
        """A socket that signs in by header."""
        return Client(self.port, role, [f"Authorization: Bearer {token}"], talk)

    def close(self) -> None:
        if self.load:
            self.load.close()
        if self._own:
            self.installation.close()
        else:
            self._server.discard()


def join(project_id: int) -> Sequence[str]:
    """Sign in, join, be answered."""
    asked = f'{{"event":"join_project","id":1,"data":{{"project_id":{project_id}}}}}'
    return ('"connected"', asked, '"ack"')


def update(task_id: int) -> str:
    """Give a task another title. Listeners get it with the old one: half as much filling does."""
    asked = f'{{"event":"task_update","id":$SEQ,"data":{{"task_id":{task_id},"changes":{{"title":"@$NS@$PAD"}}}}}}'
    return asked.replace("$PAD", "x" * OUR_PAD)


#: Fills our `task_updated`, which holds title and previous title, up to the length of all payloads.
OUR_PAD = 25


def start(name: str, cores: Cores) -> Any:
    """Start one of them by its name."""
    return RunningOurs(cores) if name == OURS else RunningPeer(PEERS_BY_NAME[name], cores)


ALL = [OURS, *PEERS_BY_NAME]
