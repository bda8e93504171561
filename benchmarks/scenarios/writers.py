"""What the log costs a process that saves."""

import itertools
import subprocess
import sys
from contextlib import ExitStack, closing
from typing import IO

from benchmarks.bench import ROOT, Cores, Effort, Result, say, spread
from benchmarks.tables import number, table
from tests.services.postgres import DURABLE, Postgres
from tests.services.process import scratch
from tests.services.redis import Redis
from tests.support.stacks import Worker, plain_environment, run_manage

TITLE = "What a save costs"
DATABASES = ("SQLite", "PostgreSQL")
PROJECTS, WRITERS = (1, 10), (1, 4)
#: Tasks of each writer, which it saves in turn: one of each project where there are as many.
TASKS = 10
MAKE = """
boards = [Project.objects.create(name=f"Project {n}") for n in range(projects)]
made = [
    Task.objects.bulk_create([Task(project=boards[n % projects], title="Task") for n in range(tasks)])
    for _ in range(writers)
]
result = [[task.pk for task in of_one] for of_one in made]
"""


def measure(cores: Cores, effort: Effort) -> Result:
    """By database, number of projects and of writers: saves a second, with events and plain."""
    results: Result = {}
    with ExitStack() as stack:
        environments = {"SQLite": _on_sqlite(), "PostgreSQL": _on_postgres(stack)}
        for database, projects, writers in itertools.product(DATABASES, PROJECTS, WRITERS):
            say(f"  {database}, {projects} projects, {writers} writers")
            with ExitStack() as inner:
                processes = _start(inner, cores, environments[database], projects, writers)
                results[f"{database}|{projects}|{writers}"] = _alternate(processes, effort)
    return results


def _on_sqlite() -> dict[str, str]:
    env = plain_environment() | {"DATABASE_URL": f"sqlite:///{scratch() / 'saves.sqlite3'}"}
    run_manage(["migrate", "--verbosity", "0"], env)
    return env


def _on_postgres(stack: ExitStack) -> dict[str, str]:
    postgres, redis = Postgres(settings=DURABLE), Redis()
    stack.callback(postgres.kill)
    stack.callback(redis.kill)
    env = plain_environment() | {"DATABASE_URL": postgres.create_database("saves"), "REDIS_URL": redis.url}
    run_manage(["migrate", "--verbosity", "0"], env)
    return env


class Saver:
    """One process that saves."""

    def __init__(self, env: dict[str, str], tasks: list[int]) -> None:
        command = [sys.executable, "-m", "benchmarks.saving", *map(str, tasks)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=ROOT, text=True
        )
        assert self._process.stdin
        assert self._process.stdout
        self._asked: IO[str] = self._process.stdin
        self._answers: IO[str] = self._process.stdout
        assert self._answers.readline() == "ready\n"

    def begin(self, way: str, seconds: float) -> None:
        """Save for that long."""
        self._asked.write(f"{way} {seconds}\n")
        self._asked.flush()

    def count(self) -> int:
        """How many saves there were."""
        return int(self._answers.readline())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def _start(stack: ExitStack, cores: Cores, env: dict[str, str], projects: int, writers: int) -> list[Saver]:
    worker = stack.enter_context(closing(Worker("saves", env)))
    tasks = worker.run(MAKE, {"projects": projects, "writers": writers, "tasks": TASKS})
    with cores.serving():
        return [stack.enter_context(closing(Saver(env, of_one))) for of_one in tasks]


def _alternate(processes: list[Saver], effort: Effort) -> Result:
    rates: dict[str, list[float]] = {"told": [], "plain": []}
    for turn in range(effort.repeats + 1):
        for way, found in rates.items():
            for process in processes:
                process.begin(way, effort.seconds)
            rate = sum(process.count() for process in processes) / effort.seconds
            if turn:  # The first is to warm up.
                found.append(rate)
    shares = [told / plain for told, plain in zip(rates["told"], rates["plain"], strict=True)]
    return {way: spread(found) for way, found in rates.items()} | {"share": spread(shares)}


def tell(result: Result) -> str:
    """The report's text."""
    rows = []
    for key, one in result.items():
        database, projects, writers = key.split("|")
        share = one["share"]
        rows.append(
            [
                f"{database}, {_count(projects, 'project')}, {_count(writers, 'writer')}",
                number(one["plain"]["median"]),
                number(one["told"]["median"]),
                f"{share['median']:.0%} ({share['low']:.0%}–{share['high']:.0%})",
            ]
        )
    return f"""\
Saves a second of a task with a new title: by Django alone, in a transaction, and as taskrealtime saves it, locked,
compared, with its event, which is numbered and published. Writers are processes; PostgreSQL
runs with its usual durability (`fsync`, `synchronous_commit`), SQLite with WAL and `synchronous=NORMAL`.

{table(["", "plain", "with its event", "share of the rate"], rows)}"""


def _count(text: str, noun: str) -> str:
    return f"1 {noun}" if text == "1" else f"{text} {noun}s"
