"""The fixtures of the browser tests: one Chromium for all of them, one server, and signed-in pages.

They live in this folder because Playwright keeps an event loop running in the thread that started it, in
which Django's ORM and `asyncio.run` refuse to work: it must have ended before other tests continue.
"""

import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.profiles import Profile, Profiles
from tests.conftest import fresh_stack
from tests.services import chromium
from tests.support.stacks import ROOT, Server, Stack, User

pytest.register_assert_rewrite("tests.browser.board")  # so that its assertions say what was there instead

NewPage = Callable[..., Page]
SETTINGS = "tests.browser.settings"
TIMEOUT = 60_000  # milliseconds that anything may take on a busy machine


# A page cannot see what is behind its server: only `test_two_people.py` looks at both kinds.
@pytest.fixture(params=["deployed"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation for this test alone."""
    yield from fresh_stack(request, SETTINGS)


@pytest.fixture(scope="package", params=["deployed"])
def shared_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The installation behind `server`, one for the whole folder."""
    # Pages load what was built, not the modules.
    subprocess.run(["node", "scripts/bundle.js", "--check"], cwd=ROOT, check=True, timeout=60)
    stack = Stack(request.param, settings=SETTINGS)
    yield stack
    stack.close()


@pytest.fixture(scope="package")
def running_server(shared_stack: Stack) -> Server:
    """Start a server for all tests, with all the ways in open."""
    return shared_stack.server(EMAIL_HOST="127.0.0.1", OPEN_SIGN_UP="1")


@pytest.fixture
def frail(server: Server) -> Iterator[Server]:
    """The same server, which a test may stop or kill. It keeps its port, so that pages keep their cache."""
    yield server
    if not server.running:
        server.start()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.ensure(), args=chromium.arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def profiles(browser: Browser) -> Profiles:
    """The browser's profiles, which tests use in turn."""
    return Profiles(browser, TIMEOUT)


@pytest.fixture
def new_page(profiles: Profiles) -> Iterator[NewPage]:
    """`new_page(server, user, path="/")` opens a page in a browser profile of its own, signed in as the user.

    Without a user it is not signed in. At the end of the test an error in the console of any of the profile's pages,
    or an exception in its code, is a failure, unless it matches the regular expression `allow_errors`. Other keywords
    go to Playwright's `new_context`; nothing moves on the page (`Board.move`) if they do not say so. The profile is as
    a new one, but for the cached files of the server.
    """
    taken: list[Profile] = []

    def new_page(
        server: Server, user: User | None = None, path: str = "/", allow_errors: str | None = None, **options: Any
    ) -> Page:
        profile = profiles.take(**{"base_url": server.url, "reduced_motion": "reduce"} | options)
        taken.append(profile)
        profile.allow_errors = allow_errors
        if user is not None:
            profile.context.add_cookies([{"name": "sessionid", "value": server.session(user), "url": server.url}])
        profile.page.goto(urljoin(server.url, path))
        return profile.page

    yield new_page
    problems = [problem for profile in taken for problem in profile.problems]
    for profile in taken:
        profiles.give_back(profile)
    assert not problems, "\n".join(problems)
