"""Installs what a test needs and the machine lacks, as root on Debian."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

INSTALL = "apt-get update -qq && apt-get install -y -qq --no-install-recommends"


def can_install() -> bool:
    """Return whether packages can be installed here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*alternatives: str) -> None:
    """Install the first of these packages that the release has; one process at a time."""
    # In runlevel 1 no package starts its service.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with (Path(tempfile.gettempdir()) / "taskrealtime-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = " || ".join(f"({INSTALL} {package})" for package in alternatives)
        subprocess.run(["sh", "-c", command], env=environment, stdout=subprocess.DEVNULL, check=True)


def program(name: str, package: str) -> str:
    """Return the path of a program, installed now if need be. Fail with what to install; never in silence."""
    path = _find(name)
    if path is None and can_install():
        install(package)
        path = _find(name)
    if path is None:
        raise RuntimeError(f"The tests of the deployment need {name}: install your system's package `{package}`.")
    return path


def _find(name: str) -> str | None:
    # Debian keeps servers where only root's PATH leads.
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
