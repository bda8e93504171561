"""Markdown becomes HTML that is safe to show, costs little to make, and is not much longer than the text."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from taskrealtime.models.markdown import MAX_BRACKETS, MAX_HTML, render


def test_links_lead_where_they_say() -> None:
    html = render("[a](#task-7/comment-12) " * MAX_BRACKETS)
    assert html.count('<a href="#task-7/comment-12" rel="noopener noreferrer nofollow">a</a>') == MAX_BRACKETS


@pytest.mark.parametrize(
    "text, addresses",
    [
        ("See https://example.org/a_(b)?x=1&y=2, please.", ["https://example.org/a_(b)?x=1&amp;y=2"]),
        (
            "(https://example.org) _http://a.b_ www.example.org!",
            ["https://example.org", "http://a.b", "https://www.example.org"],
        ),
        (
            "![a cat](https://example.org/cat.png) [![b](https://a.b/c.png)](https://d.e)",
            ["https://example.org/cat.png", "https://d.e"],
        ),
        ("`https://a.b` a@https://a.b ftp://a.b javascript:alert(1)", []),
        ("<https://a.b> [c](https://d.e)", ["https://a.b", "https://d.e"]),
    ],
)
def test_addresses_and_pictures_are_links(text: str, addresses: list[str]) -> None:
    assert re.findall(r'<a href="([^"]*)"', render(text)) == addresses


def test_items_to_tick_have_boxes() -> None:
    html = render("- [ ] a\n- [x] b\n- [y] c\n\n[ ] d")
    assert html.count('<label><input type="checkbox" disabled=""> a</label>') == 1
    assert html.count('<label><input type="checkbox" disabled="" checked=""> b</label>') == 1
    assert html.count("<input") == 2


def test_a_table_is_a_table() -> None:
    html = render("|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * 500)
    assert html.count("<td>") == 1500


COSTLY = {
    "links": "[",
    "pictures": "![",
    "links on pictures": "[![",
    "links with words": "a[b",
    "definitions": "[x]: y\n",
    "a table": "|a" * 1000 + "\n" + "|-" * 1000 + "\n" + "|\n" * 8000,
    "a table with odd lines": "|a\u2028" * 1000 + "\r" + "|-" * 1000 + "\r" + "|\r" * 8000,
}


@pytest.mark.parametrize("kind", COSTLY)
def test_what_would_cost_much_is_shown_as_text(kind: str) -> None:
    text = (COSTLY[kind] * 10_000)[:10_000]
    with counted_lines() as ran:
        html = render(text)
    # Up to 1.5 million; 5 to 20 million where these were read as links and tables.
    assert sum(ran) < 2_500_000
    assert [html.count(sign) for sign in "[|"] == [text.count(sign) for sign in "[|"]


@contextmanager
def counted_lines() -> Iterator[list[int]]:
    """Adds up to the lines of Python that ran within: the same on every machine, as seconds are not."""
    ran = [0]

    def count(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        ran[0] += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield ran
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("text", ["[a]: " + "b" * 9000 + "\n\n" + "[a] " * 400, (">" * 90 + "b\n\n") * 200])
def test_a_short_text_makes_no_huge_html(text: str) -> None:
    html = render(text)
    assert len(html) <= MAX_HTML
    assert html.count("b") >= text.count("b")


def test_text_that_is_shown_as_it_is_is_no_markup() -> None:
    html = render("[a]: " + "b" * 9000 + "\n\n" + "[a] " * 400 + "<script>&\n")
    assert "&lt;script&gt;&amp;<br>" in html
