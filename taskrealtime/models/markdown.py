"""Markdown to HTML that is safe to show."""

import hashlib
from functools import lru_cache
from html import escape

import nh3
from markdown_it import MarkdownIt

#: Another number whenever the same text gives other HTML than before: what was kept of it is made anew then.
VERSION = 1
#: Square brackets beyond which a text has no links: with 20 000 characters of them, one took three seconds to render,
#: and a page of comments has two hundred texts.
MAX_BRACKETS = 500
#: Cells of tables beyond which a text has no tables, for the same reason.
MAX_CELLS = 10_000
#: Characters of HTML beyond which a text is shown as it was written: a link that is defined once and used in many
#: places made 5 MB of 10 000 characters, for every subscriber. Text alone makes five times its length at most.
MAX_HTML = 100_000

# "js-default" allows no raw HTML; nh3 then keeps only what a comment needs, whatever the renderer let through.
_renderer = MarkdownIt("js-default", {"breaks": True, "linkify": False})
_frugal = MarkdownIt("js-default", {"breaks": True, "linkify": False}).disable(["link", "image", "reference", "table"])
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"} | {
    f"h{level}" for level in range(1, 7)
}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}


def render(text: str) -> str:
    """Return the text, read as CommonMark, as sanitised HTML. Links open with `rel="noopener noreferrer nofollow"`."""
    html = nh3.clean(
        (_frugal if _is_costly(text) else _renderer).render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return html if len(html) <= MAX_HTML else f"<p>{escape(text, quote=False)}</p>".replace("\n", "<br>")


def key_of(text: str) -> str:
    """Name the HTML of a text, so that what is kept of it is known to be right."""
    return hashlib.sha256(f"{VERSION}\0{text}".encode()).hexdigest()[:32]


#: As `render`, with the HTML of the last texts kept in memory, 12 MB of it at most.
render_kept = lru_cache(maxsize=100)(render)


def _is_costly(text: str) -> bool:
    """Return whether tables would grow too large: rows are filled up to the columns, however short they are written."""
    lines = text.replace("\r", "\n").split("\n")
    cells = len(lines) * max(line.count("|") for line in lines)
    return text.count("[") > MAX_BRACKETS or cells > MAX_CELLS
