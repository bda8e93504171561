"""What pages cost to open, as production serves them."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Request

from tests.support.stacks import Server, Stack

from .board import Board, weight

MOST_REQUESTS = 20
MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def production(shared_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server of collected files: compressed, and under names with a hash."""
    root = str(tmp_path_factory.mktemp("collected"))
    shared_stack.manage("collectstatic", "--noinput", TEST_STATIC_ROOT=root)
    return shared_stack.server(TEST_STATIC_ROOT=root)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_page_that_was_never_opened_takes_few_requests_and_little_weight(
    production: Server, browser: Browser, language: str
) -> None:
    """Everything until the network rests, with the headers of requests and answers."""
    user = production.stack.user(is_superuser=True, is_staff=True)
    session = production.session(user)
    for path in (f"/projects/{production.project(user)}/", "/", "/account/", "/connection/", "/ops/", "/login/"):
        context = browser.new_context(locale=language)
        if path != "/login/":
            context.add_cookies([{"name": "sessionid", "value": session, "url": production.url}])
        sizes = _open(context, f"{production.url}{path}")
        context.close()
        assert any("/bundle/site." in url for url, _ in sizes), sizes
        assert len(sizes) <= MOST_REQUESTS, sizes
        assert sum(size for _, size in sizes) <= MOST_BYTES, sizes


def _open(context: BrowserContext, url: str) -> list[tuple[str, int]]:
    """The addresses that the page asked for, and the bytes of each request with its answer."""
    page = context.new_page()
    requests: list[Request] = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.goto(url)
    if "/projects/" in url:
        Board(page)
    page.wait_for_load_state("networkidle")
    return [(request.url, weight(request)) for request in requests]
