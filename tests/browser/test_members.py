"""The members of a board: adding users, their roles, and what a viewer may not do."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.support.stacks import Server, User

from .board import Board
from .conftest import NewPage


def name_of(server: Server, owner: User, project: int) -> str:
    """The name that the project was given."""
    name: str = server.api(owner).get(f"/api/projects/{project}/").json()["name"]
    return name


def test_what_cannot_be_done_is_said_and_a_new_member_is_seen_at_once_and_finds_the_project(
    server: Server, new_page: NewPage
) -> None:
    alice, bob, carol = server.stack.user(), server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    # What is refused is a line in the console, too.
    ours, theirs = (Board(new_page(server, user, f"/projects/{project}/", "status of 40")) for user in (alice, bob))
    waiting = new_page(server, carol, "/")
    expect(waiting.locator("main")).to_contain_text("No projects yet")

    ours.page.locator("[data-open-members]").click()
    dialog = ours.page.locator("[data-members-dialog]")
    alert, own_role = dialog.get_by_role("alert"), dialog.locator(f'[data-member-id="{alice.id}"] select')
    dialog.locator("[name=username]").fill("nobody-of-that-name")
    dialog.get_by_role("button", name="Add").click()
    expect(alert).to_contain_text("user")
    own_role.select_option("member")
    expect(alert).to_contain_text("owner")
    expect(own_role).to_have_value("owner")

    dialog.locator("[name=username]").fill(carol.username)
    dialog.get_by_role("button", name="Add").click()

    expect(dialog.locator(f'[data-member-id="{carol.id}"]')).to_contain_text(carol.username)
    waiting.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # she looks at the tab again
    expect(waiting.locator("main")).to_contain_text(name_of(server, alice, project))
    theirs.page.locator("[data-open-members]").click()
    expect(theirs.page.locator(f'[data-member-id="{carol.id}"]')).to_contain_text("Member")
    expect(theirs.page.locator("[data-members-dialog] [name=username]")).to_be_hidden()


def test_a_viewer_sees_everything_and_changes_nothing(server: Server, new_page: NewPage) -> None:
    alice, viewer = server.stack.user(), server.stack.user()
    project = server.project(alice, viewers=[viewer])
    ours, theirs = (Board(new_page(server, user, f"/projects/{project}/")) for user in (alice, viewer))
    (task,) = ours.add("todo", "Look, do not touch")
    panel = theirs.open(task)
    expect(theirs.page.locator("[data-add-task]")).to_have_count(0)
    for name in ("status", "priority", "assignee_id"):
        expect(panel.locator(f"[name={name}]")).to_be_disabled()
    for name in ("title", "description", "due_at"):
        expect(panel.locator(f"[name={name}]")).not_to_be_editable()
    expect(panel.locator("[name=content]")).to_be_hidden()
    expect(panel.locator("[data-delete-task]")).to_be_hidden()
    theirs.page.keyboard.press("Escape")
    theirs.drag(task, onto=theirs.column("review"))
    theirs.expect_order("todo", task)

    ours.page.locator("[data-open-members]").click()
    ours.page.locator(f'[data-member-id="{viewer.id}"] select').select_option("member")
    expect(theirs.column("todo").locator("[data-add-task]")).to_be_visible()
    theirs.drag(task, onto=theirs.column("review"))
    ours.expect_order("review", task)


def test_the_last_owner_transfers_ownership_and_leaves(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice)
    ours = Board(new_page(server, alice, f"/projects/{project}/"))
    ours.page.locator("[data-open-members]").click()
    dialog = ours.page.locator("[data-members-dialog]")
    expect(dialog).to_contain_text("add someone and transfer ownership")
    expect(dialog.get_by_role("button", name="Leave project")).to_be_hidden()
    dialog.locator("[name=username]").fill(bob.username)
    dialog.get_by_role("button", name="Add").click()
    expect(dialog).to_contain_text("transfer ownership first")
    theirs = Board(new_page(server, bob, f"/projects/{project}/"))
    theirs.page.locator("[data-open-members]").click()
    dialog.locator("[name=heir]").select_option(str(bob.id))
    dialog.locator("[name=then]").select_option("leave")
    dialog.get_by_role("button", name="Transfer ownership").click()
    dialog.get_by_role("button", name="Transfer ownership?").click()
    ours.page.wait_for_url("**/")
    expect(ours.page.locator("[data-toasts]")).to_contain_text("You left the project")
    yours = theirs.page.locator("[data-members-dialog]")
    expect(yours.locator("[data-member-id]")).to_have_count(1)
    expect(yours.get_by_role("button", name="Delete project")).to_be_visible()


def test_an_owner_who_steps_down_sees_at_once_what_is_no_longer_theirs(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    # What the page asks for as an owner may arrive when its user is none any more.
    ours = Board(new_page(server, alice, f"/projects/{project}/", allow_errors="status of 403"))
    ours.page.locator("[data-open-members]").click()
    dialog = ours.page.locator("[data-members-dialog]")
    dialog.locator("[name=then]").select_option("member")
    dialog.get_by_role("button", name="Transfer ownership").click()
    dialog.get_by_role("button", name="Transfer ownership?").click()
    expect(dialog.get_by_role("button", name="Create invite link")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Delete project")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Leave project")).to_be_visible()
    expect(dialog.locator(f'[data-member-id="{bob.id}"]')).to_contain_text("Owner")
    expect(dialog.get_by_role("alert")).to_be_hidden()


def test_whatever_is_open_follows_a_role_that_changes(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice, members=[bob])
    api = server.api(alice)
    done: dict[str, Any] = {"project_id": project, "title": "Done", "status": "completed"}
    for fields in (done, {"project_id": project, "title": "Fence"}):
        api.post("/api/tasks/", json=fields)
        api.post(f"/api/projects/{project}/archive/")
    api.post(f"/api/projects/{project}/labels/", json={"name": "Bug", "color": "red"})
    board = Board(new_page(server, bob, f"/projects/{project}/"))
    page = board.page

    def become(role: str) -> None:
        assert api.patch(f"/api/projects/{project}/members/{bob.id}/", json={"role": role}).status_code == 200
        expect(page.locator("body")).to_have_attribute("data-role", role)

    def follows(control: Locator) -> None:
        expect(control).to_be_visible()
        become("viewer")
        expect(control).to_be_hidden()
        become("member")

    (task,) = board.add("todo", "Gate")
    follows(page.locator("[data-undo]"))
    expect(page.locator("[data-undo]")).to_be_visible()

    page.locator("[data-open-archive]").click()
    dialog = page.locator("[data-archive-dialog]")
    all_of_them, back = (dialog.get_by_role("button", name=name) for name in ("Archive all completed tasks", "Restore"))
    for control in (all_of_them, back):
        follows(control)
        expect(control).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)  # it has given the focus back

    menu = page.get_by_role("menu")
    board.card(task).focus()
    page.keyboard.press("m")
    follows(menu)
    expect(board.card(task)).to_be_focused()
    panel = board.open(task)
    panel.locator("[name=labels]").click()
    follows(menu)

    panel.locator("[name=content]").fill("Oil it")
    panel.locator("[name=content]").press("Control+Enter")
    panel.locator("[data-comment-id] [data-edit-comment]").click()
    panel.locator("[name=title]").fill("By Bob")
    api.patch(f"/api/tasks/{task}/", json={"title": "By Alice"})
    expect(board.card(task)).to_contain_text("By Alice")
    panel.locator("[name=title]").press("Enter")
    for control in (panel.get_by_role("button", name="Keep mine"), panel.get_by_role("button", name="Save")):
        expect(control).to_be_enabled()
        become("viewer")
        expect(control).to_be_disabled()
        become("member")
        expect(control).to_be_enabled()

    become("owner")
    panel.locator("[name=labels]").click()
    menu.get_by_role("menuitem", name="Edit labels…").click()
    labels = page.locator("[data-labels-dialog]")
    expect(labels).to_be_visible()
    become("member")
    expect(labels).to_have_count(0)
    panel.locator("[name=labels]").click()
    become("owner")
    expect(menu.get_by_role("menuitem", name="Edit labels…")).to_be_visible()
    become("member")
    expect(menu.get_by_role("menuitem", name="Edit labels…")).to_have_count(0)
