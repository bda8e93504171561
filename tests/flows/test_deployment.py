"""What docs/operations.md describes to operators, carried out: its proxies, its services and its restart."""

import asyncio
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tests.services import debian
from tests.services.process import Process, free_port, scratch
from tests.support.observing import MIB, wait_until
from tests.support.sockets import TIMEOUT
from tests.support.stacks import ROOT, Stack, User
from tests.support.tls import make_certificate
from tests.support.units import Units, in_this_checkout, read_environment_file

pytestmark = pytest.mark.installations("deployed")

DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "operations.md").read_text()
HOST = "board.example.org"
#: Of the documentation, in this order; each test run has its own.
PORTS = ("8001", "8002")
#: What the documentation leaves to the operator, and what this machine needs.
SETTINGS_OF_THIS_RUN = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "WEBSOCKET_RATE_LIMIT", "PATH", "HOME")
#: Of each kind; seconds between two of their requests, so that the servers start beside them.
CLIENTS, PAUSE = 2, 0.02


def examples(language: str) -> list[str]:
    """The examples of one language on the page for operators."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@dataclass
class Ports:
    """The ports of this run in place of those of the documentation."""

    servers: list[int] = field(default_factory=lambda: [free_port() for _ in PORTS])
    proxy: int = field(default_factory=free_port)

    def put_into(self, text: str) -> str:
        for documented, here in zip(PORTS, self.servers, strict=True):
            assert documented in text
            text = text.replace(documented, str(here))
        return text


@pytest.fixture(scope="module")
def certificate() -> tuple[Path, Path]:
    """The files of a certificate for the documented host, and of its key."""
    return make_certificate(HOST, scratch())


@pytest.fixture(scope="module")
def ports() -> Ports:
    return Ports()


@pytest.fixture(scope="module")
def units(shared_stack: Stack, ports: Ports) -> Iterator[Units]:
    """The documented services, ready, on an installation of the tests."""
    documented = read_environment_file((DEPLOY / "taskrealtime.env").read_text())
    of_this_run = {name: shared_stack.env[name] for name in SETTINGS_OF_THIS_RUN}
    units = Units(DEPLOY, documented | of_this_run)
    units.start(*(f"taskrealtime@{port}" for port in ports.servers), "taskrealtime-remind")
    for port in ports.servers:
        wait_until(lambda port=port: is_ready(port))  # type: ignore[misc]
    yield units
    units.close()


def is_ready(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    return False


@dataclass
class Proxy:
    """A proxy that runs, and how to reach it."""

    process: Process
    port: int
    trusted: ssl.SSLContext

    def client(self, token: str = "") -> httpx.Client:
        """A client of pages and API that resolves the host to this machine."""
        headers = {"Host": HOST} | ({"Authorization": f"Bearer {token}"} if token else {})
        extensions = {"sni_hostname": HOST}
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}", headers=headers, verify=self.trusted, timeout=60
        )
        client.event_hooks["request"] = [lambda request: request.extensions.update(extensions)]
        return client

    def open(self, token: str) -> connect:
        """A socket; not of the client with threads, which sometimes sends no request.

        One of its threads reads while another sends, and OpenSSL does not allow that for one connection: where the
        proxy's session ticket arrived in the wrong moment, the request never left this machine.
        """
        headers = {"Authorization": f"Bearer {token}"}
        return connect(
            f"wss://{HOST}/ws/",
            sock=socket.create_connection(("127.0.0.1", self.port)),
            ssl=self.trusted,
            additional_headers=headers,
            origin=Origin(f"https://{HOST}"),
            proxy=None,
            open_timeout=TIMEOUT,
        )


def run_nginx(ports: Ports, certificate: tuple[Path, Path]) -> Process:
    (example,) = examples("nginx")
    example = ports.put_into(example).replace("listen 443", f"listen 127.0.0.1:{ports.proxy}")
    for path in certificate:
        documented = f"/etc/letsencrypt/live/{HOST}/{path.name}"
        assert documented in example
        example = example.replace(documented, str(path))
    folder = scratch() / f"nginx-{ports.proxy}"
    folder.mkdir()
    folder.chmod(0o777)  # its workers are another user
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{ }}\n"
        f"http {{\naccess_log off;\n{temporary}{example}}}\n"
    )
    command = [debian.program("nginx", "nginx"), "-c", str(path), "-p", str(folder)]
    return Process(command, log_path=folder / "log")


def run_caddy(ports: Ports, certificate: tuple[Path, Path]) -> Process:
    (example,) = examples("caddy")
    tls = f"tls {certificate[0]} {certificate[1]}"
    site = f"{HOST} {{\n"
    assert example.startswith(site)
    example = ports.put_into(example).replace(site, f"https://{HOST}:{ports.proxy} {{\n{tls}\n", 1)
    folder = scratch() / f"caddy-{ports.proxy}"
    folder.mkdir()
    path = folder / "Caddyfile"
    path.write_text("{\nadmin off\nauto_https disable_redirects\n}\n" + example)
    command = [str(Path(sys.executable).with_name("caddy")), "run", "--adapter", "caddyfile", "--config", str(path)]
    return Process(command, log_path=folder / "log", env={"HOME": str(folder), "PATH": os.environ["PATH"]})


@pytest.fixture(
    scope="module",
    params=[pytest.param(run_nginx, id="nginx"), pytest.param(run_caddy, id="caddy")],
)
def proxy(
    request: pytest.FixtureRequest, units: Units, ports: Ports, certificate: tuple[Path, Path]
) -> Iterator[Proxy]:
    """A documented proxy before the documented services."""
    run: Callable[[Ports, tuple[Path, Path]], Process] = request.param
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    proxy = Proxy(run(ports, certificate), ports.proxy, trusted)

    def is_up() -> bool:
        with suppress(httpx.TransportError), proxy.client() as client:
            return client.get("/healthz").status_code == 200
        return False

    proxy.process.wait_until(is_up)
    yield proxy
    proxy.process.end()


@pytest.fixture
def token(shared_stack: Stack, ann: User) -> str:
    code = (
        "from taskrealtime.engine.auth import tokens; result = str(tokens.make_access_token(User.objects.get(id=id)))"
    )
    return str(shared_stack.run(code, id=ann.id))


def test_the_page_shows_the_files_of_the_folder() -> None:
    shown = [*examples("sh"), *examples("ini"), *examples("nginx"), *examples("caddy")]
    for name in ("taskrealtime.env", "taskrealtime@.service", "nginx.conf", "Caddyfile"):
        assert (DEPLOY / name).read_text() in shown, name


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    units = sorted(DEPLOY.glob("*.service"))
    assert len(units) == 2
    for unit in units:
        (tmp_path / unit.name.replace("@", "@8001")).write_text(in_this_checkout(unit.read_text()))
    command = [debian.program("systemd-analyze", "systemd"), "verify", "--man=no", *map(str, tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
def test_what_is_inside_stays_inside(proxy: Proxy) -> None:
    with proxy.client() as client:
        for path in ("/metrics", "/readyz"):
            answer = client.get(path)
            assert answer.status_code in {403, 404}
            assert "taskrealtime" not in answer.text
        assert client.get("/healthz").status_code == 200
        assert client.get("/login/").status_code == 200


@pytest.mark.long
def test_a_body_of_the_bound_passes_and_a_larger_one_does_not(proxy: Proxy) -> None:
    with proxy.client() as client:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/login/", content=b"x" * MIB, headers=form).status_code == 403  # for want of a CSRF token
        assert client.post("/login/", content=b"x" * (MIB + 1), headers=form).status_code == 413


# --- A release -----------------------------------------------------------------------------------


@dataclass
class Crowd:
    """Clients that read and write without a pause, and what they were answered."""

    proxy: Proxy
    token: str
    project: int
    done: Event = field(default_factory=Event)
    answers: Counter[str] = field(default_factory=Counter)
    made: list[str] = field(default_factory=list)

    def read(self) -> None:
        with self.proxy.client(self.token) as client:
            while not self.done.is_set():
                self.count("read", client.get(f"/api/projects/{self.project}/board/"))

    def write(self, name: str) -> None:
        number = 0
        with self.proxy.client(self.token) as client:
            while not self.done.is_set():
                title = f"{name} {(number := number + 1)}"
                answer = client.post("/api/tasks/", json={"project_id": self.project, "title": title})
                self.count("write", answer)
                if answer.status_code == 201:
                    self.made.append(title)

    async def sign_in(self) -> None:
        """Open a socket again whenever one is closed."""
        while not self.done.is_set():
            try:
                connection = await self.proxy.open(self.token)
            except InvalidStatus as refused:
                self.answers[f"upgrade {refused.response.status_code}"] += 1
                await asyncio.sleep(PAUSE)
                continue
            self.answers["upgrade 101"] += 1
            async with connection, asyncio.timeout(TIMEOUT) as timeout:
                with suppress(ConnectionClosed):
                    while not self.done.is_set():
                        timeout.reschedule(asyncio.get_running_loop().time() + TIMEOUT)
                        await (await connection.ping())
                        await asyncio.sleep(PAUSE)
            if not self.done.is_set():
                self.answers[f"closed {connection.close_code}"] += 1

    def count(self, what: str, answer: httpx.Response) -> None:
        self.answers[f"{what} {answer.status_code}"] += 1
        time.sleep(PAUSE)


@pytest.mark.long
def test_a_release_interrupts_no_user(proxy: Proxy, units: Units, ports: Ports, token: str) -> None:
    """Readers, writers and users that sign in notice no restart: the page's own commands restart the services."""
    loop = restart_loop(ports)
    with proxy.client(token) as client:
        project = client.post("/api/projects/", json={"name": "Board"}).json()["id"]
    crowd = Crowd(proxy, token, project)
    debian.program("curl", "curl")
    environment = os.environ | {"PATH": f"{units.bin}:{os.environ['PATH']}"}
    with ThreadPoolExecutor(3 * CLIENTS) as threads:
        busy: list[Future[None]] = [threads.submit(crowd.read) for _ in range(CLIENTS)]
        busy += [threads.submit(crowd.write, f"Task of {number}") for number in range(CLIENTS)]
        busy += [threads.submit(asyncio.run, crowd.sign_in()) for _ in range(CLIENTS)]
        try:
            wait_until(lambda: len(crowd.made) > CLIENTS)
            before = len(crowd.made)
            subprocess.run(["sh", "-ec", loop], env=environment, check=True, timeout=240)
            during = len(crowd.made) - before
        finally:
            crowd.done.set()
        for each in busy:
            each.result()
    assert set(crowd.answers) <= {"read 200", "write 201", "upgrade 101", "closed 1012"}, crowd.answers
    assert crowd.answers["closed 1012"] >= 1
    assert during > CLIENTS
    with proxy.client(token) as client:
        board = client.get(f"/api/projects/{project}/board/").json()
    assert sorted(task["title"] for task in board["tasks"]) == sorted(crowd.made)


def restart_loop(ports: Ports) -> str:
    """The commands of the page from the loop on: what is before it installs the release."""
    (release,) = (example for example in examples("sh") if "systemctl restart" in example)
    return ports.put_into(release[release.index("for port in") :])
