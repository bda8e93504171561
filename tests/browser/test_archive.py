"""The archive: completed tasks leave all boards, can be found, and can be restored."""

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import LOST, Board
from .concerns import held
from .conftest import NewPage
from .test_offline import until_a_reset


def test_archived_tasks_leave_both_boards_and_come_back(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    ours, theirs = (Board(new_page(server, user, f"/projects/{project}/")) for user in (alice, bob))
    fence, paint, brush = ours.add("completed", "Paint the fence", "Buy the paint", "Find the brush")
    (open_task,) = ours.add("todo", "Sow")
    expect(ours.open(open_task).locator("[data-archive-task]")).to_be_hidden()
    ours.page.keyboard.press("Escape")
    theirs.expect_order("completed", fence, paint, brush)

    theirs.open(fence)
    ours.open(fence).locator("[data-archive-task]").click()
    toasts = [held(board.page.locator("[role=status] .toast")) for board in (ours, theirs)]
    theirs.expect_order("completed", paint, brush)
    expect(theirs.panel).to_have_count(0)
    expect(toasts[1]).to_contain_text("archived “Paint the fence”")
    toasts[0].get_by_role("button", name="Undo").click()
    theirs.expect_order("completed", fence, paint, brush)

    theirs.page.locator("[data-open-archive]").click()
    dialog = theirs.page.locator("[data-archive-dialog]")
    expect(dialog).to_contain_text("No archived tasks yet")
    dialog.get_by_role("button", name="Archive all completed tasks").click()
    dialog.get_by_role("button", name="Archive all completed tasks?").click()
    expect(dialog.locator("[data-archived-id]")).to_have_count(3)
    ours.expect_order("completed")
    ours.expect_order("todo", open_task)
    dialog.locator("[name=archive_text]").fill("paint")
    expect(dialog.locator("[data-archived-id]")).to_have_count(2)
    dialog.get_by_role("button", name="Restore Buy the paint").click()
    ours.expect_order("completed", paint)
    expect(dialog.locator("[data-archived-id]")).to_have_count(1)


def test_a_viewer_reads_the_archive_and_brings_nothing_back(server: Server, new_page: NewPage) -> None:
    alice, viewer = server.stack.user(), server.stack.user()
    project = server.project(alice, viewers=[viewer])
    fields = {"project_id": project, "title": "Done", "status": "completed"}
    assert server.api(alice).post("/api/tasks/", json=fields).status_code == 201
    board = Board(new_page(server, viewer, f"/projects/{project}/"))
    assert server.api(alice).post(f"/api/projects/{project}/archive/").json() == {"archived": 1, "more": False}
    board.page.locator("[data-open-archive]").click()
    dialog = board.page.locator("[data-archive-dialog]")
    expect(dialog.locator("[data-archived-id]")).to_contain_text("Done")
    expect(dialog.get_by_role("button", name="Restore")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Archive all completed tasks")).to_be_hidden()


def test_the_open_archive_shows_what_was_archived_before_a_reset(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project, api = server.project(alice), server.api(alice)
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors=LOST))
    fence, brush, soap = board.add("completed", "Paint the fence", "Find the brush", "Paint soap")
    assert api.post(f"/api/tasks/{fence}/archive/").status_code == 204
    board.page.locator("[data-open-archive]").click()
    dialog = board.page.locator("[data-archive-dialog]")
    dialog.locator("[name=archive_text]").fill("paint")
    expect(dialog.locator("[data-archived-id]")).to_contain_text("Paint the fence")
    with until_a_reset(board, server.stack):
        assert api.post(f"/api/tasks/{fence}/restore/").status_code == 200
        for task in (brush, soap):
            assert api.post(f"/api/tasks/{task}/archive/").status_code == 204
    expect(dialog.locator("[data-archived-id]")).to_have_count(1)
    expect(dialog.locator("[data-archived-id]")).to_contain_text("Paint soap")
    expect(dialog.locator("[name=archive_text]")).to_have_value("paint")
