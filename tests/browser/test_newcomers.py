"""Tasks that were added without a connection: worked on like any other before they have an id."""

import json
import re

import pytest
from playwright.sync_api import Locator, WebSocketRoute, expect

from tests.support.stacks import Server, User

from .board import COMING, LOST_AND_REFUSED, Board
from .conftest import NewPage
from .profiles import route_web_sockets

TASKS = """
result = [
    {"title": task.title, "status": task.status, "priority": task.priority, "description": task.description,
     "comments": list(task.comments.order_by("id").values_list("content", flat=True))}
    for task in Task.objects.filter(project_id=id).order_by("id")
]
"""


@pytest.fixture
def alice(frail: Server) -> User:
    return frail.stack.user()


@pytest.fixture
def board(frail: Server, alice: User, new_page: NewPage) -> Board:
    return Board(new_page(frail, alice, f"/projects/{frail.project(alice)}/", allow_errors=LOST_AND_REFUSED))


def project_of(board: Board) -> int:
    return int(board.page.url.partition("#")[0].rstrip("/").rpartition("/")[2])


def panel_of(board: Board, card: Locator) -> Locator:
    card.click()
    expect(board.panel).to_be_visible()
    return board.panel


def work_on(board: Board, card: Locator) -> None:
    """Edit, comment on and move a task that has no id yet."""
    panel = panel_of(board, card)
    expect(panel.get_by_text("Loading…")).to_be_hidden()
    panel.locator("[name=priority]").select_option("high")
    board.work_in_panel("Born", "Born offline", comment="Said before it had an id")
    card.focus()
    board.page.keyboard.press("m")
    board.page.get_by_role("menuitem", name="Review").click()
    expect(board.column("review").locator(COMING)).to_contain_text("Born offline")
    expect(card).to_have_attribute("data-priority", "high")


DONE = {
    "title": "Born offline",
    "status": "review",
    "priority": "high",
    "description": "",
    "comments": ["Said before it had an id"],
}


def test_a_task_is_worked_on_before_it_has_an_id(frail: Server, board: Board) -> None:
    project = project_of(board)
    frail.kill()
    board.wait_until("offline")
    board.enter("todo", "New")
    work_on(board, board.page.locator(COMING))
    # The user is still writing while it gets its id: nothing of that is disturbed.
    panel = panel_of(board, board.page.locator(COMING))
    panel.locator("[name=description]").press_sequentially("Half a ")
    frail.start()
    board.wait_until("live")
    expect(board.page.locator(COMING)).to_have_count(0)
    expect(board.page.locator("[data-pending]")).to_have_count(0)
    panel.locator("[name=description]").press_sequentially("thought")
    expect(panel.locator("[name=description]")).to_have_value("Half a thought")
    (task,) = board.order("review")
    expect(panel).to_have_attribute("data-task-panel", str(task))
    expect(panel.locator("[data-comment-id]")).to_have_count(1)
    expect(board.page).to_have_url(re.compile(f"#task-{task}$"))
    panel.locator("[name=description]").blur()  # which saves it; in the field Escape takes back what was written
    board.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(board.page.locator("[data-pending]")).to_have_count(0)
    assert frail.stack.run(TASKS, id=project) == [DONE | {"description": "Half a thought"}]
    expect(board.page.locator("[data-problems]")).to_be_hidden()


def test_a_task_that_the_server_named_otherwise_is_one_card_once_its_answer_is_here(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user()
    page = new_page(server, alice, f"/projects/{server.project(alice)}/")
    board, held = Board(page), []

    def connect(socket: WebSocketRoute) -> None:
        """A line on which the event comes with another title, and the answer only when the test says so."""

        def pass_on(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["event"] == "task_created":
                frame["data"]["task"]["title"] = "Named otherwise"
                socket.send(json.dumps(frame))
            elif frame["event"] == "ack" and "task" in frame["data"]:
                held.append(lambda: socket.send(message))
            else:
                socket.send(message)

        socket.connect_to_server().on_message(pass_on)

    route_web_sockets(page, connect)
    page.reload()
    board.wait_until("live")
    board.enter("todo", "New")
    expect(board.titled("todo", "Named otherwise")).to_be_visible()
    expect(page.locator(COMING)).to_have_text(re.compile("New"))
    (answer,) = held
    answer()
    expect(page.locator(COMING)).to_have_count(0)
    expect(board.titled("todo", "")).to_have_count(1)


def test_what_was_done_with_it_is_sent_by_the_next_page(frail: Server, board: Board) -> None:
    project, context, path = project_of(board), board.page.context, board.page.url
    frail.kill()
    board.wait_until("offline")
    board.enter("todo", "New")
    work_on(board, board.page.locator(COMING))
    board.page.close()
    frail.start()
    page = context.new_page()
    page.goto(path)
    again = Board(page)
    expect(again.titled("review", "Born offline")).to_have_attribute("data-comment-count", "1")
    expect(again.page.locator("[data-pending]")).to_have_count(0)
    assert frail.stack.run(TASKS, id=project) == [DONE]


def test_what_was_deleted_or_undone_before_it_had_an_id_is_gone(frail: Server, board: Board) -> None:
    frail.kill()
    board.wait_until("offline")
    board.enter("todo", "Deleted", "Kept", "Undone")
    panel_of(board, board.page.locator(COMING).filter(has_text="Deleted")).locator("[data-delete-task]").click()
    board.page.keyboard.press("Escape")
    board.page.locator(COMING).filter(has_text="Kept").focus()
    frail.start()
    board.wait_until("live")
    expect(board.page.locator(COMING)).to_have_count(0)
    kept = board.titled("todo", "Kept")
    expect(kept).to_be_focused()
    board.page.keyboard.press("Control+z")
    expect(board.titled("todo", "Deleted")).to_have_count(1)
    expect(board.page.locator("[data-pending]")).to_have_count(0)  # until then it is only on its way back
    assert {task["title"] for task in frail.stack.run(TASKS, id=project_of(board))} == {"Deleted", "Kept", "Undone"}


def test_a_task_that_may_not_be_created_takes_its_panel_along_and_leaves_its_texts(
    frail: Server, board: Board, alice: User
) -> None:
    frail.kill()
    board.wait_until("offline")
    board.enter("todo", "Refused")
    panel = panel_of(board, board.page.locator(COMING))
    panel.locator("[name=description]").fill("Long thoughts")
    frail.stack.run("Membership.objects.filter(user_id=id).update(role='viewer')", id=alice.id)
    frail.start()
    board.wait_until("live")
    expect(panel).to_have_count(0)
    expect(board.page.locator(COMING)).to_have_count(0)
    problems = board.page.locator("[data-problems]")
    expect(problems).to_contain_text("Couldn’t create “Refused”.")
    expect(problems).to_contain_text("the description of")
    expect(problems.get_by_role("button", name="Copy text")).to_have_count(2)
