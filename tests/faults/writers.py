"""Writers: over sockets and HTTP with keys, and foreign processes that save models."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from tests.services import guard
from tests.services.process import scratch
from tests.support.stacks import ROOT, User

from .clients import ANSWER_TIME, NO_ANSWER, NO_CONNECTION, Who, backoff, http_client
from .network import Link
from .record import ACKNOWLEDGED, REFUSED, Operation, Record

#: Seconds between two changes of one writer, on average.
PACE = 0.25
#: HTTP statuses that decide nothing: the request is sent again.
INDEFINITE = {408, 429}
#: Error codes that decide nothing.
INDEFINITE_CODES = {"internal", "rate_limited"}
STATUSES = ("todo", "in_progress", "review", "completed")


class Verdict(NamedTuple):
    """A definite answer."""

    outcome: str
    answer: Any


class Request(NamedTuple):
    """One change as sockets and HTTP take it."""

    event: str | None
    data: dict[str, Any]
    method: str
    path: str
    body: dict[str, Any]


@dataclass
class World:
    """What the writers know of and share."""

    record: Record
    chance: Random
    projects: list[int]
    #: The user that enters and leaves the first project, by its only keeper.
    guest: User
    #: The queue of the help desk, whose tickets are live.
    queue: int
    #: By project the tasks that all writers may update or comment on; and the tickets of the queue.
    tasks: dict[int, list[int]] = field(default_factory=dict)
    tickets: list[int] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def operation(self, kind: str, writer: str, project: int, **fields: Any) -> Operation:
        """A new operation, with a unique token."""
        token = f"{kind} {next(self._numbers)} {self.chance.getrandbits(40):010x}"
        operation = Operation(token, kind, writer, project, began=time.time(), **fields)
        self.record.operations.append(operation)
        return operation


def request_of(operation: Operation, world: World, chance: Random) -> Request:
    """How the operation is asked for. It must be the same each time that it is sent."""
    project, task, token = operation.project, operation.task, operation.token
    match operation.kind:
        case "create":
            fields = {"project_id": project, "title": token}
            return Request("task_create", fields, "POST", "/tasks/", fields)
        case "update":
            changes = {"title": token}
            return Request("task_update", {"task_id": task, "changes": changes}, "PATCH", f"/tasks/{task}/", changes)
        case "move":
            to = {"status": chance.choice(STATUSES)}
            return Request("task_move", {"task_id": task, **to}, "POST", f"/tasks/{task}/move/", to)
        case "delete":
            return Request("task_delete", {"task_id": task}, "DELETE", f"/tasks/{task}/", {})
        case "restore":
            return Request("task_restore", {"task_id": task}, "POST", f"/tasks/{task}/restore/", {})
        case "comment":
            text = {"content": token}
            return Request("new_comment", {"task_id": task, **text}, "POST", f"/tasks/{task}/comments/", text)
        case "rename":
            return Request(None, {}, "PATCH", f"/projects/{project}/", {"name": token})
        case "add":
            return Request(None, {}, "POST", f"/projects/{project}/members/", {"username": world.guest.username})
        case "remove":
            return Request(None, {}, "DELETE", f"/projects/{project}/members/{operation.user}/", {})
    raise AssertionError(operation.kind)


class Writer:
    """A client that changes things, one after the other, each sent again until there is a definite answer."""

    def __init__(
        self, name: str, who: Who, world: World, link: Link, chance: Random, *, keeps_guest: bool = False
    ) -> None:
        self.name = name
        self.world = world
        self.link = link
        #: Whether it is the one that renames the first project and adds and removes the guest.
        self._keeps_guest = keeps_guest
        self._guest_is_in = True
        self._who = who
        self._chance = chance
        #: Its own tasks, by whether they are deleted; no other writer deletes or restores them.
        self._own: dict[int, tuple[int, bool]] = {}
        self._socket: ClientConnection | None = None
        self._stopping = self._finished = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Be ready to carry out commands."""
        await self.link.start()
        self._http = http_client(self.link.port, self._who)

    async def start(self) -> None:
        """Write from now on."""
        await self.open()
        self._task = asyncio.create_task(self._write())

    async def finish(self, seconds: float) -> None:
        """Bring the present change to an answer, and end."""
        if self._finished:
            return
        self._stopping = self._finished = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._drop_socket()
        await self._http.aclose()
        await self.link.stop()

    async def _write(self) -> None:
        while not self._stopping:
            if (operation := self._choose()) is not None:
                await self.carry_out(operation)
            await asyncio.sleep(self._chance.random() * 2 * PACE)
        if self._keeps_guest and not self._guest_is_in:
            await self.carry_out(self._guest_operation())

    # -- what to do --

    def _choose(self) -> Operation | None:
        project = self._chance.choice(self.world.projects)
        tasks = self.world.tasks.setdefault(project, [])
        if self._keeps_guest and self._chance.random() < 0.2:
            return self._guest_operation()
        if self._keeps_guest and self._chance.random() < 0.1:
            return self._operation("rename", project)
        kinds = {"create": 4, "update": 3, "move": 3, "comment": 3, "delete": 1, "restore": 1}
        kind = self._chance.choices(list(kinds), list(kinds.values()))[0]
        if kind == "create":
            # Boards stay of a size that one can fetch.
            return self._operation(kind, project) if len(tasks) < 150 else None
        if kind in ("delete", "restore"):
            own = [id for id, (_, deleted) in self._own.items() if deleted == (kind == "restore")]
            if not own:
                return None
            task = self._chance.choice(own)
            return self._operation(kind, self._own[task][0], task=task)
        return self._operation(kind, project, task=self._chance.choice(tasks)) if tasks else None

    def _guest_operation(self) -> Operation:
        kind = "remove" if self._guest_is_in else "add"
        return self._operation(kind, self.world.projects[0], user=self.world.guest.id)

    def _operation(self, kind: str, project: int, **fields: Any) -> Operation:
        return self.world.operation(kind, self.name, project, **fields)

    # -- how --

    async def carry_out(self, operation: Operation) -> None:
        """Send it until there is a definite answer; note that."""
        request = request_of(operation, self.world, self._chance)
        key = f"{self.name}-{operation.token}"[:64]
        verdict = await self._send(operation, request, key)
        while verdict is None:
            await asyncio.sleep(backoff(operation.attempts - 1, self._chance))
            verdict = await self._send(operation, request, key)
        operation.outcome, operation.answer = verdict
        operation.ended = time.time()
        self._learn(operation)

    async def _send(self, operation: Operation, request: Request, key: str) -> Verdict | None:
        operation.attempts += 1
        if request.event is not None and self._chance.random() < 0.6:
            return await self._by_socket(request, key)
        return await self._by_http(request, key)

    def _learn(self, operation: Operation) -> None:
        if operation.outcome != ACKNOWLEDGED:
            return
        match operation.kind:
            case "create":
                task = operation.answer.get("task", operation.answer)
                operation.task = task.get("id", task.get("task_id"))
                assert operation.task is not None
                if self._chance.random() < 0.3:
                    self._own[operation.task] = (operation.project, False)
                self.world.tasks.setdefault(operation.project, []).append(operation.task)
            case "delete" | "restore":
                assert operation.task is not None
                self._own[operation.task] = (operation.project, operation.kind == "delete")
            case "add" | "remove":
                self._guest_is_in = operation.kind == "add"

    async def _by_http(self, request: Request, key: str) -> Verdict | None:
        try:
            answer = await self._http.request(
                request.method,
                request.path,
                headers={"Idempotency-Key": key},
                json=None if request.method == "DELETE" else request.body,
            )
            if answer.status_code >= 500 or answer.status_code in INDEFINITE:
                return None
            received = {} if answer.status_code == 204 else answer.json()
        except NO_ANSWER:
            return None
        return Verdict(ACKNOWLEDGED, received) if answer.is_success else Verdict(REFUSED, received["code"])

    async def _by_socket(self, request: Request, key: str) -> Verdict | None:
        try:
            async with asyncio.timeout(ANSWER_TIME):
                socket = await self._open_socket()
                envelope = {"event": request.event, "data": request.data, "id": key, "key": key}
                await socket.send(json.dumps(envelope))
                while (frame := json.loads(await socket.recv())).get("id") != key:
                    pass
        except NO_CONNECTION:
            await self._drop_socket()
            return None
        if frame["event"] == "ack":
            return Verdict(ACKNOWLEDGED, frame["data"])
        code = frame["data"]["code"]
        return None if code in INDEFINITE_CODES else Verdict(REFUSED, code)

    async def _open_socket(self) -> ClientConnection:
        if self._socket is None:
            self._socket = await connect(
                f"ws://127.0.0.1:{self.link.port}/ws/",
                additional_headers={"Authorization": f"Bearer {self._who.token}"},
                ping_interval=None,
                max_queue=None,
                compression=None,
                proxy=None,
            )
        return self._socket

    async def _drop_socket(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None


# --- Foreign processes -----------------------------------------------------------------------------


#: The program of a Django process, and those of others, by the kind of database: they write rows of a live model alone.
DJANGO = (sys.executable, "-m", "tests.faults.foreign")
OTHERS = {
    "deployed": ("node", "tests/faults/records_writer.js"),
    "embedded": (sys.executable, "-m", "tests.faults.records_writer"),
}


class ForeignWriter:
    """A process that writes rows with no server of its own; its last operation before a kill is unknown."""

    def __init__(
        self, name: str, env: Mapping[str, str], world: World, chance: Random, program: Sequence[str] = DJANGO
    ) -> None:
        self.name = name
        self.world = world
        self._program = program
        self._env = dict(env)
        self._chance = chance
        self._popen: subprocess.Popen[str] | None = None
        #: Its environment and clock from the next start on.
        self._next: tuple[dict[str, str], float] = ({}, 0.0)
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write from now on, in the given pace."""
        self._task = asyncio.create_task(self._write())

    async def finish(self) -> None:
        """End the process after its present change."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        async with self._turn:
            await asyncio.to_thread(self._reap)

    def kill(self) -> None:
        """End the process as a crash would; the next change starts another."""
        if self._popen is not None:
            self._popen.kill()

    def become(self, *, without: tuple[str, ...] = (), clock: float = 0.0, **env: str) -> None:
        """Be another process from the next change on: without these settings, with those, with a wrong clock."""
        kept = {name: value for name, value in self._env.items() if name not in without}
        self._next = (kept | env, clock)
        self.kill()

    async def _write(self) -> None:
        while True:
            if self._program is not DJANGO or self._chance.random() < 0.4:
                await self.change_ticket()
            else:
                await self._change_task()
            await asyncio.sleep(self._chance.random() * 4 * PACE)

    async def _change_task(self) -> None:
        project = self._chance.choice(self.world.projects)
        tasks = self.world.tasks.setdefault(project, [])
        kind = self._chance.choice(["create", "update", "comment"]) if tasks else "create"
        if kind != "create" or len(tasks) < 150:
            await self.carry_out(kind, project, task=self._chance.choice(tasks) if kind != "create" else None)

    async def change_ticket(self) -> None:
        """Create a ticket, or give one of the last few, which all writers change, another title."""
        tickets = self.world.tickets[-5:]
        if tickets and (self._chance.random() < 0.7 or len(self.world.tickets) >= 150):
            await self.carry_out("retitle", self.world.queue, task=self._chance.choice(tickets))
        else:
            await self.carry_out("ticket", self.world.queue)

    async def carry_out(self, kind: str, project: int, task: int | None = None) -> Operation:
        """One change, sent once."""
        operation = self.world.operation(kind, self.name, project, task=task)
        await self._send(operation, operation.token)
        if operation.outcome == ACKNOWLEDGED and operation.task is not None:
            if kind == "create":
                self.world.tasks.setdefault(project, []).append(operation.task)
            elif kind == "ticket":
                self.world.tickets.append(operation.task)
        return operation

    async def burst(self, project: int, events: int) -> bool:
        """So many events at once; whether they were made."""
        operation = self.world.operation("burst", self.name, project)
        await self._send(operation, f"{operation.token}:{events}")
        return operation.outcome == ACKNOWLEDGED

    async def _send(self, operation: Operation, token: str) -> None:
        operation.attempts = 1
        line = json.dumps(
            {"kind": operation.kind, "token": token, "project": operation.project, "task": operation.task}
        )
        async with self._turn:
            answer = await asyncio.shield(asyncio.create_task(asyncio.to_thread(self._exchange, line)))
        operation.ended = time.time()
        # An error says that the transaction failed, or that the connection broke: then it may have been committed.
        if answer is not None and "error" not in answer:
            operation.outcome, operation.answer = ACKNOWLEDGED, answer
            operation.task = operation.task if operation.task is not None else answer["task"]

    def _exchange(self, line: str) -> dict[str, Any] | None:
        """What the process answers; None where it died."""
        try:
            process = self._running()
            assert process.stdin
            assert process.stdout
            process.stdin.write(line + "\n")
            process.stdin.flush()
            received = process.stdout.readline()
        except OSError:
            received = ""
        if not received.endswith("\n"):
            self._reap()
            return None
        answer: dict[str, Any] = json.loads(received)
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._popen is None or self._popen.poll() is not None:
            self._reap()
            env, clock = self._next if self._next[0] else (self._env, 0.0)
            with (scratch() / f"faults-{self.name}.log").open("ab") as log:
                self._popen = subprocess.Popen(
                    [*self._program, *([str(clock)] if clock else [])],
                    cwd=ROOT,
                    env=env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
            guard.watch_process(self._popen)
        return self._popen

    def _reap(self) -> None:
        # Taken first: at the end of a run it is closed while a thread still waits for its answer.
        popen, self._popen = self._popen, None
        if popen is not None:
            popen.kill()
            popen.wait()
            for pipe in (popen.stdin, popen.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            guard.forget_process(popen)
