"""`make run`: a board to play with, from nothing to a URL.

Obeys PORT (8000), HOST (127.0.0.1), DEBUG (1) and every setting of the server.
"""

import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
PATIENCE = 60  # seconds until a server that does not answer is called broken


def main() -> None:
    """Check the port, prepare, then become the server."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host = os.environ.get("HOST", "127.0.0.1")
    port = wanted_port()
    check_free(host, port)
    os.chdir(ROOT)
    os.environ.setdefault("DEBUG", "1")
    subprocess.run(["sh", "scripts/setup.sh"], check=True)
    manage("migrate", "--verbosity", "0")
    logins = manage("demo")
    announce_later(host, port, logins)
    # The server takes over this very process, so nothing is left behind however it is ended.
    daphne = [str(PYTHON), "-m", "daphne", "--verbosity", "0", "-b", host, "-p", str(port)]
    os.execv(PYTHON, [*daphne, "project.asgi:application"])


def wanted_port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not (text.isdecimal() and 0 < int(text) < 65536):
        sys.exit(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_free(host: str, port: int) -> None:
    """Exit with a sentence that helps where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                other = port + 1 if port < 65535 else 8001
                sys.exit(f"Port {port} is taken: end what listens there, or choose another: make run PORT={other}")
            sys.exit(f"Cannot listen on {host} port {port}: {error.strerror}.")


def manage(*args: str) -> str:
    """Run a management command; return what it printed."""
    done = subprocess.run([PYTHON, "manage.py", *args], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def announce_later(host: str, port: int, logins: str) -> None:
    """Fork a process that prints where to go, once the server (this process) answers there."""
    server = os.getpid()
    if os.fork() != 0:
        return
    give_up = time.monotonic() + PATIENCE
    while not answers(host, port):
        if os.getppid() != server:
            os._exit(0)
        if time.monotonic() > give_up:
            print(f"The server did not answer on port {port} within {PATIENCE} s.", file=sys.stderr, flush=True)
            os._exit(1)
        time.sleep(0.1)
    print(f"{logins.strip()}\n\nThe board is at http://localhost:{port}/ (Ctrl-C stops it).", flush=True)
    os._exit(0)


def answers(host: str, port: int) -> bool:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(reachable, port, timeout=5)
    try:
        connection.request("GET", "/login/", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # it has said why
