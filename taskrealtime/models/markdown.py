"""Markdown to HTML that is safe to show."""

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

#: Another number whenever the same text gives other HTML than before: what was kept of it is made anew then.
VERSION = 2
#: Square brackets beyond which a text has no links: with 20 000 characters of them, one took three seconds to render,
#: and a page of comments has two hundred texts.
MAX_BRACKETS = 500
#: Cells of tables beyond which a text has no tables, for the same reason.
MAX_CELLS = 10_000
#: Characters of HTML beyond which a text is shown as it was written: a link that is defined once and used in many
#: places made 5 MB of 10 000 characters, for every subscriber. Text alone makes five times its length at most.
MAX_HTML = 100_000

#: An address that stands in a text as it is, up to the punctuation of its sentence.
_ADDRESS = re.compile(r"""(?<![\w/.@])(?:https?://|www\.)[^\s<>"'`]*[^\s<>"'`.,;:!?*_~]""")
_TASK = re.compile(r"\[([ xX])\]\s+")


def _link(token: Token, address: str, text: str) -> Iterator[Token]:
    """Return a link in the place of a token."""
    yield Token("link_open", "a", 1, attrs={"href": address}, level=token.level)
    yield Token("text", "", 0, content=text, level=token.level)
    yield Token("link_close", "a", -1, level=token.level)


def _with_links(children: list[Token], frugal: bool) -> Iterator[Token]:
    """Make links of addresses and of pictures, which are not shown, where they are not in a link already."""
    depth = 0
    for token in children:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "image":
            text, address = token.content or str(token.attrs["src"]), str(token.attrs["src"])
            yield from [Token("text", "", 0, content=text)] if depth else _link(token, address, text)
        elif token.type != "text" or depth or frugal:
            yield token
        else:
            yield from _split(token)


def _split(token: Token) -> Iterator[Token]:
    end = 0
    for found in _ADDRESS.finditer(token.content):
        address = found[0]
        # A bracket that was opened before the address closes behind it.
        last = len(address) - len(address.rstrip(")"))
        surplus = min(last, max(0, address.count(")") - address.count("(")))
        address = address[: len(address) - surplus]
        yield Token("text", "", 0, content=token.content[end : found.start()], level=token.level)
        yield from _link(token, f"https://{address}" if address.startswith("www.") else address, address)
        end = found.start() + len(address)
    yield Token("text", "", 0, content=token.content[end:], level=token.level)


def _finish(state: StateCore) -> None:
    """Give list items their boxes to tick, and addresses links."""
    for place, token in enumerate(state.tokens):
        if token.type != "inline" or not token.children:
            continue
        token.children = list(_with_links(token.children, state.md is _frugal))
        first = token.children[0]
        box = _TASK.match(first.content) if first.type == "text" else None
        if box and place > 1 and state.tokens[place - 2].type == "list_item_open":
            first.content = first.content[box.end() :]
            checked = "" if box[1] == " " else " checked"
            token.children.insert(
                0, Token("html_inline", "", 0, content=f'<label><input type="checkbox" disabled{checked}> ')
            )
            token.children.append(Token("html_inline", "", 0, content="</label>"))


# "js-default" allows no raw HTML; nh3 then keeps only what a comment needs, whatever the renderer let through.
_renderer = MarkdownIt("js-default", {"breaks": True, "linkify": False})
_frugal = MarkdownIt("js-default", {"breaks": True, "linkify": False}).disable(["link", "image", "reference", "table"])
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"} | {
    f"h{level}" for level in range(1, 7)
}
for _each in (_renderer, _frugal):
    _each.core.ruler.push("finish", _finish)
_TAGS |= {"label", "input"}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}


def render(text: str) -> str:
    """Return the text, read as CommonMark, as sanitised HTML. Links open with `rel="noopener noreferrer nofollow"`."""
    html = nh3.clean(
        (_frugal if _is_costly(text) else _renderer).render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}, "input": {"type", "disabled", "checked"}},
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
