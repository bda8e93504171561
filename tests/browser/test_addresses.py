"""What an address names is what one gets: after signing in, from archive and activity, and far down a column."""

import re

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import Board
from .conftest import NewPage
from .seen import expect_seen
from .test_offline import new_task

GONE = "status of 404"


def test_signing_in_leads_to_the_task_and_the_filter_of_the_address(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    task = new_task(server, alice, project, "Paint", "First")
    new_task(server, alice, project, "Sand")
    comment = server.api(alice).get(f"/api/tasks/{task}/comments/").json()["results"][0]["id"]
    page = new_page(
        server, path=f"/projects/{project}/?q=paint#task-{task}/comment-{comment}", allow_errors="status of 40"
    )
    page.fill("[name=username]", alice.username)
    page.fill("[name=password]", "wrong")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("[name=password]", alice.password)
    page.press("[name=password]", "Enter")
    board = Board(page)
    expect(page).to_have_url(re.compile(rf"/projects/{project}/\?q=paint#task-{task}/comment-{comment}$"))
    expect_seen(board.panel.locator(f'[data-comment-id="{comment}"]'), "First")
    board.expect_order("todo", task)


def test_an_archived_task_is_read_and_restored_and_a_deleted_one_is_said_to_be(
    server: Server, new_page: NewPage
) -> None:
    alice, viewer = server.stack.user(), server.stack.user()
    api, project = server.api(alice), server.project(alice, viewers=[viewer])
    task = new_task(server, alice, project, "Paint", "Why not")
    deleted = new_task(server, alice, project, "Sand")
    api.patch(f"/api/tasks/{task}/", json={"status": "completed", "description": "In *green*"})
    assert api.post(f"/api/tasks/{task}/archive/").status_code == 204
    assert api.delete(f"/api/tasks/{deleted}/").status_code == 204
    theirs = Board(new_page(server, viewer, f"/projects/{project}/#task-{task}")).panel
    expect_seen(theirs.locator("[data-part=archived]"), "This task is archived.")
    expect(theirs.locator("[data-restore-task]")).to_be_hidden()
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors=GONE))
    board.page.locator("[data-open-archive]").click()
    board.page.locator("[data-archive-dialog]").get_by_role("link", name="Paint").click()
    panel = board.panel
    expect_seen(panel.locator("[data-part=archived]"), "This task is archived.")
    expect(board.page.locator("[data-archive-dialog]")).to_have_count(0)
    expect_seen(panel.locator("[data-comment-id]"), "Why not")
    expect_seen(panel.locator("[data-part=description-formatted] em"), "green")
    for name in ("title", "description", "due_date"):
        expect(panel.locator(f"[name={name}]")).not_to_be_editable()
    for name in ("content", "edited_content"):
        expect(panel.locator(f"[name={name}]")).not_to_be_visible()
    expect(panel.locator("[data-delete-task]")).to_be_hidden()
    panel.locator("[data-restore-task]").click()
    board.expect_order("completed", task)
    expect(panel.locator("[data-part=archived]")).to_be_hidden()
    expect(panel.locator("[name=title]")).to_be_editable()
    for one in (panel, theirs):
        expect_seen(one.locator("[name=title]"), "Paint")
    board.page.keyboard.press("Escape")
    board.page.locator("[data-open-activity]").click()
    board.page.locator("[data-activity-dialog]").get_by_role("link", name=re.compile(" deleted ")).click()
    expect_seen(board.page.locator("[data-toasts]"), "This task was deleted.")
    board.expect_no_hash()
    board.page.locator("[data-open-activity]").click()
    board.page.locator("[data-activity-dialog]").get_by_role("link", name=re.compile(" restored ")).click()
    expect_seen(panel.locator("[name=title]"), "Paint")


def test_a_link_brings_its_card_into_view_and_empty_columns_say_that_they_are(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    tasks = [new_task(server, alice, project, f"Number {number}") for number in range(30)]
    board = Board(new_page(server, alice, f"/projects/{project}/#task-{tasks[-1]}"))
    expect_seen(board.card(tasks[-1]), "Number 29")
    expect_seen(board.column("in_progress").locator(".column__empty"))
    board.page.keyboard.press("Escape")
    board.expect_no_hash()
    board.page.goto(f"/projects/{project}/#task-{tasks[0]}")
    expect_seen(board.card(tasks[0]), "Number 0")
