"""Other users on the board: present, typing, looking at the same task."""

import time
from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from taskrealtime.engine.presence.presence import GRACE_SECONDS
from tests.support.stacks import Server, User

from .board import AT_REST, Board, wait_for
from .conftest import NewPage
from .seen import expect_seen

#: Writes down how often a user is in the list, whenever the list changes.
WATCH = """id => {
    window.seen = [];
    const list = document.querySelector('[data-presence]');
    const look = () => window.seen.push(list.querySelectorAll(`[data-user-id="${id}"]`).length);
    new MutationObserver(look).observe(list, {childList: true, subtree: true});
}"""

#: A user keeps writing in a field, however long the test looks at the text; and stops.
WRITE_ON = """field => {
    window.writing = setInterval(() => field.dispatchEvent(new Event('input', {bubbles: true})), 500);
}"""
PAUSE = "() => clearInterval(window.writing)"

TOP = "element => element.getBoundingClientRect().top"


class Scene(NamedTuple):
    """Three members of one project; Alice has it open."""

    server: Server
    path: str
    alice: User
    bob: User
    carol: User
    ours: Board


@pytest.fixture
def scene(server: Server, new_page: NewPage) -> Scene:
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    bob = server.stack.user(first_name="Bob", last_name="Lindqvist")
    carol = server.stack.user(first_name="Carol", last_name="Reyes")
    path = f"/projects/{server.project(alice, members=[bob, carol])}/"
    return Scene(server, path, alice, bob, carol, Board(new_page(server, alice, path)))


def test_users_that_come_are_shown_with_name_and_state_until_they_leave(scene: Scene, new_page: NewPage) -> None:
    expect(scene.ours.person(scene.alice.id)).to_have_attribute("data-presence-status", "online")
    expect(scene.ours.person(scene.bob.id)).to_have_count(0)
    theirs = Board(new_page(scene.server, scene.bob, scene.path))
    person = scene.ours.person(scene.bob.id)
    expect(person).to_have_attribute("data-presence-status", "online")
    expect(person).to_contain_text("Bob Lindqvist, online")
    expect(theirs.person(scene.alice.id)).to_contain_text("Alice Okafor, online")
    theirs.page.close()
    expect(person).to_have_count(0)
    scene.ours.page.locator("[data-open-members]").click()
    row = scene.ours.page.locator(f'[data-member-id="{scene.bob.id}"]')
    expect(row).to_contain_text("Last seen just now")


def test_a_reload_does_not_flicker(scene: Scene, new_page: NewPage) -> None:
    theirs = Board(new_page(scene.server, scene.bob, scene.path))
    expect(scene.ours.person(scene.bob.id)).to_be_visible()
    scene.ours.page.evaluate(WATCH, scene.bob.id)
    while True:  # a user that takes longer than the grace to return was away: that proves nothing
        left = time.monotonic()
        theirs.page.reload()
        theirs.wait_until("live")
        expect(theirs.person(scene.alice.id)).to_be_visible()
        seen = scene.ours.page.evaluate("window.seen.splice(0)")
        if time.monotonic() - left < GRACE_SECONDS:
            break
    assert 0 not in seen


def test_busy_is_chosen_from_the_menu_and_holds_for_every_tab(scene: Scene, new_page: NewPage) -> None:
    theirs = Board(new_page(scene.server, scene.bob, scene.path))
    tab = theirs.page.context.new_page()
    tab.goto(scene.path)
    other = Board(tab)
    theirs.page.locator("[data-me]").focus()
    theirs.page.keyboard.press("Enter")
    theirs.page.get_by_role("menuitemradio", name="Busy").click()
    expect(scene.ours.person(scene.bob.id)).to_have_attribute("data-presence-status", "busy")
    expect(scene.ours.person(scene.bob.id)).to_contain_text("Bob Lindqvist, busy")
    theirs.page.reload()
    theirs.wait_until("live")
    expect(theirs.page.locator("[data-me]")).to_have_attribute("data-presence-status", "busy")
    tab.locator("[data-me]").click()
    expect(tab.get_by_role("menuitemradio", name="Busy")).to_have_attribute("aria-checked", "true")
    tab.get_by_role("menuitemradio", name="Online").click()
    for board in (scene.ours, theirs, other):
        expect(board.person(scene.bob.id)).to_have_attribute("data-presence-status", "online")


def test_users_that_type_are_named_under_the_comments_and_nothing_jumps(scene: Scene, new_page: NewPage) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    boards = [Board(new_page(scene.server, user, scene.path)) for user in (scene.bob, scene.carol)]
    panel = scene.ours.open(task)
    line, form = panel.locator("[data-typing]"), panel.locator("form textarea[name=content]")
    expect(panel.locator("[data-part=comments-status]")).to_contain_text("No comments")
    before = form.evaluate(TOP)
    first, second = (board.open(task).locator("textarea[name=content]") for board in boards)
    first.press_sequentially("I think")
    first.evaluate(WRITE_ON)
    expect(line).to_have_text("Bob Lindqvist is typing…")
    second.press_sequentially("So do I")
    second.evaluate(WRITE_ON)
    expect(line).to_have_text("Bob Lindqvist and Carol Reyes are typing…")
    assert form.evaluate(TOP) == before
    first.evaluate(PAUSE)
    first.press("Control+Enter")
    expect(line).to_have_text("Carol Reyes is typing…")
    second.evaluate(PAUSE)
    second.fill("")
    expect(line).to_be_empty()
    expect(boards[0].panel.locator("[data-typing]")).to_be_empty()
    title, editing = boards[0].panel.locator("[name=title]"), panel.locator("[data-field=title] [data-part=editing]")
    facts = panel.locator("[name=status]")
    before = facts.evaluate(TOP)
    title.press_sequentially("So: ")
    title.evaluate(WRITE_ON)
    expect_seen(editing, "Bob Lindqvist is editing this")
    assert facts.evaluate(TOP) == before
    expect(line).to_be_empty()
    title.evaluate(PAUSE)
    title.press("Enter")
    expect(editing).to_be_empty()


def test_viewers_of_a_task_are_shown_on_its_card_and_in_its_panel(scene: Scene, new_page: NewPage) -> None:
    one, two = scene.ours.add("todo", "One", "Two")
    theirs = Board(new_page(scene.server, scene.bob, scene.path))
    wait_for(scene.ours.page, AT_REST)
    height = scene.ours.card(one).bounding_box()
    theirs.open(one)
    expect(scene.ours.viewer(one, scene.bob.id)).to_be_visible()
    wait_for(scene.ours.page, AT_REST)
    assert scene.ours.card(one).bounding_box() == height
    expect(theirs.page.locator(f'[data-viewers] [data-user-id="{scene.bob.id}"]')).to_have_count(0)
    panel = scene.ours.open(one)
    expect(panel.locator(f'[data-viewers] [data-user-id="{scene.bob.id}"]')).to_be_visible()
    expect(theirs.viewer(one, scene.alice.id)).to_be_visible()
    theirs.open(two)
    expect(scene.ours.viewer(two, scene.bob.id)).to_be_visible()
    expect(panel.locator("[data-viewers] [data-user-id]")).to_have_count(0)
    expect(scene.ours.viewer(one, scene.bob.id)).to_have_count(0)
    theirs.page.keyboard.press("Escape")
    expect(scene.ours.viewer(two, scene.bob.id)).to_have_count(0)
    theirs.open(two)
    expect(scene.ours.viewer(two, scene.bob.id)).to_be_visible()
    theirs.page.close()
    expect(scene.ours.viewer(two, scene.bob.id)).to_have_count(0)
