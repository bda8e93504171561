"""Public Django projects from PyPI, each in an environment of its own, without taskrealtime and then with it."""

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx

from tests.services.process import Process, free_port, scratch
from tests.support.stacks import ROOT

#: What differs from answer to answer: tokens against forgery, nonces, and times.
CHANGING = re.compile(rb'(csrfmiddlewaretoken" value=|csrfToken[":= ]+|nonce=)"[^"]+"|()\d{4}-\d\d-\d\dT[\d:.]+')
#: How Django's runner reports one test (`-v 2`).
RESULT = re.compile(
    r"^(test\w+) \(([\w.]+)\).*?\.\.\. (ok|FAIL|ERROR|skipped|expected failure)", re.MULTILINE | re.DOTALL
)

#: Status, headers that matter, body.
Answer = tuple[int, dict[str, str], bytes]


def lines_for(name: str) -> str:
    """What docs/existing-project.md has the developer add to one of the project's files."""
    page = (ROOT / "docs" / "existing-project.md").read_text()
    (code,) = re.findall(rf"^```python\n# {re.escape(name)}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return str(code)


@cache
def wheel() -> Path:
    """The wheel of this checkout."""
    folder = scratch() / "wheel"
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@dataclass
class Host:
    """A project and how it is run; `root` is the folder of its `settings.py` and `urls.py` once it is installed."""

    name: str
    #: What pip installs: the project, and what its tests need.
    requirements: Sequence[str]
    #: What its tests are called.
    tests: Sequence[str]
    #: `settings` and `urls` as modules.
    package: str
    env: Mapping[str, str] = field(default_factory=dict)
    #: What is unpacked from its source distribution and run from there, for the tests that it has there alone.
    sources: str = ""
    #: A folder of this repository with the project that the package needs around itself.
    project: Path | None = None

    def install(self) -> None:
        """Make the environment, with the project as its authors published it."""
        self.folder = self.root = scratch() / self.name
        venv.create(self.folder / "venv", with_pip=True)
        self.pip("install", "--quiet", *self.requirements)
        if self.sources:
            self.pip("download", "--quiet", "--no-deps", "--no-binary=:all:", "--dest", str(self.folder), self.sources)
            (archive,) = self.folder.glob("*.tar.gz")
            with tarfile.open(archive) as packed:
                packed.extractall(self.folder, filter="data")
            self.root = self.folder / archive.name.removesuffix(".tar.gz")
        if self.project is not None:
            for path in self.project.iterdir():
                if path.suffix == ".py":
                    (self.folder / path.name).write_text(path.read_text())

    def pip(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.python), "-m", "pip", *arguments], capture_output=True, text=True, env=self.environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def environment(self) -> dict[str, str]:
        settings = f"{self.package}.settings".lstrip(".")
        of_this_project = {name: value.format(folder=self.folder) for name, value in self.env.items()}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONPATH": str(self.root),
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "http", "HTTP"))},
            **of_this_project,
        }

    def versions(self) -> dict[str, str]:
        """The packages that are installed."""
        return {found["name"]: found["version"] for found in json.loads(self.pip("list", "--format", "json"))}

    def file(self, name: str) -> Path:
        """A module of the project itself."""
        module = f"{self.package}.{name}".lstrip(".")
        return Path(
            self.run("-c", f"from importlib.util import find_spec; print(find_spec({module!r}).origin)").strip()
        )

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run Python in the environment; return what it printed."""
        done = subprocess.run(
            [str(self.python), *arguments], cwd=self.root, env=self.environment, capture_output=True, text=True
        )
        assert fails or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def manage(self, *arguments: str, fails: bool = False) -> str:
        return self.run("-m", "django", *arguments, fails=fails)

    def results(self) -> dict[str, str]:
        """Run the project's own tests: how each of them ended."""
        printed = self.manage("test", "--verbosity", "2", *self.tests, fails=True)
        return {f"{where}.{name}": outcome for name, where, outcome in RESULT.findall(printed)}

    def add_board(self) -> list[str]:
        """Install the wheel, and add the lines of the page for developers; return these lines."""
        self.pip("install", "--quiet", f"{wheel()}[board,server]")
        added: list[str] = []
        for name in ("settings", "urls"):
            path, lines = self.file(name), lines_for(f"{name}.py")
            path.write_text(f"{path.read_text()}\n{lines}")
            added += lines.splitlines()
        return added

    def serve(self, *command: str) -> "Served":
        """Start a server of the project, by a command that ends with its port."""
        port = free_port()
        process = Process(
            [str(self.python), "-m", "django", *command, str(port)],
            log_path=self.folder / f"{port}.log",
            env=self.environment,
            cwd=self.root,
        )
        served = Served(process, f"http://127.0.0.1:{port}")
        process.wait_until(served.answers)
        return served


@dataclass
class Served:
    """A server of a host."""

    process: Process
    url: str

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/no-such-page", timeout=60).status_code == 404
        except httpx.TransportError:
            return False

    def ask(self, path: str, accept: str) -> Answer:
        """What a visitor is answered: status, headers that matter, body."""
        answer = httpx.get(self.url + path, headers={"Accept": accept}, timeout=60)
        kept = ("content-type", "location", "vary", "allow", "www-authenticate", "x-frame-options", "set-cookie")
        headers = {name: re.sub(r"=[^;]+;", "=…;", answer.headers[name]) for name in kept if name in answer.headers}
        return answer.status_code, headers, CHANGING.sub(rb"\1", answer.content).replace(self.url.encode(), b"")
