"""What it costs a project that its saves are reported, and how long a live model's change takes to a socket."""

import json
import random
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from threading import Thread
from typing import IO

from websockets.sync.client import ClientConnection, connect

from benchmarks.bench import ROOT, VENV, Cores, Effort, Result, say, spread
from benchmarks.tables import number, ratio, table
from tests.services.postgres import DURABLE, Postgres
from tests.services.process import scratch
from tests.services.redis import Redis
from tests.support.stacks import Stack, plain_environment

TITLE = "What it costs a project that its saves are reported"
PLAIN, PGPUBSUB = "Django alone", "django-pgpubsub"
WAYS = (
    PLAIN,
    "taskrealtime",
    "taskrealtime, as a user",
    "django-eventstream",
    "djangochannelsrestframework",
    PGPUBSUB,
)
#: Saves that are measured before it is another's turn.
TURN = 5
#: Turns that are left out: caches fill.
WARM_UP = 10
#: Seconds between two saves whose way to the socket is measured.
PAUSE = 0.05
MAKE_TABLES = """
from django.db import connection
connection.cursor().execute('CREATE TABLE "legacy rows" (id serial PRIMARY KEY, queue_id bigint, text varchar(50))')
"""
MAKE_QUEUE = """
from tests.support.helpdesk.models import *
queue = Queue.objects.create(name="Support")
QueueMembership.objects.create(queue=queue, user_id=user)
result = [queue.pk, Ticket.objects.create(queue=queue, title="Printer").pk]
"""
SAVE = """
import time
from tests.support.helpdesk.models import Ticket
ticket = Ticket.objects.get(pk=pk)
for _ in range(saves):
    time.sleep(pause)
    ticket.title = str(time.monotonic_ns())
    ticket.save()
"""


class Saver:
    """One process that saves."""

    def __init__(self, way: str, env: dict[str, str]) -> None:
        self._env = env | {"WAY": way}
        python = str(VENV / "bin" / "python")
        command = [python, "-m", "benchmarks.peers.tickets.saver"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._env, cwd=ROOT, text=True
        )
        assert self._process.stdin
        assert self._process.stdout
        self._asked: IO[str] = self._process.stdin
        self._answers: IO[str] = self._process.stdout
        assert self._answers.readline() == "ready\n"
        self._listener: subprocess.Popen[bytes] | None = None
        if way == PGPUBSUB:
            settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.peers.tickets.settings"}
            command = [python, "-m", "django", "listen"]
            self._listener = subprocess.Popen(
                command, env=self._env | settings, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def save(self, saves: int) -> list[float]:
        """Return the seconds of each of so many saves."""
        self._asked.write(f"{saves}\n")
        self._asked.flush()
        seconds: list[float] = json.loads(self._answers.readline())
        return seconds

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        if self._listener is not None:
            self._listener.kill()
            self._listener.wait()


def measure(cores: Cores, effort: Effort) -> Result:
    """By database and way the middle of a save's time, and how many times that is of Django's alone."""
    with ExitStack() as stack:
        postgres, redis = Postgres(settings=DURABLE), Redis()
        stack.callback(postgres.kill)
        stack.callback(redis.kill)
        env = plain_environment() | {"PYTHONPATH": str(ROOT)}
        results: Result = {}
        for database, ways in (("PostgreSQL", WAYS), ("SQLite", [way for way in WAYS if way != PGPUBSUB])):
            say(f"  {database}")
            with ExitStack() as inner:
                savers = {}
                for way in ways:
                    url = _database(database, way, postgres)
                    of_database = {"DATABASE_URL": url} | ({"REDIS_URL": redis.url} if database == "PostgreSQL" else {})
                    savers[way] = inner.enter_context(closing(Saver(way, env | of_database)))
                results[database] = _alternate(savers, effort)
    say("  to a socket")
    return results | {"latency": _latency(effort)}


def _database(kind: str, way: str, postgres: Postgres) -> str:
    name = "".join(character for character in way if character.isalpha())
    return postgres.create_database(name) if kind == "PostgreSQL" else f"sqlite:///{scratch()}/{name}.sqlite3"


def _alternate(savers: dict[str, Saver], effort: Effort) -> Result:
    """Measure a few saves of each in turn, so that what disturbs the machine disturbs all."""
    turns = round(effort.seconds * 20)
    for _ in range(WARM_UP):
        for saver in savers.values():
            saver.save(TURN)
    medians: dict[str, list[float]] = {way: [] for way in savers}
    for _ in range(effort.repeats):
        found: dict[str, list[float]] = {way: [] for way in savers}
        for _ in range(turns):
            for way in random.sample(list(savers), len(savers)):
                found[way] += savers[way].save(TURN)
        for way, seconds in found.items():
            medians[way].append(1000 * statistics.median(seconds))
    return {
        way: {
            "p50": spread(of_way),
            "ratio": spread([one / plain for one, plain in zip(of_way, medians[PLAIN], strict=True)]),
        }
        for way, of_way in medians.items()
    }


def _latency(effort: Effort) -> Result:
    """From just before the save of a live model in one process to the frame at a socket of another, in ms."""
    with closing(Stack("deployed")) as stack:
        stack.env["DJANGO_SETTINGS_MODULE"] = "tests.support.helpdesk_settings"
        stack.run(MAKE_TABLES)
        stack.manage("migrate", "--run-syncdb", "--verbosity", "0")
        user = stack.user()
        queue, pk = stack.run(MAKE_QUEUE, user=user.id)
        server = stack.server(serve=True)
        headers = {"Authorization": f"Bearer {server.token(user)}"}
        saves = round(effort.seconds * effort.repeats * 20)
        with connect(f"ws://127.0.0.1:{server.port}/ws/", additional_headers=headers, proxy=None) as socket:
            socket.send(json.dumps({"event": "join_room", "id": 1, "data": {"room": f"helpdesk.queue.{queue}"}}))
            while json.loads(socket.recv(60)).get("id") != 1:
                pass
            time.sleep(2)  # The server's first sweep joins the group of all processes.
            saving = Thread(target=stack.run, args=(SAVE,), kwargs={"pk": pk, "saves": saves, "pause": PAUSE})
            saving.start()
            times = [_receive(socket) for _ in range(saves)]
            saving.join()
    ordered = sorted(times)
    return {"p50": statistics.median(times), "p99": ordered[int(0.99 * len(ordered))], "saves": saves}


def _receive(socket: ClientConnection) -> float:
    """Return the milliseconds that the next change took, which has the time of its save for a title."""
    while (frame := json.loads(socket.recv(60)))["event"] != "record_updated":
        pass
    return (time.monotonic_ns() - int(frame["data"]["changes"]["title"])) / 1e6


def tell(result: Result) -> str:
    """The report's text."""
    rows = []
    for way in WAYS:
        row = [way]
        for database in ("PostgreSQL", "SQLite"):
            one = result[database].get(way)
            row += [_range(one["p50"], number), _range(one["ratio"], ratio)] if one else ["", ""]
        rows.append(row)
    latency = result["latency"]
    p50, p99 = number(latency["p50"]), number(latency["p99"])
    return f"""\
The middle of the times that `save()` of a model takes, in ms, and how many times that is of Django's alone; in brackets
the lowest and the highest of the runs. Each is a process with a database of its own, and all save {TURN} times in turn.
PostgreSQL runs with its usual durability and a Redis beside it; SQLite with WAL and `synchronous=NORMAL`, without one.

They do not promise the same. taskrealtime and django-pgpubsub capture by triggers every write, also `update()`, bulk
methods and SQL, in its own transaction. django-eventstream (here with its storage) and the observers of
djangochannelsrestframework, which store nothing, report what `save()` and `delete()` do. django-eventstream publishes
before the commit. django-pgpubsub stores each change until a listener has processed it.

{table(["", "PostgreSQL", "beside Django alone", "SQLite", "beside Django alone"], rows)}

From just before `save()` of a live model in one process to the frame at a socket of another, through PostgreSQL and
Redis, {latency["saves"]} saves, one in {PAUSE * 1000:.0f} ms: p50 {p50} ms, p99 {p99} ms."""


def _range(figure: Result, tell_one: Callable[[float], str]) -> str:
    return f"{tell_one(figure['median'])} ({tell_one(figure['low'])}–{tell_one(figure['high'])})"
