"""A real PgBouncer with pooling by transaction, from Debian's package."""

import os
import signal
from urllib.parse import urlsplit

from tests.services import debian
from tests.services.postgres import AS_NOBODY, NOBODY, Cluster
from tests.services.process import Process, free_port, scratch

#: Connections to each database; far fewer than a server process has to the pooler.
POOL_SIZE = 5


class PgBouncer:
    """A pooler in front of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.port = free_port()
        folder = scratch() / f"pgbouncer-{self.port}"
        folder.mkdir()
        path = folder / "pgbouncer.ini"
        path.write_text(
            f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=postgres\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = {POOL_SIZE}\nmax_client_conn = 300\n"
        )
        # It refuses to run as root.
        launcher = AS_NOBODY if os.geteuid() == 0 else []
        if launcher:
            os.chown(folder, NOBODY, NOBODY)
            os.chown(path, NOBODY, NOBODY)
        command = [*launcher, debian.program("pgbouncer", "pgbouncer"), str(path)]
        self._process = Process(command, log_path=folder / "log", end_with=signal.SIGINT)
        self._process.wait_until(lambda: "process up" in self._process.log_tail())

    def url(self, url: str) -> str:
        """Return the address by which a database of the cluster is reached through the pooler."""
        parts = urlsplit(url)
        return f"postgres://{parts.username}@127.0.0.1:{self.port}{parts.path}?prepare_threshold=off"

    def end(self) -> None:
        self._process.end()
