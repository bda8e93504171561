"""What one does with a card without opening it, and a board that is not covered by the panel of one that is open."""

from playwright.sync_api import Page, expect

from tests.support.stacks import Server

from .board import Board
from .concerns import held
from .conftest import NewPage


def choose(page: Page, name: str) -> None:
    """Choose from the open menu."""
    page.get_by_role("menuitem", name=name).click()


def press_long(board: Board, task_id: int) -> None:
    """Rest a finger on a card until it lifts, and take it away."""
    box = board.card(task_id).bounding_box()
    assert box
    touch = board.page.context.new_cdp_session(board.page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(board.page.locator(".drag-shield")).to_have_count(1)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_card_offers_what_can_be_done_with_it(server: Server, new_page: NewPage) -> None:
    alice, viewer = server.stack.user(), server.stack.user()
    project = server.project(alice, viewers=[viewer])
    server.api(alice).post(f"/api/projects/{project}/labels/", json={"name": "Bug", "color": "red"})
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    page = board.page
    first, second = board.add("todo", "First", "Second")

    board.card(first).click(button="right")
    choose(page, "Assign to me")
    expect(board.card(first)).to_have_attribute("data-assignee-id", str(alice.id))
    board.card(first).click(button="right")
    expect(page.get_by_role("menuitem", name="Unassign me")).to_be_visible()
    page.keyboard.press("Escape")
    expect(board.card(first)).to_be_focused()

    board.card(second).hover()
    page.get_by_role("button", name="Task menu").click()
    choose(page, "Labels…")
    page.get_by_role("menuitemcheckbox", name="Bug").click()
    page.keyboard.press("Escape")
    expect(board.card(second).locator("[data-label-id]")).to_have_text("Bug")
    board.card(second).focus()
    page.keyboard.press("Shift+F10")
    choose(page, "Move to…")
    choose(page, "Completed")
    board.expect_order("completed", second)
    board.card(second).click(button="right")
    choose(page, "Archive task")
    board.expect_order("completed")
    board.card(first).click(button="right")
    choose(page, "Delete task")
    board.expect_order("todo")
    held(page.locator("[role=status] .toast").last).get_by_role("button", name="Undo").click()
    board.expect_order("todo", first)

    theirs = Board(new_page(server, viewer, f"/projects/{project}/"))
    theirs.card(first).click(button="right")
    expect(theirs.page.get_by_role("menuitem")).to_have_text(["Open task", "Copy link"])
    choose(theirs.page, "Open task")
    expect(theirs.panel).to_be_visible()


def test_a_long_press_opens_the_menu_of_a_card(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    board = Board(new_page(server, alice, f"/projects/{project}/", **options))
    task = server.api(alice).post("/api/tasks/", json={"project_id": project, "title": "Sow"}).json()["id"]
    board.expect_order("todo", task)
    press_long(board, task)
    choose(board.page, "Open task")
    expect(board.panel).to_be_visible()
