"""Markdown becomes HTML that is safe to show, costs little to make, and is not much longer than the text."""

import time

import pytest

from taskrealtime.markdown import MAX_BRACKETS, MAX_HTML, render


def test_links_lead_where_they_say() -> None:
    html = render("[a](#task-7/comment-12) " * MAX_BRACKETS)
    assert html.count('<a href="#task-7/comment-12" rel="noopener noreferrer nofollow">a</a>') == MAX_BRACKETS


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
    text = (COSTLY[kind] * 20_000)[:20_000]
    costs = []
    for _ in range(3):  # a virtual machine may be held up within one of them
        begun = time.thread_time()
        html = render(text)
        costs.append(time.thread_time() - begun)
    # 0.03 s on the machine where it took 0.7 to 3 s; a page of comments makes two hundred of them.
    assert min(costs) < 0.3
    assert [html.count(sign) for sign in "[|"] == [text.count(sign) for sign in "[|"]


@pytest.mark.parametrize("text", ["[a]: " + "b" * 9000 + "\n\n" + "[a] " * 400, (">" * 90 + "b\n\n") * 200])
def test_a_short_text_makes_no_huge_html(text: str) -> None:
    html = render(text)
    assert len(html) <= MAX_HTML
    assert html.count("b") >= text.count("b")


def test_text_that_is_shown_as_it_is_is_no_markup() -> None:
    html = render("[a]: " + "b" * 9000 + "\n\n" + "[a] " * 400 + "<script>&\n")
    assert "&lt;script&gt;&amp;<br>" in html
