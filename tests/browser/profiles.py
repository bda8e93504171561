"""Browser profiles that tests use in turn.

To make a profile, to fill its cache and to start a page's process takes longer than most tests: a profile and its page
are kept, and cleared of what the test left. `test_profiles.py` proves that.
"""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, WebError, WebSocketRoute

#: How many may lie idle: each has a process.
MAX_IDLE = 12
#: An address of every server whose page has no scripts. Only on the same site does a page keep its process.
PARKING = "/healthz"
#: In JavaScript: has each page keep its sockets, so that a test can close them.
_KEEP_SOCKETS = """
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(...args) {
            super(...args);
            window.sockets.push(this);
        }
    };
"""
#: In JavaScript: what a service worker fetches, no test can route.
_NO_WORKERS = "delete Navigator.prototype.serviceWorker"
#: Profiles that cannot be cleared.
_spoilt: set[BrowserContext] = set()


def route_web_sockets(page: Page, handler: Callable[[WebSocketRoute], None]) -> None:
    """Have the handler connect the page's sockets, also after a reload. Playwright cannot take that back."""
    _spoilt.add(page.context)
    page.route_web_socket("**/ws/", handler)


def close_sockets(page: Page) -> None:
    """Close the page's connections, as if the server had."""
    page.evaluate("sockets.forEach((socket) => socket.close())")


class Profile:
    """A browser profile with one page."""

    def __init__(self, browser: Browser, options: dict[str, Any], timeout: float) -> None:
        self.options = options
        self.allow_errors: str | None = None
        self.problems: list[str] = []
        self.context = browser.new_context(**options)
        if "service_workers" not in options:
            self.context.add_init_script(_NO_WORKERS)
        self.context.set_default_timeout(timeout)
        self.context.add_init_script(_KEEP_SOCKETS)
        self.context.on("console", self._note_message)
        self.context.on("weberror", self._note_exception)
        self.page = self.context.new_page()
        self._viewport = self.page.viewport_size

    def clear(self) -> None:
        """Remove what pages left, but for the cache's files; raise where the server does not answer."""
        context = self.context
        if self.page.is_closed():
            self.page = context.new_page()
        page = self.page
        for other in context.pages:
            if other is not page:
                other.close()
        for routed in (page, context):
            routed.unroute_all(behavior="ignoreErrors")
        context.set_offline(False)
        page.goto(PARKING)
        page.evaluate("sessionStorage.clear(), void (window.name = '')")
        # What is taken back is not what the profile was made with, but what the machine prefers.
        own = {name: self.options.get(name, "null") for name in ("color_scheme", "reduced_motion")}
        page.emulate_media(media="null", **own)
        if self._viewport and page.viewport_size != self._viewport:
            page.set_viewport_size(self._viewport)
        context.clear_cookies()
        context.clear_permissions()
        devtools = context.new_cdp_session(page)
        devtools.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
        devtools.send("Page.resetNavigationHistory")
        devtools.detach()
        self.allow_errors = None
        self.problems = []

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console: {message.text} ({message.location['url']})")

    def _note_exception(self, error: WebError) -> None:
        self._note(f"exception: {error.error}")

    def _note(self, text: str) -> None:
        if not (self.allow_errors and re.search(self.allow_errors, text)):
            self.problems.append(text)


class Profiles:
    """The profiles of a browser, by the options that they were made with."""

    def __init__(self, browser: Browser, timeout: float) -> None:
        self._browser, self._timeout = browser, timeout
        self._idle: list[Profile] = []

    def take(self, **options: Any) -> Profile:
        """A profile that is free; `options` are those of Playwright's `new_context`."""
        for profile in self._idle:
            if profile.options == options:
                self._idle.remove(profile)
                return profile
        return Profile(self._browser, options, self._timeout)

    def give_back(self, profile: Profile) -> None:
        """Keep a profile for the next test that needs such a one, if it can be cleared."""
        if profile.context in _spoilt:
            profile.context.close()
            return
        try:
            profile.clear()
        except Error:  # its server is gone
            profile.context.close()
            return
        self._idle.append(profile)
        if len(self._idle) > MAX_IDLE:
            self._idle.pop(0).context.close()
