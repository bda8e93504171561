"""Formatted texts are texts: one selects and follows them, they run in their own direction and show who was reached."""

from playwright.sync_api import Locator, expect

from tests.support.stacks import Server

from .board import Board
from .concerns import Concerns
from .conftest import NewPage
from .seen import expect_seen

DESCRIPTION = """# Big
## Smaller

Look at https://example.org/a_(b), then ![a picture](https://example.org/cat.png)

- [ ] open
- [x] done

שלום עולם
"""


def select(text: Locator) -> str:
    """Drag the pointer over a text, from its left to its right end; return what is selected then."""
    box = text.bounding_box()
    assert box
    mouse = text.page.mouse
    mouse.move(box["x"] + 1, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2, steps=5)
    mouse.up()
    return str(text.page.evaluate("getSelection().toString()"))


def test_a_formatted_text_is_selected_followed_and_edited(server: Server, new_page: NewPage) -> None:
    alice, viewer = server.stack.user(), server.stack.user()
    api, project = server.api(alice), server.project(alice, viewers=[viewer])
    made = {"project_id": project, "title": "Paint", "description": DESCRIPTION}
    task = api.post("/api/tasks/", json=made).json()["id"]
    address = f"/projects/{project}/#task-{task}"
    for user in (viewer, alice):
        panel = Board(new_page(server, user, address)).panel
        text = panel.locator("[data-part=description-formatted]")
        for words in (
            "Big",
            "Smaller",
            "Look at",
            "https://example.org/a_(b)",
            "a picture",
            "open",
            "done",
            "שלום עולם",
        ):
            expect_seen(text, words)
        assert select(text.get_by_role("heading", name="Smaller")) == "Smaller"
        expect_seen(text, "Smaller")  # and no source
        sizes = text.get_by_role("heading").evaluate_all(
            "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
        )
        assert sizes[0] > sizes[1] > 14
        links = text.get_by_role("link").evaluate_all("all => all.map(one => one.href)")
        assert links == ["https://example.org/a_(b)", "https://example.org/cat.png"]
        boxes = text.get_by_role("checkbox")
        assert boxes.evaluate_all("all => all.map(one => [one.checked, one.disabled])") == [[False, True], [True, True]]
        hebrew = text.get_by_text("שלום עולם")
        assert hebrew.evaluate("one => getComputedStyle(one).direction") == "rtl"
        panel.page.evaluate("getSelection().empty()")
        hebrew.click()
        source = panel.locator("[name=description]")
        if user is viewer:
            expect_seen(text, "Big")
            continue
        expect(source).to_be_focused()
        expect_seen(source, "## Smaller")
        source.press("Control+Home")
        source.press_sequentially("> ")
        panel.locator("[name=priority]").focus()
        expect_seen(text.locator("blockquote"), "Big")


def test_mentions_that_reach_a_member_are_marked_and_an_excerpt_has_no_markup(
    server: Server, new_page: NewPage
) -> None:
    alice = server.stack.user(first_name="Alice")
    bob = server.stack.user(first_name="Bob", username=f"bob{alice.id}")
    project = server.project(alice, members=[bob])
    board = Board(new_page(server, bob, f"/projects/{project}/"))
    mine = Concerns(board.page)
    task = server.api(alice).post("/api/tasks/", json={"project_id": project, "title": "Paint"}).json()["id"]
    content = (
        f"**Look**, @{bob.username.upper()}: `@{bob.username}` at [this](https://example.org) & @nobody\n\n- [ ] <now>"
    )
    assert server.api(alice).post(f"/api/tasks/{task}/comments/", json={"content": content}).status_code == 201
    plain = f"Look, @{bob.username.upper()}: @{bob.username} at this & @nobody ☐ <now>"
    expect_seen(mine.toasts.last, plain)
    board.open(task)
    comment = board.panel.locator("[data-comment-id]")
    expect(comment.locator("[data-mentioned]")).to_have_text([f"@{bob.username.upper()}"])
    expect_seen(comment.locator(f'[data-mentioned="{bob.id}"][data-own]'), f"@{bob.username.upper()}")
    board.page.keyboard.press("Escape")
    mine.open()
    expect_seen(mine.items.first, plain)
    board.page.keyboard.press("Escape")
    board.page.locator("[data-open-activity]").click()
    expect_seen(board.page.locator("[data-activity-dialog]"), "“Look, @")


HEBREW = "‏לצבוע את הגדר, Paint 7!"


def test_texts_from_right_to_left_keep_their_order_everywhere(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user(first_name="אליס")
    api = server.api(alice)
    project = server.project(alice, name="פרויקט")
    api.post(f"/api/projects/{project}/labels/", json={"name": "דחוף", "color": "red"})
    made = {"project_id": project, "title": HEBREW, "description": HEBREW, "labels": [1]}
    task = api.post("/api/tasks/", json=made).json()["id"]
    api.patch(f"/api/tasks/{task}/", json={"labels": [1]})
    api.post(f"/api/tasks/{task}/comments/", json={"content": HEBREW})
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    board.column("review").locator("[data-add-task]").click()
    board.column("review").locator("input[name=title]").fill(HEBREW)
    panel = board.open(task)
    expect_seen(panel.locator("[data-part=description-formatted]"), "Paint 7!")
    panel.locator("[name=content]").fill(HEBREW)
    texts = {
        "the card": board.card(task).locator("[data-part=title]"),
        "its label": board.card(task).locator("[data-label-id]"),
        "the project": board.page.locator("[data-project-name]"),
        "the title": panel.locator("[name=title]"),
        "the source": panel.locator("[name=description]"),
        "the description": panel.locator("[data-part=description-formatted] p"),
        "the comment": panel.locator("[data-comment-id] [data-part=text] p"),
        "its author": panel.locator("[data-comment-id] [data-part=author]"),
        "a new comment": panel.locator("[name=content]"),
        "a new card": board.column("review").locator("input[name=title]"),
        "the own name": board.page.locator("[data-me-name]"),
    }
    found = {name: text.evaluate("one => getComputedStyle(one).direction") for name, text in texts.items()}
    assert found == dict.fromkeys(texts, "rtl")
    panel.locator("[name=title]").fill("Latin")
    assert panel.locator("[name=title]").evaluate("one => getComputedStyle(one).direction") == "ltr"
