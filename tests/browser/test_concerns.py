"""What concerns me: the bell, toasts, the inbox, reminders, my settings; in every tab, and after I was away."""

import re
from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.support.stacks import Server, User

from .board import LOST, Board
from .concerns import Concerns, held
from .conftest import NewPage


class Scene(NamedTuple):
    """Alice in front of a board, and Bob, a member that is somewhere else."""

    server: Server
    project: int
    alice: User
    bob: User
    ours: Board
    mine: Concerns

    def comment(self, task: int, content: str) -> int:
        """Bob comments on a task."""
        answer = self.server.api(self.bob).post(f"/api/tasks/{task}/comments/", json={"content": content})
        assert answer.status_code == 201, answer.text
        comment_id: int = answer.json()["id"]
        return comment_id


@pytest.fixture
def scene(server: Server, new_page: NewPage) -> Scene:
    alice = server.stack.user()
    bob = server.stack.user(first_name="Bob", last_name="Lindqvist")
    project = server.project(alice, members=[bob], name="House")
    ours = Board(new_page(server, alice, f"/projects/{project}/"))
    return Scene(server, project, alice, bob, ours, Concerns(ours.page))


def test_a_mention_notifies_and_shows_in_every_tab(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    tab = scene.ours.page.context.new_page()
    tab.goto("/")
    elsewhere = Concerns(tab)
    expect(tab.locator("body")).to_have_attribute("data-connection-state", "live")
    comment = scene.comment(task, f"@{scene.alice.username} which <b>green</b>?")
    for concerns in (scene.mine, elsewhere):
        held(concerns.toasts)
    for concerns in (scene.mine, elsewhere):
        concerns.expect_unread(1)
        expect(concerns.toasts).to_contain_text("Bob Lindqvist mentioned you")
        expect(concerns.toasts).to_contain_text("which <b>green</b>?")
    scene.mine.toasts.get_by_role("button", name="Open").click()
    expect(scene.ours.panel.locator(f'[data-comment-id="{comment}"]')).to_be_in_viewport()
    for concerns in (scene.mine, elsewhere):
        concerns.expect_unread(0)
        expect(concerns.toasts).to_have_count(0)


def test_what_was_seen_in_one_tab_is_read_in_the_other(scene: Scene) -> None:
    first, second = scene.ours.add("todo", "One", "Two")
    tab = scene.ours.page.context.new_page()
    tab.goto(f"/projects/{scene.project}/")
    Board(tab)
    for task in (first, second):
        scene.comment(task, "What about this?")
    for concerns in (scene.mine, Concerns(tab)):
        concerns.expect_unread(2)
    inbox = scene.mine.open()
    expect(scene.mine.items).to_have_count(2)
    expect(scene.mine.items.first).to_contain_text("Bob Lindqvist commented on “Two”, which you created")
    for concerns in (scene.mine, Concerns(tab)):
        concerns.expect_unread(0)
    expect(scene.mine.items.first).to_have_attribute("data-new", "")  # until the inbox is closed
    scene.comment(first, "And now?")
    expect(scene.mine.items).to_have_count(3)
    expect(scene.mine.items.first).to_contain_text("And now?")
    scene.mine.items.last.get_by_role("link").click()
    expect(inbox).to_be_hidden()
    expect(scene.ours.panel.locator("[name=title]")).to_have_value("One")


def test_many_at_once_become_one_toast_and_all_are_marked_read(scene: Scene) -> None:
    scene.server.stack.run(
        "from django.db import transaction\n"
        "with transaction.atomic():\n"
        "    for number in range(30):\n"
        "        Task.objects.create(project_id=project, title=f'Task {number}', assignee_id=alice)\n"
        "result = None",
        project=scene.project,
        alice=scene.alice.id,
    )
    toast = held(scene.mine.toasts.filter(has_text="new notifications").first)
    scene.mine.expect_unread(30)
    toast.get_by_role("button", name="Show").click()
    expect(scene.mine.items.first).to_contain_text("Task 29")
    scene.mine.expect_unread(30)  # the older ones were not on the screen
    scene.mine.inbox.get_by_role("button", name="Mark all as read").click()
    scene.mine.expect_unread(0)
    scene.ours.page.reload()
    scene.mine.open()
    expect(scene.mine.items).to_have_count(20)
    scene.mine.inbox.get_by_role("button", name="Show older").click()
    expect(scene.mine.items).to_have_count(30)
    expect(scene.mine.items.last).to_contain_text("Task 0")
    assert len(set(scene.mine.items.evaluate_all("items => items.map(item => item.dataset.notificationSeq)"))) == 30


def test_a_reminder_stays_until_it_is_put_off(scene: Scene, new_page: NewPage) -> None:
    remind = (
        "from datetime import timedelta\nfrom django.utils import timezone\nfrom taskrealtime import reminders\n"
        "now = timezone.now()\n"
    )
    task = scene.server.stack.run(
        remind + "task = Task.objects.create(project_id=project, title='Order paint', assignee_id=alice,"
        " due_at=now + timedelta(hours=2))\nreminders.remind()\nresult = task.id",
        project=scene.project,
        alice=scene.alice.id,
    )
    toast = scene.mine.toasts.filter(has_text="“Order paint” is due soon")
    toast.get_by_role("button", name="Snooze 1 hour").click()
    expect(toast).to_have_count(0)
    expect(scene.mine.toasts.filter(has_text="You’ll be reminded again in an hour")).to_be_visible()
    scene.mine.open()
    expect(
        scene.mine.items.filter(has_text="is due soon").get_by_role("button", name="Remind me tomorrow")
    ).to_be_visible()
    scene.ours.page.keyboard.press("Escape")
    expect(scene.mine.inbox).to_be_hidden()
    expect(scene.mine.bell).to_be_focused()
    scene.server.stack.run(remind + "reminders.remind(now=now + timedelta(minutes=61))\nresult = None")
    toast.get_by_role("button", name="Open").click()
    expect(scene.ours.panel).to_have_attribute("data-task-panel", str(task))


def test_after_some_time_offline_everything_is_there(frail: Server, new_page: NewPage) -> None:
    alice, bob = frail.stack.user(), frail.stack.user(first_name="Bob")
    project = frail.project(alice, members=[bob])
    page = new_page(frail, alice, f"/projects/{project}/", allow_errors=LOST)
    board, mine = Board(page), Concerns(page)
    mine.open()
    expect(mine.inbox).to_contain_text("You’re all caught up")
    frail.stop()
    board.wait_until("offline")
    expect(mine.inbox.locator("[data-inbox-offline]")).to_be_visible()
    frail.stack.run(
        "for title in 'ABC':\n    Task.objects.create(project_id=project, title=title, assignee_id=alice)\n"
        "result = None",
        project=project,
        alice=alice.id,
    )
    frail.start()
    board.wait_until("live")
    expect(mine.items).to_have_count(3)
    expect(mine.inbox.locator("[data-inbox-offline]")).to_be_hidden()
    mine.expect_unread(0)


def test_what_one_does_oneself_is_no_news_and_what_was_deleted_says_so(scene: Scene) -> None:
    (task,) = scene.ours.add("todo", "Paint the fence")
    panel = scene.ours.open(task)
    panel.locator("[name=assignee_id]").select_option(str(scene.alice.id))
    panel.locator("[name=content]").fill(f"@{scene.alice.username}")
    panel.locator("[name=content]").press("Control+Enter")
    expect(panel.locator("[data-comment-id]")).to_have_count(1)
    comment = scene.comment(task, "A secret")  # what comes after it is there
    scene.mine.expect_unread(1)
    expect(scene.mine.toasts).to_have_count(0)  # nor is there a toast for the task that is being looked at
    scene.ours.page.keyboard.press("Escape")
    scene.mine.open()
    expect(scene.mine.items).to_contain_text("A secret")
    assert scene.server.api(scene.bob).delete(f"/api/comments/{comment}/").status_code == 204
    expect(scene.mine.items).to_contain_text("Bob Lindqvist wrote a comment that is no longer available")
    expect(scene.ours.page.locator("body")).not_to_contain_text("A secret")
    scene.ours.page.reload()
    scene.mine.open()
    expect(scene.mine.items).to_contain_text("a comment that is no longer available")
    scene.mine.items.get_by_role("link").click()
    expect(scene.ours.panel).to_have_attribute("data-task-panel", str(task))


def test_what_is_no_longer_mine_to_see_leaves_the_inbox_at_once(scene: Scene, new_page: NewPage) -> None:
    page = new_page(scene.server, scene.bob, "/")
    theirs = Concerns(page)
    theirs.open()
    (task,) = scene.ours.add("todo", "Paint the fence")
    api = scene.server.api(scene.alice)
    api.patch(f"/api/tasks/{task}/", json={"assignee_id": scene.bob.id})
    expect(theirs.items.first).to_contain_text("“Paint the fence” to you")
    api.delete(f"/api/projects/{scene.project}/members/{scene.bob.id}/")
    expect(theirs.items.first).to_contain_text("a task that is no longer available")
    expect(theirs.items.first.get_by_role("link")).to_have_count(0)
    page.reload()
    theirs.open()
    expect(theirs.items.first).to_contain_text("a task that is no longer available")


def test_a_failed_inbox_says_so_and_tries_again(scene: Scene, new_page: NewPage) -> None:
    page = new_page(scene.server, scene.alice, "/", allow_errors="Failed to load|ERR_FAILED")
    mine = Concerns(page)
    page.route("**/api/notifications/?*", lambda route: route.abort())
    mine.open()
    expect(mine.inbox).to_contain_text("Couldn’t load your notifications")
    page.unroute("**/api/notifications/?*")
    mine.inbox.get_by_role("button", name="Try again").click()
    expect(mine.inbox).to_contain_text("You’re all caught up")


def test_the_list_of_projects_follows_memberships(server: Server, new_page: NewPage) -> None:
    alice, bob = server.stack.user("alice-of-the-garden"), server.stack.user()
    page = new_page(server, bob, "/")
    mine = Concerns(page)
    expect(page.locator("body")).to_have_attribute("data-connection-state", "live")
    expect(page.locator("main")).to_contain_text("No projects yet")
    project = server.project(alice, members=[bob], name="Garden")
    expect(page.locator(f'[data-project-id="{project}"]')).to_contain_text("Garden")
    expect(mine.toasts).to_contain_text("alice-of-the-garden added you to “Garden”")
    mine.expect_unread(1)
    assert server.api(alice).delete(f"/api/projects/{project}/members/{bob.id}/").status_code == 204
    expect(page.locator(f'[data-project-id="{project}"]')).to_have_count(0)


def test_settings_are_kept_and_decide_the_notifications_but_refused_ones_are_not(scene: Scene) -> None:
    page = scene.ours.page
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Settings").click()
    dialog = page.locator("[data-settings-dialog]")
    expect(dialog.locator("[name=timezone]")).to_have_value(re.compile(r"\w"))
    hours = dialog.locator("[name=remind_before_hours]")
    expect(hours).to_have_value("24")
    hours.fill("-1")
    dialog.get_by_role("button", name="Save").click()
    assert not hours.evaluate("field => field.validity.valid")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-me]")).to_be_focused()
    assert scene.server.api(scene.alice).get("/api/me/").json()["remind_before_hours"] == 24

    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Settings").click()
    expect(hours).to_have_value("24")
    dialog.locator("[name=display_name]").fill("Alice of the Fence")
    dialog.locator("[name=timezone]").select_option("Europe/Berlin")
    hours.fill("3")
    dialog.get_by_label("House").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-me]")).to_contain_text("Alice of the Fence")
    me = scene.server.api(scene.alice).get("/api/me/").json()
    assert (me["name"], me["timezone"], me["remind_before_hours"]) == ("Alice of the Fence", "Europe/Berlin", 3)
    assert me["muted_projects"] == [scene.project]
    (task,) = scene.ours.add("todo", "Paint the fence")
    scene.comment(task, "No user is notified")
    expect(scene.ours.card(task)).to_have_attribute("data-comment-count", "1")
    scene.mine.expect_unread(0)
