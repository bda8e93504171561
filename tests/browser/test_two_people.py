"""Two people on one board, each in a browser of their own: what one does, the other sees."""

from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.support.stacks import Server, Stack, User

from .board import Board
from .concerns import held
from .conftest import NewPage
from .seen import expect_seen


class Scene(NamedTuple):
    """Alice and Bob in front of the same project."""

    server: Server
    bob: User
    ours: Board
    theirs: Board

    @property
    def boards(self) -> tuple[Board, Board]:
        return self.ours, self.theirs


def gather(server: Server, new_page: NewPage) -> Scene:
    """Two new users, each in front of the same new project."""
    alice, bob = server.stack.user(), server.stack.user(first_name="Bob", last_name="Lindqvist")
    path = f"/projects/{server.project(alice, members=[bob])}/"
    ours, theirs = (Board(new_page(server, user, path)) for user in (alice, bob))
    return Scene(server, bob, ours, theirs)


@pytest.fixture
def scene(server: Server, new_page: NewPage) -> Scene:
    return gather(server, new_page)


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_one_server_alone_shows_each_what_the_other_does(stack: Stack, new_page: NewPage) -> None:
    """As `make run` starts it. Every other test is on PostgreSQL and Redis: a page sees no difference."""
    scene = gather(stack.server(), new_page)
    first, second = scene.ours.add("todo", "Paint the fence", "Buy the paint")
    scene.theirs.drag(first, onto=scene.theirs.column("review"))
    for board in scene.boards:
        board.expect_order("todo", second)
        board.expect_order("review", first)
    ours, theirs = (board.open(second) for board in scene.boards)
    ours.locator("[name=content]").fill("Which **green**?")
    ours.locator("[name=content]").press("Control+Enter")
    expect(theirs.locator("[data-comment-id] strong")).to_have_text("green")
    expect(scene.ours.person(scene.bob.id)).to_be_visible()


def test_what_is_added_and_moved_shows_for_both_and_is_announced_to_the_other(scene: Scene) -> None:
    first, second = scene.ours.add("todo", "Paint the fence", "Buy the paint")
    for board in scene.boards:
        board.expect_order("todo", first, second)
        expect(board.card(first)).to_contain_text("Paint the fence")
    expect(scene.ours.column("todo").locator("[data-add-task]")).to_be_visible()  # the field stayed for the next

    scene.theirs.drag(first, onto=scene.theirs.column("review"))
    announced = "Bob Lindqvist moved “Paint the fence” to Review"
    expect(scene.ours.page.locator("[data-announcer]")).to_contain_text(announced)
    expect(scene.theirs.page.locator("[data-announcer]")).not_to_contain_text("Review")

    code = "t = Task.objects.get(id=id); t.status = 'completed'; t.title = 'Bought'; t.save()"
    scene.server.stack.run(code, id=second)
    for board in scene.boards:
        board.expect_order("completed", second)
        expect(board.card(second)).to_contain_text("Bought")


def test_cards_are_dragged_within_and_between_columns_and_put_back_with_escape(scene: Scene) -> None:
    one, two, three = scene.ours.add("todo", "One", "Two", "Three")
    for board in scene.boards:
        board.move()
    scene.ours.drag(one, onto=scene.ours.card(two), below=True)
    scene.theirs.expect_order("todo", two, one, three)
    scene.theirs.drag(three, onto=scene.theirs.card(two))
    for board in scene.boards:
        board.expect_order("todo", three, two, one)

    scene.ours.drag(two, onto=scene.ours.column("review"))
    scene.ours.drag(three, onto=scene.ours.card(two))
    for board in scene.boards:
        board.expect_order("todo", one)
        board.expect_order("review", three, two)
    expect(scene.ours.card(two)).not_to_have_attribute("data-pending", "")

    scene.ours.grab(one)
    scene.ours.page.mouse.move(900, 300, steps=5)
    scene.ours.page.keyboard.press("Escape")
    scene.ours.page.mouse.up()
    scene.ours.expect_order("todo", one)
    expect(scene.ours.panel).to_have_count(0)


def test_both_drag_at_once_and_see_the_same_order(scene: Scene) -> None:
    ids = scene.ours.add("todo", "One", "Two", "Three", "Four")
    for board in scene.boards:
        board.move()
    scene.theirs.expect_order("todo", *ids)
    scene.ours.grab(ids[0])
    scene.theirs.drag(ids[3], onto=scene.theirs.card(ids[1]))
    target = scene.ours.column("todo").bounding_box()  # its cards may be on their way just now
    assert target
    scene.ours.page.mouse.move(target["x"] + 50, target["y"] + target["height"] - 10, steps=8)
    scene.ours.page.mouse.up()
    expect(scene.theirs.page.locator("[data-pending]")).to_have_count(0)
    for board in scene.boards:
        board.expect_order("todo", ids[3], ids[1], ids[2], ids[0])


def test_edits_show_in_the_others_card_and_open_panel_but_disturb_no_writing(scene: Scene) -> None:
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

    draft = ours.locator("[name=description]")
    draft.fill("Half a tho")
    ours.locator("[name=content]").evaluate("field => field.value = 'kept'")
    theirs.locator("[name=title]").fill("Paint the wall")
    theirs.locator("[name=title]").press("Enter")
    theirs.locator("[name=status]").select_option("review")
    expect(ours.locator("[name=title]")).to_have_value("Paint the wall")
    expect(ours.locator("[name=status]")).to_have_value("review")
    expect(draft).to_be_focused()
    draft.press_sequentially("ught")
    ours.press("Escape")
    expect(theirs.locator("[name=description]")).to_have_value("Half a thought")


def test_edits_of_different_fields_both_win_and_two_of_one_field_ask_which_one_stays(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    ours.locator("[name=title]").fill("Paint the gate")
    theirs.locator("[name=priority]").select_option("high")
    expect(scene.ours.card(task)).to_have_attribute("data-priority", "high")
    ours.locator("[name=title]").press("Enter")
    expect(theirs.locator("[name=title]")).to_have_value("Paint the gate")
    expect(ours.locator("[data-conflict]")).to_have_count(0)

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


def test_who_writes_what_another_changes_is_warned_sees_what_differs_and_merges_both(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, theirs = scene.ours.open(task), scene.theirs.open(task)
    title, warning = ours.locator("[name=title]"), ours.locator("[data-field=title] [data-part=warning]")
    title.fill("Paint the fence today")
    expect(warning).to_be_hidden()
    theirs.locator("[name=title]").fill("Paint the old fence")
    theirs.locator("[name=title]").press("Enter")
    expect_seen(warning, "Bob Lindqvist has changed this while you write.")
    expect(title).to_have_value("Paint the fence today")
    title.press("Enter")
    conflict = ours.locator("[data-conflict=title]")
    expect_seen(conflict, "You and Bob Lindqvist changed the title at the same time.")
    expect_seen(conflict, "Version of Bob Lindqvist")
    expect(warning).to_be_hidden()
    expect(conflict.locator("[data-part=mine] mark")).to_have_text(" today")
    expect(conflict.locator("[data-part=theirs] mark")).to_have_text("old ")

    conflict.locator("[data-choose=merge]").press("Enter")
    expect(title).to_be_focused()
    expect(title).to_have_value("Paint the fence today")
    title.fill("Paint the old fence today")
    expect(conflict.locator("[data-part=mine] mark")).to_have_text(" today")
    expect(conflict.locator("[data-part=theirs] mark")).to_have_count(0)
    conflict.locator("[data-part=theirs]").click()  # to copy from it saves nothing
    expect(scene.ours.card(task)).to_contain_text("Paint the old fence")
    expect(scene.ours.card(task)).not_to_contain_text("today")
    conflict.get_by_role("button", name="Save merged text").press("Enter")
    expect(conflict).to_have_count(0)
    for panel in (ours, theirs):
        expect(panel.locator("[name=title]")).to_have_value("Paint the old fence today")


def test_a_comment_arrives_is_counted_edited_and_deleted(scene: Scene) -> None:
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

    mine, seen = (panel.locator("[data-comment-id]").first for panel in (ours, theirs))
    mine.hover()
    mine.locator("[data-edit-comment]").click()
    mine.locator("textarea").fill("Second")
    mine.get_by_role("button", name="Save").click()
    expect(seen).to_contain_text("Second")
    expect(seen.locator("[data-edit-comment]")).to_be_hidden()
    mine.hover()
    delete = mine.locator("[data-delete-comment]")
    delete.click()
    expect(delete).to_have_text("Delete comment?")
    delete.click()
    expect(theirs.locator("[data-comment-id]")).to_have_count(1)
    expect(seen).to_contain_text("This one.")
    expect(scene.theirs.card(task)).to_have_attribute("data-comment-count", "1")


def test_a_deleted_task_goes_everywhere_and_can_be_brought_back(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    ours, _ = scene.ours.open(task), scene.theirs.open(task)
    ours.locator("[data-delete-task]").click()
    toast = held(scene.ours.page.locator("[role=status] .toast"))
    for board in scene.boards:
        expect(board.panel).to_have_count(0)
        expect(board.card(task)).to_have_count(0)
        board.expect_no_hash()
    toast.get_by_role("button", name="Undo").click()
    for board in scene.boards:
        board.expect_order("todo", task)
