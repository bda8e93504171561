"""Coming back to a board: what others changed meanwhile is counted, and marked until one has looked."""

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import LOST, Board
from .conftest import NewPage


def test_a_user_who_was_cut_off_sees_what_changed(frail: Server, new_page: NewPage) -> None:
    alice, bob = frail.stack.user(), frail.stack.user()
    project = frail.project(alice, members=[bob])
    board = Board(new_page(frail, alice, f"/projects/{project}/", allow_errors=LOST))
    one, two = board.add("todo", "One", "Two")
    frail.kill()
    board.wait_until("offline")
    frail.stack.run("t = Task.objects.get(id=id); t.priority = 'high'; t.save()", id=one)
    three = frail.stack.run("result = Task.objects.create(project_id=id, title='Three').id", id=project)
    frail.start()
    board.wait_until("live")
    expect(board.page.locator("[data-toasts]")).to_contain_text("2 changes while you were offline")
    expect(board.card(one)).to_have_attribute("data-unseen", "changed")
    expect(board.card(three)).to_have_attribute("data-unseen", "new")
    expect(board.card(three)).to_contain_text("New since your last visit")
    expect(board.card(two)).not_to_have_attribute("data-unseen", "changed")
    board.card(one).hover()
    expect(board.card(one)).not_to_have_attribute("data-unseen", "changed")
    board.page.locator("[data-see-all]").click()
    expect(board.card(three)).not_to_have_attribute("data-unseen", "new")
    expect(board.page.locator("[data-see-all]")).to_be_hidden()


def test_what_changed_since_the_last_visit_is_marked_until_it_is_looked_at(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    page = new_page(server, alice, f"/projects/{project}/")
    board = Board(page)
    one, two = board.add("todo", "One", "Two")
    page.goto("/")
    assert server.api(bob).patch(f"/api/tasks/{one}/", json={"priority": "high"}).status_code == 200
    assert server.api(alice).patch(f"/api/tasks/{two}/", json={"priority": "high"}).status_code == 200
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"/projects/{project}/")
    expect(page.locator("[data-toasts]")).to_contain_text("1 change since your last visit")
    expect(board.card(one)).to_have_attribute("data-unseen", "changed")
    expect(page.locator("[data-see-all]")).to_have_text("Mark 1 task as seen")
    expect(page.locator("[data-see-all]")).to_be_in_viewport(ratio=1)
    page.reload()
    expect(board.card(one)).to_have_attribute("data-unseen", "changed")
    board.card(one).focus()
    expect(page.locator("[data-see-all]")).to_be_hidden()
    page.reload()
    board.wait_until("live")
    expect(page.locator("[data-see-all]")).to_be_hidden()
