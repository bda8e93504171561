"""`make run`: a board to play with, from nothing to a URL.

Obeys PORT (8000), DEBUG (1) and every other setting of the server. It listens on this machine only.
"""

import errno
import fcntl
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
HOST = "127.0.0.1"
PATIENCE = 60  # seconds until a server that does not answer is called broken


def main() -> None:
    """Check the port, prepare, then become the server."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = wanted_port()
    check_free(port)
    os.chdir(ROOT)
    os.environ["DEBUG"] = os.environ.get("DEBUG") or "1"
    subprocess.run(["sh", "scripts/setup.sh"], check=True)
    with (ROOT / ".setup.lock").open("r") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two at once, one prepares the database
        manage("migrate", "--verbosity", "0")
        # The demo's passwords are public.
        logins = manage("demo") if os.environ["DEBUG"].lower() in {"1", "true", "yes", "on"} else ""
    announce_later(port, logins)
    start_reminders()
    # The server takes over this very process, so nothing is left behind however it is ended.
    os.execv(PYTHON, [str(PYTHON), "manage.py", "serve", "--verbosity", "0", "--host", HOST, "--port", str(port)])


def wanted_port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not (text.isdecimal() and 0 < int(text) < 65536):
        sys.exit(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_free(port: int) -> None:
    """Exit with a sentence that helps where the port cannot be had."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                other = port + 1 if port < 65535 else 8001
                sys.exit(f"Port {port} is taken: end what listens there, or choose another: make run PORT={other}")
            sys.exit(f"Cannot listen on port {port}: {error.strerror}.")


def manage(*args: str) -> str:
    """Run a management command; return what it printed."""
    done = subprocess.run([PYTHON, "manage.py", *args], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def announce_later(port: int, logins: str) -> None:
    """Fork a process that prints where to go, once the server (this process) answers there."""
    server = os.getpid()
    if os.fork() != 0:
        return
    give_up = time.monotonic() + PATIENCE
    while not answers(port):
        if os.getppid() != server:
            os._exit(0)
        if time.monotonic() > give_up:
            print(f"The server did not answer on port {port} within {PATIENCE} s.", file=sys.stderr, flush=True)
            os._exit(1)
        time.sleep(0.1)
    print(f"{logins}\ntaskrealtime is at http://localhost:{port}/ (Ctrl-C stops it).", flush=True)
    os._exit(0)


def start_reminders() -> None:
    """Start the process that reminds of due tasks; it ends when this one, the server to be, has ended."""
    lifeline, held = os.pipe()
    os.set_inheritable(held, True)
    command = [str(PYTHON), "manage.py", "remind", "--loop", "--lifeline", str(lifeline)]
    subprocess.Popen(command, pass_fds=[lifeline])
    os.close(lifeline)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
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
