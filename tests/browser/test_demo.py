"""The board that `manage.py demo` makes, with company: `make screenshots` takes the picture of the README of it."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from taskrealtime.management.commands.demo import PASSWORD
from tests.support.stacks import Stack, User

from .board import AT_REST, Board, wait_for
from .concerns import Concerns
from .conftest import NewPage
from .test_accessibility import PICTURES, look_over

DEMO = """
import io
from django.core.management import call_command
from django.test.utils import override_settings
from taskrealtime.reminders import remind
with override_settings(DEBUG=True):
    call_command("demo", stdout=io.StringIO())
remind()
people = {user.username: user.id for user in User.objects.all()}
tasks = {task.title: task.id for task in Task.objects.all()}
result = [people, tasks, Project.objects.get().id]
"""


@pytest.mark.long
def test_the_demo_shows_a_board_at_work(stack: Stack, new_page: NewPage) -> None:
    server = stack.server()
    ids, tasks, project = stack.run(DEMO)
    alice, bob, carol = (User(ids[name], name, PASSWORD) for name in ("alice", "bob", "carol"))
    path, busiest = f"/projects/{project}/", tasks["Faster search on long boards"]
    page = new_page(server, alice, path, viewport={"width": 1280, "height": 800})
    board, concerns = Board(page), Concerns(page)
    concerns.open().get_by_role("button", name="Mark all as read").click()
    concerns.expect_unread(0)
    page.keyboard.press("Escape")
    for user in (bob, carol):
        other = Board(new_page(server, user, f"{path}#task-{busiest}"))
        if user is carol:
            other.page.evaluate("taskManager.setPresence('busy')")
        expect(board.viewer(busiest, user.id)).to_be_visible()
    comment = {"content": "@alice shall we ship it behind a flag first?"}
    assert server.api(bob).post(f"/api/tasks/{busiest}/comments/", json=comment).status_code == 201
    asked = tasks["Ask beta testers about the new filters"]
    assert server.api(carol).patch(f"/api/tasks/{asked}/", json={"assignee_id": alice.id}).status_code == 200
    concerns.expect_unread(2)
    while concerns.toasts.count():
        concerns.toasts.first.get_by_role("button", name="Dismiss").click()
    concerns.open()
    expect(concerns.items.first).to_contain_text("Carol Reyes assigned")
    expect(board.card(tasks["Write the release notes"]).locator("[data-label-id]")).to_have_text(["Docs"])
    look_over(page, "the demo")
    if PICTURES:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wait_for(page, AT_REST)
            page.screenshot(path=Path(PICTURES).parent / f"board-{scheme}.png")
