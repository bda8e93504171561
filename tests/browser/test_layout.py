"""What a window of any size shows of a board, and what paper does: all can be reached, nothing lies over anything."""

from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.stacks import Server, User

from .board import AT_REST, COMING, LOST, Board, wait_for
from .concerns import Concerns, held
from .conftest import NewPage
from .printed import printed
from .seen import expect_seen, expect_whole
from .test_offline import go_offline

LONG_NAME = "The new garden behind the old house, and everything that has to be done for it before next summer"
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
HEBREW = "לצבוע את הגדר מאחורי הבית הישן לפני הקיץ"
#: Low windows: a page of 1280 × 800 at 400 %, and phones in landscape. Then phones, tablets and screens.
LOW = ((320, 200), (667, 375))
SIZES = (*LOW, (320, 568), (800, 1000), (1280, 800), (1920, 1080), (2560, 1440))
#: Pixels of the window that its cards get at least, once one has scrolled down to them.
ROOM = {200: 130, 375: 300}

FILL = """
from django.utils import timezone
Project.objects.filter(id=id).update(name=name)
tasks = []
for number in range(cards):
    status = ["todo", "todo", "todo", "in_progress", "review", "completed"][number % 6]
    tasks.append(Task.objects.create(project_id=id, title=f"Card {number}.", status=status, created_by_id=author))
tasks[0].title = word
tasks[0].save()
tasks[1].title = hebrew
tasks[1].save()
for number in range(comments):
    Comment.objects.create(task=tasks[2], author_id=author, content=f"Comment {number}.")
result = [task.id for task in tasks]
"""

#: In JavaScript: the pixels of the window in which cards of a column are seen.
ROOM_FOR_CARDS = """column => {
    const list = column.querySelector('[data-cards]');
    const { top, bottom } = list.getBoundingClientRect();
    const edges = [...document.querySelectorAll('.messages')].map((one) => one.getBoundingClientRect().top);
    return Math.min(bottom, innerHeight, ...edges) - Math.max(top, 0);
}"""
#: In JavaScript: the page, or its board, does not reach beyond the window.
IS_WITHIN = "document.documentElement.scrollWidth <= innerWidth"


class Scene(NamedTuple):
    """A project with a long name, 30 tasks in its four columns, and 14 comments on the third of them."""

    server: Server
    alice: User
    bob: User
    project: int
    tasks: list[int]

    @property
    def path(self) -> str:
        return f"/projects/{self.project}/"


@pytest.fixture(scope="module")
def scene(running_server: Server) -> Scene:
    server = running_server
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    bob = server.stack.user(first_name="Bob", last_name="Lindqvist")
    project = server.project(alice, members=[bob])
    for number in range(6):
        label = {"name": f"A label with a long name {number}", "color": "teal"}
        assert server.api(alice).post(f"/api/projects/{project}/labels/", json=label).status_code == 201
    texts = {"name": LONG_NAME, "word": LONG_WORD, "hebrew": HEBREW}
    tasks = server.stack.run(FILL, id=project, author=bob.id, cards=30, comments=14, **texts)
    return Scene(server, alice, bob, project, tasks)


def resize(page: Page, width: int, height: int) -> None:
    """Give the window another size, and wait until the page has it."""
    page.set_viewport_size({"width": width, "height": height})
    wait_for(page, "([width, height]) => innerWidth === width && innerHeight === height", [width, height])
    wait_for(page, AT_REST)


def test_paper_has_every_card_every_comment_and_every_line_of_a_dialog(scene: Scene, new_page: NewPage) -> None:
    page = new_page(scene.server, scene.alice, scene.path, color_scheme="dark")
    board = Board(page)
    expect(board.page.locator("[data-task-id]")).to_have_count(30)
    text = printed(page)
    assert [n for n in range(2, 30) if f"Card{n}." not in text] == []
    assert LONG_WORD in text.replace("-", "")
    assert LONG_NAME.replace(" ", "") in text
    assert "Signout" not in text
    page.emulate_media(media="print")
    expect(board.card(scene.tasks[5])).to_have_css("background-color", "rgb(255, 255, 255)")
    page.emulate_media(media="null")

    page.locator("[data-filter]").fill("Card 17.")
    expect(page.locator("[data-filter-count]")).to_have_text("1 of 30 tasks")
    text = printed(page)
    assert "1of30tasks" in text
    assert "Card8." not in text
    page.locator("[data-clear-filter]").click()

    board.open(scene.tasks[2])
    expect(board.panel.locator("[data-comment-id]")).to_have_count(14)
    board.panel.locator("[name=content]").fill("A draft.")
    text = printed(page)
    assert [n for n in range(14) if f"Comment{n}." not in text] == []
    assert "Card2." in text
    for unprinted in ("Card3.", "Adraft.", "Addadescription", "Duedate", "justnow"):
        assert unprinted not in text
    board.panel.locator("[name=content]").fill("")
    page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)

    page.locator("[data-open-archive]").click()
    expect(page.locator("[data-archive-dialog]")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("[data-open-activity]").click()
    expect(page.locator("[data-activity-dialog] li").last).to_contain_text("joined as owner")
    text = printed(page)
    assert text.count("commentedon") >= 14
    assert "joinedasowner" in text  # the last of them
    assert "justnow" not in text


def test_windows_of_all_sizes_have_room_for_cards_and_all_controls_in_reach(scene: Scene, new_page: NewPage) -> None:
    page = new_page(scene.server, scene.alice, scene.path)
    board = Board(page)
    first, last = board.column("todo"), board.column("completed")
    expect(board.card(scene.tasks[29])).to_be_attached()
    controls = [
        page.locator(one)
        for one in ("[data-open-search]", "[data-open-members]", "[data-open-project]", "[data-me]", "[data-unread]")
    ]
    for width, height in SIZES:
        resize(page, width, height)
        page.evaluate("scrollTo(0, 0)")
        for control in (*controls, page.locator("[data-sign-out]"), page.locator("[data-filter]")):
            expect_whole(control)
        expect_seen(page.locator("[data-project-name]"), "The")
        assert page.evaluate(IS_WITHIN), (width, height)
        for name in ("filter_label", "filter_due"):
            page.locator(f"[name={name}]").focus()
            expect_whole(page.locator(f"[name={name}]"))
        page.locator("[data-filter]").focus()
        for card in (scene.tasks[0], scene.tasks[1], scene.tasks[29]):
            board.card(card).focus()
            expect_seen(board.card(card))
            assert board.card(card).evaluate("one => one.scrollWidth <= one.clientWidth"), (width, height)
        page.evaluate("document.activeElement.blur()")
        first.evaluate("column => column.scrollIntoView({ block: 'start' })")
        room = first.evaluate(ROOM_FOR_CARDS)
        assert room >= ROOM.get(height, height / 2), (width, height, room)
        if width >= 1920:
            box, board_box = last.bounding_box(), page.locator("[data-board]").bounding_box()
            assert box
            assert board_box
            assert box["x"] + box["width"] >= 0.97 * width, box
    expect(page.locator("[data-project-name]")).to_have_attribute("title", LONG_NAME)
    for size in LOW:
        resize(page, *size)
        page.locator("[data-open-project]").click()
        dialog = page.locator("[data-members-dialog]")
        expect_whole(dialog.locator("[name=project_name]"))
        expect_whole(dialog.get_by_role("button", name="Close"))
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        board.expect_no_hash()


def test_what_waits_for_a_connection_pushes_nothing_out_of_the_window(scene: Scene, new_page: NewPage) -> None:
    page = new_page(scene.server, scene.alice, scene.path, allow_errors=LOST)
    board = Board(page)
    expect(board.card(scene.tasks[29])).to_be_attached()
    go_offline(board)
    board.enter("todo", "Half a card")
    expect(page.locator(COMING)).to_have_count(1)
    for width, height in ((320, 568), (390, 844), (800, 1000)):
        resize(page, width, height)
        expect_seen(page.locator("[data-connection]"))
        for control in ("[data-open-search]", "[data-open-project]", "[data-unread]", "[data-sign-out]"):
            expect_whole(page.locator(control))
        assert page.evaluate(IS_WITHIN), width


def test_an_open_panel_stands_beside_the_board_or_gives_way(scene: Scene, new_page: NewPage) -> None:
    page = new_page(scene.server, scene.alice, scene.path)
    board = Board(page)
    for width, height in ((1024, 768), (1280, 800), (2560, 1440)):
        resize(page, width, height)
        board.open(scene.tasks[2])
        edge = board.panel.evaluate("panel => panel.getBoundingClientRect().left")
        for status in ("todo", "in_progress", "review", "completed"):
            column = board.column(status)
            column.scroll_into_view_if_needed()
            expect_seen(column.locator("h2"))
            box = column.locator("[data-task-id]").first.bounding_box()
            assert box
            assert box["x"] + box["width"] <= edge, (width, status)
        board.panel.locator("[name=priority]").select_option("high" if width % 512 else "low")
        expect_seen(page.locator("[data-undo]"), "Undo")
        expect_seen(page.locator("[data-filter]"))
        board.panel.locator(".panel__bar").click()
        page.keyboard.press("n")
        composer = board.column("todo").locator("input[name=title]")
        expect(composer).to_be_focused()
        expect_seen(composer)
        expect(board.panel).to_be_visible()
        page.keyboard.press("Escape")
        expect(composer).to_have_count(0)
        page.keyboard.press("Escape")
        expect(board.panel).to_have_count(0)
        board.expect_no_hash()
    for key, name, width, height in (("/", "filter_text", 800, 1000), ("n", "title", 844, 390)):
        resize(page, width, height)
        board.open(scene.tasks[2])
        expect_seen(board.panel.locator("[data-close-panel]"))
        page.keyboard.press(key)
        expect(board.panel).to_have_count(0)
        board.expect_no_hash()
        field = page.locator(f"[name={name}]")
        expect(field).to_be_focused()
        expect_seen(field)
        page.keyboard.press("Escape")
    resize(page, 390, 844)
    Concerns(page).open()
    page.keyboard.press("n")
    expect(Concerns(page).inbox).to_be_hidden()
    expect_seen(board.column("todo").locator("input[name=title]"))


def test_messages_lie_over_no_field_that_one_writes_in(scene: Scene, new_page: NewPage) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = new_page(scene.server, scene.alice, scene.path, **phone)
    board, api = Board(page), scene.server.api(scene.bob)
    concerns = Concerns(page)
    for number, (width, height) in enumerate(((390, 844), (667, 375), (320, 200))):
        resize(page, width, height)
        task = scene.tasks[3 + number]
        for write in (write_card, write_comment):
            field = write(board, scene.tasks[2])
            comment = {"content": f"@{scene.alice.username}, number {number}"}
            assert api.post(f"/api/tasks/{task}/comments/", json=comment).status_code == 201
            expect(concerns.toasts).to_have_count(1)
            expect_seen(field)
            held(concerns.toasts.first)
            expect_seen(concerns.toasts.first, "number")
            expect_seen(field)
            concerns.toasts.first.get_by_role("button", name="Dismiss").click()
            expect(concerns.toasts).to_have_count(0)
        board.panel.locator("[data-close-panel]").click()
        expect(board.panel).to_have_count(0)
        board.expect_no_hash()


def write_card(board: Board, _task: int) -> Locator:
    """Begin a card at the end of the longest column; return its field."""
    column = board.column("todo")
    column.locator("[data-add-task]").click()
    field = column.locator("input[name=title]")
    field.fill("Half a card")
    return field


def write_comment(board: Board, task: int) -> Locator:
    """Leave the card, and begin a comment; return its field."""
    board.column("todo").locator("input[name=title]").press("Escape")
    panel = board.open(task)
    expect(panel.locator("[data-comment-id]")).to_have_count(14)
    field = panel.locator("[name=content]")
    field.fill("Half a comment")
    return field


def test_where_the_page_scrolls_a_card_in_the_hand_scrolls_it(scene: Scene, new_page: NewPage) -> None:
    page = new_page(scene.server, scene.alice, scene.path, viewport={"width": 844, "height": 390})
    board = Board(page)
    expect(board.card(scene.tasks[3])).to_be_attached()
    page.locator("[data-filter]").evaluate("field => field.blur()")
    below = board.order("in_progress")[-1]
    expect(board.card(below)).not_to_be_in_viewport()
    board.grab(board.order("in_progress")[0])
    page.mouse.move(400, 380, steps=4)
    expect(board.card(below)).to_be_in_viewport(ratio=1)
    page.mouse.move(400, 200, steps=2)
    page.mouse.up()
    expect(board.column("in_progress").locator("[data-task-id]").first).not_to_contain_text("Card 3.")


def test_labels_are_searched_for_in_a_field_also_without_a_keyboard(scene: Scene, new_page: NewPage) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = new_page(scene.server, scene.alice, scene.path, **phone)
    board = Board(page)
    for size in ((390, 844), (320, 200)):
        resize(page, *size)
        board.open(scene.tasks[2]).locator("[name=labels]").tap()
        field = page.get_by_role("searchbox", name="Search labels")
        expect_seen(field)
        field.tap()
        expect(field).to_be_focused()
        page.keyboard.type("NAME 4")  # with its space
        shown = page.get_by_role("menuitemcheckbox")
        expect(shown).to_have_text(["A label with a long name 4"])
        expect_seen(shown, "long name 4")
        shown.tap()
        checked = "true" if size == (390, 844) else "false"
        expect(shown).to_have_attribute("aria-checked", checked)
        field.tap()
        page.keyboard.press("Escape")  # what was typed
        expect(shown).to_have_count(6)
        page.keyboard.press("Escape")
        expect(page.get_by_role("menu")).to_have_count(0)
        board.panel.locator("[data-close-panel]").tap()
        expect(board.panel).to_have_count(0)
        board.expect_no_hash()
