"""One search on every page: tasks of all projects, the projects themselves, and what the page can do."""

import os
import re

from playwright.sync_api import Locator, Page, expect

from tests.support.stacks import Server

from .board import LOST, Board
from .conftest import NewPage
from .seen import expect_seen
from .test_input_methods import InputMethod

CONTROL = 2  # of the modifiers of a key


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


class Palette:
    """The search of a page, which its key opens."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.keyboard.press("Control+k")
        self.field = page.get_by_role("combobox", name="Search tasks, projects and actions")
        expect(self.field).to_be_focused()

    def option(self, text: str | re.Pattern[str]) -> Locator:
        """What is listed with that text."""
        return self.page.locator("[data-palette]").get_by_role("option").filter(has_text=text)

    def find(self, words: str, text: str | re.Pattern[str]) -> Locator:
        """Look for words; return what is found, once the server has answered."""
        self.field.fill(words)
        expect(self.page.locator("[data-palette] [role=status]")).to_have_text(re.compile(r"found$"))
        expect(self.option(text)).to_have_count(1)
        return self.option(text)

    def choose(self, option: Locator) -> None:
        """Go down to an option with the arrows, and take it."""
        name = option.get_attribute("id") or ""
        for _ in range(30):
            if self.field.get_attribute("aria-activedescendant") == name:
                break
            self.field.press("ArrowDown")
        expect(option).to_have_attribute("aria-selected", "true")
        self.field.press("Enter")
        expect(self.field).to_have_count(0)


def test_one_search_finds_the_tasks_of_all_projects_and_leads_to_them(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    api, project, garden = server.api(alice), server.project(alice), server.project(alice)
    assert api.patch(f"/api/projects/{garden}/", json={"name": "Garden"}).status_code == 200

    def new_task(project_id: int, title: str, comment: str = "", **fields: str) -> int:
        task = api.post("/api/tasks/", json={"project_id": project_id, "title": title, **fields}).json()["id"]
        if comment:
            assert api.post(f"/api/tasks/{task}/comments/", json={"content": comment}).status_code == 201
        return int(task)

    fence = new_task(project, "Paint the fence")
    cafe = new_task(garden, "Café umbauen", "Erst die Tür in blau")
    old = new_task(garden, "Old fence", status="completed")
    assert api.post(f"/api/tasks/{old}/archive/").status_code == 204

    board = Board(new_page(server, alice, f"/projects/{project}/"))
    page = board.page
    palette = Palette(page)
    expect(palette.option("Add task")).to_have_attribute("aria-selected", "true")
    expect(palette.option("Garden")).to_be_visible()
    picture(page, "empty")
    both = palette.find("FENCE", "Paint the fence")
    expect(both.locator("mark")).to_have_text("fence")
    archived = palette.option("Old fence")
    expect(archived).to_contain_text("Garden · Archived")
    picture(page, "found")
    expect_seen(palette.field)
    # Here, without another page; the same again from a keyboard without Latin letters, and back with Escape.
    board.mark()
    palette.choose(both)
    expect(board.panel.locator("[name=title]")).to_have_value("Paint the fence")
    expect(page).to_have_url(re.compile(f"#task-{fence}$"))
    method = InputMethod(page)
    method.press("л", 75, "KeyK", modifiers=CONTROL)
    expect(palette.field).to_be_focused()
    palette.field.press("Escape")
    expect(palette.field).to_have_count(0)
    expect(board.panel).to_be_visible()
    assert not board.was_reloaded

    # What a comment says, in another project: the address names the comment.
    palette = Palette(page)
    method.compose("blau tur")
    method.accept("blau tur")
    expect(palette.option("Café umbauen")).to_contain_text("Erst die Tür in blau")
    expect(palette.field).to_have_value("blau tur")
    palette.choose(palette.option("Café umbauen"))
    expect(page).to_have_url(re.compile(rf"/projects/{garden}/#task-{cafe}/comment-\d+$"))
    board = Board(page)
    expect(board.panel.locator("[name=title]")).to_have_value("Café umbauen")
    expect(board.panel.locator("[data-comment-id]")).to_be_visible()

    palette = Palette(page)
    palette.choose(palette.find(f"#{old}", "Old fence"))
    expect(board.panel.locator("[data-restore-task]")).to_be_visible()
    expect(board.panel.locator("[name=title]")).to_have_value("Old fence")

    # An action, and what is left without a network.
    palette = Palette(page)
    palette.field.fill("archiv")
    palette.choose(palette.option(re.compile("^Archive$")))
    expect(page.locator("[data-archive-dialog]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-archive-dialog]")).to_have_count(0)


def test_without_a_network_the_search_knows_the_board_and_the_actions(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors=LOST))
    (fence,) = board.add("todo", "Paint the fence")
    board.page.context.set_offline(True)
    board.wait_until("offline")
    palette = Palette(board.page)
    palette.field.fill("fence")
    expect(board.page.locator("[data-palette] [role=status]")).to_have_text(
        "No connection right now. Only tasks of this board are shown."
    )
    palette.field.fill("shortcuts")
    expect(palette.option("Keyboard shortcuts")).to_be_visible()
    palette.field.fill("fence")
    palette.choose(palette.option("Paint the fence"))
    expect(board.panel.locator("[name=title]")).to_have_value("Paint the fence")
    expect(board.page).to_have_url(re.compile(f"#task-{fence}$"))
    board.page.context.set_offline(False)


def test_the_other_pages_have_the_same_search(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    page = new_page(server, alice, "/", viewport={"width": 390, "height": 700})
    palette = Palette(page)
    palette.choose(palette.option("Create project"))
    expect(page.locator("input[name=name]")).to_be_focused()
    page.goto(f"{server.url}/account/")
    page.get_by_role("button", name="Search").click()
    expect(palette.field).to_be_focused()
    picture(page, "phone")
    palette.field.fill("appear dark")
    palette.choose(palette.option("Appearance: Dark"))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    palette = Palette(page)
    palette.choose(palette.option(server.api(alice).get(f"/api/projects/{project}/").json()["name"]))
    Board(page)
    picture(page, "phone-board")
    palette = Palette(page)
    palette.field.fill("sign out")
    palette.choose(palette.option("Sign out"))
    expect(page).to_have_url(re.compile("/login/"))
