"""A browser that reaches the pages over TLS: its cookies are for this host alone, and all works as without."""

import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.services.process import Process, free_port, scratch
from tests.support.stacks import ROOT, Stack

from .board import Board


@pytest.fixture
def over_tls(shared_stack: Stack) -> Iterator[str]:
    """The origin of a server that speaks TLS itself, with an untrusted certificate."""
    key, certificate, port = scratch() / "key.pem", scratch() / "certificate.pem", free_port()
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request.split(), *files], check=True, capture_output=True)
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "warning"]
    command += ["--ssl-keyfile", str(key), "--ssl-certfile", str(certificate), "project.asgi:application"]
    process = Process(command, log_path=scratch() / f"tls-{port}.log", env=shared_stack.env, cwd=ROOT)
    process.wait_until(lambda: is_up(f"https://localhost:{port}/healthz"))
    yield f"https://localhost:{port}"
    process.end(signal.SIGTERM)


def is_up(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, verify=ssl._create_unverified_context()).status_code == 200
    except httpx.TransportError:
        return False


def test_cookies_over_tls_are_for_this_host_alone(over_tls: str, browser: Browser, shared_stack: Stack) -> None:
    alice = shared_stack.user()
    context = browser.new_context(base_url=over_tls, ignore_https_errors=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Username").fill(alice.username)
    page.get_by_label("Password").fill(alice.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("New project name").fill("Garden")
    page.keyboard.press("Enter")
    board = Board(page)
    (task,) = board.add("todo", "Sow the carrots")
    board.expect_order("todo", task)
    # A change by HTTP, with the CSRF token from its cookie.
    page.locator("[data-open-members]").click()
    page.get_by_role("button", name="Create invite link").click()
    expect(page.locator("[data-invitation-id]")).to_have_count(1)
    kept = {cookie["name"]: cookie for cookie in context.cookies()}
    assert set(kept) == {"__Host-sessionid", "__Host-csrftoken"}
    assert all(cookie["secure"] and cookie["path"] == "/" for cookie in kept.values())
    page.keyboard.press("Escape")
    page.locator("[data-sign-out]").first.click()
    page.wait_for_url("**/login/**")
    assert "__Host-sessionid" not in {cookie["name"] for cookie in context.cookies()}
    context.close()
