"""Orientation on a board: filters, activity, undo, and the documented keyboard shortcuts."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.stacks import Server, User

from .board import AT_REST, LOST, Board, wait_for
from .concerns import held
from .conftest import NewPage
from .test_offline import until_a_reset

TOP = "element => element.getBoundingClientRect().top"


@pytest.fixture
def bob(server: Server) -> User:
    return server.stack.user(first_name="Bob", last_name="Lindqvist")


@pytest.fixture
def board(server: Server, new_page: NewPage, bob: User) -> Board:
    alice = server.stack.user()
    return Board(new_page(server, alice, f"/projects/{server.project(alice, members=[bob])}/"))


def test_the_address_keeps_the_filter_and_changes_move_cards_in_and_out(
    server: Server, board: Board, bob: User
) -> None:
    fence, paint, brush = board.add("todo", "Paint the fence", "Buy the paint", "Find the brush")
    board.page.keyboard.press("/")
    board.page.keyboard.type("paint")
    board.expect_order("todo", fence, paint)
    expect(board.page.locator("[data-filter-count]")).to_have_text("2 of 3 tasks")
    expect(board.page).to_have_url(re.compile(r"\?q=paint$"))
    api = server.api(bob)
    api.patch(f"/api/tasks/{paint}/", json={"title": "Buy the colour"})
    board.expect_order("todo", fence)
    api.patch(f"/api/tasks/{brush}/", json={"title": "Find the paint"})
    board.expect_order("todo", fence, brush)
    board.page.locator("[name=filter_assignee]").select_option(label="Bob Lindqvist")
    expect(board.column("todo")).to_have_attribute("data-count", "0")
    api.patch(f"/api/tasks/{brush}/", json={"assignee_id": bob.id})
    board.expect_order("todo", brush)
    board.page.reload()
    board.expect_order("todo", brush)
    expect(board.page.locator("[data-filter]")).to_have_value("paint")
    board.open(brush)
    expect(board.page).to_have_url(re.compile(r"\?q=paint"))
    board.page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)
    board.page.get_by_role("button", name="Clear filters").click()
    board.expect_order("todo", fence, paint, brush)
    expect(board.page).to_have_url(re.compile(r"^[^?]*$"))


def test_a_card_is_dragged_among_those_that_are_shown_and_a_new_hidden_one_is_announced(board: Board) -> None:
    one, hidden, two, three = board.add("todo", "Paint one", "Hidden", "Paint two", "Paint three")
    board.page.locator("[data-filter]").fill("paint")
    board.expect_order("todo", one, two, three)
    board.move()
    board.drag(three, onto=board.card(two))
    board.expect_order("todo", one, three, two)
    board.enter("todo", "Buy a brush")
    toast = board.page.locator("[role=status]")
    expect(toast).to_contain_text("“Buy a brush” is hidden by the current filters")
    held(toast).get_by_role("button", name="Clear filters").click()
    expect(board.titled("todo", "Buy a brush")).to_be_visible()
    assert board.order("todo")[:4] == [one, hidden, three, two]

    board.page.locator("[data-filter]").fill("paint")
    board.expect_order("todo", one, three, two)
    panel = board.open(two)
    panel.locator("[name=title]").fill("Varnish two")
    panel.locator("[name=title]").press("Enter")
    board.expect_order("todo", one, three)
    expect(held(toast)).to_contain_text("“Varnish two” is hidden by the current filters")
    board.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    toast.get_by_role("button", name="Open task").click()
    expect(panel.locator("[name=title]")).to_have_value("Varnish two")


def test_what_happened_is_listed_backwards_and_goes_on(server: Server, board: Board, bob: User) -> None:
    fence, brush = board.add("todo", "Paint the fence", "Find the brush")
    api = server.api(bob)
    api.patch(f"/api/tasks/{fence}/", json={"title": "Paint the gate"})
    api.patch(f"/api/tasks/{brush}/", json={"priority": "high"})
    board.page.locator("[data-open-activity]").click()
    entries = board.page.locator("[data-activity-dialog] li")
    expect(entries.nth(0)).to_contain_text("Bob Lindqvist set the priority of “Find the brush” to high")
    expect(entries.nth(0).locator(".avatar")).to_have_text("BL")
    expect(entries.nth(1)).to_contain_text("renamed “Paint the fence” to “Paint the gate”")
    expect(entries.nth(3)).to_contain_text("added “Paint the fence” to To do")
    api.patch(f"/api/tasks/{fence}/", json={"status": "review"})
    expect(entries.nth(0)).to_contain_text("moved “Paint the gate” to Review")
    board.page.keyboard.press("Escape")
    panel = board.open(fence)
    panel.get_by_text("Activity").click()
    expect(panel.locator("[data-part=activity-body] li")).to_have_count(3)
    expect(panel.locator("[data-part=activity-body]")).not_to_contain_text("brush")


def test_what_happened_before_a_reset_is_shown_by_what_is_open(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project, api = server.project(alice), server.api(alice)
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors=LOST))
    (task,) = board.add("todo", "Fence")
    board.open(task).get_by_text("Activity").click()
    of_task = board.panel.locator("[data-part=activity-body] li")
    expect(of_task).to_have_count(1)
    board.page.locator("[data-open-activity]").evaluate("button => button.click()")  # which the panel covers
    of_project = board.page.locator("[data-activity-dialog] li")
    expect(of_project.nth(0)).to_contain_text("added “Fence” to To do")
    before = of_project.count()
    with until_a_reset(board, server.stack):
        api.patch(f"/api/tasks/{task}/", json={"title": "Gate"})
    expect(of_project.nth(0)).to_contain_text("renamed “Fence” to “Gate”")
    expect(of_task.nth(0)).to_contain_text("renamed “Fence” to “Gate”")
    api.patch(f"/api/tasks/{task}/", json={"status": "review"})
    for entries, known in ((of_project, before), (of_task, 1)):
        expect(entries.nth(0)).to_contain_text("moved “Gate” to Review")
        expect(entries).to_have_count(known + 2)


def test_the_last_action_is_undone_by_key_or_button_and_the_keys_are_listed(board: Board) -> None:
    one, two = board.add("todo", "One", "Two")
    board.drag(one, onto=board.column("review"))
    board.expect_order("review", one)
    expect(board.page.locator("[data-undo]")).to_have_attribute("title", "Undo move of “One” (Ctrl+Z)")
    board.page.keyboard.press("Control+z")
    board.expect_order("todo", one, two)
    panel = board.open(one)
    panel.locator("[name=priority]").select_option("urgent")
    expect(board.card(one)).to_have_attribute("data-priority", "urgent")
    board.page.keyboard.press("Escape")
    board.page.locator("[data-undo]").click()
    expect(board.card(one)).to_have_attribute("data-priority", "medium")
    board.card(one).focus()
    board.page.keyboard.press("Control+z")
    board.expect_order("todo", one)

    board.page.keyboard.press("?")
    expect(board.page.locator("[data-key-help]")).to_contain_text("Move task")
    board.page.keyboard.press("Escape")
    expect(board.page.locator("[data-key-help]")).to_have_count(0)


def test_a_card_that_has_the_focus_or_was_scrolled_to_stays_where_it_is_while_others_change_the_board(
    server: Server, board: Board, bob: User
) -> None:
    project = int(board.page.url.rstrip("/").rpartition("/")[2])
    api = server.api(bob)
    ids = [api.post("/api/tasks/", json={"project_id": project, "title": f"Task {n}"}).json()["id"] for n in range(25)]
    focused = board.card(ids[18])
    expect(board.card(ids[-1])).to_be_attached()
    focused.focus()
    wait_for(board.page, AT_REST)
    before = focused.evaluate(TOP)
    for moved in (ids[-1], ids[-2]):
        assert api.post(f"/api/tasks/{moved}/move/", json={"status": "todo", "before_id": ids[0]}).status_code == 200
    assert api.delete(f"/api/tasks/{ids[3]}/").status_code == 204
    assert api.patch(f"/api/tasks/{ids[18]}/", json={"title": "Other"}).status_code == 200
    expect(focused).to_contain_text("Other")
    expect(board.card(ids[3])).to_have_count(0)
    wait_for(board.page, AT_REST)
    assert focused.evaluate(TOP) == pytest.approx(before, abs=1)  # a list scrolls by whole pixels
    expect(focused).to_be_focused()

    board.page.evaluate("document.activeElement.blur()")
    seen = board.card(ids[12])
    seen.evaluate("element => element.scrollIntoView({ block: 'start' })")
    wait_for(board.page, AT_REST)
    before = seen.evaluate(TOP)
    move = {"status": "todo", "before_id": ids[-1]}
    assert api.post(f"/api/tasks/{ids[19]}/move/", json=move).status_code == 200
    expect(board.column("todo").locator("[data-task-id]").first).to_have_attribute("data-task-id", str(ids[19]))
    assert api.patch(f"/api/tasks/{ids[2]}/", json={"title": "A title of many lines. " * 8}).status_code == 200
    expect(board.card(ids[2])).to_contain_text("many lines")
    wait_for(board.page, AT_REST)
    assert seen.evaluate(TOP) == pytest.approx(before, abs=1)


def test_a_page_that_the_browser_had_kept_is_loaded_anew(board: Board) -> None:
    board.mark()
    board.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    wait_for(board.page, "!window.marked")
    board.wait_until("live")
