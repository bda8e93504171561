"""The pages in German: chosen by the browser or in the menu, complete, and without a line that breaks the layout."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import Board
from .concerns import Concerns, held
from .conftest import NewPage
from .test_accessibility import SIZES, Looks, expect_no_sideways_scrolling, look_over

GERMAN: Looks = {"locale": "de-DE"}


@pytest.mark.parametrize("size", SIZES)
def test_a_user_signs_in_and_works_in_german(server: Server, new_page: NewPage, size: Looks) -> None:
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    bob = server.stack.user(first_name="Bob", last_name="Lindqvist")
    project = server.project(alice, members=[bob], name="Garten")
    page = new_page(server, path=f"/projects/{project}/", allow_errors="status of 400", **GERMAN, **size)
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading")).to_have_text("Anmelden")
    look_over(page, "german signing in")
    expect_no_sideways_scrolling(page)
    page.get_by_label("Benutzername").fill(alice.username)
    page.get_by_label("Passwort").fill(alice.password)
    page.get_by_role("button", name="Anmelden").click()

    board, mine = Board(page), Concerns(page)
    expect(page.locator("[data-connection-label]")).to_have_text("Live")
    expect(board.column("in_progress").get_by_role("heading")).to_have_text("In Arbeit")
    (fence, paint) = board.add("todo", "Zaun streichen", "Farbe kaufen")
    fields = {"due_at": "2020-03-05T12:00:00Z", "priority": "urgent", "assignee_id": alice.id}
    assert server.api(bob).patch(f"/api/tasks/{fence}/", json=fields).status_code == 200
    expect(held(mine.toasts)).to_contain_text("Bob Lindqvist hat dir „Zaun streichen“ zugewiesen.")
    expect(board.card(fence).locator("time")).to_have_text(re.compile(r"5\. März 2020"))
    assert server.api(bob).post(f"/api/tasks/{paint}/move/", json={"status": "review"}).status_code == 200
    expect(page.locator("[data-announcer]")).to_contain_text(
        "Bob Lindqvist hat „Farbe kaufen“ nach „In Prüfung“ verschoben."
    )
    look_over(page, "german board")
    expect_no_sideways_scrolling(page)

    panel = board.open(fence)
    expect(panel.locator("[data-part=due-note]")).to_contain_text(
        re.compile("Überfällig seit Donnerstag, 5. März 2020")
    )
    panel.locator("details summary").click()
    expect(panel.locator("details")).to_contain_text("Alice Okafor hat „Zaun streichen“ hinzugefügt (Offen)")
    look_over(page, "german panel", "[data-task-panel]")
    page.keyboard.press("Escape")
    mine.open()
    expect(mine.inbox.locator("[data-close-inbox]")).to_be_in_viewport(ratio=1)
    look_over(page, "german inbox", "[data-inbox]")
    mine.inbox.locator("[data-open-settings]").click()
    expect(page.get_by_label("Zeitzone")).not_to_have_value("")
    look_over(page, "german settings", "[data-settings-dialog]")
    page.keyboard.press("Escape")
    page.locator("[data-open-members]").click()
    page.get_by_role("button", name="Einladungslink erstellen").click()
    expect(page.locator("[data-invitation-id]")).to_have_count(1)
    page.locator("[data-members-dialog] [name=username]").fill("gibt.es.nicht")
    page.locator("[data-members-dialog] [name=username]").press("Enter")
    expect(page.locator("[data-members-dialog] [data-part=error]")).to_have_text("Diesen Benutzernamen gibt es nicht.")
    look_over(page, "german members", "[data-members-dialog]")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("[data-key-help]")).to_contain_text("Zwischen Aufgaben wechseln")
    look_over(page, "german keys", "[data-key-help]")


def test_the_language_is_chosen_in_the_menu_and_the_open_task_stays_open(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    page = new_page(server, alice, f"/projects/{project}/")
    board = Board(page)
    (task,) = board.add("todo", "Paint")
    board.open(task)
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Language").click()
    expect(page.get_by_role("menuitemradio", name="English")).to_be_checked()
    page.get_by_role("menuitemradio", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(board.panel).to_contain_text("Beschreibung")
    page.goto("/")
    expect(page.get_by_role("button", name="Projekt erstellen")).to_be_visible()
    page.locator("[data-sign-out]").click()
    page.wait_for_url("**/login/")
    expect(page.get_by_role("heading")).to_have_text("Anmelden")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
def test_the_pages_that_look_at_the_server_are_german(server: Server, new_page: NewPage, size: Looks) -> None:
    boss = server.stack.user(is_staff=True)
    page = new_page(server, boss, "/ops/", **GERMAN, **size)
    expect(page.locator("[data-processes]")).to_contain_text("läuft")
    look_over(page, "german operations")
    expect_no_sideways_scrolling(page)
    page.goto("/connection/")
    page.get_by_role("button", name="Test starten").click()
    expect(page.locator("[data-check-verdict]")).to_have_text(
        "Alles funktioniert. Boards sind hier live.", timeout=60_000
    )
    look_over(page, "german connection test")
    expect_no_sideways_scrolling(page)
