"""What was deleted comes back: by Undo at once, and from the lists of what was deleted later."""

from playwright.sync_api import expect

from tests.support.stacks import Server

from .board import Board
from .concerns import held
from .conftest import NewPage


def test_a_comment_a_label_and_a_member_come_back_by_undo_and_from_the_list(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user(first_name="Bob", last_name="Lindqvist")
    project = server.project(alice, members=[bob])
    api = server.api(alice)
    label = api.post(f"/api/projects/{project}/labels/", json={"name": "Bug", "color": "red"}).json()["id"]
    fields = {"project_id": project, "title": "Paint the fence", "assignee_id": bob.id, "labels": [label]}
    task = api.post("/api/tasks/", json=fields).json()["id"]
    for text in ("First", "Second"):
        api.post(f"/api/tasks/{task}/comments/", json={"content": text})
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    page, comments = board.page, board.panel.locator("[data-comment-id]")

    board.open(task)
    delete = comments.first.locator("[data-delete-comment]")
    comments.first.hover()
    delete.click()
    expect(delete).to_have_text("Delete comment?")
    delete.click()
    expect(comments).to_have_count(1)
    held(page.locator("[role=status] .toast")).get_by_role("button", name="Undo").click()
    expect(comments.first).to_contain_text("First")
    expect(board.card(task)).to_have_attribute("data-comment-count", "2")
    page.keyboard.press("Escape")

    page.locator("[data-open-project]").click()
    settings = page.locator("[data-members-dialog]")
    member = settings.locator(f'[data-member-id="{bob.id}"]')
    remove = member.locator("[data-part=remove]")
    remove.click()
    expect(remove).to_have_text("Remove Bob Lindqvist?")
    remove.click()
    expect(member).to_have_count(0)
    gone = settings.locator(f'[data-deleted="member-{bob.id}"]')
    expect(gone).to_contain_text("Bob Lindqvist")
    settings.get_by_role("button", name="Undo").click()
    expect(member).to_be_visible()
    expect(board.card(task)).to_have_attribute("data-assignee-id", str(bob.id))

    settings.locator("[data-open-labels]").click()
    labels = page.locator("[data-labels-dialog]")
    labels.get_by_role("button", name="Delete").click()
    labels.get_by_role("button", name="Delete from 1 task?").click()
    expect(board.card(task).locator("[data-label-id]")).to_have_count(0)
    expect(labels).to_contain_text("The label “Bug” was deleted.")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    board.expect_no_hash()
    page.goto(f"/projects/{project}/#settings/deleted")
    settings.get_by_role("button", name="Restore Label “Bug”").click()
    expect(board.card(task).locator("[data-label-id]")).to_have_text("Bug")
    expect(settings).to_contain_text("Nothing was deleted recently.")


def test_a_project_with_tasks_is_deleted_by_its_name_and_comes_back(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice, name="Garden")
    server.api(alice).post("/api/tasks/", json={"project_id": project, "title": "Sow"})
    page = new_page(server, alice, f"/projects/{project}/")
    Board(page)
    settings = page.locator("[data-members-dialog]")

    def delete() -> None:
        page.locator("[data-open-project]").click()
        settings.locator("[data-part=delete-project]").dblclick()
        form = settings.locator("[data-part=delete-form]")
        form.locator("[name=delete_name]").fill("Gard")
        form.get_by_role("button", name="Delete project").click()
        expect(settings.get_by_role("alert")).to_have_text("This is not the project’s name.")
        form.locator("[name=delete_name]").fill("garden")
        form.locator("[name=delete_name]").press("Enter")
        page.wait_for_url(f"{server.url}/")

    delete()
    expect(page.locator(f'[data-project-id="{project}"]')).to_have_count(0)
    held(page.locator("[role=status] .toast")).get_by_role("button", name="Undo").click()
    page.wait_for_url(f"{server.url}/projects/{project}/")
    expect(Board(page).titled("todo", "Sow")).to_be_visible()

    delete()
    gone = page.locator(f'[data-deleted-project="{project}"]')
    expect(gone).to_contain_text("Can be restored for 30 more days.")
    gone.get_by_role("button", name="Restore").click()
    page.locator(f'[data-project-id="{project}"]').click()
    expect(Board(page).titled("todo", "Sow")).to_be_visible()


def test_the_settings_have_an_address_that_back_leaves(server: Server, new_page: NewPage) -> None:
    alice, viewer = server.stack.user(), server.stack.user()
    project = server.project(alice, viewers=[viewer])
    page = new_page(server, viewer, f"/projects/{project}/#settings/members")
    Board(page)
    settings = page.locator("[data-members-dialog]")
    expect(settings).to_be_visible()
    expect(settings.get_by_role("link")).to_have_text(["Members", "Leave or delete"])
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{server.url}/projects/{project}/")
    page.locator("[data-open-members]").click()
    expect(page).to_have_url(f"{server.url}/projects/{project}/#settings/members")
    settings.get_by_role("link", name="Leave or delete").click()
    expect(page).to_have_url(f"{server.url}/projects/{project}/#settings/end")
    page.go_back()
    expect(settings).to_be_hidden()
