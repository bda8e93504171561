"""Signing up and in: invitations, new accounts, another password; each with another user watching."""

import re

from playwright.sync_api import APIResponse, Page, Route, expect

from tests.support.stacks import Server

from .board import Board, wait_for
from .conftest import NewPage

NEW = "a whole new battery"


def make_link(page: Page) -> str:
    """The link that an owner's open dialog makes."""
    dialog = page.locator("[data-members-dialog]")
    dialog.get_by_role("button", name="Create invite link").click()
    url = dialog.get_by_label("New invite link")
    expect(url).to_have_value(re.compile("/join/#"))
    return url.input_value()


def test_a_new_user_joins_by_a_link_and_is_seen_at_once(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user(first_name="Alice", last_name="Okafor")
    project = server.project(alice, name="Garden")
    ours = Board(new_page(server, alice, f"/projects/{project}/"))
    ours.page.locator("[data-open-members]").click()
    dialog = ours.page.locator("[data-members-dialog]")
    url = make_link(ours.page)
    secret = url.partition("#")[2]
    expect(dialog.locator("[data-invitation-id]")).to_contain_text("0 joined")

    page = new_page(server, path=url)
    expect(page.get_by_role("heading")).to_have_text("Join “Garden”")
    expect(page.locator("main")).to_contain_text("Alice Okafor invited you")
    expect(page).to_have_url(re.compile("^[^#]*$"))
    page.get_by_role("link", name="Create an account").click()
    name = f"newcomer{project}"
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_label("Confirm password").fill(NEW)
    page.get_by_role("button", name="Create account and join").click()
    theirs = Board(page)
    expect(page).to_have_url(f"{server.url}/projects/{project}/")
    (task,) = theirs.add("todo", "Sow the carrots")
    ours.expect_order("todo", task)
    expect(dialog.locator("[data-member-id]").filter(has_text=name)).to_be_visible()
    expect(dialog.locator("[data-invitation-id]")).to_contain_text("1 joined")
    assert secret not in server.log(lines=0)


def test_a_list_from_before_a_link_was_made_does_not_take_its_address_away(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    page = Board(new_page(server, alice, f"/projects/{project}/")).page
    routes: list[Route] = []
    answers: list[APIResponse] = []

    def hold_the_first(route: Route) -> None:
        if route.request.method == "GET" and not routes:
            routes.append(route)
            answers.append(route.fetch())
        else:
            route.continue_()

    page.route(re.compile("/invitations/"), hold_the_first)
    page.locator("[data-open-members]").click()
    while not answers:
        page.wait_for_timeout(20)
    url = make_link(page)
    expect(page.locator("[data-invitation-id]")).to_have_count(1)
    with page.expect_response(re.compile("/invitations/")):
        routes[0].fulfill(response=answers[0])
    page.evaluate("new Promise((resolve) => setTimeout(resolve))")  # the page has read it
    expect(page.locator("[data-invitation-id]")).to_have_count(1)
    expect(page.get_by_label("New invite link")).to_have_value(url)


def test_a_user_with_an_account_joins_by_one_press(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice)
    ours = Board(new_page(server, alice, f"/projects/{project}/"))
    ours.page.locator("[data-open-members]").click()
    ours.page.get_by_label("Role granted by the link").select_option("viewer")
    url = make_link(ours.page)
    page = new_page(server, bob, url)
    page.get_by_role("button", name=f"Join as {bob.username}").click()
    theirs = Board(page)
    expect(theirs.page.locator("[data-add-task]")).to_have_count(0)
    expect(ours.page.locator(f'[data-member-id="{bob.id}"]')).to_be_visible()


def addresses_kept(page: Page) -> list[str]:
    """What the tab's history has, as "back" and the list behind it show it."""
    devtools = page.context.new_cdp_session(page)
    history = devtools.send("Page.getNavigationHistory")
    devtools.detach()
    return [entry["url"] for entry in history["entries"]]


def test_no_secret_of_a_link_stays_in_the_history(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    garden, kitchen = server.project(alice, name="Garden"), server.project(alice, name="Kitchen")
    first, second, mine = (
        server.api(owner).post(f"/api/projects/{project}/invitations/", json={}).json()["url"]
        for owner, project in ((alice, garden), (alice, kitchen), (bob, server.project(bob)))
    )
    page = new_page(server, bob, first)
    expect(page.get_by_role("heading")).to_have_text("Join “Garden”")
    # The second link, while the first is open: its project counts, not the one of before.
    page.goto("about:blank")
    page.goto(second)
    expect(page.get_by_role("heading")).to_have_text("Join “Kitchen”")
    page.goto("about:blank")
    page.goto(mine)
    expect(page).to_have_url(re.compile("/projects/[0-9]+/$"))
    page.goto("about:blank")
    page.goto(f"{server.url}/password/new/#MQ.x-y")
    expect(page).to_have_url(re.compile("/password/new/MQ/$"))
    secrets = [link.partition("#")[2] for link in (first, second, mine)]
    assert not [url for url in addresses_kept(page) if "#" in url or any(secret in url for secret in secrets)]


def test_a_revoked_link_says_so_when_it_is_opened(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice)
    ours = Board(new_page(server, alice, f"/projects/{project}/"))
    ours.page.locator("[data-open-members]").click()
    url = make_link(ours.page)
    ours.page.get_by_role("button", name="Revoke").click()
    ours.page.get_by_role("button", name="Revoke link?").click()
    expect(ours.page.locator("[data-invitation-id]")).to_have_count(0)
    expect(ours.page.get_by_label("New invite link")).to_be_hidden()
    page = new_page(server, bob, url, allow_errors="status of 404")
    expect(page.get_by_role("alert")).to_contain_text("invalid or has expired")


def test_signing_in_by_the_way_comes_back_to_the_invitation(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user(), server.stack.user()
    project = server.project(alice)
    made = server.api(alice).post(f"/api/projects/{project}/invitations/", json={})
    page = new_page(server, path=made.json()["url"])
    page.get_by_role("link", name="I already have an account").click()
    page.fill("[name=username]", bob.username)
    page.fill("[name=password]", bob.password)
    page.press("[name=password]", "Enter")
    page.get_by_role("button", name=f"Join as {bob.username}").click()
    Board(page)


def test_a_new_password_keeps_this_browser_and_ends_the_others(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice)
    here = new_page(server, alice, f"/projects/{project}/", allow_errors="status of 40|WebSocket")
    Board(here)
    elsewhere = new_page(server, alice, f"/projects/{project}/", allow_errors="status of 40|WebSocket")
    Board(elsewhere)
    other_tab = here.context.new_page()
    other_tab.goto(f"{server.url}/projects/{project}/")
    Board(other_tab)
    listing = here.context.new_page()
    listing.goto(server.url)
    expect(listing.locator("body")).to_have_attribute("data-connection-state", "live")
    listing.evaluate("window.marked = true")
    here.locator("[data-me]").click()
    here.get_by_role("menuitem", name="Settings").click()
    here.get_by_role("link", name="Change password").click()
    here.get_by_label("Current password").fill(alice.password)
    here.get_by_label("New password", exact=True).fill(NEW)
    here.get_by_label("Confirm new password").fill(NEW)
    here.get_by_role("button", name="Change password").click()
    expect(here.get_by_role("heading")).to_have_text("Your password has been changed")
    here.get_by_role("link", name="Go to your projects").click()
    expect(here.locator("body")).to_have_attribute("data-connection-state", "live")
    # The other tab of this browser is still signed in, and the other browser has to sign in again.
    other_tab.get_by_role("button", name="Reload").click()
    Board(other_tab).add("todo", "Still here")
    wait_for(listing, "window.marked === undefined")
    expect(listing.locator("body")).to_have_attribute("data-connection-state", "live")
    elsewhere.get_by_role("button", name="Sign in").click()
    elsewhere.wait_for_url("**/login/**")


def test_an_address_for_a_lost_password_needs_the_present_one(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    page = new_page(server, alice, allow_errors="status of 400")
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Settings").click()
    dialog = page.locator("[data-settings-dialog]")
    expect(dialog.locator("[name=password]")).to_be_hidden()
    dialog.locator("[name=email]").fill("alice@example.org")
    dialog.locator("[name=password]").fill("a wrong guess")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("current password")
    dialog.locator("[name=password]").fill(alice.password)
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("[role=status]")).to_contain_text("saved")
    assert server.api(alice).get("/api/me/").json()["email"] == "alice@example.org"


def test_a_sign_in_that_is_ended_leaves_the_list_and_its_page(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    here = new_page(server, alice, allow_errors="status of 40")
    elsewhere = new_page(server, alice, allow_errors="status of 40|WebSocket", user_agent="Mozilla/5.0 Firefox/140.0")
    project = server.project(alice)
    elsewhere.goto(f"/projects/{project}/")
    Board(elsewhere)
    here.locator("[data-me]").click()
    here.get_by_role("menuitem", name="Settings").click()
    here.get_by_role("link", name="Active sessions").click()
    rows = here.locator("[data-session-id]")
    foreign = rows.filter(has_text="Firefox")
    expect(here.locator("[data-current]")).to_contain_text("This browser")
    expect(foreign).to_contain_text("Last used: just now")
    same_list = elsewhere.context.new_page()
    same_list.goto(f"{server.url}/account/")
    count = rows.count()
    foreign.get_by_role("button", name="End session: ").click()
    expect(rows).to_have_count(count - 1)
    expect(foreign).to_have_count(0)
    # Its pages are signed out by themselves, and this one continues.
    same_list.wait_for_url("**/login/?next=/account/")
    expect(elsewhere.get_by_role("button", name="Sign in")).to_be_visible()
    here.goto("/")
    expect(here.locator("body")).to_have_attribute("data-connection-state", "live")


def test_the_list_of_sign_ins_follows_what_others_end(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    page = new_page(server, alice, "/account/")
    pair = server.api().post("/api/token/", json={"username": alice.username, "password": alice.password}).json()
    script = page.locator("[data-session-id]").filter(has_text="App or script")
    expect(script).to_have_count(1)
    mine = server.api(Authorization=f"Bearer {pair['access']}")
    for one in mine.get("/api/me/sessions/").json()["sessions"]:
        if one["current"]:
            assert mine.delete(f"/api/me/sessions/{one['id']}/").status_code == 204
    expect(script).to_have_count(0)
    expect(page.locator("[data-account-status]")).to_contain_text("A session has ended.")
