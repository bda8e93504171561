"""Two people on one board, each in a browser of their own: what one does, the other sees."""

from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.support.stacks import KINDS, Server, User

from .board import Board
from .concerns import held
from .conftest import NewPage

#: One server alone, as `make run` starts it, is looked at here; the other files need not do it again.
pytestmark = pytest.mark.parametrize("shared_stack", KINDS, indirect=True)


class Scene(NamedTuple):
    """Alice and Bob in front of the same project."""

    server: Server
    project: int
    alice: User
    bob: User
    ours: Board
    theirs: Board


@pytest.fixture
def scene(server: Server, new_page: NewPage) -> Scene:
    alice, bob = server.stack.user(), server.stack.user(first_name="Bob", last_name="Lindqvist")
    project = server.project(alice, members=[bob])
    pages = [new_page(server, user, f"/projects/{project}/") for user in (alice, bob)]
    return Scene(server, project, alice, bob, *map(Board, pages))


def test_a_new_task_appears_for_both_and_the_field_stays_for_the_next(scene: Scene) -> None:
    first, second = scene.ours.add("todo", "Paint the fence", "Buy the paint")
    for board in (scene.ours, scene.theirs):
        board.expect_order("todo", first, second)
        expect(board.card(first)).to_contain_text("Paint the fence")
    expect(scene.ours.column("todo").locator("[data-add-task]")).to_be_visible()


def test_a_card_is_dragged_to_another_column(scene: Scene) -> None:
    one, two, three = scene.ours.add("todo", "One", "Two", "Three")
    scene.ours.drag(two, onto=scene.ours.column("review"))
    scene.ours.drag(three, onto=scene.ours.card(two))
    for board in (scene.ours, scene.theirs):
        board.expect_order("todo", one)
        board.expect_order("review", three, two)
    expect(scene.ours.card(two)).not_to_have_attribute("data-pending", "")


def test_cards_are_dragged_up_and_down_within_a_column(scene: Scene) -> None:
    one, two, three = scene.ours.add("todo", "One", "Two", "Three")
    scene.ours.drag(one, onto=scene.ours.card(two), below=True)
    scene.theirs.expect_order("todo", two, one, three)
    scene.theirs.drag(three, onto=scene.theirs.card(two))
    for board in (scene.ours, scene.theirs):
        board.expect_order("todo", three, two, one)


def test_both_drag_at_once_and_see_the_same_order(scene: Scene) -> None:
    ids = scene.ours.add("todo", "One", "Two", "Three", "Four")
    scene.theirs.expect_order("todo", *ids)
    scene.ours.grab(ids[0])
    scene.theirs.drag(ids[3], onto=scene.theirs.card(ids[1]))
    target = scene.ours.column("todo").bounding_box()  # its cards may be on their way just now
    assert target
    scene.ours.page.mouse.move(target["x"] + 50, target["y"] + target["height"] - 10, steps=8)
    scene.ours.page.mouse.up()
    expect(scene.theirs.page.locator("[data-pending]")).to_have_count(0)
    scene.ours.expect_order("todo", ids[3], ids[1], ids[2], ids[0])
    scene.theirs.expect_order("todo", ids[3], ids[1], ids[2], ids[0])


def test_escape_puts_a_dragged_card_back(scene: Scene) -> None:
    one, two = scene.ours.add("todo", "One", "Two")
    scene.ours.grab(one)
    scene.ours.page.mouse.move(900, 300, steps=5)
    scene.ours.page.keyboard.press("Escape")
    scene.ours.page.mouse.up()
    scene.ours.expect_order("todo", one, two)
    expect(scene.ours.panel).to_have_count(0)


def test_edits_show_in_the_others_card_and_open_panel(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    ours.locator("[name=title]").fill("Paint the gate")
    ours.locator("[name=title]").press("Enter")
    ours.locator("[name=priority]").select_option("urgent")
    ours.locator("[name=assignee_id]").select_option(str(scene.bob.id))
    ours.locator("[name=due_at]").fill("2030-05-01T10:30")
    ours.locator("[name=description]").fill("In **green**.")
    ours.locator("[name=content]").focus()
    expect(theirs.locator("[name=title]")).to_have_value("Paint the gate")
    expect(theirs.locator("[name=priority]")).to_have_value("urgent")
    expect(theirs.locator("[name=assignee_id]")).to_have_value(str(scene.bob.id))
    expect(theirs.locator("[name=due_at]")).to_have_value("2030-05-01T10:30")
    expect(theirs.locator("[name=description]")).to_have_value("In **green**.")
    expect(theirs.locator("strong")).to_have_text("green")
    card = scene.theirs.card(task)
    expect(card).to_have_attribute("data-priority", "urgent")
    expect(card).to_have_attribute("data-assignee-id", str(scene.bob.id))
    expect(card).to_contain_text("1 May 2030")
    ours.locator("[name=assignee_id]").select_option("")
    expect(card).to_have_attribute("data-assignee-id", "")


def test_what_somebody_is_writing_is_left_alone(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    draft = ours.locator("[name=description]")
    draft.press_sequentially("Half a tho")
    ours.locator("[name=content]").evaluate("field => field.value = 'kept'")
    theirs.locator("[name=title]").fill("Paint the gate")
    theirs.locator("[name=title]").press("Enter")
    theirs.locator("[name=status]").select_option("review")
    expect(ours.locator("[name=title]")).to_have_value("Paint the gate")
    expect(ours.locator("[name=status]")).to_have_value("review")
    expect(draft).to_be_focused()
    draft.press_sequentially("ught")
    ours.press("Escape")
    expect(theirs.locator("[name=description]")).to_have_value("Half a thought")


def test_a_comment_arrives_and_is_counted(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    ours.locator("[name=content]").fill("Which **green**?\n\n<img src=x onerror=alert(1)>")
    ours.locator("[name=content]").press("Control+Enter")
    comment = theirs.locator("[data-comment-id]")
    expect(comment.locator("strong")).to_have_text("green")
    expect(comment.locator("img")).to_have_count(0)
    expect(scene.theirs.card(task)).to_have_attribute("data-comment-count", "1")
    theirs.locator("[name=content]").fill("This one.")
    theirs.locator("form button").click()
    expect(ours.locator("[data-comment-id]")).to_have_count(2)
    expect(ours.locator(".comment[data-pending]")).to_have_count(0)


def test_ones_own_comment_is_edited_and_deleted(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    ours.locator("[name=content]").fill("First")
    ours.locator("[name=content]").press("Control+Enter")
    comment = ours.locator("[data-comment-id]")
    comment.hover()
    comment.locator("[data-edit-comment]").click()
    comment.locator("textarea").fill("Second")
    comment.get_by_role("button", name="Save").click()
    expect(theirs.locator("[data-comment-id]")).to_contain_text("Second")
    expect(theirs.locator("[data-edit-comment]")).to_be_hidden()
    comment.hover()
    comment.locator("[data-delete-comment]").click()
    comment.locator("[data-delete-comment]").click()
    expect(theirs.locator("[data-comment-id]")).to_have_count(0)
    expect(scene.theirs.card(task)).to_have_attribute("data-comment-count", "0")


def test_a_deleted_task_goes_everywhere_and_can_be_brought_back(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, _ = scene.ours.open(task), scene.theirs.open(task)
    ours.locator("[data-delete-task]").click()
    toast = held(scene.ours.page.locator("[role=status] .toast"))
    for board in (scene.ours, scene.theirs):
        expect(board.panel).to_have_count(0)
        expect(board.card(task)).to_have_count(0)
        board.expect_no_hash()
    toast.get_by_role("button", name="Undo").click()
    for board in (scene.ours, scene.theirs):
        board.expect_order("todo", task)


def test_a_change_made_by_a_script_shows_in_both(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    scene.server.stack.run(
        "t = Task.objects.get(id=id); t.status = 'completed'; t.title = 'Painted'; t.save()", id=task
    )
    for board in (scene.ours, scene.theirs):
        board.expect_order("completed", task)
        expect(board.card(task)).to_contain_text("Painted")


def test_two_edits_of_one_field_ask_which_one_stays(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    for choice, kept in (("theirs", "By Bob"), ("mine", "By Alice")):
        ours.locator("[name=title]").fill("By Alice")
        theirs.locator("[name=title]").fill("By Bob")
        theirs.locator("[name=title]").press("Enter")
        expect(scene.ours.card(task)).to_contain_text("By Bob")
        ours.locator("[name=title]").press("Enter")
        conflict = ours.locator("[data-conflict=title]")
        expect(conflict).to_contain_text("By Alice")
        expect(conflict).to_contain_text("By Bob")
        conflict.locator(f"[data-choose={choice}]").click()
        expect(conflict).to_have_count(0)
        for panel in (ours, theirs):
            expect(panel.locator("[name=title]")).to_have_value(kept)
        theirs.locator("[name=title]").fill("Paint the fence")
        theirs.locator("[name=title]").press("Enter")
        expect(ours.locator("[name=title]")).to_have_value("Paint the fence")


def test_edits_of_different_fields_both_win(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    ours.locator("[name=title]").fill("Paint the gate")
    theirs.locator("[name=priority]").select_option("high")
    expect(scene.ours.card(task)).to_have_attribute("data-priority", "high")
    ours.locator("[name=title]").press("Enter")
    expect(theirs.locator("[name=title]")).to_have_value("Paint the gate")
    expect(ours.locator("[data-conflict]")).to_have_count(0)


def test_the_others_changes_are_told_to_those_who_hear_the_board(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    scene.theirs.drag(task, onto=scene.theirs.column("review"))
    told = "Bob Lindqvist moved “Paint the fence” to Review"
    expect(scene.ours.page.locator("[data-announcer]")).to_contain_text(told)
    expect(scene.theirs.page.locator("[data-announcer]")).not_to_contain_text("Review")
