"""Markdown to HTML that is safe to show."""

import nh3
from markdown_it import MarkdownIt

#: Square brackets beyond which a text has no links. Each may open one, which takes up to 150 µs to find out: 20 000 of
#: them took three seconds, and whoever reads a page of comments waits for two hundred of these.
MAX_LINKS = 500

# "js-default" allows no raw HTML; nh3 then keeps only what a comment needs, whatever the renderer let through.
_renderer = MarkdownIt("js-default", {"breaks": True, "linkify": False})
_without_links = MarkdownIt("js-default", {"breaks": True, "linkify": False}).disable(["link", "image", "reference"])
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"} | {
    f"h{level}" for level in range(1, 7)
}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}


def render(text: str) -> str:
    """The text, read as CommonMark, as sanitised HTML. Links open with `rel="noopener noreferrer nofollow"`."""
    renderer = _renderer if text.count("[") <= MAX_LINKS else _without_links
    return nh3.clean(
        renderer.render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
