"""Runs the units on every Python and Django that this machine has: make matrix, make matrix ONLY="3.13 6.0".

Each pair has an environment of its own below `.venv/matrix/`, with what `requirements-dev.txt` lists and that Django.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".venv" / "matrix"
#: Releases of Django, each with the oldest Python that it runs on.
DJANGO = {"5.2": (3, 11), "6.0": (3, 12), "6.1": (3, 12)}
NEWEST_MINOR = 20


def interpreters() -> Iterator[tuple[int, int]]:
    """Yield the versions of Python that start here."""
    for minor in range(11, NEWEST_MINOR):
        program = shutil.which(f"python3.{minor}")
        if program and subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
            yield 3, minor


def pairs(only: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each Python with each Django that runs on it."""
    for version in interpreters():
        for django, oldest in DJANGO.items():
            pair = ".".join(map(str, version)), django
            if version >= oldest and (not only or list(pair) == only):
                yield pair


def run(python: str, django: str) -> bool:
    """Return whether the units pass."""
    folder = ENVIRONMENTS / f"python{python}-django{django}"
    program = folder / "bin" / "python"
    if not program.exists():
        subprocess.run([f"python{python}", "-m", "venv", folder], check=True)
    pip: list[str | Path] = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", ROOT / "requirements-dev.txt"], check=True)
    subprocess.run([*pip, f"django=={django}.*"], check=True)
    tests = [
        "-m",
        "pytest",
        "--numprocesses=2",
        "--dist=loadfile",
        "-q",
        "-m",
        "not one_installation and not long",
        "tests/unit",
    ]
    environment = os.environ | {"TEST_STACK": "embedded"}
    return subprocess.run([program, *tests], cwd=ROOT, env=environment).returncode == 0


def main() -> None:
    """Run all pairs, and say what passed."""
    found = list(pairs(sys.argv[1:]))
    if not found:
        sys.exit("matrix: no such Python, or no Django that runs on it.")
    passed = {pair: run(*pair) for pair in found}
    for (python, django), is_green in passed.items():
        print(f"Python {python}, Django {django}: {'passed' if is_green else 'failed'}")
    sys.exit(not all(passed.values()))


if __name__ == "__main__":
    main()
