"""The pages round the board: signing in, the list of projects, and what is not there."""

import re

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import AT_REST, Board, wait_for
from .conftest import NewPage

BLUR = "document.activeElement.blur()"


def test_signing_in_leads_to_the_page_that_was_asked_for_also_after_a_wrong_password(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    page = new_page(server, path=f"/projects/{project}/")
    page.fill("[name=username]", alice.username)
    page.fill("[name=password]", "wrong")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("Incorrect username or password")
    expect(page.locator("[name=username]")).to_have_value(alice.username)
    page.fill("[name=password]", alice.password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"**/projects/{project}/")


def test_the_first_project_is_made_and_opened(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    page = new_page(server, alice)
    expect(page.locator("main")).to_contain_text("No projects yet")
    page.fill("form [name=name]", "Garden")
    page.press("form [name=name]", "Enter")
    board = Board(page)
    board.add("todo", "Sow", "Water")
    board.add("completed", "Dig")
    page.goto("/")
    card = page.locator("[data-project-id]")
    expect(card).to_contain_text("Garden")
    expect(card).to_contain_text("Owner")
    expect(card).to_contain_text("2 open tasks")
    expect(card).to_contain_text("1 member")


def test_a_project_that_is_not_theirs_is_not_there(server: Server, new_page: NewPage) -> None:
    alice, stranger = server.stack.user(), server.stack.user()
    project = server.project(alice)
    page = new_page(server, stranger, allow_errors="status of 404")
    for path in (f"/projects/{project}/", "/projects/123456789/", "/projects/99999999999999999999999/", "/nowhere/"):
        response = page.goto(path)
        assert response
        assert response.status == 404
        expect(page.get_by_role("link", name="Go to your projects")).to_be_visible()
    page.get_by_role("link", name="Go to your projects").click()
    page.wait_for_url(f"{server.url}/")


def test_a_link_opens_a_task_or_says_that_it_is_gone_and_back_closes_it(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    board = Board(new_page(server, alice, f"/projects/{project}/", allow_errors="status of 404"))
    first, second = board.add("todo", "One", "Two")
    board.open(first)
    board.open(second)
    expect(board.page).to_have_url(re.compile(f"#task-{second}$"))
    board.page.go_back()
    expect(board.panel).to_have_count(0)
    board.page.goto(f"/projects/{project}/#task-{first}")
    board.page.reload()
    expect(board.panel.locator("[name=title]")).to_have_value("One")
    board.page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)
    board.expect_no_hash()

    board.open(first)
    board.page.evaluate(
        """([id]) => {
            document.querySelector('[data-close-panel]').click();
            document.querySelector(`[data-task-id="${id}"]`).click();
        }""",
        [second],
    )
    expect(board.page).to_have_url(re.compile(f"#task-{second}$"))
    expect(board.panel.locator("[name=title]")).to_have_value("Two")
    board.page.go_back()
    expect(board.panel).to_have_count(0)

    board.page.goto("/")
    board.page.goto(f"/projects/{project}/#task-123456")
    expect(board.page.locator("[role=status]")).to_contain_text("This task was deleted.")


def test_the_board_is_worked_without_a_mouse(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    keyboard = board.page.keyboard
    first, second = board.add("todo", "One", "Two")
    board.card(first).focus()
    keyboard.press("ArrowDown")
    expect(board.card(second)).to_be_focused()
    keyboard.press("m")
    board.page.get_by_role("menuitem", name="Review").press("Enter")
    board.expect_order("review", second)
    expect(board.card(second)).to_be_focused()
    keyboard.press("ArrowLeft")
    expect(board.card(first)).to_be_focused()
    keyboard.press("Enter")
    expect(board.panel).to_be_visible()
    keyboard.press("Escape")
    expect(board.card(first)).to_be_focused()
    keyboard.press("n")
    keyboard.type("Three")
    keyboard.press("Enter")
    expect(board.titled("todo", "Three")).to_be_visible()


def test_arrows_find_the_cards_where_none_has_the_focus(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    keyboard = board.page.keyboard
    (done,) = board.add("completed", "Done")
    board.page.evaluate(BLUR)
    keyboard.press("ArrowDown")
    expect(board.card(done)).to_be_focused()
    first, second = board.add("todo", "One", "Two")
    board.page.evaluate(BLUR)
    keyboard.press("ArrowRight")
    expect(board.card(first)).to_be_focused()
    keyboard.press("ArrowDown")
    expect(board.card(second)).to_be_focused()
    board.page.locator("[data-status=completed] [data-add-task]").focus()
    keyboard.press("ArrowUp")
    expect(board.card(done)).to_be_focused()


def test_a_finger_scrolls_and_a_resting_finger_drags(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    phone = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/", **phone))
    first, second = board.add("todo", "One", "Two")
    wait_for(board.page, AT_REST)
    box = board.card(first).bounding_box()
    assert box
    touch = board.page.context.new_cdp_session(board.page)

    def point(event: str, y: float) -> None:
        points = [] if event == "touchEnd" else [{"x": box["x"] + 40, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": points})

    point("touchStart", box["y"] + 10)
    wait_for(board.page, "document.querySelector('.board.is-dragging')")
    for step in range(1, 13):
        point("touchMove", box["y"] + 10 + 10 * step)
    point("touchEnd", 0)
    board.expect_order("todo", second, first)
    expect(board.panel).to_have_count(0)


def test_pages_hold_no_inline_code_or_style(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    path = f"/projects/{server.project(alice)}/"
    page = new_page(server, alice)
    for address in ("/", path, "/login/"):
        html = page.request.get(address).text()
        found = page.evaluate(
            """html => {
                const page = new DOMParser().parseFromString(html, 'text/html');
                const roots = [page, ...[...page.querySelectorAll('template')].map(({content}) => content)];
                const bad = 'style, [style], script:not([src]), [onclick], [onload], [href^="javascript:"]';
                return roots.flatMap(root => [...root.querySelectorAll(bad)].map(element => element.outerHTML));
            }""",
            html,
        )
        assert found == []


def test_light_or_dark_is_as_the_system_has_it_until_one_chooses(server: Server, new_page: NewPage) -> None:
    page = new_page(server, server.stack.user(), color_scheme="light")
    light, dark = "rgb(247, 246, 243)", "rgb(21, 21, 20)"
    ground = page.locator("html")

    def choose(label: str) -> None:
        page.locator("[data-me]").click()
        page.get_by_role("menuitem", name="Appearance").click()
        page.get_by_role("menuitemradio", name=label).click()

    expect(ground).to_have_css("background-color", light)
    page.emulate_media(color_scheme="dark")
    expect(ground).to_have_css("background-color", dark)
    choose("Light")
    expect(ground).to_have_css("background-color", light)
    page.emulate_media(color_scheme="light")
    choose("Dark")
    page.reload()
    # The server's page has it: nothing flashes.
    expect(ground).to_have_attribute("data-theme", "dark")
    expect(ground).to_have_css("background-color", dark)
    choose("System")
    page.reload()
    expect(ground).to_have_css("background-color", light)
