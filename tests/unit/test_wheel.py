"""The package that others install: what is in it, what it needs, and that it builds from its own sources."""

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.stacks import ROOT

#: Where the wheel has the folders that stand beside the package in the checkout.
MAPPED = {
    "templates/taskrealtime": "taskrealtime/templates/taskrealtime",
    "static/bundle": "taskrealtime/static/taskrealtime/bundle",
    "static/css": "taskrealtime/static/taskrealtime/css",
    "static/img": "taskrealtime/static/taskrealtime/img",
    "static/js": "taskrealtime/static/taskrealtime/js",
    "static/live": "taskrealtime/live/static/taskrealtime/live",
    "locale": "taskrealtime/locale",
}


def build(kind: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def names_in(wheel: Path) -> set[str]:
    """The files of a wheel but for its metadata."""
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def files(folder: str) -> Iterator[str]:
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc")
    return (path.relative_to(ROOT).as_posix() for path in found)


def test_the_wheel_has_the_package_with_its_templates_static_files_and_texts_and_nothing_else(wheel: Path) -> None:
    expected = set(files("taskrealtime"))
    for folder, inside in MAPPED.items():
        expected |= {inside + name.removeprefix(folder) for name in files(folder)}
    assert names_in(wheel) == expected
    outside = [name for folder in ("locale", "static", "templates/taskrealtime") for name in files(folder)]
    assert [name for name in outside if not name.startswith(tuple(f"{folder}/" for folder in MAPPED))] == []


def test_the_wheel_needs_four_packages_and_bounds_none_of_a_projects_own(wheel: Path) -> None:
    described = metadata(wheel)
    needed = described.get_all("Requires-Dist") or []
    bare = [requirement for requirement in needed if "extra ==" not in requirement]
    assert sorted(requirement.partition(">=")[0] for requirement in bare) == [
        "channels",
        "django",
        "djangorestframework-simplejwt",
        "msgspec",
    ]
    assert set(described.get_all("Provides-Extra") or []) == {"board", "postgres", "redis", "server"}
    assert not [requirement for requirement in needed if "<" in requirement.partition(";")[0]]


def test_every_extra_is_part_of_what_the_demo_runs_on(wheel: Path) -> None:
    demo = (ROOT / "requirements.txt").read_text().replace("psycopg[binary,pool]", "psycopg[pool]")
    for requirement in metadata(wheel).get_all("Requires-Dist") or []:
        assert requirement.partition(">=")[0] in demo, requirement


def test_a_package_index_would_take_the_wheel_and_the_sources(wheel: Path, tmp_path: Path) -> None:
    sources = build("sdist", ROOT, tmp_path / "sdist")
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sources)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    with tarfile.open(sources) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert names_in(build("wheel", unpacked, tmp_path / "again")) == names_in(wheel)
