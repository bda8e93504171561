"""The board as a user sees and uses it: what the tests can do and expect on a page."""

import json
import re
import time
from contextlib import suppress
from typing import Any

from playwright.sync_api import Error, Locator, Page, Request, WebSocketRoute, expect
from playwright.sync_api import TimeoutError as TookTooLong

from .profiles import route_web_sockets

#: Milliseconds that coming back may take: the longest pause between two attempts, and a busy machine.
TIMEOUT_MS = 90_000
#: What a browser says in its console about a connection that is lost.
LOST = r"WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INTERNET_DISCONNECTED|Failed to fetch|status of 50"
#: The same, where something is refused as well.
LOST_AND_REFUSED = rf"{LOST}|status of 40[0-9]"
#: Cards of tasks that have no id yet.
COMING = "[data-new-task]"
#: In JavaScript: nothing moves any more; what moves for ever does not count.
AT_REST = (
    "document.getAnimations().every(a => a.playState !== 'running' || a.effect.getTiming().iterations === Infinity)"
)

#: In JavaScript: what a board shows, column by column, each from top to bottom.
PICTURE = """() => {
    const number = (text) => (text ? Number(text) : null);
    const paint = (card) => ({
        id: number(card.dataset.taskId),
        title: card.querySelector('[data-part=title]').textContent,
        priority: card.dataset.priority,
        assignee: number(card.dataset.assigneeId),
        comments: number(card.dataset.commentCount),
        labels: [...card.querySelectorAll('[data-label-id]')].map((chip) => number(chip.dataset.labelId)),
    });
    const columns = [...document.querySelectorAll('[data-board] [data-status]')];
    return Object.fromEntries(
        columns.map((column) => [column.dataset.status, [...column.querySelectorAll('[data-task-id]')].map(paint)]),
    );
}"""


def wait_for(page: Page, script: str, arg: Any = None) -> None:
    """Wait until a script is true in the page. Playwright's own way has the page evaluate text, which it may not."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not _is_true(page, script, arg):
        if time.monotonic() > deadline:
            raise TookTooLong(f"Never true: {script}")
        page.wait_for_timeout(50)


def _is_true(page: Page, script: str, arg: Any) -> bool:
    try:
        return bool(page.evaluate(script, arg))
    except Error as error:
        if "navigat" in str(error):  # the page was left meanwhile
            return False
        raise


def weight(request: Request) -> int:
    """The bytes of a finished request and its answer, with their headers."""
    sizes = request.sizes()
    asked = sizes["requestHeadersSize"] + sizes["requestBodySize"]
    return asked + sizes["responseHeadersSize"] + sizes["responseBodySize"]


class Board:
    """A page that shows a board."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wait_until("live")
        expect(page.locator("body")).to_have_attribute("data-role", re.compile("."))  # the tasks are there, too

    def wait_until(self, state: str) -> None:
        """Wait for a state of the connection."""
        expect(self.page.locator("body")).to_have_attribute("data-connection-state", state, timeout=TIMEOUT_MS)

    def move(self) -> None:
        """Let things move from now on. Most tests do without: to wait for an animation takes longer than the rest."""
        self.page.emulate_media(reduced_motion="no-preference")

    def come_back(self) -> None:
        """Look at the page again, which then tries to connect at once; wait until it is live."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        self.wait_until("live")

    @property
    def panel(self) -> Locator:
        """The open task's panel."""
        return self.page.locator("[data-task-panel]")

    def person(self, user_id: int) -> Locator:
        """A user in the list of present users."""
        return self.page.locator(f'[data-presence] [data-user-id="{user_id}"]')

    def viewer(self, task_id: int, user_id: int) -> Locator:
        """A user that has a task open, as its card shows it."""
        return self.card(task_id).locator(f'[data-viewers] [data-user-id="{user_id}"]')

    def column(self, status: str) -> Locator:
        """A column."""
        return self.page.locator(f"[data-status={status}]")

    def card(self, task_id: int) -> Locator:
        """A task's card."""
        return self.page.locator(f'[data-task-id="{task_id}"]')

    def order(self, status: str) -> list[int]:
        """The tasks of a column, from top to bottom."""
        cards = self.column(status).locator("[data-task-id]")
        return [int(number) for number in cards.evaluate_all("cards => cards.map(card => card.dataset.taskId)")]

    def expect_order(self, status: str, *task_ids: int) -> None:
        """Wait until a column holds these cards in this order, and says how many they are."""
        column = self.column(status)
        script = "([status, wanted]) => [...document.querySelectorAll(`[data-status=${status}] [data-task-id]`)]"
        script += ".map(card => card.dataset.taskId).join() === wanted"
        with suppress(TookTooLong):
            wait_for(self.page, script, [status, ",".join(map(str, task_ids))])
        assert self.order(status) == list(task_ids)
        expect(column).to_have_attribute("data-count", str(len(task_ids)))

    def expect_picture(self, wanted: dict[str, list[dict[str, Any]]]) -> None:
        """Wait until the columns hold these cards, and the cards say this."""
        text = json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
        with suppress(TookTooLong):
            wait_for(self.page, f"wanted => JSON.stringify(({PICTURE})()) === wanted", text)
        assert self.page.evaluate(PICTURE) == wanted

    def add(self, status: str, *titles: str) -> list[int]:
        """Add tasks as people do, one after the other; return their ids."""
        column = self.enter(status, *titles)
        ids = [int(self.titled(status, title).get_attribute("data-task-id") or 0) for title in titles]
        column.locator("input[name=title]").press("Escape")
        return ids

    def enter(self, status: str, *titles: str) -> Locator:
        """Write titles of new tasks, each with Enter, whatever becomes of them; return the column."""
        column = self.column(status)
        column.locator("[data-add-task]").click()
        for title in titles:
            column.locator("input[name=title]").fill(title)
            column.locator("input[name=title]").press("Enter")
        return column

    def titled(self, status: str, title: str) -> Locator:
        """The card with that title."""
        return self.column(status).locator("[data-task-id]").filter(has_text=title)

    def open(self, task_id: int) -> Locator:
        """Open a task's panel."""
        self.card(task_id).click()
        expect(self.panel).to_be_visible()
        return self.panel

    def work_in_panel(self, *titles: str, comment: str) -> None:
        """Rename the open task, once and again, and comment on it; close the panel while the comment waits."""
        panel = self.panel
        for title in titles:
            panel.locator("[name=title]").fill(title)
            panel.locator("[name=title]").press("Enter")
        panel.locator("[name=content]").fill(comment)
        panel.locator("[name=content]").press("Control+Enter")
        expect(panel.locator(".comment[data-pending]")).to_contain_text(comment)
        self.page.keyboard.press("Escape")
        expect(panel).to_have_count(0)

    def grab(self, task_id: int) -> None:
        """Take a card by its middle, once nothing moves any more."""
        wait_for(self.page, AT_REST)
        box = self.card(task_id).bounding_box()
        assert box
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.down()

    def drag(self, task_id: int, onto: Locator, below: bool = False) -> None:
        """Drag a card with the mouse to the upper or lower part of another element, and let go."""
        wait_for(self.page, AT_REST)
        target = onto.bounding_box()
        assert target
        self.grab(task_id)
        y = target["y"] + target["height"] * (0.9 if below else 0.1)
        self.page.mouse.move(target["x"] + target["width"] / 2, y, steps=8)
        self.page.mouse.up()

    def mark(self) -> None:
        """Mark the document as it is loaded now."""
        self.page.evaluate("window.marked = true")

    def expect_no_hash(self) -> None:
        """Wait until the address names no task: a panel is gone a moment before the browser has gone back."""
        expect(self.page).to_have_url(re.compile("^[^#]*$"))

    @property
    def was_reloaded(self) -> bool:
        """Whether the page was loaded again since `mark`."""
        return self.page.evaluate("window.marked") is not True


class SlowLine:
    """The way to the server of a page that is loaded from now on, on which changes of tasks wait to be let through.

    What is on it when the connection is lost, is lost.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: list[str | bytes] = []
        self._ends: list[WebSocketRoute] = []
        route_web_sockets(page, self._connect)

    def let_through(self) -> None:
        """Wait until a change is on the line, and pass it on."""
        while not self._held:
            self._page.wait_for_timeout(10)  # in which Playwright reports what the page has sent
        self._ends[-1].send(self._held.pop(0))

    def _connect(self, socket: WebSocketRoute) -> None:
        end = socket.connect_to_server()
        self._ends.append(end)
        self._held.clear()
        socket.on_message(lambda message: (self._held.append if "task_update" in str(message) else end.send)(message))
