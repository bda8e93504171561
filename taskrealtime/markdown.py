"""Markdown to HTML that is safe to show."""

import nh3
from markdown_it import MarkdownIt

# "js-default" allows no raw HTML; nh3 then keeps only what a comment needs, whatever the renderer let through.
_renderer = MarkdownIt("js-default", {"breaks": True, "linkify": False})
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"} | {
    f"h{level}" for level in range(1, 7)
}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}


def render(text: str) -> str:
    """The text, read as CommonMark, as sanitised HTML. Links open with `rel="noopener noreferrer nofollow"`."""
    return nh3.clean(
        _renderer.render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
