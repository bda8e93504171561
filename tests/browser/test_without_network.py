"""Pages that are opened while there is no network: the copies of the last time."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.stacks import Server, User

from .board import LOST_AND_REFUSED, Board
from .conftest import NewPage

#: In JavaScript: the cached addresses that contain a path.
COPIES_OF = """async (path) => {
  const copies = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
  return copies.flat().map(({ url }) => new URL(url).pathname).filter((found) => found.includes(path));
}"""
#: The worker is there, and has a copy of this page and its files.
READY = f"""async () => {{
  const {{ active }} = await navigator.serviceWorker.ready;
  const kept = await ({COPIES_OF})('/');
  return active.state === 'activated' && kept.includes(location.pathname) && kept.some((path) => path.endsWith('.css'));
}}"""


@pytest.fixture
def project(server: Server, user: User) -> int:
    return server.project(user)


@pytest.fixture
def user(server: Server) -> User:
    return server.stack.user()


@pytest.fixture
def page(server: Server, new_page: NewPage, user: User, project: int) -> Page:
    """A board that was opened once, and can be opened without a network."""
    page = new_page(server, user, f"/projects/{project}/", LOST_AND_REFUSED, service_workers="allow")
    page.wait_for_function(READY)
    return page


def test_a_reload_shows_the_board_with_what_waits_and_sends_it_later(
    frail: Server, page: Page, user: User, project: int
) -> None:
    board = Board(page)
    (known,) = board.add("todo", "Paint the fence")
    frail.stop()
    board.wait_until("offline")
    board.enter("review", "Buy the paint")
    page.reload()
    expect(board.card(known)).to_be_visible()
    expect(board.column("review")).to_contain_text("Buy the paint")
    board.wait_until("offline")
    frail.start()
    board.come_back()
    expect(board.column("review").locator("[data-task-id]")).to_have_count(1)
    tasks = frail.api(user).get(f"/api/projects/{project}/board/").json()["tasks"]
    assert sorted(task["title"] for task in tasks) == ["Buy the paint", "Paint the fence"]


def test_no_board_is_left_after_signing_out(page: Page) -> None:
    Board(page)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/**")
    assert page.evaluate(COPIES_OF, "/projects/") == []


def test_another_user_finds_no_copy(server: Server, page: Page, project: int) -> None:
    Board(page)
    other = server.stack.user()
    page.context.add_cookies([{"name": "sessionid", "value": server.session(other), "url": server.url}])
    page.goto(f"{server.url}/")
    page.wait_for_function(f"async (path) => !(await ({COPIES_OF})(path)).length", arg=f"/projects/{project}/")


def test_a_removed_member_keeps_no_copy_of_the_board(server: Server, new_page: NewPage, user: User) -> None:
    project = server.project(server.stack.user(), members=[user])
    page = new_page(server, user, f"/projects/{project}/", LOST_AND_REFUSED, service_workers="allow")
    page.wait_for_function(READY)
    Board(page)
    server.stack.run("Membership.objects.get(project_id=project, user_id=user).delete()", project=project, user=user.id)
    page.wait_for_url(f"{server.url}/")
    assert page.evaluate(COPIES_OF, f"/projects/{project}/") == []
