"""The driver: cores, server processes, load generators, and what they used.

Servers run on the first core that this process may use, everything else (load generator, writers, Redis, PostgreSQL,
this process) on the others.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
BUILD = HERE / "build"
VENV = HERE / ".venv"
PEERS = HERE / "peers"

#: Characters of what one listener gets for one event, about; each kind of frame is filled up to it.
PAYLOAD = 300
#: Bytes of files that one process may open: 10 000 sockets, and something to spare.
DESCRIPTORS = 12_000
#: Seconds that anything may take to get ready.
PATIENCE = 600

Result = dict[str, Any]


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    #: How often each is measured, alternately with the others.
    repeats: int
    #: Seconds of each measurement.
    seconds: float
    #: What numbers of listeners and connections are divided by.
    less: int = 1


FULL = Effort(repeats=5, seconds=3)
QUICK = Effort(repeats=3, seconds=0.5, less=5)


def say(text: str) -> None:
    """Notify the waiting threads."""
    print(text, file=sys.stderr, flush=True)


# --- Cores and what was used ----------------------------------------------------------------


class Cores:
    """Which core serves, and which others do the rest (the same one, where there is no other)."""

    def __init__(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.server = {cores[0]}
        self.rest = set(cores[1:]) or {cores[0]}
        os.sched_setaffinity(0, self.rest)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """What is started inside runs on the server's core."""
        os.sched_setaffinity(0, self.server)
        try:
            yield
        finally:
            os.sched_setaffinity(0, self.rest)


def cpu_seconds(pid: int) -> float:
    """The CPU time that the process used so far, with all its threads, in steps of nanoseconds."""
    return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of that process, as clock_getcpuclockid(3) has it


def memory(pid: int) -> int:
    """Bytes of memory that are the process's own part (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def allow_many_files() -> None:
    """Raise the limit of open files as far as needed and allowed.

    Raises:
        SystemExit: it is not allowed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS:
        if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
            raise SystemExit(f"10 000 sockets need `ulimit -n {DESCRIPTORS}`; {hard} are allowed here.")
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))


# --- What is needed -------------------------------------------------------------------------


def prepare() -> None:
    """Compile what is in C and install the peers, each once."""
    BUILD.mkdir(exist_ok=True)
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("The load generator needs a C compiler (`cc`): on Debian, `apt-get install gcc libc6-dev`.")
    for source in (HERE / "loadgen.c", PEERS / "limit.c"):
        run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(BUILD / source.stem), str(source)])
    _once(VENV / ".installed", [PEERS / "requirements.txt", ROOT / "requirements.txt"], _install_python)
    _once(PEERS / "node_modules" / ".installed", [PEERS / "package-lock.json"], _install_node)


def _install_python() -> None:
    say("Installing the Python peers into benchmarks/.venv/ …")
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    run([str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(PEERS / "requirements.txt")])


def _install_node() -> None:
    say("Installing the Node peers into benchmarks/peers/node_modules/ …")
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PEERS)


def _once(stamp: Path, sources: Iterable[Path], install: Callable[[], None]) -> None:
    wanted = "".join(source.read_text() for source in sources)
    if not stamp.exists() or stamp.read_text() != wanted:
        install()
        stamp.write_text(wanted)


def run(command: Sequence[str], **options: Any) -> None:
    """Run a command; end with what it said where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed.\n{done.stdout}{done.stderr}")


class Failed(Exception):
    """A server did not do what it was measured at; the text says what happened."""


# --- The load generator ---------------------------------------------------------------------


@dataclass(frozen=True)
class Client:
    """One socket of the load generator; see loadgen.c for its fields."""

    port: int
    role: str = "L"
    headers: Sequence[str] = ()
    #: What must come, what is said then, what must come, …
    talk: Sequence[str] = ("",)


class LoadGenerator:
    """One load generator with its sockets, all of which are ready."""

    def __init__(self, path: str, clients: Sequence[Client], *, template: str = "", trigger: int | None = None) -> None:
        lines = [_line(number, client) for number, client in enumerate(clients)]
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as plan:
            plan.writelines(lines)
            plan.flush()
            command = [str(BUILD / "loadgen"), "127.0.0.1", path, plan.name, template]
            command += [] if trigger is None else [str(trigger)]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=() if trigger is None else (trigger,),
            )
            self.opened = self.tell("open 0")

    def run(
        self, seconds: float, *, events: int = 1, expected: int | None = None, pause: float = 0, by: str = "socket"
    ) -> Result:
        """Publish for that long; what came of it."""
        return self.tell(f"run {seconds} {events} {events if expected is None else expected} {pause} {by}")

    def tell(self, command: str) -> Result:
        """Give a command; its answer.

        Raises:
            Failed: the load generator has ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer: Result = json.loads(self._process.stdout.readline() or '{"error": "it ended without a word"}')
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self) -> None:
        """Cut all sockets."""
        self._process.kill()
        self._process.communicate()


def _line(number: int, client: Client) -> str:
    # 28 000 ephemeral ports belong to each address: many runs of thousands of sockets need more than one.
    source = f"127.0.{1 + number % 4}.{1 + os.getpid() % 250}"
    return "\t".join([client.role, source, str(client.port), "|".join(client.headers), *client.talk]) + "\n"


# --- Figures --------------------------------------------------------------------------------


def spread(values: Sequence[float]) -> Result:
    """The middle of several measurements, and how far apart they lie."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "values": list(values)}


def per_delivery(cpu: float, result: Mapping[str, Any]) -> float:
    """µs of CPU for each delivery."""
    return cpu / float(result["deliveries"]) * 1e6
