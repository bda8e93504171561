"""Clients that follow rooms and record all that they receive: over sockets, by long polling, and the page's own."""

import asyncio
import itertools
import json
import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.services import guard
from tests.services.process import scratch
from tests.support.stacks import ROOT, User

from .network import Link, Pipe
from .record import Entry, Frame, History

#: Seconds: between two pings of a client, without a sign of life before it gives up, for an answer.
PING_EVERY, SILENCE, ANSWER_TIME = 1.5, 6.0, 6.0
#: Seconds before a client returns, at most: the first time, and ever.
FIRST_WAIT, LONGEST_WAIT = 0.3, 2.0
#: What a connection that could not be made raises.
NO_CONNECTION = (OSError, TimeoutError, InvalidHandshake, InvalidMessage, ConnectionClosed, EOFError)
#: What a request that has no answer raises.
NO_ANSWER = (httpx.TransportError, ValueError)


@dataclass(frozen=True)
class Who:
    """A user with a token."""

    user: User
    token: str


def backoff(failures: int, chance: Random) -> float:
    """Seconds to wait after so many failures in a row."""
    return chance.random() * min(LONGEST_WAIT, FIRST_WAIT * 2**failures)


def http_client(port: int, who: Who) -> httpx.AsyncClient:
    """Requests through a link; a connection each, so that every one may meet another server."""
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/api",
        headers={"Authorization": f"Bearer {who.token}"},
        timeout=ANSWER_TIME,
        limits=httpx.Limits(max_keepalive_connections=0),
        verify=False,
    )


def project_of(room: str) -> int | None:
    """The project whose room this is; None: it is one of a live model."""
    kind, _, key = room.rpartition(".")
    return int(key) if kind == "project" else None


class Follower:
    """What all these clients have in common: their user, their number in each room, their record."""

    def __init__(self, name: str, who: Who, rooms: Sequence[str], link: Link, chance: Random) -> None:
        self.name = name
        self.who = who
        self.link = link
        self.chance = chance
        self.history = History(name, who.user.id, list(rooms))
        #: By room the last number, and the epoch that came with it.
        self.positions: dict[str, int] = {}
        self.epochs: dict[str, str] = {}
        #: Closed while the client is away or asleep: it does nothing then.
        self.awake = asyncio.Event()
        self.awake.set()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self) -> None:
        """Take a snapshot of each room and follow it from there."""
        await self.link.start()
        self._http = http_client(self.link.port, self.who)
        for room in self.history.rooms:
            await self.take_snapshot(room)
        self._task = asyncio.create_task(self.live())

    async def stop(self) -> None:
        """Leave."""
        if self._stopped:
            return
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._http.aclose()
        await self.link.stop()

    async def live(self) -> None:
        """Follow the rooms until cancelled."""
        raise NotImplementedError

    async def go_away(self) -> None:
        """Disconnect, and stay away until `come_back`."""
        self.awake.clear()
        for pipe in self.link.pipes():
            pipe.injected.append("away")
            pipe.cut()

    def come_back(self) -> None:
        """Live again."""
        self.awake.set()

    async def take_snapshot(self, room: str) -> None:
        """Fetch the room's state; tried until it comes."""
        project = project_of(room)
        path = f"/rooms/{room}/" if project is None else f"/projects/{project}/board/"
        for failures in itertools.count():
            await self.awake.wait()
            with suppress(*NO_ANSWER):
                answer = await self._http.get(path)
                if answer.status_code == 200:
                    state = answer.json()
                    self.history.note("snapshot", room=room, seq=state["seq"], data=state)
                    self.positions[room] = state["seq"]
                    self.epochs[room] = state["epoch"]
                    return
            await asyncio.sleep(backoff(failures, self.chance))

    def receive(self, frame: Frame, connection: int) -> Entry:
        """Record a logged event."""
        return self.history.note("event", connection=connection, room=frame["room"], seq=frame["seq"], frame=frame)


# --- Sockets ------------------------------------------------------------------------------------


class SocketClient(Follower):
    """A client on a plain socket: one tab of a browser."""

    def __init__(self, name: str, who: Who, rooms: Sequence[str], link: Link, chance: Random) -> None:
        super().__init__(name, who, rooms, link, chance)
        self._connections = itertools.count(1)
        self.connected = False

    async def live(self) -> None:
        failures = 0
        while True:
            await self.awake.wait()
            good = await self._one_connection()
            failures = 0 if good else failures + 1
            wait = backoff(failures, self.chance)
            self.history.note("waiting", data=wait)
            await asyncio.sleep(wait)

    async def _one_connection(self) -> bool:
        """Connect and stay until that ends; whether it was any good."""
        signs_in_by_header = self.chance.random() < 0.5
        headers = {"Authorization": f"Bearer {self.who.token}"} if signs_in_by_header else {}
        try:
            socket = await connect(
                f"ws://127.0.0.1:{self.link.port}/ws/",
                additional_headers=headers,
                open_timeout=ANSWER_TIME,
                close_timeout=0.5,
                ping_interval=None,
                max_queue=None,
                compression=None,
                proxy=None,
            )
        except NO_CONNECTION:
            return False
        talk = _Conversation(self, socket, next(self._connections), signs_in_by_header)
        try:
            await talk.run()
        finally:
            self.connected = False
            socket.transport.abort()
        return talk.welcome


class _Conversation:
    """One connection of a `SocketClient`."""

    def __init__(self, client: SocketClient, socket: ClientConnection, number: int, by_header: bool) -> None:
        self.client = client
        self.socket = socket
        self.number = number
        self.by_header = by_header
        self.pipe: Pipe | None = client.link.pipe_of(socket.local_address[1])
        self.welcome = False
        #: Whether the client gave up, because its user room could not be resumed.
        self.refused = False
        self.user_room = f"user.{client.who.user.id}"
        #: Rooms whose reset's snapshot is on its way, with the last number that came meanwhile.
        self.resetting: dict[str, int] = {}
        self._ids = itertools.count(1)
        #: Rooms that it is being let into.
        self._entering: set[str] = set()
        self._asked: dict[str, tuple[str, int | None, asyncio.Future[Frame]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sign in, follow all rooms, listen until it ends."""
        code: int | str = "client"
        self._spawn(self._begin())
        try:
            while True:
                async with asyncio.timeout(SILENCE):
                    text = await self.socket.recv()
                self._receive(json.loads(text))
        except TimeoutError:
            code = "silence"
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
        finally:
            for task in self._tasks:
                task.cancel()
            self._note_end(code)

    def _note_end(self, code: int | str) -> None:
        injected = list(self.pipe.injected) if self.pipe else ["no server took it"]
        if self.refused:
            injected.append("refused connect")
        if isinstance(code, str):
            injected.append(code)  # The client's own doing.
        server = self.pipe.server if self.pipe else None
        data = {"server": server, "code": code, "injected": injected}
        self.client.history.note("closed", connection=self.number, data=data)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self) -> None:
        data: dict[str, Any] = {} if self.by_header else {"token": self.client.who.token}
        while (await self._enter(self.user_room, "connect", data))["event"] == "error":
            if self.by_header:
                # The user room may be asked for once; the next connection continues from the old number.
                self.socket.transport.abort()
                self.refused = True
                return
            await asyncio.sleep(0.5)
        for room in self.client.history.rooms:
            self._spawn(self._follow(room))
        while True:
            await asyncio.sleep(PING_EVERY)
            with suppress(ConnectionClosed):
                await self._send("ping", {}, id=f"ping-{next(self._ids)}")

    async def _follow(self, room: str) -> None:
        """Join until the server agrees; where it lets us in only from a snapshot, take one.

        A removal may arrive while this continues: the user was added and removed again meanwhile.
        """
        if room in self._entering:
            return
        self._entering.add(room)
        project = project_of(room)
        while True:
            if project is None:
                answer = await self._enter(room, "join_room", {"room": room})
            else:
                answer = await self._enter(room, "join_project", {"project_id": project})
            if answer["event"] == "ack":
                break
            await asyncio.sleep(0.2 + self.client.chance.random() * 0.6)
        self._entering.discard(room)
        if room in self.resetting:
            await self.client.take_snapshot(room)
            self.client.positions[room] = max(self.client.positions[room], self.resetting.pop(room))

    async def _enter(self, room: str, event: str, data: dict[str, Any]) -> Frame:
        since = self.client.positions.get(room)
        if since is not None:
            data |= {"since": since, "epoch": self.client.epochs[room]}
        id = f"join-{next(self._ids)}"
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[id] = (room, since, answer)
        await self._send(event, data, id=id)
        return await answer

    async def _send(self, event: str, data: dict[str, Any], **envelope: Any) -> None:
        with suppress(ConnectionClosed):
            await self.socket.send(json.dumps({"event": event, "data": data, **envelope}))

    def _receive(self, frame: Frame) -> None:
        id, event = frame.get("id"), frame["event"]
        if event == "connected" and not self.welcome:
            self.welcome = self.client.connected = True
            server = self.pipe.server if self.pipe else None
            self.client.history.note("connected", connection=self.number, data={"server": server})
            if id is None:
                # If no request resumes it, the user room goes live by itself.
                self._joined(self.user_room, None, frame["data"])
        if id in self._asked:
            room, since, answer = self._asked.pop(id)
            if event == "error":
                self.client.history.note("error", connection=self.number, room=room, data=frame["data"])
            else:
                self._joined(room, since, frame["data"])
            if not answer.done():
                answer.set_result(frame)
        elif "seq" in frame:
            self._hear(frame)
        elif event == "removed_from_project":
            room = f"project.{frame['data']['project_id']}"
            self.client.history.note("removed", connection=self.number, room=room)
            self._spawn(self._follow(room))
        elif event == "error":
            self.client.history.note("error", connection=self.number, data=frame["data"])

    def _joined(self, room: str, since: int | None, data: dict[str, Any]) -> None:
        facts = {"since": since, "epoch": data["epoch"], "reset": data["reset"]}
        self.client.history.note("joined", connection=self.number, room=room, seq=data["seq"], data=facts)
        if data["reset"] and room != self.user_room:
            self.resetting[room] = 0
        elif data["reset"]:
            self.client.positions[room] = data["seq"]
        elif since is None:
            self.client.positions.setdefault(room, data["seq"])
        self.client.epochs[room] = data["epoch"]

    def _hear(self, frame: Frame) -> None:
        room, seq = frame["room"], frame["seq"]
        self.client.receive(frame, self.number)
        if room in self.resetting:
            self.resetting[room] = seq
        else:
            self.client.positions[room] = max(self.client.positions.get(room, 0), seq)


# --- Long polling -------------------------------------------------------------------------------


class PollClient(Follower):
    """A client behind a proxy that blocks sockets."""

    async def live(self) -> None:
        numbers = itertools.count(1)
        await asyncio.gather(*(self._poll(room, numbers) for room in self.history.rooms))

    async def _poll(self, room: str, numbers: "itertools.count[int]") -> None:
        project, failures = project_of(room), 0
        path = f"/rooms/{room}/events/" if project is None else f"/projects/{project}/events/"
        while True:
            await self.awake.wait()
            since = self.positions[room]
            query: dict[str, Any] = {"since": since, "epoch": self.epochs[room], "wait": ANSWER_TIME - 3}
            try:
                answer = await self._http.get(path, params=query)
                if answer.status_code != 200:
                    raise ValueError(answer.status_code)
                received = answer.json()
            except NO_ANSWER:
                failures += 1
                await asyncio.sleep(backoff(failures, self.chance))
                continue
            failures = 0
            number = next(numbers)
            facts = {"since": since, "epoch": received["epoch"], "reset": received["reset"]}
            self.history.note("joined", connection=number, room=room, seq=received["head"], data=facts)
            for frame in received["events"]:
                self.receive(frame, number)
            self.positions[room] = received["seq"]
            if received["reset"]:
                await self.take_snapshot(room)


# --- The page's own client ------------------------------------------------------------------------


class Pages:
    """Pages that hold a `TaskManagerWebSocket`, in one Node process (`js_clients.js`)."""

    def __init__(self, pages: Sequence[tuple[str, Who, Link]], projects: Sequence[int]) -> None:
        self.links = {name: link for name, _, link in pages}
        self.projects = list(projects)
        rooms = [f"project.{id}" for id in projects]
        self.histories = {name: History(name, who.user.id, list(rooms), wire=False) for name, who, _ in pages}
        self._pages = pages
        self._finished = threading.Event()

    async def start(self) -> None:
        """Open the pages."""
        for link in self.links.values():
            await link.start()
        self._open()

    def _open(self) -> None:
        clients = [{"name": name, "port": link.port, "token": who.token} for name, who, link in self._pages]
        with (scratch() / "faults-pages.log").open("ab") as log:
            self._node = subprocess.Popen(
                ["node", "tests/faults/js_clients.js"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={"PATH": os.environ["PATH"]},
                start_new_session=True,
            )
        guard.watch_process(self._node)
        self._say({"clients": clients, "projects": self.projects})
        threading.Thread(target=self._listen, daemon=True).start()

    def _say(self, line: dict[str, Any]) -> None:
        assert self._node.stdin
        self._node.stdin.write(json.dumps(line) + "\n")
        self._node.stdin.flush()

    def _listen(self) -> None:
        assert self._node.stdout
        for line in self._node.stdout:
            received = json.loads(line)
            history, what, data = self.histories[received["client"]], received["what"], received["data"]
            if what == "event":
                history.note("event", room=data["room"], seq=data["seq"], frame=data)
            elif what in ("snapshot", "board"):
                history.note(what, room=f"project.{data['project']['id']}", seq=data["seq"], data=data)
            else:
                history.note(what, data=data)
        self._finished.set()

    def positions(self, name: str) -> dict[str, int]:
        """Where that page is in each room."""
        entries = self.histories[name].entries
        return {entry.room: entry.seq for entry in list(entries) if entry.what in ("event", "snapshot")}

    async def finish(self) -> None:
        """Have every page report the boards that it holds, and end them."""
        self._say({"finish": True})
        await asyncio.to_thread(self._finished.wait, 10)

    async def stop(self) -> None:
        """End whatever still runs."""
        self._node.kill()
        await asyncio.to_thread(self._node.communicate)
        guard.forget_process(self._node)
        for link in self.links.values():
            await link.stop()
