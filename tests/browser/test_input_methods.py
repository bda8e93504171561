"""Keys that belong to an input method, and shortcuts on keyboards without Latin letters."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.stacks import Server

from .board import Board
from .conftest import NewPage
from .seen import expect_seen


class InputMethod:
    """A conversion in the focused field, as Chromium gets it from the system."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._devtools = page.context.new_cdp_session(page)

    def compose(self, text: str) -> None:
        """Show a text that may still become another one."""
        place = {"selectionStart": len(text), "selectionEnd": len(text)}
        self._devtools.send("Input.imeSetComposition", {"text": text, **place})

    def accept(self, text: str, key: str = "Enter") -> None:
        """Take the text with a key, which belongs to the input method."""
        self.press(key, 229)
        self._devtools.send("Input.insertText", {"text": text})
        self.press(key, 229)  # as Safari tells of it, after the composition has ended

    def press(self, key: str, number: int, code: str = "", modifiers: int = 0, text: str = "") -> None:
        """Press a key of any layout."""
        event = {"key": key, "code": code or key, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        self._devtools.send(
            "Input.dispatchKeyEvent", {"type": "keyDown" if text else "rawKeyDown", **event, "text": text}
        )
        self._devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})


def test_keys_of_an_input_method_act_in_no_field_of_the_page(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    api, project = server.api(alice), server.project(alice)
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    page, method = board.page, InputMethod(board.page)
    # A new card: Enter accepts the conversion, and adds nothing; Escape closes nothing.
    board.column("todo").locator("[data-add-task]").click()
    field = board.column("todo").locator("input[name=title]")
    for key in ("Escape", "Enter"):
        method.compose("ぺんき")
        method.accept("ペンキ", key)
        expect(field).to_be_focused()
    expect(field).to_have_value("ペンキペンキ")
    field.press("Enter")
    card = board.titled("todo", "ペンキペンキ")
    expect(card).to_have_count(1)
    field.press("Escape")
    # The title, the comment, and a comment that is edited.
    card.click()
    panel = board.panel
    title = panel.locator("[name=title]")
    title.press("End")
    method.compose("を")
    method.accept("を")
    expect(title).to_be_focused()
    method.compose("か")
    method.accept("か", "Escape")
    expect(title).to_have_value("ペンキペンキをか")
    title.press("Enter")
    expect(board.titled("todo", "ペンキペンキをか")).to_have_count(1)
    content = panel.locator("[name=content]")
    content.focus()
    method.compose("はい")
    method.accept("はい", "Escape")
    expect(panel).to_be_visible()
    content.press("Control+Enter")
    comment = panel.locator("[data-comment-id]")
    comment.locator("[data-edit-comment]").click()
    comment.locator("[name=edited_content]").press("End")
    method.compose("いい")
    method.accept("いいえ", "Escape")
    expect(comment.locator("[name=edited_content]")).to_have_value("はいいいえ")
    # A mention: the names stay until a key is the page's again.
    content.press_sequentially("@")
    names = page.get_by_role("listbox")
    method.compose("た")
    method.accept("", "Escape")
    panel.locator("[data-close-panel]").click()
    # The filter, and a label's name.
    page.keyboard.press("/")
    method.compose("ペン")
    method.accept("ペン", "Escape")
    expect(page.locator("[data-filter]")).to_have_value("ペン")
    expect(names).to_have_count(0)
    page.keyboard.press("Escape")
    api.post(f"/api/projects/{project}/labels/", json={"name": "Haus", "color": "red"})
    page.locator("[data-open-members]").click()
    page.locator("[data-open-labels]").last.click()
    label = page.locator("[data-edit-label] [name=name]")
    label.press("End")
    method.compose("ぺ")
    method.accept("ペ")
    expect(label).to_be_focused()
    method.compose("ん")
    method.accept("ン", "Escape")
    expect(label).to_have_value("Hausペン")
    assert api.get(f"/api/projects/{project}/board/").json()["project"]["labels"][0]["name"] == "Haus"
    # Escape of the page takes the name back first.
    page.keyboard.press("Escape")
    expect(label).to_have_value("Haus")
    expect_seen(label)
    page.keyboard.press("Escape")
    expect(label).to_have_count(0)
    assert api.get(f"/api/projects/{project}/board/").json()["project"]["labels"][0]["name"] == "Haus"


#: What keyboards have where one of the US has n, m, z and the slash, without Shift and with it.
LAYOUTS = {
    "Russian": ("т", "ь", "я", ".", ","),
    "Greek": ("ν", "μ", "ζ", "/", "?"),
    "Hebrew": ("מ", "צ", "ז", ".", "?"),
    "Arabic": ("ى", "ة", "ئ", "ظ", "؟"),
}


def test_shortcuts_are_where_they_are_on_keyboards_without_latin_letters(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    page, method = board.page, InputMethod(board.page)
    (task,) = board.add("todo", "Paint")
    for n, m, z, slash, question in LAYOUTS.values():
        board.card(task).focus()
        method.press(m, 77, "KeyM", text=m)
        expect_seen(page.get_by_role("menu"))
        page.keyboard.press("Escape")
        expect(page.get_by_role("menu")).to_have_count(0)
        method.press(slash, 191, "Slash", text=slash)
        expect(page.locator("[data-filter]")).to_be_focused()
        expect(page.locator("[data-filter]")).to_have_value("")
        board.card(task).focus()
        method.press(question, 191, "Slash", modifiers=8, text=question)
        expect_seen(page.locator("[data-key-help]"))
        page.keyboard.press("Escape")
        expect(page.locator("[data-key-help]")).not_to_be_visible()
        board.card(task).focus()
        method.press(n, 78, "KeyN", text=n)
        field = board.column("todo").locator("input[name=title]")
        expect(field).to_be_focused()
        field.fill("Sand")
        field.press("Enter")
        field.press("Escape")
        expect(board.titled("todo", "Sand")).to_have_count(1)
        method.press(z, 90, "KeyZ", modifiers=2)
        expect(board.titled("todo", "Sand")).to_have_count(0)


@pytest.mark.parametrize("key, code", [("y", "KeyZ"), ("-", "Slash"), ("ñ", "KeyM")])
def test_a_latin_letter_is_the_key_that_it_says(server: Server, new_page: NewPage, key: str, code: str) -> None:
    alice = server.stack.user()
    board = Board(new_page(server, alice, f"/projects/{server.project(alice)}/"))
    (task,) = board.add("todo", "Paint")
    board.card(task).focus()
    method = InputMethod(board.page)
    method.press(key, 0, code, text=key)
    method.press(key, 0, code, modifiers=2)
    expect(board.card(task)).to_be_focused()
    expect(board.page.get_by_role("menu")).to_have_count(0)
