"""Unfinished text outlives a reload; a comment can be linked to."""

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import LOST, Board
from .conftest import NewPage
from .test_offline import go_offline, until_a_reset


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


def test_a_comment_that_was_being_changed_is_so_again_after_a_reload(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    task, other = board.add("todo", "Paint", "Sand")
    for user, content in ((alice, "First"), (bob, "Second"), (alice, "Third")):
        assert server.api(user).post(f"/api/tasks/{task}/comments/", json={"content": content}).status_code == 201
    panel = board.open(task)
    comments, editors = panel.locator("[data-comment-id]"), panel.locator("[name=edited_content]")
    for index, words in ((0, " and more"), (2, " of all")):
        comments.nth(index).locator("[data-edit-comment]").click()
        comments.nth(index).locator("[name=edited_content]").press("End")
        comments.nth(index).locator("[name=edited_content]").press_sequentially(words)
    board.page.reload()
    expect(editors).to_have_count(2)
    expect(comments.nth(0).locator("[name=edited_content]")).to_have_value("First and more")
    expect(comments.nth(2).locator("[name=edited_content]")).to_have_value("Third of all")
    expect(editors.first).not_to_be_focused()
    board.page.go_back()  # closes the panel
    expect(panel).to_have_count(0)
    board.open(other)
    expect(editors).to_have_count(0)
    board.open(task)
    expect(editors).to_have_count(2)
    # What is saved or cancelled is no draft any more.
    comments.nth(0).get_by_role("button", name="Save").click()
    expect(comments.nth(0)).to_contain_text("edited")
    comments.nth(2).get_by_role("button", name="Cancel").click()
    board.page.reload()
    expect(comments).to_have_count(3)
    expect(editors).to_have_count(0)
    expect(comments.nth(0)).to_contain_text("First and more")
    expect(comments.nth(2)).to_contain_text("Third")
    assert "of all" not in board.page.evaluate("JSON.stringify(localStorage)")


def test_what_is_being_written_outlives_a_reset_of_the_log(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors=LOST))
    (task,) = board.add("todo", "Paint")
    comment = int(server.api(alice).post(f"/api/tasks/{task}/comments/", json={"content": "First"}).json()["id"])
    panel = board.open(task)
    panel.locator("[name=content]").press_sequentially("Half a com")
    panel.locator("[data-edit-comment]").click()
    panel.locator("[name=edited_content]").fill("First and more")
    with until_a_reset(board, server.stack):
        pass
    expect(panel.locator(f'[data-comment-id="{comment}"] [name=edited_content]')).to_have_value("First and more")
    expect(panel.locator("[name=content]")).to_have_value("Half a com")


def test_a_user_who_writes_at_a_reset_writes_on_among_the_comments_that_there_are(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user()
    project, api = server.project(alice), server.api(alice)
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors=LOST))
    (task,) = board.add("todo", "Paint")
    first, second, third = (
        api.post(f"/api/tasks/{task}/comments/", json={"content": content}).json()["id"]
        for content in ("Three words here", "Second", "Third")
    )
    comments = board.open(task).locator("[data-comment-id]")
    comments.nth(0).locator("[data-edit-comment]").click()
    editor = comments.nth(0).locator("[name=edited_content]")
    editor.press("Home")
    editor.press_sequentially("Not ")
    with until_a_reset(board, server.stack):
        api.patch(f"/api/comments/{first}/", json={"content": "By another tab"})
        api.patch(f"/api/comments/{second}/", json={"content": "Second, changed"})
        api.delete(f"/api/comments/{third}/")
        api.post(f"/api/tasks/{task}/comments/", json={"content": "Fourth"})
    expect(comments).to_have_count(3)
    expect(comments.nth(1)).to_contain_text("Second, changed")
    expect(comments.nth(2)).to_contain_text("Fourth")
    expect(editor).to_be_focused()
    board.page.keyboard.type("even ")
    expect(editor).to_have_value("Not even Three words here")
    comments.nth(0).get_by_role("button", name="Cancel").click()
    expect(comments.nth(0)).to_contain_text("By another tab")


def test_what_one_has_to_choose_is_still_to_be_chosen_after_a_reload(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors=LOST))
    (task,) = board.add("todo", "Paint")
    theirs = {"title": "By Bob", "due_at": "2031-06-02T10:00:00Z", "description": "Bob's", "priority": "high"}
    mine = {"title": "By Alice", "due_at": "", "description": "Alice's", "priority": "low"}
    path, panel = f"/api/tasks/{task}/", board.open(task)
    assert server.api(bob).patch(path, json={"due_at": "2030-01-01T10:00:00Z"}).status_code == 200
    expect(panel.locator("[name=due_at]")).not_to_have_value("")
    conflicts = panel.locator("[data-conflict]")
    # Written while what Bob did is still on its way.
    go_offline(board)
    for name, value in mine.items():
        field = panel.locator(f"[name={name}]")
        field.select_option(value) if name == "priority" else field.fill(value)
        field.blur()
    expect(board.card(task)).to_contain_text("By Alice")
    assert server.api(bob).patch(path, json=theirs).status_code == 200
    board.page.context.set_offline(False)
    expect(conflicts).to_have_count(4)
    board.page.reload()
    expect(conflicts).to_have_count(4)
    due = panel.locator("[data-conflict=due_at]")
    expect(due.locator("[data-part=mine]")).to_have_text("No due date")
    expect(due.locator("[data-part=theirs]")).to_contain_text("2031")
    expect(panel.locator("[name=title]")).to_have_value("By Bob")
    due.locator("[data-choose=mine]").click()
    panel.locator("[data-conflict=title] [data-choose=mine]").click()
    panel.locator("[data-conflict=description] [data-choose=mine]").click()
    panel.locator("[data-conflict=priority] [data-choose=theirs]").click()
    expect(board.page.locator("[data-pending]")).to_have_count(0)
    board.page.reload()
    expect(panel.locator("[name=title]")).to_have_value("By Alice")
    expect(conflicts).to_have_count(0)
    now = server.api(bob).get(path).json()
    assert [now[name] for name in theirs] == ["By Alice", None, "Alice's", "high"]


def test_signing_out_takes_the_drafts_away(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    (task,) = board.add("todo", "Paint")
    board.open(task).locator("[name=content]").press_sequentially("Secret")
    board.page.locator("[data-close-panel]").click()
    board.page.locator("[data-sign-out]").click()
    board.page.wait_for_url("**/login/**")
    assert "Secret" not in board.page.evaluate("JSON.stringify(localStorage)")


def test_a_user_who_signs_out_to_join_as_another_leaves_nothing_either(server: Server, new_page: NewPage) -> None:
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
    expect(page.locator("[data-toasts]")).to_contain_text("This comment was deleted")
