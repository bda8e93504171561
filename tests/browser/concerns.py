"""What every page shows of its user's own concerns: the bell, the inbox, the toasts, as the tests speak of them."""

from playwright.sync_api import Locator, Page, expect


def held(toast: Locator) -> Locator:
    """Put the focus on a message that goes by itself, once it is there, so that it stays; return it."""
    toast.get_by_role("button").last.focus()
    return toast


class Concerns:
    """The bell of a page, and all that it leads to."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def bell(self) -> Locator:
        """The button that opens the inbox."""
        return self.page.locator("[data-unread]")

    @property
    def inbox(self) -> Locator:
        """The list that the bell opens."""
        return self.page.locator("[data-inbox]")

    @property
    def items(self) -> Locator:
        """The notifications that are listed."""
        return self.inbox.locator("[data-notification-seq]")

    @property
    def toasts(self) -> Locator:
        """The messages that go by themselves."""
        return self.page.locator("[data-toasts] .toast")

    def expect_unread(self, number: int) -> None:
        """Wait until the bell and the tab's title say that so many are unread."""
        expect(self.bell).to_have_attribute("data-unread", str(number))
        bare = self.page.evaluate("document.title.replace(/^\\(\\d+\\) /, '')")
        expect(self.page).to_have_title(f"({number}) {bare}" if number else bare)

    def open(self) -> Locator:
        """Open the inbox."""
        self.bell.click()
        expect(self.inbox).to_be_visible()
        return self.inbox
