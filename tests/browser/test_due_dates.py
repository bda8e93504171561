"""Due dates as people type them: slowly, half, without a time, and in another time zone than the device's."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, expect

from tests.support.stacks import Server, User

from .board import Board
from .conftest import NewPage
from .seen import expect_seen

#: Milliseconds between two keys of a hesitant user: more than any page waits before it saves.
SLOWLY = 900
BERLIN: dict[str, Any] = {"timezone_id": "Europe/Berlin", "locale": "en-GB"}


class Scene(NamedTuple):
    """Alice in front of a task's panel."""

    server: Server
    alice: User
    board: Board
    task: int

    @property
    def date(self) -> Locator:
        return self.board.panel.locator("[name=due_date]")

    @property
    def time(self) -> Locator:
        return self.board.panel.locator("[name=due_time]")

    @property
    def error(self) -> Locator:
        return self.board.panel.locator("[data-part=due-error]")

    def saved(self) -> list[str | None]:
        """All due dates that the task was given, as the project's log has them."""
        self.settle()
        path = f"/api/projects/{self.board.page.locator('body').get_attribute('data-project-id')}/events/?since=0"
        events = self.server.api(self.alice).get(path).json()["events"]
        updates = [event["data"] for event in events if event["event"] == "task_updated"]
        return [data["changes"]["due_at"] for data in updates if "due_at" in data["changes"]]

    def settle(self) -> None:
        """Wait until all that was done on the page has reached the server: a change that was asked for later has."""
        priority = self.board.panel.locator("[name=priority]")
        priority.select_option("low" if priority.input_value() == "high" else "high")
        expect(self.board.page.locator("[data-pending]")).to_have_count(0)

    def type(self, keys: str, delay: float = 0) -> None:
        """Press keys, one after the other."""
        self.board.page.keyboard.type(keys, delay=delay)


Open = Callable[..., Scene]


@pytest.fixture
def open_task(server: Server, new_page: NewPage) -> Open:
    """`open_task(due_at, zone="")`: Alice, whose device is in Berlin, opens a task with that due date."""

    def open_task(due_at: str | None, zone: str = "") -> Scene:
        alice = server.stack.user()
        api, project = server.api(alice), server.project(alice)
        if zone:
            assert api.patch("/api/me/", json={"timezone": zone}).status_code == 200
        task = {"project_id": project, "title": "Paint"} | ({"due_at": due_at} if due_at else {})
        made = api.post("/api/tasks/", json=task).json()["id"]
        board = Board(new_page(server, alice, f"/projects/{project}/", **BERLIN))
        board.open(made)
        return Scene(server, alice, board, made)

    return open_task


def test_a_year_that_is_typed_slowly_is_saved_once_and_whole(open_task: Open) -> None:
    scene = open_task("2026-12-15T08:00:00Z")
    expect(scene.time).to_have_value("09:00")
    scene.date.focus()
    scene.type("1215")
    scene.type("2027", SLOWLY)
    assert scene.date.input_value() == "2027-12-15"
    scene.board.page.keyboard.press("Enter")
    assert scene.saved() == ["2027-12-15T08:00:00Z"]


def test_a_date_that_is_half_typed_is_neither_saved_nor_repainted(open_task: Open) -> None:
    scene = open_task("2026-12-15T08:00:00Z")
    scene.date.focus()
    scene.type("12152")
    year = scene.date.input_value()
    assert year == "0002-12-15"
    # Meanwhile others change the task, and time passes.
    changes = {"due_at": "2031-01-01T08:00:00Z", "title": "Varnish"}
    assert scene.server.api(scene.alice).patch(f"/api/tasks/{scene.task}/", json=changes).status_code == 200
    expect(scene.board.panel.locator("[name=title]")).to_have_value("Varnish")
    scene.board.page.wait_for_timeout(SLOWLY)
    expect(scene.date).to_have_value(year)
    scene.board.page.keyboard.press("Tab")  # through month and year
    scene.board.panel.locator("[name=priority]").focus()
    expect_seen(scene.error, "Enter the year with four digits.")
    assert scene.saved() == ["2031-01-01T08:00:00Z"]
    scene.date.focus()
    scene.board.page.keyboard.press("Escape")
    expect(scene.date).to_have_value("2031-01-01")
    expect(scene.error).to_be_hidden()
    expect(scene.board.panel).to_be_visible()


def test_a_part_that_is_deleted_to_be_typed_anew_deletes_no_date(open_task: Open) -> None:
    scene = open_task("2026-12-15T08:00:00Z")
    scene.date.focus()
    scene.board.page.keyboard.press("Backspace")
    scene.board.page.wait_for_timeout(SLOWLY)
    assert scene.date.evaluate("field => field.validity.badInput")
    scene.board.panel.locator("[name=priority]").focus()
    expect_seen(scene.error, "Complete the date")
    scene.date.focus()  # in its first part, which this browser has for the month
    scene.type("10")
    scene.board.page.keyboard.press("Enter")
    expect(scene.error).to_be_hidden()
    assert scene.saved() == ["2026-10-15T07:00:00Z"]


def test_a_panel_that_is_closed_over_half_a_date_says_that_it_stays(open_task: Open) -> None:
    scene = open_task("2026-12-15T08:00:00Z")
    scene.date.focus()
    scene.board.page.keyboard.press("Backspace")
    scene.board.panel.locator("[data-close-panel]").click()
    expect_seen(scene.board.page.locator("[data-toasts]"), "The due date was not complete")
    scene.board.open(scene.task)
    expect(scene.date).to_have_value("2026-12-15")
    assert scene.saved() == []


def test_a_date_without_a_time_is_that_day_and_a_button_takes_it_away(open_task: Open) -> None:
    scene = open_task(None)
    scene.date.focus()
    scene.type("12152027")
    scene.board.panel.locator("[name=title]").focus()
    card = scene.board.card(scene.task)
    note = scene.board.panel.locator("[data-part=due-note]")
    expect_seen(note, "Wednesday, 15 December 2027")
    expect(note).not_to_contain_text("23:59")
    expect_seen(card.locator("[data-part=due]"), "15 Dec 2027")
    assert scene.saved() == ["2027-12-15T22:59:00Z"]
    expect(scene.time).to_have_value("")
    scene.time.focus()
    scene.type("0930AM")
    scene.board.page.keyboard.press("Enter")
    assert scene.saved()[1:] == ["2027-12-15T08:30:00Z"]
    clear = scene.board.panel.locator("[data-clear-due]")
    expect_seen(clear)
    clear.click()
    expect(card.locator("[data-part=due]")).to_be_hidden()
    assert scene.saved()[2:] == [None]
    expect(clear).to_be_hidden()


def test_a_time_without_a_date_is_asked_for_its_date(open_task: Open) -> None:
    scene = open_task(None)
    scene.time.focus()
    scene.type("0930AM")
    scene.board.panel.locator("[name=priority]").focus()
    expect_seen(scene.error, "Enter a date as well.")
    scene.date.focus()
    scene.type("12152027")
    scene.board.page.keyboard.press("Enter")
    assert scene.saved() == ["2027-12-15T08:30:00Z"]


def test_a_zone_that_is_not_the_devices_is_named_and_meant(open_task: Open) -> None:
    scene = open_task("2027-03-27T08:00:00Z", zone="Asia/Tokyo")
    expect_seen(scene.board.panel.locator("[data-part=zone]"), "Asia/Tokyo")
    expect_seen(scene.board.panel.locator("[data-part=due-note]"), "17:00 (Asia/Tokyo)")
    scene.time.focus()
    scene.type("0930AM")
    scene.board.page.keyboard.press("Enter")
    assert scene.saved() == ["2027-03-27T00:30:00Z"]


def test_a_time_that_the_clocks_skip_becomes_the_hour_after_and_is_said(open_task: Open) -> None:
    scene = open_task("2027-03-28T10:00:00Z")
    expect(scene.board.panel.locator("[data-part=zone]")).to_be_hidden()
    scene.time.focus()
    scene.type("0230AM")
    scene.board.page.keyboard.press("Enter")
    expect_seen(scene.board.page.locator("[data-toasts]"), "The clocks skip that time")
    expect(scene.time).to_have_value("03:30")
    assert scene.saved() == ["2027-03-28T01:30:00Z"]


def test_escape_takes_a_half_typed_text_back_which_can_be_had_again(open_task: Open) -> None:
    scene = open_task(None)
    panel, keyboard, toasts = scene.board.panel, scene.board.page.keyboard, scene.board.page.locator("[data-toasts]")
    for name, saved in (("title", "Paint"), ("description", "")):
        field = panel.locator(f"[name={name}]")
        field.click()
        keyboard.press("End")
        keyboard.type(" half")
        keyboard.press("Escape")
        expect(field).to_have_value(saved)
        expect_seen(toasts, f"Your change to the {name} was discarded.")
        expect(panel).to_be_visible()
        toasts.get_by_role("button", name="Keep editing").last.click()
        expect(field).to_have_value(f"{saved} half")
        expect(field).to_be_focused()
        keyboard.press("Escape")
    scene.settle()
    task = scene.server.api(scene.alice).get(f"/api/tasks/{scene.task}/").json()
    assert (task["title"], task["description"]) == ("Paint", "")
    keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_a_half_typed_title_outlives_a_reload(open_task: Open) -> None:
    scene = open_task(None)
    title = scene.board.panel.locator("[name=title]")
    title.press("End")
    title.press_sequentially(" half")
    scene.board.page.reload()
    expect(title).to_have_value("Paint half")
    expect(scene.board.card(scene.task).locator("[data-part=title]")).to_have_text("Paint")
