"""What was done without a connection, through a reload and a closed tab: it is sent once, in order, by one tab."""

from playwright.sync_api import Page, expect

from tests.support.stacks import Server

from .board import COMING, LOST, LOST_AND_REFUSED, Board
from .conftest import NewPage
from .profiles import route_web_sockets
from .seen import expect_seen


def titles(server: Server, project: int) -> list[str]:
    """The project's tasks in the order in which they were made."""
    code = "result = list(Task.objects.filter(project_id=id).order_by('id').values_list('title', flat=True))"
    found: list[str] = server.stack.run(code, id=project)
    return found


def comments(server: Server, task: int) -> list[str]:
    """What was said about a task."""
    code = "result = list(Comment.objects.filter(task_id=id).order_by('id').values_list('content', flat=True))"
    found: list[str] = server.stack.run(code, id=task)
    return found


def work_offline(board: Board, task: int) -> None:
    """Do some of everything."""
    board.drag(task, onto=board.column("review"))
    board.open(task)
    board.work_in_panel("First", "Second", comment="Said offline")
    column = board.enter("todo", "One", "Two")
    expect(column.locator(COMING)).to_have_count(2)


def test_what_was_done_offline_is_sent_by_the_next_page(frail: Server, new_page: NewPage) -> None:
    alice = frail.stack.user()
    project = frail.project(alice)
    path = f"/projects/{project}/"
    board = Board(new_page(frail, alice, path, allow_errors=LOST))
    (task,) = board.add("todo", "Before")
    context = board.page.context
    frail.kill()
    board.wait_until("offline")
    work_offline(board, task)
    board.page.close()
    frail.start()
    tabs = [context.new_page(), context.new_page()]
    for tab in tabs:
        tab.goto(path)
    for tab in tabs:
        again = Board(tab)
        again.expect_order("review", task)
        expect(again.card(task)).to_contain_text("Second")
        expect(again.card(task)).to_have_attribute("data-comment-count", "1")
        expect(tab.locator("[data-pending]")).to_have_count(0)
        expect(tab.locator("[data-problems]")).to_be_hidden()
    assert titles(frail, project) == ["Second", "One", "Two"]
    assert comments(frail, task) == ["Said offline"]


def test_what_became_impossible_is_listed_with_its_text_until_it_is_dismissed(frail: Server, new_page: NewPage) -> None:
    alice = frail.stack.user()
    project = frail.project(alice)
    page = new_page(frail, alice, f"/projects/{project}/", allow_errors=LOST_AND_REFUSED)
    board = Board(page)
    (task,) = board.add("todo", "Before")
    frail.kill()
    board.wait_until("offline")
    panel = board.open(task)
    panel.locator("[name=content]").fill("Too late")
    panel.locator("[name=content]").press("Control+Enter")
    expect(board.card(task)).to_have_attribute("data-pending", "")
    frail.stack.run("Task.objects.get(id=id).delete()", id=task)
    frail.start()
    board.wait_until("live")
    problems = page.locator("[data-problems]")
    expect(problems).to_contain_text("Too late")
    page.reload()
    expect(problems).to_contain_text("Too late")
    problems.get_by_role("button", name="Copy text").click()
    expect(problems.locator("li")).to_have_count(1)
    problems.get_by_role("button", name="Dismiss", exact=True).click()
    expect(problems).to_be_hidden()
    page.reload()
    board.wait_until("live")
    expect(problems).to_be_hidden()


def test_a_page_does_nothing_in_the_name_of_a_user_that_signed_in_since(frail: Server, new_page: NewPage) -> None:
    alice, bob = frail.stack.user(), frail.stack.user()
    project = frail.project(alice, members=[bob])
    page: Page = new_page(frail, alice, f"/projects/{project}/", allow_errors=f"{LOST}|status of 40[13]")
    board = Board(page)
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Settings").click()
    dialog = page.locator("[data-settings-dialog]")
    expect(dialog.locator("[name=remind_before_hours]")).to_have_value("24")

    def sign_in(session: str) -> None:
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": frail.url}])

    sign_in(frail.session(bob))
    dialog.locator("[name=display_name]").fill("Alice")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Another user has signed in")
    page.keyboard.press("Escape")
    frail.kill()
    board.wait_until("offline")
    board.enter("todo", "Hers")
    frail.stack.run(
        "from taskrealtime.engine.auth import tokens; tokens.sign_out_everywhere(User.objects.get(id=id))", id=alice.id
    )
    frail.start()
    expect(page.locator("[data-problems]")).to_contain_text("You’ve been signed out")
    assert titles(frail, project) == []
    assert frail.api(bob).get("/api/me/").json()["name"] == bob.username
    sign_in(frail.session(alice))
    page.reload()
    Board(page).titled("todo", "Hers").wait_for()
    made = "result = Task.objects.get(project_id=id).created_by_id"
    assert frail.stack.run(made, id=project) == alice.id


def test_a_list_of_projects_never_shows_on_a_page_of_another_user(frail: Server, new_page: NewPage) -> None:
    alice, bob = frail.stack.user(), frail.stack.user()
    project = frail.project(bob)
    page: Page = new_page(frail, alice)
    page.context.add_cookies([{"name": "sessionid", "value": frail.session(bob), "url": frail.url}])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(f'[data-project-id="{project}"]')).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-user-id", str(bob.id))


def test_signing_out_asks_about_what_was_not_sent_and_forgets_it(frail: Server, new_page: NewPage) -> None:
    alice = frail.stack.user()
    project = frail.project(alice)
    path = f"/projects/{project}/"
    board = Board(new_page(frail, alice, path, allow_errors=f"{LOST}|ERR_FAILED"))
    route_web_sockets(board.page, lambda socket: socket.close())
    board.page.route("**/api/tasks/", lambda route: route.abort())
    board.page.reload()
    expect(board.page.locator("body")).not_to_have_attribute("data-connection-state", "live")
    column = board.enter("todo", "Forgotten")
    expect(column.locator(COMING)).to_have_count(1)
    board.page.locator("[data-sign-out]").click()
    expect_seen(board.page.locator("[data-unsent-dialog]"), "1 change is not sent yet")
    board.page.get_by_role("button", name="Discard and sign out").click()
    board.page.wait_for_url("**/login/**")
    kept = """() => new Promise((done) => {
        const opening = indexedDB.open('taskrealtime', 1);
        opening.onsuccess = () => {
            const counting = opening.result.transaction('changes').objectStore('changes').count();
            counting.onsuccess = () => done(counting.result);
        };
    })"""
    assert board.page.evaluate(kept) == 0
    assert titles(frail, project) == []


def test_a_browser_that_cleared_its_data_still_keeps_changes_and_signs_out(frail: Server, new_page: NewPage) -> None:
    alice = frail.stack.user()
    project = frail.project(alice)
    page: Page = new_page(frail, alice, f"/projects/{project}/", allow_errors=LOST)
    board = Board(page)
    page.evaluate("indexedDB.databases()")
    devtools = page.context.new_cdp_session(page)

    def clear() -> None:
        """As the browser's own settings do: it closes what is open."""
        devtools.send("Storage.clearDataForOrigin", {"origin": frail.url, "storageTypes": "indexeddb"})

    clear()
    frail.kill()
    board.wait_until("offline")
    column = board.enter("todo", "Kept")
    expect(column.locator(COMING)).to_have_count(1)
    frail.start()
    page.reload()
    Board(page).titled("todo", "Kept").wait_for()
    clear()
    page.locator("[data-sign-out]").click()
    page.wait_for_url("**/login/**")
