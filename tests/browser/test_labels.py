"""Labels, as two people see them: set by one, seen by the other at once; renamed, filtered by, deleted."""

import re

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.support.stacks import Server, User

from .board import LOST, Board, SlowLine
from .conftest import NewPage
from .profiles import route_web_sockets
from .test_offline import go_offline, renew_epoch


def two_boards(server: Server, new_page: NewPage) -> tuple[User, int, Board, Board]:
    """Alice, an owner, and Bob, a member, in front of the same project; it has the labels Bug (1) and Docs (2)."""
    alice, bob = server.stack.user(), server.stack.user(first_name="Bob", last_name="Lindqvist")
    project = server.project(alice, members=[bob])
    for name, color in (("Bug", "red"), ("Docs", "teal")):
        made = server.api(alice).post(f"/api/projects/{project}/labels/", json={"name": name, "color": color})
        assert made.status_code == 201, made.text
    # A name that is refused is a line in the console, too.
    pages = [new_page(server, user, f"/projects/{project}/", "status of 400") for user in (alice, bob)]
    boards = [Board(page) for page in pages]
    return alice, project, boards[0], boards[1]


def chips(holder: Locator) -> Locator:
    return holder.locator("[data-label-id]")


def item(page: Page, name: str) -> Locator:
    return page.get_by_role("menuitemcheckbox", name=name)


def test_labels_are_chosen_by_the_keyboard_and_seen_by_the_other_at_once(server: Server, new_page: NewPage) -> None:
    _, _, ours, theirs = two_boards(server, new_page)
    (task,) = ours.add("todo", "Paint the fence")
    theirs.open(task)
    page, field = ours.page, ours.open(task).locator("[name=labels]")
    field.press("Enter")
    expect(item(page, "Bug")).to_be_focused()
    page.keyboard.press("Enter")
    expect(item(page, "Bug")).to_be_checked()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(item(page, "Docs")).to_be_checked()
    for board in (ours, theirs):
        expect(chips(board.card(task))).to_have_text(["Bug", "Docs"])
    expect(chips(theirs.panel)).to_have_text(["Bug", "Docs"])
    # An open menu follows what the other one chooses.
    theirs.panel.locator("[name=labels]").click()
    item(theirs.page, "Bug").click()
    expect(item(page, "Bug")).not_to_be_checked()
    expect(item(page, "Docs")).to_be_checked()
    expect(page.locator("[data-announcer]")).to_contain_text(
        "Bob Lindqvist removed the label “Bug” from “Paint the fence”"
    )
    item(page, "Bug").click()
    expect(item(page, "Bug")).to_be_checked()
    page.keyboard.press("Escape")
    expect(field).to_be_focused()
    expect(ours.panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(chips(theirs.card(task))).to_have_text(["Bug", "Docs"])
    page.keyboard.press("Control+z")
    for board in (ours, theirs):
        expect(chips(board.card(task))).to_have_text(["Docs"])
    expect(ours.card(task)).not_to_have_attribute("data-pending", "")


def test_typing_in_the_menu_shows_the_labels_that_have_it(server: Server, new_page: NewPage) -> None:
    alice, project, ours, _ = two_boards(server, new_page)
    for name in ("Débugging", "Urgent", "Idea", "New"):
        server.api(alice).post(f"/api/projects/{project}/labels/", json={"name": name, "color": "blue"})
    (task,) = ours.add("todo", "Paint the fence")
    page, menu = ours.page, ours.page.get_by_role("menu")
    status, shown = page.locator("p.visually-hidden[role=status]"), menu.get_by_role("menuitemcheckbox")
    ours.open(task).locator("[name=labels]").press("Enter")
    expect(menu).to_have_accessible_name("Labels, type to search")
    expect(item(page, "Bug").first).to_be_focused()
    page.keyboard.type("BUG")
    expect(shown).to_have_text(["Bug", "Débugging"])
    expect(status).to_have_text("2 labels match “BUG”")
    expect(item(page, "Bug").first).to_be_focused()
    page.keyboard.type("g")  # continues to the first that fits
    expect(status).to_have_text("1 label matches “BUGg”")
    expect(item(page, "Débugging")).to_be_focused()
    page.keyboard.press("Space")
    expect(item(page, "Débugging")).to_be_checked()
    page.keyboard.type("n?")  # no keys of the board
    expect(status).to_have_text("No labels match “BUGgn?”")
    expect(menu).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("menuitem", name="Edit labels…")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Backspace")
    expect(shown).to_have_text(["Bug", "Débugging"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    expect(item(page, "Bug").first).to_be_focused()
    page.keyboard.press("Escape")  # what was typed
    expect(shown).to_have_count(6)
    expect(status).to_have_text("Labels, type to search")
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(status).to_have_count(0)
    expect(ours.panel.locator("[name=labels]")).to_be_focused()
    expect(chips(ours.card(task))).to_have_text(["Débugging"])


def test_labels_are_made_renamed_filtered_by_and_deleted(server: Server, new_page: NewPage) -> None:
    alice, _, ours, theirs = two_boards(server, new_page)
    first, second = ours.add("todo", "Paint the fence", "Buy the paint")
    for task in (first, second):
        assert server.api(alice).patch(f"/api/tasks/{task}/", json={"labels": [1]}).status_code == 200
    theirs.page.locator("[name=filter_label]").select_option(label="Bug")
    theirs.expect_order("todo", first, second)
    expect(theirs.page).to_have_url(re.compile(r"\?label=1$"))
    # Bob may not edit them: he is a member.
    theirs.open(second).locator("[name=labels]").click()
    expect(item(theirs.page, "Bug")).to_be_checked()
    expect(theirs.page.get_by_role("menuitem", name="Edit labels…")).to_have_count(0)
    item(theirs.page, "Bug").click()
    theirs.expect_order("todo", first)  # the filter is live, and its count
    expect(theirs.page.locator("[data-filter-count]")).to_have_text("1 of 2 tasks")
    theirs.page.keyboard.press("Escape")
    theirs.page.keyboard.press("Escape")
    expect(theirs.panel).to_have_count(0)

    ours.open(first).locator("[name=labels]").click()
    ours.page.get_by_role("menuitem", name="Edit labels…").click()
    dialog = ours.page.locator("[data-labels-dialog]")
    dialog.locator("[name=label_name]").fill("docs")
    dialog.locator("[name=label_name]").press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("A label with this name already exists.")
    dialog.locator("[name=label_name]").fill("Idea")
    dialog.locator("[name=label_color]").select_option("purple")
    dialog.locator("[name=label_name]").press("Enter")
    expect(dialog.locator("[data-edit-label]")).to_have_count(3)
    bug = dialog.locator("[data-edit-label='1']")
    bug.locator("[name=name]").fill("Defect")
    bug.locator("[name=name]").press("Enter")
    bug.locator("[name=color]").select_option("blue")
    for board in (ours, theirs):
        chip = chips(board.card(first))
        expect(chip).to_have_text("Defect")
        expect(chip).to_have_attribute("data-color", "blue")
    expect(theirs.page.locator("[name=filter_label] option:checked")).to_have_text("Defect")
    bug.get_by_role("button", name="Delete").click()
    bug.get_by_role("button", name="Delete from 1 task?").click()
    expect(dialog.locator("[data-edit-label]")).to_have_count(2)
    for board in (ours, theirs):
        expect(chips(board.page.locator("[data-board]"))).to_have_count(0)
    theirs.expect_order("todo")
    theirs.page.locator("[data-clear-filter]").click()
    theirs.expect_order("todo", first, second)


def test_two_users_label_a_task_at_the_same_time_and_are_asked_nothing(server: Server, new_page: NewPage) -> None:
    alice, project, ours, theirs = two_boards(server, new_page)
    server.api(alice).post(f"/api/projects/{project}/labels/", json={"name": "Urgent", "color": "orange"})
    (task,) = ours.add("todo", "Paint the fence")
    page = ours.page
    line = SlowLine(page)
    page.goto(f"/projects/{project}/#task-{task}")
    page.reload()
    ours.wait_until("live")
    ours.panel.locator("[name=labels]").click()
    item(page, "Bug").click()
    page.keyboard.press("Escape")
    theirs.open(task).locator("[name=labels]").click()
    item(theirs.page, "Urgent").click()
    expect(chips(ours.card(task))).to_have_text(["Bug", "Urgent"])  # while ours is on its way
    expect(ours.card(task)).to_have_attribute("data-pending", "")
    line.let_through()
    for board in (ours, theirs):
        expect(chips(board.card(task))).to_have_text(["Bug", "Urgent"])
        expect(chips(board.panel)).to_have_text(["Bug", "Urgent"])
    expect(ours.card(task)).not_to_have_attribute("data-pending", "")
    # To take back what one did oneself takes nothing from the other.
    ours.panel.locator("[name=labels]").press("Control+z")
    line.let_through()
    for board in (ours, theirs):
        expect(chips(board.card(task))).to_have_text(["Urgent"])
    for one in ("[data-conflict]", "[data-problems] li"):
        expect(page.locator(one)).to_have_count(0)


def test_undoing_a_label_that_another_chose_at_the_same_time_keeps_theirs(server: Server, new_page: NewPage) -> None:
    _, _, ours, theirs = two_boards(server, new_page)
    (task,) = ours.add("todo", "Paint the fence")
    page = ours.page
    held: list[str | bytes] = []
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        """A line on which nothing comes in of what others do: this board shows the task as it was."""
        sockets.append(socket.connect_to_server())
        sockets[-1].on_message(
            lambda message: (held.append if '"task_updated"' in str(message) else socket.send)(message)
        )

    route_web_sockets(page, connect)
    page.reload()
    ours.wait_until("live")
    for board in (theirs, ours):
        board.open(task).locator("[name=labels]").click()
        item(board.page, "Bug").click()
        expect(item(board.page, "Bug")).to_be_checked()
        expect(board.card(task)).not_to_have_attribute("data-pending", "")
        board.page.keyboard.press("Escape")
        board.page.keyboard.press("Escape")
    expect(page.locator("[data-undo]")).to_be_hidden()
    page.keyboard.press("Control+z")
    theirs.add("todo", "Later")  # by then whatever was asked for has been done
    expect(chips(theirs.card(task))).to_have_text(["Bug"])


def test_labels_that_were_chosen_offline_join_what_others_chose_meanwhile(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    api = server.api(alice)
    for name in ("Bug", "Docs", "Urgent", "Idea"):
        api.post(f"/api/projects/{project}/labels/", json={"name": name, "color": "red"})
    task = api.post("/api/tasks/", json={"project_id": project, "title": "A", "labels": [2]}).json()["id"]
    path = f"/projects/{project}/#task-{task}"
    page = new_page(server, alice, path, allow_errors=LOST)
    board, context = Board(page), page.context
    board.panel.locator("[name=labels]").click()  # which loads the menu
    expect(item(page, "Docs")).to_be_checked()
    go_offline(board)
    for name in ("Bug", "Docs", "Idea"):
        item(page, name).click()
    expect(chips(board.panel)).to_have_text(["Bug", "Idea"])
    page.close()
    assert server.api(bob).patch(f"/api/tasks/{task}/", json={"labels": [2, 3]}).status_code == 200
    assert api.delete(f"/api/projects/{project}/labels/4/").status_code == 204
    context.set_offline(False)
    page = context.new_page()
    page.goto(path)
    again = Board(page)
    expect(chips(again.panel)).to_have_text(["Bug", "Urgent"])
    expect(page.locator("[data-pending]")).to_have_count(0)
    expect(chips(again.panel)).to_have_text(["Bug", "Urgent"])
    for one in ("[data-conflict]", "[data-problems] li"):
        expect(page.locator(one)).to_have_count(0)
    assert api.get(f"/api/tasks/{task}/").json()["labels"] == [1, 3]


def test_the_open_dialog_shows_the_labels_that_there_are_after_a_reset(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    api = server.api(alice)
    for name in ("Bug", "Docs"):
        assert api.post(f"/api/projects/{project}/labels/", json={"name": name, "color": "red"}).status_code == 201
    page = new_page(server, alice, f"/projects/{project}/", allow_errors=LOST)
    board = Board(page)
    page.locator("[data-open-members]").click()
    page.locator("[data-open-labels]").click()
    dialog = page.locator("[data-labels-dialog]")
    rows = dialog.locator("[data-edit-label]")
    expect(rows).to_have_count(2)
    dialog.locator("[name=label_name]").fill("Half a na")
    go_offline(board)
    assert api.patch(f"/api/projects/{project}/labels/1/", json={"name": "Defect", "color": "blue"}).status_code == 200
    assert api.delete(f"/api/projects/{project}/labels/2/").status_code == 204
    assert api.post(f"/api/projects/{project}/labels/", json={"name": "Idea", "color": "teal"}).status_code == 201
    renew_epoch(server.stack)
    page.evaluate("void taskManager.on('event', () => { window.received = true; })")
    page.context.set_offline(False)
    expect(rows).to_have_count(2)
    expect(rows.nth(0).locator("[name=name]")).to_have_value("Defect")
    expect(rows.nth(0).locator("[name=color]")).to_have_value("blue")
    expect(rows.nth(1).locator("[name=name]")).to_have_value("Idea")
    expect(dialog.locator("[name=label_name]")).to_have_value("Half a na")
    assert page.evaluate("window.received") is None, "no event said so: it was a reset"
