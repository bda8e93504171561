"""The fixtures of the browser tests: one Chromium for all of them, and signed-in pages.

They live in this folder because Playwright keeps an event loop running in the thread that started it, in
which Django's ORM and `asyncio.run` refuse to work: it must have ended before other tests go on.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import fresh_stack
from tests.services import chromium
from tests.support.stacks import Server, Stack, User

pytest.register_assert_rewrite("tests.browser.board")  # so that its assertions say what was there instead

NewPage = Callable[..., Page]
TIMEOUT = 60_000  # milliseconds that anything may take on a busy machine


# A page cannot tell what is behind its server: `test_two_people.py` alone looks at both kinds.
@pytest.fixture(params=["deployed"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation for this test alone."""
    yield from fresh_stack(request)


@pytest.fixture(scope="session", params=["deployed"])
def shared_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The installation behind `server`, one for the whole folder."""
    stack = Stack(request.param)
    yield stack
    stack.close()


@pytest.fixture(scope="session")
def running_server(shared_stack: Stack) -> Server:
    return shared_stack.server()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.ensure(), args=chromium.arguments())
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """`new_page(server, user, path="/")` opens a page in a browser profile of its own, signed in as the user.

    Without a user nobody is signed in. At the end of the test an error in the page's console, or an
    exception in its code, is a failure, unless it matches the regular expression `allow_errors`. A `profile` that
    is given is used and kept, with what it has in its cache; other keywords go to Playwright's `new_context`.
    """
    opened: list[BrowserContext | Page] = []
    problems: list[str] = []

    def new_page(
        server: Server,
        user: User | None = None,
        path: str = "/",
        allow_errors: str | None = None,
        profile: BrowserContext | None = None,
        **options: Any,
    ) -> Page:
        context = profile or browser.new_context(base_url=server.url, **options)
        context.set_default_timeout(TIMEOUT)
        page = context.new_page()
        opened.append(page if profile else context)

        def note(text: str) -> None:
            if not (allow_errors and re.search(allow_errors, text)):
                problems.append(text)

        def note_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                note(f"console: {message.text} ({message.location['url']})")

        page.on("console", note_console)
        page.on("pageerror", lambda error: note(f"exception: {error}"))
        if user is not None:
            context.add_cookies([{"name": "sessionid", "value": server.session(user), "url": server.url}])
        page.goto(urljoin(server.url, path))
        return page

    yield new_page
    for one in opened:
        one.close()
    assert not problems, "\n".join(problems)
