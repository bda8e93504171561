"""Three people on one board at once: whatever two do to the same thing, all three end up with the same board."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.stacks import Server, User

from .board import COMING, LOST, LOST_AND_REFUSED, Board
from .conftest import NewPage
from .test_offline import head, logged

COLUMNS = ("todo", "in_progress", "review", "completed")


class Scene(NamedTuple):
    """Alice, the owner, and Bob and Carol, members, in front of the same project."""

    server: Server
    project: int
    users: tuple[User, User, User]
    alice: Board
    bob: Board
    carol: Board

    @property
    def boards(self) -> tuple[Board, Board, Board]:
        return self.alice, self.bob, self.carol

    def add(self, *titles: str) -> list[int]:
        """Tasks of Alice's, which all three see; return their ids."""
        api = self.server.api(self.users[0])
        made = [api.post("/api/tasks/", json={"project_id": self.project, "title": title}).json() for title in titles]
        ids = [task["id"] for task in made]
        self.expect_same(todo=ids)
        return ids

    def expect_same(self, boards: tuple[Board, ...] | None = None, **columns: list[int]) -> None:
        """Wait until no page waits for anything; then, on each page, the columns hold these cards, and no others."""
        for board in boards or self.boards:
            expect(board.page.locator("[data-pending]")).to_have_count(0)
        tasks = self.server.api(self.users[0]).get(f"/api/projects/{self.project}/board/").json()["tasks"]
        picture = {
            status: [
                {
                    "id": task["id"],
                    "title": task["title"],
                    "priority": task["priority"],
                    "assignee": task["assignee_id"],
                    "comments": task["comment_count"],
                    "labels": task.get("labels", []),
                }
                for task in tasks
                if task["status"] == status
            ]
            for status in COLUMNS
        }
        held = {status: [card["id"] for card in cards] for status, cards in picture.items()}
        assert held == {status: columns.get(status, []) for status in COLUMNS}
        for board in boards or self.boards:
            board.expect_picture(picture)


Gather = Callable[..., Scene]


@pytest.fixture
def gather(new_page: NewPage) -> Gather:
    """`gather(server, allow_errors=None, carols=None)`: all three come to a new project, Carol by a server of hers."""

    def gather(server: Server, allow_errors: str | None = None, carols: Server | None = None) -> Scene:
        names = {"Alice": "Okafor", "Bob": "Lindqvist", "Carol": "Reyes"}
        alice, bob, carol = (server.stack.user(first_name=first, last_name=last) for first, last in names.items())
        project = server.project(alice, members=[bob, carol], name="House")
        path = f"/projects/{project}/"
        ways = [(server, alice), (server, bob), (carols or server, carol)]
        boards = [Board(new_page(way, user, path, allow_errors)) for way, user in ways]
        return Scene(server, project, (alice, bob, carol), *boards)

    return gather


@contextmanager
def at_once(server: Server) -> Iterator[None]:
    """What several people do meanwhile reaches the server in the same moment."""
    server.pause()
    try:
        yield
    finally:
        server.resume()


def write(panel: Locator, field: str, text: str) -> None:
    """Write in a field of an open task, and leave it."""
    panel.locator(f"[name={field}]").fill(text)
    panel.locator(f"[name={field}]").blur()


def comment(panel: Locator, text: str) -> None:
    """Say something about an open task."""
    panel.locator("[name=content]").fill(text)
    panel.locator("[name=content]").press("Control+Enter")


def close(board: Board) -> None:
    """Close the open task."""
    board.page.keyboard.press("Escape")
    expect(board.panel).to_have_count(0)


def item(page: Page, name: str) -> Locator:
    """A label in the open menu."""
    return page.get_by_role("menuitemcheckbox", name=name)


def test_two_edit_different_fields_at_once_and_the_third_sees_all_of_it(server: Server, gather: Gather) -> None:
    scene = gather(server)
    task, other = scene.add("Paint the fence", "Buy the paint")
    ours, theirs, watching = (board.open(task) for board in scene.boards)
    since = head(server, scene.users[0], scene.project)
    with at_once(server):
        write(ours, "title", "Paint the gate")
        write(theirs, "description", "In green.")
        for panel in (ours, theirs):  # one of them comes second with the very same
            panel.locator("[name=priority]").select_option("urgent")
        theirs.locator("[name=assignee_id]").select_option(str(scene.users[2].id))
    for panel in (ours, theirs, watching):
        expect(panel.locator("[name=title]")).to_have_value("Paint the gate")
        expect(panel.locator("[name=description]")).to_have_value("In green.")
        expect(panel.locator("[name=priority]")).to_have_value("urgent")
        expect(panel.locator("[name=assignee_id]")).to_have_value(str(scene.users[2].id))
        expect(panel.locator("[data-conflict]")).to_have_count(0)
    scene.expect_same(todo=[task, other])
    assert logged(server, scene.users[0], scene.project, since).count("task_updated") == 4


def test_two_edit_the_same_fields_at_once_and_one_is_asked_field_by_field(server: Server, gather: Gather) -> None:
    scene = gather(server)
    (task,) = scene.add("Paint the fence")
    panels = ours, theirs, watching = [board.open(task) for board in scene.boards]
    with at_once(server):
        for panel, title, priority in ((ours, "By Alice", "high"), (theirs, "By Bob", "urgent")):
            write(panel, "title", title)
            panel.locator("[name=priority]").select_option(priority)
    scene.expect_same(todo=[task])  # whichever was first
    values = {}
    for field, pair in (("title", {"By Alice", "By Bob"}), ("priority", {"High", "Urgent"})):
        (conflict,) = (one for panel in (ours, theirs) if (one := panel.locator(f"[data-conflict={field}]")).count())
        mine, others = (conflict.locator(f"[data-part={part}]").inner_text() for part in ("mine", "theirs"))
        assert {mine, others} == pair
        values[field] = conflict, mine, others
    expect(watching.locator("[name=title]")).to_have_value(values["title"][2])
    expect(watching.locator("[name=priority]")).to_have_value(values["priority"][2].lower())
    expect(watching.locator("[data-conflict]")).to_have_count(0)

    values["title"][0].locator("[data-choose=mine]").click()
    watching.locator("[name=priority]").select_option(values["priority"][1].lower())  # so there is nothing left to ask
    for panel in panels:
        expect(panel.locator("[name=title]")).to_have_value(values["title"][1])
        expect(panel.locator("[name=priority]")).to_have_value(values["priority"][1].lower())
        expect(panel.locator("[data-conflict]")).to_have_count(0)
    scene.expect_same(todo=[task])


@pytest.fixture
def second(server: Server) -> Iterator[Server]:
    """Another process on the same installation, which a test may kill."""
    second = server.stack.server()
    yield second
    second.discard()


def test_one_comes_back_to_cards_that_two_others_changed_meanwhile(
    server: Server, second: Server, gather: Gather
) -> None:
    scene = gather(server, LOST_AND_REFUSED, carols=second)
    sand, paint, varnish, hinges, brush, ladder = scene.add("Sand", "Paint", "Varnish", "Hinges", "Brush", "Ladder")
    alice, bob, carol = scene.boards
    second.kill()
    carol.wait_until("offline")

    carol.drag(sand, onto=carol.column("review"))
    carol.drag(ladder, onto=carol.card(paint))
    panel = carol.open(paint)
    write(panel, "title", "Paint it red")
    comment(panel, "Why not red?")
    panel = carol.open(varnish)
    write(panel, "title", "Varnish by Carol")
    panel.locator("[name=priority]").select_option("high")
    carol.open(hinges).locator("[data-delete-task]").click()
    comment(carol.open(brush), "Said offline")
    close(carol)
    carol.enter("todo", "Broom")
    expect(carol.page.locator(COMING)).to_have_count(1)

    alice.drag(sand, onto=alice.column("in_progress"))
    bob.open(paint).locator("[data-delete-task]").click()
    write(alice.open(varnish), "title", "Varnish by Alice")
    bob.open(hinges).locator("[name=status]").select_option("review")
    comment(bob.panel, "Are they done?")
    comment(alice.open(brush), "Said meanwhile")
    scene.expect_same((alice, bob), todo=[varnish, brush, ladder], in_progress=[sand], review=[hinges])

    second.start()
    carol.come_back()
    expect(bob.panel).to_have_count(0)  # she deleted what is open there
    expect(alice.panel.locator("[data-comment-id] .prose")).to_have_text(["Said meanwhile", "Said offline"])
    broom = int(carol.titled("todo", "Broom").get_attribute("data-task-id") or 0)
    scene.expect_same(todo=[ladder, varnish, brush, broom], review=[sand])  # at the top, where it was dropped
    expect(carol.card(varnish)).to_have_attribute("data-priority", "high")
    problems = carol.page.locator("[data-problems] li .problem__text")
    gone = "It no longer exists, or you no longer have access to it."
    expect(problems).to_have_text(
        [
            f"Couldn’t change the title of “Paint”. {gone}",
            f"Couldn’t send your comment on “Paint”: “Why not red?”. {gone}",
            "Alice Okafor changed the title of “Varnish by Alice” at the same time.",
        ]
    )
    carol.page.locator("[data-problems]").get_by_role("button", name="Compare").click()
    carol.panel.locator("[data-conflict=title] [data-choose=mine]").click()
    for board in scene.boards:
        expect(board.card(varnish)).to_contain_text("Varnish by Carol")
        if board is not carol:
            expect(board.page.locator("[data-problems]")).to_be_hidden()
    scene.expect_same(todo=[ladder, varnish, brush, broom], review=[sand])


@pytest.mark.long
def test_what_three_do_while_the_server_is_killed_is_done_once(frail: Server, gather: Gather) -> None:
    scene = gather(frail, LOST)
    (task,) = scene.add("Paint the fence")
    panels = [board.open(task) for board in scene.boards]
    people = list(zip(("Alice", "Bob", "Carol"), scene.boards, panels, strict=True))
    since = head(frail, scene.users[0], scene.project)
    for board in scene.boards:
        board.mark()
    for number, priority in enumerate(("low", "high", "urgent", "low")):
        for name, board, panel in people:
            board.enter("todo", f"{name} {number}")
            comment(panel, f"{name} said {number}")
        write(panels[0], "title", f"Paint the fence {number}")
        write(panels[1], "description", f"In colour {number}.")
        panels[2].locator("[name=priority]").select_option(priority)
        if number == 1:
            frail.kill()  # some are done, some are on their way, some have no answer
    for board in scene.boards:
        board.wait_until("offline")
    frail.start()
    for board in scene.boards:
        board.come_back()
        expect(board.page.locator("[data-pending]")).to_have_count(0)
    made = frail.api(scene.users[0]).get(f"/api/projects/{scene.project}/board/").json()["tasks"]
    assert len(made) == 13
    expect(panels[0].locator("[data-comment-id]")).to_have_count(12)
    comments = panels[0].locator("[data-comment-id] .prose").all_inner_texts()
    for name, board, panel in people:
        assert [one["title"] for one in made if name in one["title"]] == [f"{name} {number}" for number in range(4)]
        assert [text for text in comments if name in text] == [f"{name} said {number}" for number in range(4)]
        expect(panel.locator("[data-comment-id] .prose")).to_have_text(comments)
        expect(panel.locator("[name=title]")).to_have_value("Paint the fence 3")
        expect(panel.locator("[name=description]")).to_have_value("In colour 3.")
        expect(panel.locator("[name=priority]")).to_have_value("low")
        expect(board.page.locator("[data-problems]")).to_be_hidden()
        assert not board.was_reloaded
    names = logged(frail, scene.users[0], scene.project, since)
    assert sorted(names) == ["comment_added"] * 12 + ["task_created"] * 12 + ["task_updated"] * 12
    scene.expect_same(todo=[one["id"] for one in made])


def test_an_undo_of_what_another_changed_since_says_so(server: Server, gather: Gather) -> None:
    scene = gather(server)
    fence, gate, ladder, paint = scene.add("Fence", "Gate", "Ladder", "Paint")
    alice, bob, carol = scene.boards
    alice.drag(fence, onto=alice.column("review"))
    write(alice.open(gate), "title", "Garden gate")
    close(alice)
    for task in (ladder, paint):
        alice.drag(task, onto=alice.column("in_progress"))
    scene.expect_same(todo=[gate], in_progress=[paint, ladder], review=[fence])

    bob.open(fence).locator("[name=status]").select_option("completed")
    write(bob.open(gate), "title", "Iron gate")
    bob.open(ladder).locator("[data-delete-task]").click()
    bob.drag(paint, onto=bob.column("review"))
    after: dict[str, Any] = {"todo": [gate], "review": [paint], "completed": [fence]}
    scene.expect_same(**after)

    toasts, problems = alice.page.locator("[data-toasts]"), alice.page.locator("[data-problems] li .problem__text")
    for action in ("moved “Paint”", "deleted “Ladder”"):
        alice.page.keyboard.press("Control+z")
        expect(toasts).to_contain_text(f"Someone else has {action} since then.")
    alice.page.keyboard.press("Control+z")
    expect(problems).to_have_text("Bob Lindqvist changed the title of “Iron gate” at the same time.")
    alice.page.keyboard.press("Control+z")
    expect(toasts).to_contain_text("Someone else has moved “Fence” since then.")
    expect(alice.page.locator("[data-undo]")).to_be_hidden()
    scene.expect_same(**after)
    expect(carol.card(gate)).to_contain_text("Iron gate")
    expect(carol.page.locator("[data-problems]")).to_be_hidden()


def test_one_filters_by_a_label_that_another_gives_and_the_third_deletes(server: Server, gather: Gather) -> None:
    scene = gather(server)
    alice, bob, carol = scene.boards
    for name in ("Bug", "Docs"):
        label = {"name": name, "color": "red"}
        made = server.api(scene.users[0]).post(f"/api/projects/{scene.project}/labels/", json=label)
        assert made.status_code == 201, made.text
    fence, paint = scene.add("Paint the fence", "Buy the paint")
    bob.page.locator("[name=filter_label]").select_option(label="Bug")
    bob.expect_order("todo")
    carol.open(fence).locator("[name=labels]").click()
    for shown in ([fence], [], [fence]):
        item(carol.page, "Bug").click()
        bob.expect_order("todo", *shown)
    item(carol.page, "Docs").click()
    scene.expect_same((alice, carol), todo=[fence, paint])
    expect(alice.card(fence).locator("[data-label-id]")).to_have_text(["Bug", "Docs"])

    alice.page.locator("[data-open-members]").click()
    alice.page.locator("[data-open-labels]").click()
    bug = alice.page.locator("[data-edit-label='1']")
    bug.get_by_role("button", name="Delete").click()
    bug.get_by_role("button", name="Delete from 1 task?").click()
    bob.expect_order("todo")
    expect(bob.page.locator("[name=filter_label] option:checked")).to_have_text("Deleted label")
    expect(carol.panel.locator("[data-label-id]")).to_have_text("Docs")
    item(carol.page, "Bug").click()  # her menu is older: a label that is gone falls away
    expect(carol.card(fence)).not_to_have_attribute("data-pending", "")
    expect(carol.page.locator("[data-problems]")).to_be_hidden()
    bob.page.locator("[data-clear-filter]").click()
    scene.expect_same(todo=[fence, paint])
    for board in scene.boards:
        expect(board.card(fence).locator("[data-label-id]")).to_have_text("Docs")


def test_a_removed_member_sees_nothing_more_and_the_others_go_on(server: Server, gather: Gather) -> None:
    scene = gather(server, allow_errors="status of 404")
    fence, paint = scene.add("Paint the fence", "Buy the paint")
    alice, bob, carol = scene.boards
    theirs = scene.users[2].id
    bob.open(paint).locator("[name=assignee_id]").select_option(str(theirs))
    carol.open(fence).locator("[name=content]").press_sequentially("I think")
    expect(bob.viewer(fence, theirs)).to_be_visible()
    alice.page.locator("[data-open-members]").click()
    remove = alice.page.locator(f'[data-member-id="{theirs}"]').get_by_role("button")
    remove.click()
    expect(remove).to_have_text(re.compile("^Remove .*\\?$"))
    remove.click()
    carol.page.wait_for_url("**/")
    expect(carol.page.locator("[role=status]")).to_contain_text("You are no longer a member of “House”")
    expect(carol.page.locator("main")).not_to_contain_text("House")

    alice.page.keyboard.press("Escape")
    alice.drag(fence, onto=alice.column("review"))
    bob.panel.locator("[name=title]").fill("Buy green paint")
    bob.panel.locator("[name=title]").press("Enter")
    close(bob)
    (gate,) = bob.add("todo", "Mend the gate")
    scene.expect_same((alice, bob), todo=[paint, gate], review=[fence])
    for board in (alice, bob):
        expect(board.person(theirs)).to_have_count(0)
        expect(board.viewer(fence, theirs)).to_have_count(0)
        expect(board.card(paint)).to_have_attribute("data-assignee-id", "")
    carol.page.go_back()
    expect(carol.page.locator("main")).to_contain_text("Page not found")
    for secret in ("House", "Buy green paint", "Mend the gate"):
        expect(carol.page.locator("body")).not_to_contain_text(secret)
