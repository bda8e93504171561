"""Presses with a mouse that mean what they look like: double clicks, presses that end elsewhere, a card in the hand."""

from playwright.sync_api import Locator, Page, expect

from tests.support.stacks import Server

from .board import AT_REST, Board, wait_for
from .conftest import NewPage


def asks(button: Locator, question: str) -> None:
    """Expect that a double click on a button gets a question, and no more; leave it unanswered."""
    button.dblclick()
    expect(button).to_have_text(question)
    expect(button).to_have_attribute("data-confirming", "true")


def middle(locator: Locator) -> tuple[float, float]:
    """The middle of what is there."""
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_double_click_answers_no_question(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user("bob-of-the-presses")
    project = server.project(alice, members=[bob])
    api = server.api(alice)
    api.post(f"/api/projects/{project}/labels/", json={"name": "Bug", "color": "red"})
    fields = {"project_id": project, "title": "Done", "status": "completed"}
    task = api.post("/api/tasks/", json=fields).json()["id"]
    api.post(f"/api/tasks/{task}/comments/", json={"content": "Well done"})
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    page = board.page

    asks(board.open(task).locator("[data-delete-comment]"), "Delete comment?")
    page.keyboard.press("Escape")
    page.locator("[data-open-archive]").click()
    asks(page.locator("[data-archive-dialog] [data-part=archive-all]"), "Archive all completed tasks?")
    page.keyboard.press("Escape")
    page.locator("[data-open-members]").click()
    dialog = page.locator("[data-members-dialog]")
    asks(dialog.locator(f'[data-member-id="{bob.id}"] [data-part=remove]'), "Remove bob-of-the-presses?")
    dialog.get_by_role("button", name="Create invite link").dblclick()
    links = dialog.locator("[data-invitation-id]")
    expect(links).to_have_count(1)
    asks(links.locator("[data-part=revoke]"), "Revoke link?")
    asks(dialog.locator("[data-part=hand-over] [type=submit]"), "Transfer ownership?")
    dialog.locator("[data-part=delete-project]").dblclick()
    expect(dialog.get_by_label("To continue, type its name")).to_be_visible()
    dialog.locator("[data-open-labels]").click()
    asks(page.locator("[data-labels-dialog] [data-part=delete]"), "Delete from 0 tasks?")
    empty = server.project(alice)
    page.goto(f"/projects/{empty}/#settings/end")
    Board(page)
    asks(dialog.locator("[data-part=delete-project]"), "Delete project for everyone?")
    assert api.get(f"/api/projects/{empty}/").status_code == 200

    assert len(api.get(f"/api/projects/{project}/invitations/").json()["results"]) == 1
    assert api.get(f"/api/projects/{project}/members/").json()["count"] == 2
    assert [label["name"] for label in api.get(f"/api/projects/{project}/").json()["labels"]] == ["Bug"]
    assert api.get(f"/api/tasks/{task}/").json()["comment_count"] == 1


def test_the_second_press_of_a_double_click_is_not_for_what_is_there_by_then(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    api = server.api(alice)
    # So many that one lies below the button of the panel that goes.
    fields = {"project_id": project, "title": "Old", "status": "completed"}
    last = [api.post("/api/tasks/", json=fields).json()["id"] for _ in range(9)][-1]
    board = Board(new_page(server, alice, f"/projects/{project}/", viewport={"width": 900, "height": 700}))
    panel = board.open(last)
    wait_for(board.page, AT_REST)
    panel.locator("[data-delete-task]").dblclick()
    expect(board.card(last)).to_have_count(0)
    expect(board.panel).to_have_count(0)
    board.expect_no_hash()


def test_a_press_that_began_in_a_dialog_leaves_it_open(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    page: Page = Board(new_page(server, alice, f"/projects/{server.project(alice)}/")).page
    page.locator("[data-open-members]").click()
    dialog, mouse = page.locator("[data-members-dialog]"), page.mouse
    for start, end in [(middle(dialog), (5, 5)), ((5, 5), middle(dialog))]:
        mouse.move(*start)
        mouse.down()
        mouse.move(*end, steps=4)
        mouse.up()
    expect(dialog).to_be_visible()
    mouse.click(5, 5)
    expect(dialog).to_be_hidden()


def test_a_dragged_card_is_put_back_by_escape_and_the_wheel_scrolls_below_it(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    api = server.api(alice)
    for number in range(25):
        api.post("/api/tasks/", json={"project_id": project, "title": f"Card {number}"})
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    page, todo = board.page, board.column("todo")
    order = board.order("todo")
    board.grab(order[0])
    page.mouse.move(*middle(todo), steps=4)
    expect(page.locator(".drag-shield")).to_have_count(1)
    page.mouse.wheel(0, 300)
    wait_for(page, "document.querySelector('[data-status=todo] [data-cards]').scrollTop > 200")
    page.keyboard.press("Escape")
    expect(page.locator(".drag-shield")).to_have_count(0)
    page.mouse.up()
    board.expect_order("todo", *order)
    expect(board.panel).to_have_count(0)
    board.expect_no_hash()


def test_a_double_click_leaves_no_project(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(first_name="Alice"), server.stack.user()
    project, gone = server.project(alice, members=[bob]), server.project(bob)
    assert server.api(bob).delete(f"/api/projects/{gone}/").status_code == 204
    page = new_page(server, bob, f"/projects/{project}/#settings/end")
    Board(page)
    settings = page.locator("[data-members-dialog]")
    asks(settings.locator("[data-part=leave-project]"), "Leave project?")
    asks(settings.locator("[data-part=leave-and-block]"), "Leave project and block Alice?")
    # The list brings itself up to date once, when the page is connected.
    with page.expect_response(
        lambda answer: answer.request.resource_type == "fetch" and answer.url == f"{server.url}/"
    ):
        page.goto("/")
    page.wait_for_load_state("networkidle")
    card = page.locator("li", has=page.locator(f'[data-project-id="{project}"]'))
    card.get_by_text("Added by Alice").click()
    asks(card.locator("button[value=leave]"), "Leave project?")
    asks(card.locator("button[value=leave-and-block]"), "Leave project and block Alice?")
    asks(page.locator(f'[data-deleted-project="{gone}"] button[value=purge]'), "Delete for good?")
    assert server.api(bob).get(f"/api/projects/{project}/").status_code == 200
    page.locator("[name=name]").fill("Once")
    page.get_by_role("button", name="Create project").dblclick()
    page.wait_for_url("**/projects/*/")
    names = [one["name"] for one in server.api(bob).get("/api/projects/").json()["results"]]
    assert names.count("Once") == 1
    restored = server.api(bob).post(f"/api/projects/{gone}/restore/")
    assert restored.status_code == 200
