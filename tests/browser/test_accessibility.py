"""Every page and state, looked over by axe-core: nothing serious, nothing critical, in light or dark.

`make screenshots` has the same run take pictures.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from taskrealtime.contract.events import LABEL_COLORS
from tests.support.stacks import Server

from .board import AT_REST, LOST, Board, wait_for
from .concerns import Concerns
from .conftest import NewPage
from .seen import expect_seen
from .test_offline import go_offline

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
BAD = ("serious", "critical")
#: The folder for pictures, if they are wanted.
PICTURES = os.environ.get("SCREENSHOTS")
Looks = dict[str, Any]
PHONE: Looks = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
SIZES = [pytest.param(Looks(), id="wide"), pytest.param(PHONE, id="phone", marks=pytest.mark.long)]

#: What axe-core finds that is bad enough, in a part of the page: all that it knows, or what depends on colours alone.
FIND = """async ([part, onlyColors, bad]) => {
    const options = { resultTypes: ['violations'], elementRef: false };
    if (onlyColors) options.runOnly = ['color-contrast'];
    const { violations } = await axe.run(part, options);
    return violations.filter(({ impact }) => bad.includes(impact)).flatMap(({ id, impact, nodes }) =>
        nodes.map((node) => `${id} (${impact}): ${node.html.slice(0, 160)}\n    ${node.failureSummary}`));
}"""


def look_over(page: Page, state: str, part: str = "html") -> None:
    """Fail with what axe-core finds in the page as it is now, in light and in dark, once nothing moves any more.

    `part` is what was opened, where the page below it has been looked over before.
    """
    if part != "html":
        expect_seen(page.locator(part).first)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        wait_for(page, AT_REST)
        if PICTURES:
            size = "phone" if page.evaluate("innerWidth < 600") else "desktop"
            name = re.sub(r"[^a-z]+", "-", state.lower()).strip("-")
            page.screenshot(path=f"{PICTURES}/{name}-{size}-{scheme}.png", caret="initial")
        found: list[str] = page.evaluate(FIND, [part, scheme == "dark", BAD])
        assert not found, "\n".join([f"{state}, {scheme}:", *found])


def expect_no_sideways_scrolling(page: Page) -> None:
    """What is wider than the page, also on a phone, scrolls by itself."""
    size = page.viewport_size
    assert size
    for width in (size["width"], PHONE["viewport"]["width"]):
        page.set_viewport_size({"width": width, "height": size["height"]})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size(size)


@pytest.mark.long
@pytest.mark.parametrize("looks", SIZES)
def test_the_pages_round_the_board(server: Server, new_page: NewPage, looks: Looks) -> None:
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    page = new_page(server, path="/login/", **looks)
    look_over(page, "signing in")
    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "wrong")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    look_over(page, "a wrong password")
    page = new_page(server, alice, allow_errors="status of 404", **looks)
    look_over(page, "no projects")
    page.goto("/nowhere/")
    look_over(page, "nothing there")
    server.project(alice, name="Garden")
    page.goto("/")
    look_over(page, "projects")
    server.api().post("/api/token/", json={"username": alice.username, "password": alice.password})
    page.goto("/account/")
    expect(page.locator("[data-session-id]").filter(has_text="App or script")).to_be_visible()
    expect_no_sideways_scrolling(page)
    look_over(page, "the account")
    page.goto("/")
    Concerns(page).open()
    expect(Concerns(page).inbox).to_contain_text("You’re all caught up")
    look_over(page, "an empty inbox", "[data-inbox]")


@pytest.mark.long
@pytest.mark.parametrize("looks", SIZES)
def test_the_pages_of_users_that_others_add(server: Server, new_page: NewPage, looks: Looks) -> None:
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    eve = server.stack.user(first_name="Eve", last_name="Moore")
    server.project(eve, members=[alice], name="Lottery")
    left = server.project(eve, members=[alice])
    assert server.api(alice).post(f"/api/projects/{left}/leave/", json={"block": True}).status_code == 204
    assert server.api(alice).patch("/api/me/", json={"ask_first": True}).status_code == 200
    bob = server.stack.user(first_name="Bob", last_name="Lindqvist")
    asked = server.project(bob, name="Spring release of the garden planner")
    member = {"username": alice.username}
    assert server.api(bob).post(f"/api/projects/{asked}/members/", json=member).status_code == 202
    page = new_page(server, alice, **looks)
    expect(page.locator("[data-request-project]")).to_be_visible()
    page.get_by_text("Added by Eve Moore").click()
    expect_no_sideways_scrolling(page)
    look_over(page, "a request, and who added one")
    page.goto("/account/")
    expect(page.locator("[data-blocked-id]")).to_be_visible()
    expect_no_sideways_scrolling(page)
    look_over(page, "the account of who blocked somebody")
    page.goto("/")
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Settings").click()
    expect(page.get_by_label("Ask me first")).to_be_visible()
    look_over(page, "settings of who wants to be asked", "[data-settings-dialog]")


@pytest.mark.parametrize("looks", SIZES)
def test_the_board_and_all_that_opens_on_it(server: Server, new_page: NewPage, looks: Looks) -> None:
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    bob = server.stack.user(first_name="Bob", last_name="Lindqvist")
    project = server.project(alice, members=[bob])
    page = new_page(server, alice, f"/projects/{project}/", **looks)
    board, mine = Board(page), Concerns(page)
    look_over(page, "an empty board")
    tasks = board.add("todo", "Paint the fence", "Buy the paint", "Find the brush")
    for color in LABEL_COLORS:
        server.api(alice).post(f"/api/projects/{project}/labels/", json={"name": f"A {color} one", "color": color})
    for task, fields in zip(
        tasks,
        (
            {
                "priority": "urgent",
                "due_at": "2020-01-01T00:00:00Z",
                "assignee_id": alice.id,
                "labels": [1, 2, 3, 4, 5, 6, 7, 8],
            },
            {"priority": "low", "due_at": "2100-01-01T00:00:00Z", "assignee_id": bob.id},
            {"status": "completed", "description": "In **green**, `#0f0`, see [this](https://example.org)."},
        ),
        strict=True,
    ):
        assert server.api(bob).patch(f"/api/tasks/{task}/", json=fields).status_code == 200
    theirs = Board(new_page(server, bob, f"/projects/{project}/"))
    theirs.open(tasks[0])
    expect(board.viewer(tasks[0], bob.id)).to_be_visible()
    server.api(bob).post(f"/api/tasks/{tasks[0]}/comments/", json={"content": f"@{alice.username} *now*?"})
    expect(mine.toasts.last).to_be_visible()
    look_over(page, "a board with somebody else on it, and toasts")
    board.open(tasks[0])
    theirs.panel.locator("[name=content]").press_sequentially("And")
    expect(board.panel.locator("[data-typing]")).not_to_be_empty()
    look_over(page, "a task's panel", "[data-task-panel]")
    board.panel.locator("[name=labels]").click()
    expect(page.get_by_role("menuitemcheckbox")).to_have_count(len(LABEL_COLORS))
    look_over(page, "the menu of labels", "[role=menu]")
    page.keyboard.type("re")
    look_over(page, "labels that have what was typed", "[role=menu]")
    page.keyboard.type("!")
    look_over(page, "no label that has it", "[role=menu]")
    page.get_by_role("menuitem", name="Edit labels…").click()
    expect(page.locator("[data-labels-dialog]")).to_be_visible()
    look_over(page, "the labels", "[data-labels-dialog]")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    board.open(tasks[2])
    look_over(page, "a panel with a description", "[data-task-panel]")
    page.keyboard.press("Escape")
    mine.open()
    expect(mine.items.first).to_be_visible()
    look_over(page, "the inbox", "[data-inbox]")
    mine.inbox.locator("[data-open-settings]").click()
    expect(page.get_by_label("Time zone")).not_to_have_value("")
    look_over(page, "the settings", "[data-settings-dialog]")
    page.keyboard.press("Escape")
    page.locator("[data-open-members]").click()
    look_over(page, "the members", "[data-members-dialog]")
    page.keyboard.press("Escape")
    page.locator("[data-open-archive]").click()
    expect(page.locator("[data-archive-dialog]")).to_contain_text("No archived tasks yet")
    look_over(page, "the archive", "[data-archive-dialog]")
    page.keyboard.press("Escape")
    page.locator("[data-open-search]").click()
    look_over(page, "the search", "[data-palette]")
    page.get_by_role("combobox", name="Search tasks, projects and actions").fill("paint")
    expect(page.locator("[data-palette] [role=status]")).to_have_text(re.compile("found$"))
    look_over(page, "what a search found", "[data-palette]")
    page.keyboard.press("Escape")
    page.locator("[data-me]").click()
    look_over(page, "the own menu", "[role=menu]")
    page.keyboard.press("Escape")
    board.card(tasks[1]).focus()
    page.keyboard.press("m")
    look_over(page, "the menu that moves a card", "[role=menu]")


@pytest.mark.long
@pytest.mark.parametrize("looks", SIZES)
def test_the_ways_in(server: Server, new_page: NewPage, looks: Looks) -> None:
    alice, bob = server.stack.user(first_name="Alice", last_name="Okafor"), server.stack.user()
    project = server.project(alice, members=[bob], name="Garden")
    url = server.api(alice).post(f"/api/projects/{project}/invitations/", json={"max_uses": 10}).json()["url"]
    page = new_page(server, path=url, allow_errors="status of 40", **looks)
    expect(page.get_by_role("heading")).to_contain_text("Garden")
    look_over(page, "an invitation")
    page.goto("/sign-up/")
    page.get_by_label("Username").fill("with space")
    page.get_by_label("Password", exact=True).fill("password")
    page.get_by_label("Confirm password").fill("password")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_have_count(2)
    look_over(page, "an account that cannot be")
    for path in (
        "/login/",
        "/password/lost/",
        "/password/lost/sent/",
        "/password/new/",
        "/password/new/MQ/",
        "/password/set/",
    ):
        page.goto(path)
        look_over(page, path)
    page = new_page(server, alice, "/password/", **looks)
    for path in ("/password/", "/password/changed/", "/join/"):
        page.goto(path)
        look_over(page, path)
    page.goto(f"/projects/{project}/")
    Board(page)
    page.locator("[data-open-members]").click()
    page.get_by_role("button", name="Create invite link").click()
    expect(page.locator("[data-invitation-id]")).to_have_count(2)
    look_over(page, "members and links", "[data-members-dialog]")


@pytest.mark.long
@pytest.mark.parametrize("looks", SIZES)
def test_the_pages_that_look_at_the_server(server: Server, new_page: NewPage, looks: Looks) -> None:
    boss = server.stack.user(is_staff=True)
    board = Board(new_page(server, boss, f"/projects/{server.project(boss)}/"))
    page = new_page(server, boss, "/ops/", **looks)
    expect(page.locator("[data-projects] tr").first).to_be_visible()
    look_over(page, "operations")
    expect_no_sideways_scrolling(page)
    page.goto("/connection/")
    look_over(page, "a connection test before its start")
    page.get_by_role("button", name="Start test").click()
    expect(page.locator("[data-check-report]")).to_be_visible(timeout=60_000)
    look_over(page, "a connection test")
    expect_no_sideways_scrolling(page)
    board.page.close()


@pytest.mark.long
@pytest.mark.parametrize("looks", SIZES)
def test_a_board_when_things_go_wrong(server: Server, new_page: NewPage, looks: Looks) -> None:
    alice, bob = server.stack.user(first_name="Alice"), server.stack.user(first_name="Bob")
    project = server.project(alice, members=[bob])
    failing = re.compile(rf"/api/projects/{project}/board/")
    page = new_page(server, alice, allow_errors=f"{LOST}|status of 500|ERR_FAILED", **looks)
    page.route(failing, lambda route: route.fulfill(status=500, json={"code": "internal", "message": "Broken."}))
    page.goto(f"/projects/{project}/")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    look_over(page, "a board that cannot be loaded")
    page.unroute(failing)
    page.get_by_role("button", name="Try again").click()
    board = Board(page)
    kept, lost = board.add("todo", "Paint the fence", "Buy the paint")
    page.keyboard.press("/")
    page.keyboard.type("nothing like it")
    expect(page.locator("[data-filter-count]")).to_have_text("0 of 2 tasks")
    look_over(page, "a filter that fits nothing")
    page.locator("[data-clear-filter]").click()
    board.card(kept).focus()
    page.keyboard.press("?")
    expect(page.locator("[data-key-help]")).to_be_visible()
    look_over(page, "the keys", "[data-key-help]")
    page.keyboard.press("Escape")
    panel = board.open(kept)
    panel.locator("[name=content]").press_sequentially("Ask @")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    look_over(page, "people to mention")
    page.keyboard.press("Escape")
    panel.locator("[name=content]").fill("")
    go_offline(board)
    panel.locator("[name=title]").fill("By Alice")
    panel.locator("[name=title]").blur()
    expect(board.card(kept)).to_have_attribute("data-pending", "")
    look_over(page, "a board without a connection")
    page.keyboard.press("Escape")
    title = board.open(lost).locator("[name=title]")
    title.fill("Bought by Alice")
    title.blur()
    expect(board.card(lost)).to_have_attribute("data-pending", "")
    page.keyboard.press("Escape")
    api = server.api(bob)
    assert api.patch(f"/api/tasks/{kept}/", json={"title": "By Bob"}).status_code == 200
    assert api.delete(f"/api/tasks/{lost}/").status_code == 204
    page.context.set_offline(False)
    board.wait_until("live")
    expect(page.locator("[data-problems]")).to_contain_text("It no longer exists")
    look_over(page, "what came to nothing")
    board.open(kept)
    expect(panel.locator("[data-conflict=title]")).to_contain_text("By Bob")
    look_over(page, "two edits of one field", "[data-task-panel]")
