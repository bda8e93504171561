"""`python -m tests.faults.hostile [--bodies N] [--megabytes N] [--readers N] [--seed N]`: what hostile requests cost.

A thousand bodies of every shape and size go to `manage.py serve`, a hundred at once, from twenty addresses of this
machine. Then clients ask for much and read nothing. Meanwhile `/healthz` is asked every 20 ms.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection

from tests import services
from tests.services import guard
from tests.services.process import Process, free_port, scratch
from tests.support.raw_http import KIB, RawHTTP, Usage
from tests.support.stacks import ROOT, migrated_sqlite, plain_environment

MIB = 1024 * KIB
AT_ONCE, ADDRESSES = 100, 20
#: Seconds between two questions to `/healthz`.
PROBE_PAUSE_SECONDS = 0.02
#: Seconds that the server is asked while nothing else happens.
QUIET_SECONDS = 3.0
#: Bytes that one client sends at most, whatever it claims: the server is on this machine, too.
MAX_SENT = 64 * MIB
#: Seconds that one attack may take.
ATTACK_SECONDS = 60.0
#: What a hostile request may be answered. `cut`: the connection ended without an answer that the client got to read.
STATUSES = {200, 302, 400, 401, 403, 404, 405, 406, 408, 413, 415, 429, 431, 503}
#: The promises of an idle machine.
MAX_HEALTH_SECONDS, MAX_MEMORY, MAX_FILE = 0.25, 10 * MIB, MIB

PATHS = (
    "/login/",
    "/api/token/",
    "/api/tasks/",
    "/api/projects/1/",
    "/healthz",
    "/metrics",
    "/static/a.js",
    "/ws/",
    "/x",
)
METHODS = ("POST", "POST", "POST", "PUT", "PATCH", "DELETE", "GET")


@dataclass(frozen=True)
class Shape:
    """What a body is made of: `first`, then `unit` again and again."""

    name: str
    kind: str
    unit: bytes
    first: bytes = b""


SHAPES = (
    Shape("noise", "application/octet-stream", bytes(range(256)) * 16),
    Shape("fields", "application/x-www-form-urlencoded", b"a&" * 2048),
    Shape("escapes", "application/x-www-form-urlencoded", b"%41=%20&" * 512),
    Shape("parameters", "multipart/form-data; boundary=b", b"a;" * 2048, b"--b\r\nContent-Disposition: form-data; "),
    Shape("headers", "multipart/form-data; boundary=b", b"a: b\r\n" * 512, b"--b\r\n"),
    Shape("boundaries", "multipart/form-data; boundary=b", b"--b\r\n" * 800),
    Shape("parts", "multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n" * 400),
    Shape("nested", "application/json", b"[" * 4096),
    Shape("numbers", "application/json", b"9" * 4096, b'{"username": '),
    Shape("objects", "application/json", b'{"a":' * 800),
    Shape("text", "application/json; charset=utf-16", b"\xff\xfe" * 2048),
    Shape("packed", "application/json", b"\x1f\x8b\x08" * 1024),
)


@dataclass(frozen=True)
class Attack:
    """One hostile request."""

    number: int
    method: str
    path: str
    shape: Shape
    size: int
    #: `length`, or how a body without one is cut: `chunks`, `crumbs`, `extensions`, `trailers`.
    framing: str
    #: Of the size, what is sent; the rest is claimed.
    share: float
    headers: tuple[str, ...]

    def run(self, port: int) -> str:
        """Send it; return the status of the answer, `cut`, or `left` where the client did not wait for one."""
        source = f"127.0.0.{2 + self.number % ADDRESSES}"
        try:
            with RawHTTP(port, source=source, timeout=ATTACK_SECONDS) as client:
                client.request(self.method, self.path, *self._head())
                with suppress(OSError):
                    self._send_body(client)
                if self.share < 1 and self.size <= MIB:
                    return "left"  # The server would wait for the rest.
                status, _ = client.answer_head()
                return str(client.answer_head()[0] if status == 100 else status)
        except OSError:
            return "cut"

    def _head(self) -> list[str]:
        length = f"Content-Length: {self.size}" if self.framing == "length" else "Transfer-Encoding: chunked"
        return [f"Content-Type: {self.shape.kind}", length, *self.headers]

    def _send_body(self, client: RawHTTP) -> None:
        left = min(int(self.size * self.share), MAX_SENT)
        piece = (self.shape.unit * (64 * KIB // len(self.shape.unit) + 1))[: 64 * KIB]
        if self.framing == "length":
            first = self.shape.first[:left]
            client.send(first)
            left -= len(first)
            while left > 0:
                client.send(piece[:left])
                left -= len(piece)
        elif self.framing == "chunks":
            while left > 0:
                client.send_chunk(piece[:left])
                left -= len(piece)
            client.send_chunk(b"")
        elif self.framing == "crumbs":
            for _ in range(min(left, MIB) // 8192 + 1):
                client.send(b"1\r\na\r\n" * 8192)
        elif self.framing == "extensions":
            for _ in range(min(left, MIB) // KIB + 1):
                client.send(b"1;" + b"a" * 1000 + b"\r\na\r\n")
        else:
            client.send(b"0\r\n" + b"a: b\r\n" * min(left // 6 + 1, 20_000))


def attacks(count: int, most: int, chance: random.Random) -> Iterator[Attack]:
    """Make so many, of a byte to `most` bytes each: of every shape, framing and share."""
    framings = ("length", "length", "length", "chunks", "chunks", "crumbs", "extensions", "trailers")
    for number in range(count):
        headers = (
            []
            if chance.random() < 0.8
            else [chance.choice(["Expect: 100-continue", "Daphne-Root-Path: /x", "Connection: close"])]
        )
        yield Attack(
            number,
            chance.choice(METHODS),
            chance.choice(PATHS),
            SHAPES[number % len(SHAPES)],
            # As many small ones as large ones; one of ten at the very bound.
            MIB + chance.randint(-1, 1) if chance.random() < 0.1 else int(most ** chance.random()),
            chance.choice(framings),
            chance.choice([0, 0.5, 1, 1]),
            tuple(headers),
        )


def attack_all(port: int, chosen: Sequence[Attack]) -> Counter[str]:
    """Carry them out, a hundred at once; what became of them."""
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        return Counter(crowd.map(lambda attack: attack.run(port), chosen))


def read_nothing(port: int, clients: int, path: str, requests: int) -> list[RawHTTP]:
    """Have so many clients ask so often, each on one connection, and read nothing."""
    held = [RawHTTP(port, source=f"127.0.0.{2 + number % ADDRESSES}", buffer=4 * KIB) for number in range(clients)]
    for client in held:
        client.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * requests)
    return held


class Probe:
    """Asks `/healthz` all the time, and looks at the server's temporary files."""

    def __init__(self, port: int, usage: Usage) -> None:
        self.port, self._usage = port, usage
        self.seconds: list[float] = []
        self.largest_file = 0
        self.failures = 0
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask), threading.Thread(target=self._look)]

    def __enter__(self) -> "Probe":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(PROBE_PAUSE_SECONDS):
            began = time.monotonic()
            try:
                connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("GET", "/healthz")
                self.failures += connection.getresponse().status != 200
                connection.close()
            except OSError:
                self.failures += 1
            self.seconds.append(time.monotonic() - began)

    def _look(self) -> None:
        while not self._ended.wait(PROBE_PAUSE_SECONDS):
            self.largest_file = max(self.largest_file, self._usage.largest_file)


@dataclass
class Report:
    """The figures of one run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    took: float = 0
    cpu: float = 0
    memory: int = 0
    largest_file: int = 0
    #: Seconds of each answer of `/healthz`: before, during the bodies, and while clients read nothing.
    quiet: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    health_unread: list[float] = field(default_factory=list)
    health_failures: int = 0
    readers: int = 0
    memory_of_readers: int = 0
    log: str = ""

    def broken(self) -> list[str]:
        """The promises that do not hang on the machine, and were broken."""
        found = [
            f"{count} requests: {outcome}"
            for outcome, count in self.outcomes.items()
            if outcome.isdecimal() and int(outcome) not in STATUSES
        ]
        found += [f"/healthz failed {self.health_failures} times"] if self.health_failures else []
        found += [f"a temporary file had {self.largest_file} bytes"] if self.largest_file > MAX_FILE else []
        found += ["a traceback is in the log"] if "Traceback" in self.log else []
        return found

    def missed(self) -> list[str]:
        """The promises of an idle machine that were missed."""
        slowest = max(self.health)
        found = [f"/healthz took {slowest:.3f} s"] if slowest > MAX_HEALTH_SECONDS else []
        found += [f"memory grew by {self.memory / MIB:.1f} MiB"] if self.memory > MAX_MEMORY else []
        return found

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} × {outcome}" for outcome, count in sorted(self.outcomes.items()))
        each = self.memory_of_readers / max(self.readers, 1) / KIB
        return "\n".join(
            [
                f"hostile bodies     {sum(self.outcomes.values())} in {self.took:.1f} s: {outcomes}",
                f"server's CPU       {self.cpu:.2f} s",
                f"peak memory        +{self.memory / MIB:.1f} MiB",
                f"temporary file     {self.largest_file / KIB:.0f} KiB at the most",
                f"/healthz before    {_times(self.quiet)}",
                f"/healthz meanwhile {_times(self.health)}",
                f"/healthz unread    {_times(self.health_unread)}",
                f"unread answers     {self.readers} clients: "
                f"+{self.memory_of_readers / MIB:.1f} MiB, {each:.0f} KiB each",
            ]
        )


def _times(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    median, most = ordered[len(ordered) // 2], ordered[-1]
    high = ordered[len(ordered) * 99 // 100]
    return f"{len(ordered)} times, median {median * 1000:.0f} ms, 99 % {high * 1000:.0f} ms, max {most * 1000:.0f} ms"


@contextmanager
def served(**settings: str) -> Iterator[Process]:
    """The server as a user starts it, on a new database."""
    port = free_port()
    database = scratch() / f"hostile-{port}.sqlite3"
    database.write_bytes(migrated_sqlite().read_bytes())
    env = plain_environment() | {"DATABASE_URL": f"sqlite:///{database}", "PORT": str(port), **settings}
    command = [sys.executable, "manage.py", "serve"]
    process = Process(command, log_path=scratch() / f"hostile-{port}.log", env=env, cwd=ROOT, end_with=signal.SIGTERM)
    process.wait_until(lambda: "serves at" in process.log_tail())
    process.port = port  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        process.end()


def run(bodies: int, most: int, readers: int, seed: int, **settings: str) -> Report:
    """Attack a server with these settings and measure it."""
    report = Report(readers=readers)
    with served(**settings) as process:
        port: int = process.port  # type: ignore[attr-defined]
        chosen = list(attacks(bodies, most, random.Random(seed)))
        attack_all(port, chosen[: AT_ONCE // 5])  # What is imported and made at the first request is no one's fault.
        usage = Usage(process.pid)
        with Probe(port, usage) as probe:
            time.sleep(QUIET_SECONDS)
        report.quiet = probe.seconds
        usage = Usage(process.pid)
        began = time.monotonic()
        # In a process of its own, so that it does not keep the probe waiting.
        with Probe(port, usage) as probe, multiprocessing.get_context("spawn").Pool(1) as pool:
            report.outcomes = pool.apply(attack_all, (port, chosen))
        report.took, report.cpu = time.monotonic() - began, usage.cpu
        report.memory, report.largest_file = usage.peak_memory, probe.largest_file
        report.health, report.health_failures = probe.seconds, probe.failures
        time.sleep(QUIET_SECONDS)  # What refused clients were left with is over.
        usage = Usage(process.pid)
        held = read_nothing(port, readers, "/static/js/websocket_client.js", 40)
        with Probe(port, usage) as probe:
            time.sleep(2 * QUIET_SECONDS)
        report.memory_of_readers = usage.peak_memory
        report.health_unread = probe.seconds
        report.health_failures += probe.failures
        for client in held:
            client.close()
        report.log = process.log_tail(10_000)
    return report


def print_line(text: str) -> None:
    """Print."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run and report; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.hostile", description="Sends what no server likes.")
    parser.add_argument("--bodies", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--megabytes", type=int, default=500, help="the largest (default: %(default)s)")
    parser.add_argument("--readers", type=int, default=200, help="clients that read nothing (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="repeats an earlier run")
    given = parser.parse_args()
    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    services.set_environment(runs_tests=False)
    print_line(f"seed {seed}; the load of the machine is {os.getloadavg()[0]:.1f}")
    try:
        report = run(given.bodies, given.megabytes * MIB, given.readers, seed)
    finally:
        guard.end_all()
    print_line(str(report))
    for sentence in report.broken():
        print_line(f"BROKEN: {sentence}")
    for sentence in report.missed():
        print_line(f"MISSED, which an idle machine holds: {sentence}")
    return 1 if report.broken() else 0


if __name__ == "__main__":
    sys.exit(main())
