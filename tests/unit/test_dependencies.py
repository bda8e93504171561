"""What is installed: ranges without known holes, and exact versions with hashes for servers that fit them."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
#: The last release with a known hole that matters here.
HOLES = {
    "daphne": "4.2.1",  # WebSocket messages of any size
    "django": "5.2.7",  # CVE-2025-64459: SQL by way of a filter's names
    "djangorestframework-simplejwt": "5.3.1",  # CVE-2024-22513: tokens of inactive users
    "twisted": "24.3",  # CVE-2024-41671: answers of pipelined requests mixed up
}


def wanted() -> dict[str, Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def locked() -> dict[str, tuple[Version, int]]:
    """By package its version, and how many hashes it has."""
    found: dict[str, tuple[Version, int]] = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text()):
        if named := re.match(r"([a-z0-9.-]+)(?:\[.*?\])?==([^\s;\\]+)", block):
            found[named[1]] = (Version(named[2]), block.count("--hash=sha256:"))
    return found


def test_the_lock_fits_what_is_wanted() -> None:
    lock = locked()
    for name, requirement in wanted().items():
        assert name in lock, f"{name} is not locked: run 'make lock'."
        assert requirement.specifier.contains(lock[name][0]), f"{name} {lock[name][0]} does not fit: run 'make lock'."


def test_every_locked_package_has_its_hashes() -> None:
    lock = locked()
    assert len(lock) > 30
    assert [name for name, (_, hashes) in lock.items() if not hashes] == []


@pytest.mark.parametrize("name", wanted())
def test_every_range_has_two_ends(name: str) -> None:
    operators = {specifier.operator for specifier in wanted()[name].specifier}
    assert operators == {">=", "<"}


@pytest.mark.parametrize("name, version", HOLES.items())
def test_a_version_with_a_hole_is_out_of_range(name: str, version: str) -> None:
    assert not wanted()[name].specifier.contains(version)
