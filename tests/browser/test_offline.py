"""A browser whose own network is switched off, or lets no socket through: what is done then waits, and arrives once."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.support.stacks import Server, Stack, User

from .board import AT_REST, LOST, LOST_AND_REFUSED, Board, SlowLine, wait_for
from .concerns import held
from .conftest import NewPage
from .profiles import close_sockets, route_web_sockets
from .seen import expect_seen


def new_task(server: Server, user: User, project: int, title: str, *comments: str) -> int:
    """A task of the user, with comments of theirs."""
    api = server.api(user)
    task = int(api.post("/api/tasks/", json={"project_id": project, "title": title}).json()["id"])
    for comment in comments:
        assert api.post(f"/api/tasks/{task}/comments/", json={"content": comment}).status_code == 201
    return task


def logged(server: Server, user: User, project: int, since: int) -> list[str]:
    """The names of the project's events after `since`."""
    answer = server.api(user).get(f"/api/projects/{project}/events/", params={"since": since}).json()
    return [frame["event"] for frame in answer["events"]]


def head(server: Server, user: User, project: int) -> int:
    """The number of the project's last event."""
    return int(server.api(user).get(f"/api/projects/{project}/board/").json()["seq"])


def go_offline(board: Board) -> None:
    """Switch the browser's network off, and wait until the page has noticed.

    Its sockets are closed before: it would take the page five seconds to notice that they are dead, and an open one
    keeps Chromium's network process busy for as long as it is offline.
    """
    for page in board.page.context.pages:
        close_sockets(page)
    board.page.context.set_offline(True)
    board.wait_until("offline")


def renew_epoch(stack: Stack) -> None:
    """Have the log start again, and wait until each server has closed all its connections for that."""
    witness = stack.user()
    sockets = [server.connect(witness) for server in stack.servers if server.running]
    for socket in sockets:
        socket.expect("connected")  # in the old epoch: a client that comes later has nothing to be closed for
    stack.run("from taskrealtime.engine import log; log.renew_epoch()")
    for socket in sockets:
        socket.wait_closed()
        socket.close()


@contextmanager
def until_a_reset(board: Board, stack: Stack) -> Iterator[None]:
    """The page is offline, and then cannot continue from where it was: no event reports what happened meanwhile."""
    board.page.evaluate("void taskManager.on('reset', () => { window.wasReset = true; })")
    go_offline(board)
    yield
    renew_epoch(stack)
    board.page.context.set_offline(False)
    wait_for(board.page, "window.wasReset && taskManager.state === 'live'")


def edit_comment(page: Page, before: str, after: str) -> None:
    """Change an own comment of the open task."""
    comment = page.locator(".comment").filter(has_text=before)
    comment.locator("[data-edit-comment]").click()
    page.locator("[name=edited_content]").fill(after)
    page.locator("[name=edited_content]").press("Control+Enter")


def test_what_is_done_offline_is_sent_once_in_order_by_the_next_page(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    task, other = new_task(server, alice, project, "One", "Keep", "Go"), new_task(server, alice, project, "Two")
    path = f"/projects/{project}/#task-{task}"
    board = Board(new_page(server, alice, path, allow_errors=LOST))
    context, panel = board.page.context, board.panel
    expect(panel.locator("[data-comment-id]")).to_have_count(2)
    since = head(server, alice, project)
    go_offline(board)
    edit_comment(board.page, "Keep", "Kept")
    edit_comment(board.page, "Kept", "Kept twice")
    expect(panel.locator(".comment[data-pending]")).to_contain_text("edit not sent yet")
    expect(panel.locator(".comment[data-pending]")).to_contain_text("Kept twice")
    for name, value in (("title", "First"), ("description", "Alice's words"), ("due_at", "2030-05-01T12:00")):
        panel.locator(f"[name={name}]").fill(value)
        panel.locator(f"[name={name}]").blur()
    gone = panel.locator(".comment").filter(has_text="Go")
    for _ in range(2):
        gone.locator("[data-delete-comment]").click()
    expect(gone).to_contain_text("not deleted yet")
    board.page.keyboard.press("Escape")
    board.open(other).locator("[data-delete-task]").click()
    expect(board.card(other)).to_have_attribute("data-pending", "")
    board.page.close()
    theirs: dict[str, Any] = {"description": "Bob's words", "due_at": "2031-06-02T10:00:00Z"}
    assert server.api(bob).patch(f"/api/tasks/{task}/", json=theirs).status_code == 200

    stopped: list[Route] = []
    flows = False

    def stop(route: Route) -> None:
        route.continue_() if flows else stopped.append(route)

    context.route("**/api/comments/**", stop)
    context.set_offline(False)
    page = context.new_page()
    page.goto(path)
    again = Board(page)
    expect(again.panel.locator(".comment[data-pending]")).to_have_count(2)
    expect(again.panel.locator(".comment[data-pending]").first).to_contain_text("Kept twice")
    expect(again.card(other)).to_have_count(0)  # what waits for an answer over HTTP holds up no other task
    flows = True
    for route in stopped:
        route.continue_()
    expect(page.locator("[data-pending]")).to_have_count(0)
    expect(again.panel.locator("[data-comment-id]")).to_have_count(1)
    expect(again.panel.locator("[data-comment-id]")).to_contain_text("Kept twice")
    expect(again.panel.locator("[name=title]")).to_have_value("First")
    names = logged(server, alice, project, since)
    assert names.count("task_deleted") == 1
    names.remove("task_deleted")
    # Bob's. The first page may send its first change while it closes, before or after him; it counts once all the same.
    names.remove("task_updated")
    assert names == ["comment_updated", "comment_updated", "task_updated", "comment_deleted"]

    # If another user changed the same field, the user chooses.
    words, due = again.panel.locator("[data-conflict=description]"), again.panel.locator("[data-conflict=due_at]")
    expect(words.locator("[data-part=mine]")).to_have_text("Alice's words")
    expect(words.locator("[data-part=theirs]")).to_have_text("Bob's words")
    expect(due.locator("[data-part=mine]")).to_contain_text("2030")
    expect(due.locator("[data-part=theirs]")).to_contain_text("2031")
    words.locator("[data-choose=mine]").click()
    due.locator("[data-choose=theirs]").click()
    expect(again.panel.locator("[data-conflict]")).to_have_count(0)
    expect(page.locator("[data-pending]")).to_have_count(0)
    now = server.api(bob).get(f"/api/tasks/{task}/").json()
    assert (now["description"], now["due_at"][:16]) == ("Alice's words", "2031-06-02T10:00")


def test_the_panel_says_what_is_being_saved_and_what_waits_for_a_connection(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    task = new_task(server, alice, project, "One")
    page = new_page(server, alice, f"/projects/{project}/#task-{task}", allow_errors=LOST)
    line = SlowLine(page)
    page.reload()
    board = Board(page)
    saving = board.panel.locator("[data-part=saving]")

    def it_waits_and_is_saved_once_there_is_a_connection() -> None:
        expect(saving).to_have_text("Waiting for connection")
        page.context.set_offline(False)
        board.wait_until("live")
        expect(saving).to_have_text("Saving…")
        line.let_through()
        expect(saving).to_be_hidden()

    expect(saving).to_be_hidden()
    board.panel.locator("[name=priority]").select_option("high")
    expect(saving).to_have_text("Saving…")
    go_offline(board)
    it_waits_and_is_saved_once_there_is_a_connection()
    go_offline(board)
    board.panel.locator("[name=priority]").select_option("low")
    it_waits_and_is_saved_once_there_is_a_connection()
    assert server.api(alice).get(f"/api/tasks/{task}/").json()["priority"] == "low"


def test_the_badge_counts_what_waits_and_opens_its_list_from_which_one_change_can_be_discarded(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    task = new_task(server, alice, project, "Paint the fence")
    page = new_page(server, alice, f"/projects/{project}/#task-{task}", allow_errors=LOST)
    board = Board(page)
    badge, waiting = page.locator("[data-connection]"), page.locator("[data-waiting] [data-waiting-change]")
    expect(board.panel.locator("[data-part=comments-status]")).to_have_text("No comments yet")
    go_offline(board)
    expect_seen(badge, "Offline")
    board.panel.locator("[name=status]").select_option("review")
    expect_seen(badge, "1 change waits")
    for number, text in enumerate(("Not this", "But this")):
        board.panel.locator("[name=content]").fill(text)
        board.panel.locator("[name=content]").press("Control+Enter")
        expect(board.panel.locator(".comment[data-pending]")).to_have_count(number + 1)
    expect_seen(badge, "3 changes wait")
    page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    expect_seen(badge)
    badge.press("Space")
    expect(waiting).to_have_count(3)
    expect_seen(waiting.nth(0), "Move “Paint the fence” to Review")
    expect_seen(waiting.nth(1), "Comment on “Paint the fence”")
    expect_seen(waiting.nth(1), "Not this")
    discarding = waiting.nth(1).locator("[data-discard]")
    discarding.click()
    expect(discarding).to_have_text("Discard?")
    expect(discarding).not_to_have_attribute("aria-disabled", "true")
    discarding.click()
    expect(waiting).to_have_count(2)
    expect(page.locator("[data-problems]")).to_be_hidden()
    page.context.set_offline(False)
    expect_seen(page.locator("[data-waiting]"), "Nothing is waiting.")
    expect(waiting).to_have_count(0)
    board.wait_until("live")
    expect(page.locator("[data-connection-waiting]")).to_be_empty()
    said = server.api(alice).get(f"/api/tasks/{task}/comments/").json()["results"]
    assert [comment["content"] for comment in said] == ["But this"]
    assert server.api(alice).get(f"/api/tasks/{task}/").json()["status"] == "review"


def test_a_page_that_no_socket_reaches_goes_on_by_polling(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    task = new_task(server, alice, project, "One", "Said")
    page = new_page(server, alice, f"/projects/{project}/#task-{task}", allow_errors=LOST)
    board = Board(page)
    route_web_sockets(page, lambda socket: socket.close())
    page.reload()
    board.wait_until("polling")
    expect(page.locator("[data-connection-label]")).to_have_text("Live (polling)")
    server.api(bob).patch(f"/api/tasks/{task}/", json={"title": "By Bob"})
    expect(board.panel.locator("[name=title]")).to_have_value("By Bob")
    edit_comment(page, "Said", "Said again")
    expect(board.panel.locator("[data-pending]")).to_have_count(0)
    board.panel.locator("[name=content]").fill("And this")
    board.panel.locator("[name=content]").press("Control+Enter")
    expect(board.panel.locator("[data-comment-id]")).to_have_count(2)
    contents = [one["content"] for one in server.api(bob).get(f"/api/tasks/{task}/comments/").json()["results"]]
    assert contents == ["Said again", "And this"]


def test_a_refused_edit_names_its_task_also_where_that_was_deleted_meanwhile(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    here, there = new_task(server, alice, project, "Paint the fence"), new_task(server, alice, project, "Buy the paint")
    path = f"/projects/{project}/"
    page = new_page(server, alice, path, allow_errors=LOST_AND_REFUSED)
    board, context = Board(page), page.context
    problems = page.locator("[data-problems] li")
    board.open(here)
    go_offline(board)
    board.panel.locator("[name=title]").fill("Paint it green")
    board.panel.locator("[name=priority]").select_option("high")
    assert server.api(alice).delete(f"/api/tasks/{here}/").status_code == 204
    context.set_offline(False)
    # A field with unsaved text when the task goes counts as a change, too.
    for problem, field in enumerate(("priority", "title")):
        expect(problems.nth(problem)).to_contain_text(f"Couldn’t change the {field} of “Paint the fence”.")
    expect(problems.nth(1).get_by_role("button", name="Copy text")).to_be_visible()
    board.open(there)
    go_offline(board)
    board.panel.locator("[name=description]").fill("Ten litres")
    board.panel.locator("[name=description]").blur()
    expect(board.card(there)).to_have_attribute("data-pending", "")
    page.close()
    assert server.api(alice).delete(f"/api/tasks/{there}/").status_code == 204
    context.set_offline(False)
    again = context.new_page()
    again.goto(path)
    expect(again.locator("[data-problems] li")).to_contain_text("Couldn’t change the description of “Buy the paint”.")


def test_messages_that_go_by_cover_no_problem_that_stays(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    task, other = (new_task(server, alice, project, title) for title in ("Paint the fence behind the house", "Two"))
    page = new_page(server, alice, f"/projects/{project}/#task-{task}", allow_errors=LOST_AND_REFUSED)
    board = Board(page)
    go_offline(board)
    board.panel.locator("[name=priority]").select_option("high")
    for number in range(3):
        board.panel.locator("[name=content]").fill(f"Number {number} of what could not be said")
        board.panel.locator("[name=content]").press("Control+Enter")
    server.api(bob).patch(f"/api/tasks/{other}/", json={"assignee_id": alice.id})
    server.api(bob).delete(f"/api/tasks/{task}/")
    page.context.set_offline(False)
    problems, toasts = page.locator("[data-problems]"), page.locator("[data-toasts] .toast")
    held(toasts.first)
    expect(problems.locator("li")).to_have_count(4)
    for width, height in ((360, 740), (390, 844), (740, 360), (1024, 700), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        wait_for(page, AT_REST)
        boxes = problems.or_(toasts).evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
        assert len(boxes) > 1
        for box in boxes:
            assert 0 <= box["left"] < box["right"] <= width, boxes
            assert 0 <= box["top"] < box["bottom"] <= height, boxes
        for one, another in combinations(boxes, 2):
            beside = one["right"] <= another["left"] or another["right"] <= one["left"]
            assert beside or one["bottom"] <= another["top"] or another["bottom"] <= one["top"], boxes
        expect(problems.get_by_role("button", name="Dismiss all")).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 360, "height": 740})
    for _ in range(4):
        problems.get_by_role("button", name="Dismiss", exact=True).last.click()
    expect(problems).to_be_hidden()
