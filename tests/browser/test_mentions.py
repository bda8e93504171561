"""Writing a mention: the members are offered, and one is taken with the keys, the mouse or a finger."""

from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, expect

from tests.support.stacks import Server, User

from .board import Board
from .conftest import NewPage
from .test_accessibility import PHONE, look_over


class Scene(NamedTuple):
    """A task in a project with Alice, the writer, and three others; the usernames end in the same letters."""

    server: Server
    project: int
    task: int
    alice: User
    bob: User
    cleo: User
    dora: User

    @property
    def path(self) -> str:
        """Of the board, with the task open."""
        return f"/projects/{self.project}/#task-{self.task}"


@pytest.fixture
def scene(server: Server) -> Scene:
    stack = server.stack
    alice, cleo = stack.user(first_name="Alice", last_name="Okafor"), stack.user(first_name="Cleo", last_name="Adler")
    bob, dora = stack.user(first_name="Bob", last_name="Lindqvist"), stack.user(first_name="Dora", last_name="Bolt")
    project = server.project(alice, members=[bob, cleo, dora])
    answer = server.api(alice).post("/api/tasks/", json={"project_id": project, "title": "Paint"})
    return Scene(server, project, answer.json()["id"], alice, bob, cleo, dora)


def expect_offered(board: Board, *users: User, chosen: User) -> None:
    """Wait until these people are offered, in this order, and one of them would be taken."""
    options = board.page.get_by_role("listbox", name="People to mention").get_by_role("option")
    for index, user in enumerate(users):
        expect(options.nth(index)).to_have_attribute("data-mention", user.username)
    expect(options).to_have_count(len(users))
    expect(board.page.locator("[role=option][aria-selected=true]")).to_have_attribute("data-mention", chosen.username)
    field = board.page.locator("textarea[role=combobox]")
    expect(field).to_have_attribute("aria-expanded", "true")
    active = f"#{field.get_attribute('aria-controls')} #{field.get_attribute('aria-activedescendant')}"
    expect(board.page.locator(active)).to_have_attribute("data-mention", chosen.username)


def expect_closed(board: Board, field: Locator) -> None:
    """Wait until nothing is offered, and the field is a plain one again."""
    expect(board.page.get_by_role("listbox")).to_have_count(0)
    expect(field).not_to_have_attribute("role", "combobox")


def test_a_mention_is_completed_with_the_keys_in_every_field(scene: Scene, new_page: NewPage) -> None:
    Board(new_page(scene.server, scene.dora, scene.path))
    board = Board(new_page(scene.server, scene.alice, scene.path))
    expect(board.person(scene.dora.id)).to_be_visible()
    comment = board.panel.locator("[name=content]")
    comment.press_sequentially("mail me@bo")
    expect(comment).to_have_value("mail me@bo")
    expect_closed(board, comment)
    comment.fill("")
    comment.press_sequentially("Ask @")
    expect_offered(board, scene.dora, scene.bob, scene.cleo, chosen=scene.dora)
    comment.press_sequentially("bo")
    expect_offered(board, scene.dora, scene.bob, chosen=scene.dora)
    comment.press("ArrowDown")
    expect_offered(board, scene.dora, scene.bob, chosen=scene.bob)
    look_over(board.page, "a mention", "[role=listbox]")
    # A user arrives, and something changes, during the choice: the choice stays.
    new_page(scene.server, scene.bob, scene.path)
    expect_offered(board, scene.bob, scene.dora, chosen=scene.bob)
    scene.server.api(scene.bob).patch(f"/api/tasks/{scene.task}/", json={"title": "Paint it", "priority": "high"})
    expect(board.panel.locator("[name=title]")).to_have_value("Paint it")
    expect_offered(board, scene.bob, scene.dora, chosen=scene.bob)
    comment.press("Enter")
    expect(comment).to_have_value(f"Ask @{scene.bob.username} ")
    expect_closed(board, comment)
    comment.press_sequentially("and @adl")
    comment.press("Tab")
    expect(comment).to_be_focused()
    text = f"Ask @{scene.bob.username} and @{scene.cleo.username} "
    expect(comment).to_have_value(text)
    comment.press("Control+Enter")
    expect(board.panel.locator("[data-comment-id]")).to_have_count(1)

    # Escape closes the list alone, until another mention is begun.
    board.panel.locator("[data-comment-id] [data-edit-comment]").click()
    edited = board.panel.locator("[name=edited_content]")
    edited.press("End")
    edited.press_sequentially("@cl")
    expect_offered(board, scene.cleo, chosen=scene.cleo)
    edited.press("Escape")
    edited.press_sequentially("e")
    expect_closed(board, edited)
    edited.press_sequentially(" @do")
    expect_offered(board, scene.dora, chosen=scene.dora)
    edited.press("Enter")
    edited.press("Control+Enter")
    expect(board.panel.locator("[data-comment-id]")).to_contain_text(f"@cle @{scene.dora.username}")

    description = board.panel.locator("[name=description]")
    description.press_sequentially("For @cleo")
    expect_offered(board, scene.cleo, chosen=scene.cleo)
    board.page.locator("[data-mention]").click()
    expect(description).to_have_value(f"For @{scene.cleo.username} ")
    expect(description).to_be_focused()
    description.press("Control+z")
    expect(description).to_have_value("For @cleo")
    description.press("End")
    description.press_sequentially(" @d")
    expect_offered(board, scene.dora, chosen=scene.dora)
    description.press("Escape")
    expect(description).to_have_value("For @cleo @d")
    description.press("Escape")
    expect(description).to_have_value("")
    board.page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)


def test_a_mention_is_taken_with_a_finger_and_no_composition_is_cut_short(scene: Scene, new_page: NewPage) -> None:
    board = Board(new_page(scene.server, scene.alice, scene.path, **PHONE))
    comment = board.panel.locator("[name=content]")
    comment.tap()
    composing = board.page.context.new_cdp_session(board.page)
    composing.send("Input.imeSetComposition", {"text": "@bo", "selectionStart": 3, "selectionEnd": 3})
    expect_offered(board, scene.bob, scene.dora, chosen=scene.bob)
    # Enter ends the composition, and chooses no user.
    comment.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect_offered(board, scene.bob, scene.dora, chosen=scene.bob)
    composing.send("Input.insertText", {"text": "@bol"})
    expect_offered(board, scene.dora, chosen=scene.dora)
    option = board.page.locator("[data-mention]")
    expect(option).to_be_in_viewport(ratio=1)
    option.tap()
    expect(comment).to_have_value(f"@{scene.dora.username} ")
    expect(comment).to_be_focused()
    comment.press("Enter")
    expect(comment).to_have_value(f"@{scene.dora.username} \n")
