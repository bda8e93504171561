"""Where Chromium is; as root on Debian it is installed where it is missing."""

import os
import shutil

from tests.services import debian

# The headless shell first: the full browser renders its own window too, also headless, for twice the processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Older releases of Debian, and Ubuntu, have no package of the shell alone.
PACKAGES = ("chromium-headless-shell", "chromium")
# The last two groups keep it from calling home, which a closed network would answer with errors.
ARGS = (
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


def find() -> str | None:
    """The path of a Chromium: `$CHROMIUM`, one on PATH, or the one that Playwright downloaded."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not shutil.which(named):
            raise RuntimeError(f"CHROMIUM names {named}, which is no program.")
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return _downloaded_by_playwright()


def ensure() -> str:
    """The path of a Chromium, installed now if need be. Fails with what to install; never in silence."""
    path = find()
    if path is None and debian.can_install():
        debian.install(*PACKAGES)
        path = find()
    if path is None:
        raise RuntimeError(
            "The browser tests need Chromium: install your system's package `chromium-headless-shell` or `chromium`, "
            "run `.venv/bin/playwright install chromium`, or set CHROMIUM=/path/to/chromium."
        )
    return path


def arguments() -> list[str]:
    """Its command-line switches; as root it cannot have its sandbox."""
    return [*ARGS, "--no-sandbox"] if os.geteuid() == 0 else list(ARGS)


def _downloaded_by_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None
