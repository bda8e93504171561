"""A board through what goes wrong: a server that restarts, a session that ends."""

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import LOST, Board
from .conftest import NewPage


def test_a_restarted_server_is_caught_up_with_without_a_reload(frail: Server, new_page: NewPage) -> None:
    alice, bob = frail.stack.user(), frail.stack.user()
    project = frail.project(alice, members=[bob])
    boards = [Board(new_page(frail, user, f"/projects/{project}/", allow_errors=LOST)) for user in (alice, bob)]
    (first,) = boards[0].add("todo", "Before")
    for board in boards:
        board.expect_order("todo", first)
        board.mark()
    frail.stop()
    boards[0].wait_until("offline")
    second = frail.stack.run("result = Task.objects.create(project_id=id, title='Meanwhile').id", id=project)
    frail.start()
    for board in boards:
        board.wait_until("live")
        board.expect_order("todo", first, second)
        assert not board.was_reloaded


def test_what_is_done_without_a_connection_waits_and_arrives(frail: Server, new_page: NewPage) -> None:
    alice = frail.stack.user()
    board = Board(new_page(frail, alice, f"/projects/{frail.project(alice)}/", allow_errors=LOST))
    (task,) = board.add("todo", "Patient")
    frail.stop()
    board.wait_until("offline")
    board.drag(task, onto=board.column("review"))
    expect(board.card(task)).to_have_attribute("data-pending", "")
    board.expect_order("review", task)
    frail.start()
    expect(board.card(task)).not_to_have_attribute("data-pending", "")
    board.expect_order("review", task)
    assert frail.stack.run("result = Task.objects.get(id=id).status", id=task) == "review"


def test_signing_out_ends_the_sockets_of_every_tab(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    path = f"/projects/{server.project(alice)}/"
    first = Board(new_page(server, alice, path))
    tab = first.page.context.new_page()
    tab.goto(path)
    Board(tab)
    first.page.locator("[data-sign-out]").click()
    for page in (first.page, tab):
        page.wait_for_url("**/login/**")
    tab.goto(path)
    expect(tab).to_have_url(f"{server.url}/login/?next={path}")


def test_a_session_that_ended_elsewhere_is_admitted(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    errors = LOST + "|status of 40"
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/", allow_errors=errors))
    server.stack.run("User.objects.filter(id=id).update(is_active=False)", id=alice.id)
    expect(board.page.locator("[data-problems]")).to_contain_text("so this page no longer updates")
    board.wait_until("offline")
