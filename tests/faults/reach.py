"""`python -m tests.faults.reach [--kind embedded] [--only NAME …]`: how far one user's or address's allowance reaches.

One account, from one address, does as much as it is let do of one thing. Meanwhile another user changes something,
signs in and opens a socket, and each is measured: promised is less than twice the idle time and half a second.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import psycopg

from tests import services
from tests.services import guard
from tests.support.raw import PING, TEXT, RawSocket
from tests.support.stacks import PASSWORD, Server, Stack, User

#: What tests switch off.
LIMITS = {
    "WEBSOCKET_RATE_LIMIT": "200/10s",
    "WEBSOCKET_MAX_CONNECTIONS_PER_USER": "50",
    "HTTP_READ_LIMIT": "6000/1m",
}
#: Where the attacks come from; the measured user is at 127.0.0.1.
ATTACKER = "127.0.0.2"
#: How often each is measured, and seconds that an attack has to come to its height.
TIMES, HEIGHT_SECONDS = 8, 3.0
#: The promise: so many times the idle time, and so many seconds more.
FACTOR, EXTRA_SECONDS = 2, 0.5
EDITS, COMMENTS, TASKS = 2000, 200, 1000


@dataclass(frozen=True)
class Target:
    """What an attack is given."""

    port: int
    name: str
    token: str
    project: int
    task: int
    database: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Asking = Callable[[httpx.AsyncClient], Awaitable[object]]


def ask_forever(target: Target, at_once: int, ask: Asking, **headers: str) -> None:
    """Have so many at once ask again and again."""

    async def one(client: httpx.AsyncClient) -> None:
        while True:
            with suppress(httpx.HTTPError):
                await ask(client)

    async def all_of_them() -> None:
        transport = httpx.AsyncHTTPTransport(local_address=ATTACKER, limits=httpx.Limits(max_connections=None))
        async with httpx.AsyncClient(base_url=target.url, transport=transport, timeout=60, headers=headers) as client:
            await asyncio.gather(*(one(client) for _ in range(at_once)))

    asyncio.run(all_of_them())


def read_forever(target: Target, path: str, at_once: int = 50) -> None:
    """Read one thing, as the account."""
    ask_forever(target, at_once, lambda client: client.get(path), Authorization=f"Bearer {target.token}")


# --- The ways, each in a process of its own ---------------------------------------------------


def right_passwords(target: Target) -> None:
    given = {"username": target.name, "password": PASSWORD}
    ask_forever(target, 10, lambda client: client.post("/api/token/", json=given))


def wrong_passwords(target: Target) -> None:
    names = iter(range(10**9))
    ask_forever(
        target, 40, lambda client: client.post("/api/token/", json={"username": f"x{next(names)}", "password": "x"})
    )


def locked_row(target: Target) -> None:
    """PostgreSQL alone; changes of the row are sent, and given up, again and again."""
    if not target.database.startswith("postgres"):
        time.sleep(3600)
    with psycopg.connect(target.database) as connection:
        connection.execute("SELECT 1 FROM taskrealtime_task WHERE id = %s FOR UPDATE", [target.task])

        async def patch(client: httpx.AsyncClient) -> None:
            await client.patch(f"/api/tasks/{target.task}/", json={"title": "B"}, timeout=1)

        ask_forever(target, 20, patch, Authorization=f"Bearer {target.token}")


def event_pages(target: Target) -> None:
    read_forever(target, f"/api/projects/{target.project}/events/?since=0&limit=2000")


def boards(target: Target) -> None:
    read_forever(target, f"/api/projects/{target.project}/board/")


def comments(target: Target) -> None:
    read_forever(target, f"/api/tasks/{target.task}/comments/?page_size=200")


def small_reads(target: Target) -> None:
    read_forever(target, "/api/projects/")


def long_polls(target: Target) -> None:
    """A hundred and fifty wait, and the same account makes event after event."""

    async def poll(client: httpx.AsyncClient) -> None:
        path = f"/api/projects/{target.project}/events/"
        head = (await client.get(path, params={"since": 10**9})).json().get("head", 0)
        await client.get(path, params={"since": head, "wait": 20})
        await client.patch(f"/api/tasks/{target.task}/", json={"title": str(time.monotonic())})

    ask_forever(target, 150, poll, Authorization=f"Bearer {target.token}")


def replays(target: Target) -> None:
    """Sockets that ask for everything and read nothing."""
    held = []
    for since in range(24):
        socket = RawSocket(target.port, token=target.token, buffer=4096)
        socket.send_event("join_project", {"project_id": target.project, "since": since})
        held.append(socket)
    time.sleep(3600)


def frames(target: Target, opcode: int) -> None:
    """Empty frames, without end; another socket where one is cut."""
    while True:
        with suppress(OSError, IndexError, ConnectionError):
            socket = RawSocket(target.port, token=target.token)
            socket.send_frame(opcode, b"", final=opcode == PING)
            while True:
                socket.send_frame(opcode if opcode == PING else 0, b"", final=opcode == PING)


def pings(target: Target) -> None:
    frames(target, PING)


def empty_pieces(target: Target) -> None:
    frames(target, TEXT)


def handshakes(target: Target) -> None:
    """Sockets that do not sign in, more than there are places."""
    held = []
    while True:
        with suppress(OSError, IndexError, ConnectionError):
            held.append(RawSocket(target.port))
        if len(held) >= 900:  # The descriptors of this process.
            held.pop(0).close()


def slow_readers(target: Target) -> None:
    """Large answers, of which a kibibyte is read now and then."""

    async def read_slowly(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", f"/api/projects/{target.project}/board/") as answer:
            async for _ in answer.aiter_bytes(1024):
                await asyncio.sleep(5)

    ask_forever(target, 50, read_slowly, Authorization=f"Bearer {target.token}")


def messages(target: Target) -> None:
    """Changes by sockets, as fast as they go."""

    async def comment(client: httpx.AsyncClient) -> None:
        await client.post(f"/api/tasks/{target.task}/comments/", json={"content": "x" * 10_000})

    ask_forever(target, 50, comment, Authorization=f"Bearer {target.token}")


WAYS: dict[str, Callable[[Target], None]] = {
    way.__name__: way
    for way in (
        right_passwords, wrong_passwords, locked_row, event_pages, boards, comments, small_reads, long_polls, replays,
        pings, empty_pieces, handshakes, slow_readers, messages,
    )
}  # fmt: skip


# --- What is measured -------------------------------------------------------------------------


@dataclass
class Times:
    """Seconds of what another user does."""

    change: list[float]
    sign_in: list[float]
    socket: list[float]

    def __str__(self) -> str:
        return "  ".join(
            f"{statistics.median(seconds) * 1000:5.0f} /{max(seconds) * 1000:5.0f}" for seconds in self.each()
        )

    def each(self) -> tuple[list[float], ...]:
        return self.change, self.sign_in, self.socket

    def missed(self, idle: "Times") -> list[str]:
        """Name what took longer than promised, at its slowest."""
        names = ("change", "sign-in", "socket")
        bounds = [FACTOR * statistics.median(seconds) + EXTRA_SECONDS for seconds in idle.each()]
        return [name for name, seconds, most in zip(names, self.each(), bounds, strict=True) if max(seconds) >= most]


def measure(server: Server, user: User, project: int) -> Times:
    """Do each of the three, again and again."""
    times = Times([], [], [])
    with server.api(user) as api, httpx.Client(base_url=server.url, timeout=120) as nobody:
        for _ in range(TIMES):
            with timed(times.change):
                answer = api.post("/api/tasks/", json={"project_id": project, "title": "A"})
                assert answer.status_code == 201, answer.text
            with timed(times.sign_in):
                answer = nobody.post("/api/token/", json={"username": user.username, "password": user.password})
                assert answer.status_code == 200, answer.text
            with timed(times.socket), server.connect(user) as socket:
                assert socket.next()["event"] == "connected"
    return times


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds.append(time.monotonic() - began)


def fill(stack: Stack, project: int) -> int:
    """A board and a log of the size that one account may make; returns a task with long comments."""
    code = (
        "from taskrealtime.engine import log\n"
        "from taskrealtime.models import Task, Comment\n"
        "Task.objects.bulk_create(Task(project_id=p, title='T', description='d' * 400, position=f'a{n:05}')"
        " for n in range(tasks))\n"
        "task = Task.objects.filter(project_id=p).first()\n"
        "Comment.objects.bulk_create(Comment(task=task, content='**x** `y` ' * 999) for n in range(comments))\n"
        "with log.atomic():\n"
        "    for n in range(edits):\n"
        "        task.description = f'{n:05}' * 4000\n"
        "        task.save()\n"
        "result = task.id"
    )
    return int(stack.run(code, p=project, tasks=TASKS, comments=COMMENTS, edits=EDITS))


def run(kind: str, ways: list[str]) -> int:
    """Measure all of them; return how many promises were missed."""
    stack = Stack(kind)
    missed = 0
    try:
        stack.env |= LIMITS
        server = stack.server(serve=True)
        ann, eve = stack.user(), stack.user()
        project, theirs = server.project(ann), server.project(eve)
        task = fill(stack, theirs)
        target = Target(server.port, eve.username, server.token(eve), theirs, task, stack.env["DATABASE_URL"])
        measure(server, ann, project)  # What is imported and made at first is no one's fault.
        print_line(f"{'':16} {'change':>12} {'sign-in':>13} {'socket':>13}   (median / slowest, ms)")
        for name in ways:
            # Before each: what else the machine does changes.
            idle = measure(server, ann, project)
            print_line(f"{'idle':16} {idle}   load {os.getloadavg()[0]:.1f}")
            attack = multiprocessing.get_context("spawn").Process(target=WAYS[name], args=(target,), daemon=True)
            attack.start()
            time.sleep(HEIGHT_SECONDS)
            times = measure(server, ann, project)
            if not attack.is_alive():
                raise AssertionError(f"The attack {name} ended by itself.")
            attack.kill()
            attack.join()
            late = times.missed(idle)
            missed += len(late)
            load = os.getloadavg()[0]
            print_line(f"{name:16} {times}   load {load:.1f}{'   MISSED: ' + ', '.join(late) if late else ''}")
            time.sleep(HEIGHT_SECONDS)
    finally:
        stack.close()
    return missed


def print_line(text: str) -> None:
    """Print."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run and report; 1 where a promise was missed, which on a busy machine may be the machine's."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.reach", description=__doc__)
    parser.add_argument("--kind", choices=["deployed", "embedded"], default="deployed")
    parser.add_argument("--only", nargs="*", choices=list(WAYS), default=list(WAYS))
    given = parser.parse_args()
    services.set_environment(runs_tests=False)
    print_line(f"{given.kind}; the load of the machine is {os.getloadavg()[0]:.1f}")
    try:
        missed = run(given.kind, given.only)
    finally:
        guard.end_all()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
