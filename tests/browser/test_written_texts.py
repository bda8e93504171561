"""Texts are kept until their author decides: too long, half written, written twice, or not sent yet."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.stacks import Server, User

from .board import LOST, LOST_AND_REFUSED, Board, SlowLine
from .conftest import NewPage
from .seen import expect_seen
from .test_offline import go_offline, new_task

#: In JavaScript: puts a text, a picture, or both, into the clipboard.
COPY = """async ([text, picture]) => {
    const canvas = new OffscreenCanvas(1, 1);
    canvas.getContext('2d').fillRect(0, 0, 1, 1);
    const kinds = {};
    if (text) kinds['text/plain'] = new Blob([text], { type: 'text/plain' });
    if (picture) kinds['image/png'] = await canvas.convertToBlob();
    await navigator.clipboard.write([new ClipboardItem(kinds)]);
}"""


def paste(field: Locator, text: str = "", picture: bool = False) -> None:
    """Copy something, and paste it into a field with the keys."""
    field.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    field.page.evaluate(COPY, [text, picture])
    field.focus()
    field.press("Control+v")


@pytest.fixture
def alice(server: Server) -> User:
    return server.stack.user()


@pytest.fixture
def project(server: Server, alice: User) -> int:
    return server.project(alice)


def test_a_text_that_is_too_long_is_kept_and_not_sent_and_says_by_how_much(
    server: Server, new_page: NewPage, alice: User, project: int
) -> None:
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    task = new_task(server, alice, project, "Paint", "First")
    log = "".join(f"{line:08}\n" for line in range(1610)) + "the cause"
    panel = board.open(task)
    content = panel.locator("[name=content]")
    paste(content, log)
    counter = panel.locator(".comment-form [data-counter]")
    expect_seen(counter, "Too long: remove 4499 characters.")
    content.press("Control+Enter")
    panel.get_by_role("button", name="Comment", exact=True).click()
    expect(content).to_have_value(log)
    content.fill("")
    paste(content, log[-9_500:])
    expect_seen(counter, "9500 of 10000 characters")
    content.press("Control+Enter")
    expect(panel.locator("[data-comment-id]")).to_have_count(2)
    expect(panel.locator("[data-comment-id]").last).to_contain_text("the cause")
    # A comment that is edited, the description and the title: the last two are kept beyond the panel.
    panel.locator("[data-edit-comment]").first.click()
    edited = panel.locator("[name=edited_content]")
    edited.fill("x" * 10_001)
    edited.press("Control+Enter")
    expect(edited).to_have_value("x" * 10_001)
    panel.get_by_role("button", name="Cancel").click()
    for name, most in (("description", 20_000), ("title", 200)):
        panel.locator(f"[name={name}]").fill("😀" * most + "!")
        panel.locator("[name=priority]").focus()
        expect_seen(board.page.locator("[data-toasts]"), f"The {name} is too long and was not saved.")
    board.page.keyboard.press("Escape")
    board.open(task)
    expect(panel.locator("[name=title]")).to_have_value("😀" * 200 + "!")
    panel.locator("[name=title]").fill("😀" * 200)
    panel.locator("[name=title]").press("Enter")
    expect(board.titled("todo", "😀" * 200)).to_have_count(1)
    assert server.api(alice).get(f"/api/tasks/{task}/").json()["description"] == ""
    board.page.keyboard.press("Escape")
    # Forms of dialogs, and new cards.
    board.page.locator("[data-open-members]").click()
    project_name = board.page.locator("[name=project_name]")
    project_name.fill("n" * 130)
    project_name.press("Enter")
    expect_seen(board.page.locator("[data-members-dialog] [data-counter]"), "Too long: remove 30 characters.")
    expect(project_name).to_have_value("n" * 130)
    board.page.keyboard.press("Escape")
    field = board.enter("review", "t" * 201).locator("input[name=title]")
    expect(field).to_have_value("t" * 201)
    board.expect_order("review")


def test_a_half_written_card_is_there_again(server: Server, new_page: NewPage, alice: User) -> None:
    bob = server.stack.user()
    project = server.project(bob, members=[alice])
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    column = board.column("review")
    add, field = column.locator("[data-add-task]"), column.locator("input[name=title]")
    add.click()
    field.press_sequentially("Half a")
    field.press("Escape")
    expect_seen(add, "“Half a”")
    add.click()
    expect(field).to_have_value("Half a")
    field.press_sequentially(" card")
    board.page.reload()
    expect(field).to_have_value("Half a card")
    expect(field).not_to_be_focused()
    for role in ("viewer", "member"):
        server.api(bob).patch(f"/api/projects/{project}/members/{alice.id}/", json={"role": role})
        expect(field).to_have_count(int(role == "member"))
    expect(field).to_have_value("Half a card")
    field.press("Enter")
    expect(board.titled("review", "Half a card")).to_have_count(1)
    [card] = board.order("review")
    field.fill("Never mind")
    column.get_by_role("button", name="Cancel").click()
    board.page.reload()
    board.expect_order("review", card)
    expect(add).to_have_text("Add task")


def test_pasted_lines_can_be_a_card_each_and_a_picture_is_refused_aloud(
    server: Server, new_page: NewPage, alice: User, project: int
) -> None:
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    column = board.column("todo")
    column.locator("[data-add-task]").click()
    field, offer = column.locator("input[name=title]"), column.locator("[data-part=lines] button")
    paste(field, "- [ ] Sand\n2. Prime\n\n• Paint\n" + "x" * 250)
    expect_seen(offer, "Add 4 tasks, one for each line")
    offer.click()
    expect(column.locator("[data-task-id]")).to_have_count(3)
    titles = column.locator("[data-task-id] [data-part=title]").all_inner_texts()
    assert titles == ["Sand", "Prime", "Paint"]
    expect(field).to_have_value("x" * 250)
    field.fill("")
    paste(field, "One\ntwo")
    field.press("Enter")
    expect(board.titled("todo", "One two")).to_have_count(1)
    field.press("Escape")
    panel = board.open(board.order("todo")[0])
    toasts = board.page.locator("[data-toasts]")
    for name in ("content", "description"):
        paste(panel.locator(f"[name={name}]"), picture=True)
        expect_seen(toasts, "Pictures and files can’t be added yet.")
        toasts.get_by_role("button", name="Dismiss").last.click()
    paste(panel.locator("[name=content]"), "a word", picture=True)  # as spreadsheets copy their cells
    expect(panel.locator("[name=content]")).to_have_value("a word")
    expect(toasts).to_be_empty()


def open_editor(panel: Locator, text: str) -> Locator:
    """Write in the editor of the first comment."""
    panel.locator("[data-edit-comment]").first.click()
    editor = panel.locator("[name=edited_content]").first
    editor.fill(text)
    return editor


def test_escape_in_a_comments_editor_keeps_what_was_written(
    server: Server, new_page: NewPage, alice: User, project: int
) -> None:
    task = new_task(server, alice, project, "Paint", "First")
    board = Board(new_page(server, alice, f"/projects/{project}/#task-{task}"))
    panel = board.panel
    editor = open_editor(panel, "First and a long thought")
    editor.press("Escape")
    expect(editor).to_have_count(0)
    expect_seen(board.page.locator("[data-toasts]"), "Your edit is kept. Choose Edit to continue.")
    expect(panel).to_be_visible()
    board.page.reload()
    expect(editor).to_have_value("First and a long thought")
    editor.press("Escape")
    panel.locator("[data-edit-comment]").click()
    expect(editor).to_have_value("First and a long thought")
    editor.press("Control+Enter")
    expect(panel.locator("[data-comment-id]")).to_contain_text("First and a long thought")


@pytest.mark.parametrize("choice", ["mine", "theirs"])
def test_a_comment_that_two_windows_edit_has_one_choose_between_both_texts(
    server: Server, new_page: NewPage, alice: User, project: int, choice: str
) -> None:
    task = new_task(server, alice, project, "Paint", "First")
    board = Board(new_page(server, alice, f"/projects/{project}/#task-{task}", allow_errors="status of 409"))
    other = Board(_second(board.page))
    ours, theirs = board.panel, other.panel
    editor = open_editor(ours, "By this window")
    open_editor(theirs, "By the other").press("Control+Enter")
    conflict = ours.locator("[data-conflict=comment]")
    for part, text in (("mine", "By this window"), ("theirs", "By the other")):
        expect(conflict.locator(f"[data-part={part}]")).to_have_text(text)
        expect_seen(conflict.locator(f"[data-part={part}]"), text.split()[-1])
    editor.press("Control+Enter")  # which decides nothing
    expect(theirs.locator("[data-comment-id]")).to_contain_text("By the other")
    conflict.locator(f"[data-choose={choice}]").click()
    kept = "By this window" if choice == "mine" else "By the other"
    for panel in (ours, theirs):
        expect(panel.locator("[data-comment-id]")).to_contain_text(kept)
    expect(conflict).to_have_count(0)


def _second(page: Page) -> Page:
    """The same page in another tab."""
    tab = page.context.new_page()
    tab.goto(page.url)
    return tab


def test_edits_of_a_comment_that_meet_at_the_server_are_shown_with_both_texts(
    server: Server, new_page: NewPage, alice: User, project: int
) -> None:
    task = new_task(server, alice, project, "Paint", "First")
    page = new_page(server, alice, f"/projects/{project}/#task-{task}", allow_errors=LOST_AND_REFUSED)
    board = Board(page)
    comment = int(board.panel.locator("[data-comment-id]").get_attribute("data-comment-id") or 0)
    go_offline(board)
    open_editor(board.panel, "Offline").press("Control+Enter")
    open_editor(board.panel, "Offline, twice").press("Control+Enter")
    expect(board.panel.locator("[data-comment-id]")).to_contain_text("edit not sent yet")
    assert server.api(alice).patch(f"/api/comments/{comment}/", json={"content": "Online"}).status_code == 200
    page.context.set_offline(False)
    conflict = board.panel.locator("[data-conflict=comment]")
    expect_seen(conflict.locator("[data-part=mine]"), "Offline, twice")
    expect_seen(conflict.locator("[data-part=theirs]"), "Online")
    conflict.locator("[data-choose=mine]").click()
    expect(board.panel.locator("[data-comment-id]")).to_contain_text("Offline, twice")
    expect(page.locator("[data-pending]")).to_have_count(0)
    assert server.api(alice).get(f"/api/tasks/{task}/comments/").json()["results"][0]["content"] == "Offline, twice"


def test_signing_out_with_unsent_changes_sends_them_first(
    server: Server, new_page: NewPage, alice: User, project: int
) -> None:
    page = new_page(server, alice, f"/projects/{project}/", allow_errors=LOST)
    board = Board(page)
    go_offline(board)
    board.enter("todo", "Paint", "Sand")
    page.locator("[data-sign-out]").click()
    question = page.locator("[data-unsent-dialog]")
    expect_seen(question, "2 changes are not sent yet")
    expect_seen(question, "There is no connection right now.")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    page.locator("[data-sign-out]").click()
    question.get_by_role("button", name="Send, then sign out").click()
    page.context.set_offline(False)
    page.wait_for_url("**/login/**")
    tasks = server.api(alice).get(f"/api/projects/{project}/board/").json()["tasks"]
    assert [task["title"] for task in tasks] == ["Paint", "Sand"]


def test_signing_out_in_another_tab_asks_too_and_may_discard(
    server: Server, new_page: NewPage, alice: User, project: int
) -> None:
    task = new_task(server, alice, project, "Paint")
    page = new_page(server, alice, allow_errors=LOST)
    SlowLine(page)
    page.goto(f"/projects/{project}/#task-{task}")
    board = Board(page)
    board.panel.locator("[name=title]").fill("Varnish")
    board.panel.locator("[name=title]").press("Enter")
    expect(board.card(task)).to_have_attribute("data-pending", "")
    other = page.context.new_page()
    other.goto("/account/")
    other.locator("[data-sign-out]").click()
    question = other.locator("[data-unsent-dialog]")
    expect_seen(question, "1 change is not sent yet")
    expect(question.get_by_role("button", name="Send")).to_be_hidden()
    question.get_by_role("button", name="Discard and sign out").click()
    for tab in (other, page):
        tab.wait_for_url("**/login/**")
    assert server.api(alice).get(f"/api/tasks/{task}/").json()["title"] == "Paint"
