"""What somebody has begun to write outlives a reload; a comment can be linked to."""

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import Board
from .conftest import NewPage


def test_what_was_being_written_is_there_after_a_reload(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    (task,) = board.add("todo", "Paint")
    panel = board.open(task)
    panel.locator("[name=description]").press_sequentially("Half a tho")
    board.page.reload()
    expect(board.panel.locator("[name=description]")).to_have_value("Half a tho")
    panel.locator("[name=content]").press_sequentially("And a com")
    board.page.reload()
    board.wait_until("live")
    expect(board.panel.locator("[name=description]")).to_have_value("Half a tho")
    expect(board.panel.locator("[name=content]")).to_have_value("And a com")
    board.panel.locator("[name=content]").press("Control+Enter")
    expect(board.panel.locator("[data-comment-id]")).to_have_count(1)
    board.page.reload()
    expect(board.panel.locator("[data-comment-id]")).to_have_count(1)
    expect(board.panel.locator("[name=content]")).to_have_value("")


def test_signing_out_takes_the_drafts_away(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    (task,) = board.add("todo", "Paint")
    board.open(task).locator("[name=content]").press_sequentially("Secret")
    board.page.locator("[data-close-panel]").click()
    board.page.locator("[data-sign-out]").click()
    board.page.wait_for_url("**/login/**")
    assert "Secret" not in board.page.evaluate("JSON.stringify(localStorage)")


def test_who_signs_out_to_join_as_somebody_else_leaves_nothing_either(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    invited = server.api(bob).post(f"/api/projects/{server.project(bob)}/invitations/", json={}).json()["url"]
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    (task,) = board.add("todo", "Paint")
    board.open(task).locator("[name=content]").press_sequentially("Secret")
    page = board.page.context.new_page()
    page.goto(invited)
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, board.page):
        tab.wait_for_url("**/login/**")
    assert "Secret" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_link_to_a_comment_opens_its_task_and_marks_it_or_says_that_it_is_gone(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    page = new_page(server, alice, f"/projects/{project}/", permissions=["clipboard-read", "clipboard-write"])
    board = Board(page)
    (task,) = board.add("todo", "Paint")
    for number in range(12):
        server.api(alice).post(f"/api/tasks/{task}/comments/", json={"content": f"Number {number}"})
    comment = board.open(task).locator("[data-comment-id]").filter(has_text="Number 3")
    comment.hover()
    comment.locator("[data-copy-link]").click()
    expect(page.locator("[data-toasts]")).to_contain_text("copied")
    page.goto("/")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    expect(comment).to_have_attribute("aria-current", "true")
    expect(comment).to_be_in_viewport()
    server.api(alice).delete(f"/api/comments/{link.rpartition('-')[2]}/")
    expect(comment).to_have_count(0)
    page.goto("/")
    page.goto(link)
    expect(board.panel.locator("[data-comment-id]")).to_have_count(11)
    expect(page.locator("[data-toasts]")).to_contain_text("no longer there")
