"""The board in a project of others, below a prefix, beside its pages of the same names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.host import PREFIX, HostStack
from tests.support.stacks import Server

from .board import Board
from .conftest import NewPage


@pytest.fixture(scope="module")
def host() -> Iterator[Server]:
    stack = HostStack()
    yield stack.server()
    stack.close()


def test_two_users_share_a_board_below_the_prefix(host: Server, new_page: NewPage) -> None:
    ann, bob = host.stack.user(), host.stack.user(first_name="Bob", last_name="Lindqvist")
    page = new_page(host, ann, f"{PREFIX}/")
    page.fill("[name=name]", "Garden")
    page.get_by_role("button", name="Create project").click()
    ours = Board(page)
    assert page.url.startswith(f"{host.url}{PREFIX}/projects/")
    code = "Membership.objects.create(project=Project.objects.get(name='Garden'), user_id=id, role='member')"
    host.stack.run(code, id=bob.id)
    theirs = Board(new_page(host, bob, page.url.removeprefix(host.url)))
    [task] = ours.add("todo", "Paint the fence")
    theirs.expect_order("todo", task)
    theirs.drag(task, onto=theirs.column("review"))
    ours.expect_order("review", task)
    expect(ours.person(bob.id)).to_be_visible()


def test_each_page_loads_without_an_error(host: Server, new_page: NewPage) -> None:
    staff = host.stack.user(is_staff=True)
    page = new_page(host, staff, f"{PREFIX}/join/")
    expect(page.locator("h1")).to_have_text("Join a project")
    page = new_page(host, staff, f"{PREFIX}/ops/")
    expect(page.locator("[data-ops-body]")).to_be_visible()
    page = new_page(host, staff, f"{PREFIX}/connection/")
    page.get_by_role("button", name="Start test").click()
    expect(page.locator("[data-check-verdict]")).to_have_text("Everything works. Boards are live here.")


def test_signing_out_and_in_is_the_projects(host: Server, new_page: NewPage) -> None:
    user = host.stack.user()
    page = new_page(host, user, f"{PREFIX}/")
    expect(page.locator("body")).to_have_attribute("data-connection-state", "live")
    page.locator("[data-sign-out]").click()
    expect(page.locator("h1")).to_have_text("Helpdesk")
    page.goto(f"{host.url}{PREFIX}/")
    assert page.url == f"{host.url}/login/?next={PREFIX}/"
    page.fill("[name=username]", user.username)
    page.fill("[name=password]", user.password)
    page.get_by_role("button", name="Sign in to the helpdesk").click()
    expect(page.locator("h1")).to_have_text("Projects")
    assert page.url == f"{host.url}{PREFIX}/"
    expect(page.locator("body")).to_have_attribute("data-connection-state", "live")


@pytest.mark.parametrize(
    "csrf",
    [
        {"CSRF_USE_SESSIONS": True, "CSRF_HEADER_NAME": "HTTP_X_XSRF_TOKEN"},
        pytest.param({"CSRF_COOKIE_HTTPONLY": True}, marks=pytest.mark.long),
        pytest.param({"CSRF_COOKIE_NAME": "xsrf", "CSRF_COOKIE_PATH": "/tools/"}, marks=pytest.mark.long),
    ],
)
def test_pages_find_the_token_against_forged_requests(csrf: dict[str, Any], new_page: NewPage) -> None:
    stack = HostStack(csrf)
    try:
        server = stack.server()
        page = new_page(server, stack.user(), f"{PREFIX}/")
        page.fill("[name=name]", "Garden")
        page.get_by_role("button", name="Create project").click()
        Board(page).add("todo", "Paint the fence")
        page.locator("[data-open-members]").click()
        page.get_by_role("button", name="Create invite link").click()  # a POST without the socket
        expect(page.locator("[name=invitation_url]")).to_have_value(re.compile(f"{server.url}{PREFIX}/join/#"))
    finally:
        stack.close()


def test_settings_show_no_name_and_no_address_that_are_the_projects(host: Server, new_page: NewPage) -> None:
    page = new_page(host, host.stack.user(email="ann@example.org"), f"{PREFIX}/")
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Settings").click()
    dialog = page.locator("[data-settings-dialog]")
    expect(dialog.locator("[name=timezone]")).to_be_visible()
    for name in ("display_name", "email", "password"):
        expect(dialog.locator(f"[name={name}]")).to_be_hidden()
    dialog.locator("[name=ask_first]").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
