"""Being added to projects, on the pages: asked first, live; left and blocked in one step."""

from playwright.sync_api import Route, expect

from tests.support.stacks import Server

from .board import Board
from .conftest import NewPage


def test_a_user_who_wants_to_be_asked_first_is_asked_on_the_open_page_and_joins(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    bob = server.stack.user()
    project = server.project(alice, name="Garden")
    page = new_page(server, bob)
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Settings").click()
    page.get_by_label("Ask me first").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-settings-dialog]")).to_have_count(0)

    ours = Board(new_page(server, alice, f"/projects/{project}/"))
    ours.page.locator("[data-open-members]").click()
    dialog = ours.page.locator("[data-members-dialog]")
    dialog.locator("[name=username]").fill(bob.username)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.locator("[data-part=asked]")).to_contain_text("has to accept it first")
    expect(dialog.locator(f'[data-member-id="{bob.id}"]')).to_have_count(0)

    waiting = page.locator(f'[data-request-project="{project}"]')
    expect(waiting).to_contain_text("Alice Okafor wants to add you as a member.")
    expect(page.locator("[role=status]").filter(has_text="wants to add you to “Garden”")).to_be_visible()
    waiting.get_by_role("button", name="Accept").click()
    theirs = Board(page)
    (task,) = theirs.add("todo", "Sow the carrots")
    ours.expect_order("todo", task)
    expect(dialog.locator(f'[data-member-id="{bob.id}"]')).to_be_visible()


def test_an_added_user_leaves_and_blocks_from_the_board_in_one_step(server: Server, new_page: NewPage) -> None:
    eve, bob = server.stack.user(first_name="Eve", last_name="Moore"), server.stack.user()
    page = new_page(server, bob)
    project = server.project(eve, members=[bob], name="Lottery")
    card = page.locator("li", has=page.locator(f'[data-project-id="{project}"]'))
    expect(card).to_contain_text("Added by Eve Moore")
    page.goto(f"/projects/{project}/")
    Board(page)
    page.locator("[data-open-members]").click()
    leave = page.locator("[data-part=leave-and-block]")
    leave.click()
    expect(leave).to_contain_text("Leave project and block Eve Moore?")
    leave.click()
    page.wait_for_url(f"{server.url}/")
    expect(page.locator(f'[data-project-id="{project}"]')).to_have_count(0)
    again = server.api(eve).post(f"/api/projects/{project}/members/", json={"username": bob.username})
    assert (again.status_code, again.json()["details"][0]["message"]) == (400, "No user has this username.")
    page.goto("/account/")
    blocked = page.locator(f'[data-blocked-id="{eve.id}"]')
    expect(blocked).to_contain_text("Eve Moore")
    blocked.get_by_role("button", name="Unblock").click()
    expect(blocked).to_have_count(0)


def test_a_user_added_before_the_page_is_connected_sees_the_project(server: Server, new_page: NewPage) -> None:
    bob = server.stack.user()
    page = new_page(server, bob, "/connection/")
    held: list[Route] = []
    page.route("**/api/token/session/", lambda route: held.append(route))
    page.goto("/")
    while not held:
        page.wait_for_timeout(10)
    project = server.project(server.stack.user(), members=[bob])
    for route in held:
        route.continue_()
    expect(page.locator(f'[data-project-id="{project}"]')).to_be_visible()


def test_an_added_user_leaves_from_the_list_without_opening_the_board(server: Server, new_page: NewPage) -> None:
    eve, bob = server.stack.user(first_name="Eve"), server.stack.user()
    project = server.project(eve, members=[bob], name="Lottery")
    page = new_page(server, bob, java_script_enabled=False)
    card = page.locator("li", has=page.locator(f'[data-project-id="{project}"]'))
    card.get_by_text("Added by Eve").click()
    card.get_by_role("button", name="Leave and block Eve").click()
    expect(page.locator(f'[data-project-id="{project}"]')).to_have_count(0)
