"""The texts that a page puts on paper, read from the PDF that Chromium makes of it."""

import re
import zlib

from playwright.sync_api import Page

_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)\sendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*)\r?\nendstream", re.DOTALL)
_FONT = re.compile(rb"/(F\d+) (\d+) 0 R")
_SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|\bT[dmD*]\b")
_ONE = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>\n")
_MANY = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>\n")


def printed(page: Page) -> str:
    """Return what stands on the sheets of paper, without spaces, in the order in which it was drawn."""
    objects = {int(number): body for number, body in _OBJECT.findall(page.pdf(print_background=False))}
    text = ""
    for body in objects.values():
        if not re.search(rb"/Type /Page\b", body):
            continue
        glyphs = {name: _letters(objects, int(number)) for name, number in _FONT.findall(_resources(objects, body))}
        contents = re.search(rb"/Contents (\d+) 0 R", body)
        assert contents
        text += _text(_inflated(objects[int(contents[1])]), glyphs)
    return text


def _resources(objects: dict[int, bytes], page: bytes) -> bytes:
    elsewhere = re.search(rb"/Resources (\d+) 0 R", page)
    return objects[int(elsewhere[1])] if elsewhere else page


def _inflated(body: bytes) -> bytes:
    stream = _STREAM.search(body)
    assert stream
    return zlib.decompress(stream[1])


def _letters(objects: dict[int, bytes], font: int) -> dict[int, str]:
    """The text of each glyph of a font."""
    table = re.search(rb"/ToUnicode (\d+) 0 R", objects[font])
    if not table:
        return {}
    text = _inflated(objects[int(table[1])])
    letters = {}
    for first, last, start in _MANY.findall(text):
        for step in range(int(last, 16) - int(first, 16) + 1):
            letters[int(first, 16) + step] = chr(int(start, 16) + step)
    for glyph, written in _ONE.findall(_MANY.sub(b"", text)):
        letters[int(glyph, 16)] = bytes.fromhex(written.decode()).decode("utf-16-be")
    return letters


def _text(drawing: bytes, glyphs: dict[bytes, dict[int, str]]) -> str:
    shown, font = "", {}
    for name, codes in _SHOWN.findall(drawing):
        if name:
            font = glyphs.get(name, {})
        shown += "".join(font.get(int(codes[at : at + 4], 16), "") for at in range(0, len(codes), 4))
    return re.sub(r"\s", "", shown)
