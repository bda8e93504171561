"""Signing in by OpenID Connect, at a provider of its own."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.services.process import Process, free_port, scratch
from tests.support.stacks import ROOT, Server, Stack

from .board import Board
from .conftest import SETTINGS

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Start a board and a provider that know each other."""
    port = free_port()
    stack = Stack("deployed", settings=SETTINGS)
    stack.env |= {
        "OIDC_ISSUER": f"http://localhost:{port}",
        "OIDC_CLIENT_ID": "board",
        "OIDC_CLIENT_SECRET": "a secret of the board and its provider",
        "OIDC_NAME": "Example Inc.",
    }
    stack.manage("migrate")
    server = stack.server()
    command = ["node", "tests/support/oidc_provider.mjs", str(port), f"{server.url}/oidc/callback/"]
    provider = Process(command, log_path=scratch() / f"oidc-{port}.log", cwd=ROOT)
    provider.wait_until(lambda: is_up(f"http://localhost:{port}/.well-known/openid-configuration"))
    yield server
    provider.end()
    stack.close()


def is_up(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def context(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=server.url, reduced_motion="reduce")
    yield context
    context.close()


def sign_in(page: Page, path: str, name: str) -> None:
    """Go to a page by way of the provider."""
    page.goto(path)
    page.get_by_role("link", name="Sign in with Example Inc.").click()
    page.locator("[name=login]").fill(name)
    page.locator("[name=password]").fill("of no concern to the board")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_user_of_the_provider_is_signed_in_and_comes_back_as_the_same(
    context: BrowserContext, browser: Browser, server: Server
) -> None:
    stack = server.stack
    taken = stack.user("clara", email="staff@example.org")
    page = context.new_page()
    sign_in(page, "/", "clara")
    page.get_by_placeholder("New project name").fill("Garden")
    page.keyboard.press("Enter")
    board = Board(page)
    board.add("todo", "Sow the carrots")
    place = page.url
    claras = (
        "people = User.objects.filter(first_name='Clara').exclude(id=id)\n"
        "result = [[user.username, user.get_full_name()] for user in people]"
    )
    [clara] = stack.run(claras, id=taken.id)
    assert clara[0] != "clara", "that account has a password, and another owner"
    assert clara[1] == "Clara Example"

    page.locator("[data-me]").click()
    page.locator("[data-sign-out]").click()
    expect(page.get_by_role("link", name="Sign in with Example Inc.")).to_be_visible()

    elsewhere = browser.new_context(base_url=server.url, reduced_motion="reduce")
    sign_in(elsewhere.new_page(), place.removeprefix(server.url), "clara")
    expect(elsewhere.pages[0].get_by_text("Sow the carrots")).to_be_visible()
    assert elsewhere.pages[0].url == place
    assert stack.run(claras, id=taken.id) == [clara]
    elsewhere.close()


def test_a_user_deactivated_here_is_not_let_in_by_the_provider(server: Server, context: BrowserContext) -> None:
    page = context.new_page()
    sign_in(page, "/", "dora")
    expect(page.get_by_placeholder("New project name")).to_be_visible()
    server.stack.run("User.objects.filter(first_name='Dora').update(is_active=False)")
    context.clear_cookies()
    sign_in(page, "/", "dora")
    expect(page.get_by_role("alert")).to_contain_text("did not work")


def test_an_answer_that_was_not_asked_for_signs_no_user_in(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/oidc/callback/?code=stolen&state=guessed")
    expect(page.get_by_role("alert")).to_contain_text("did not work")
    page.goto("/oidc/callback/?error=access_denied&state=guessed")
    expect(page.get_by_role("alert")).to_contain_text("did not work")
