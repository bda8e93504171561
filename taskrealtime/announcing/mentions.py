"""The mentions in a text. Pure: no database."""

from collections import defaultdict
from collections.abc import Collection

from taskrealtime.folding import fold


def mentioned(text: str, usernames: Collection[str]) -> set[str]:
    """Return those of `usernames` that the text mentions.

    A mention is the longest of them after an `@` that does not follow a letter or digit, so that no e-mail address
    is one. Case and accents do not matter, but between names that differ in nothing else.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for name in usernames:
        if folded := fold(name):
            names[folded].add(name)
    lengths = sorted({len(name) for name in names}, reverse=True)
    folded_text = fold(text)
    found: set[str] = set()
    at = folded_text.find("@")
    while at >= 0:
        if not (at and folded_text[at - 1].isalnum()):
            found |= _longest_at(folded_text, at + 1, names, lengths)
        at = folded_text.find("@", at + 1)
    return set().union(*(_meant(text, names[name]) for name in found))


def _longest_at(text: str, start: int, names: Collection[str], lengths: list[int]) -> set[str]:
    for length in lengths:
        if (word := text[start : start + length]) in names:
            return {word}
    return set()


def _meant(text: str, same: set[str]) -> set[str]:
    """Return those of names that fold to the same that stand in the text as they are; else all of them."""
    return {name for name in same if f"@{name}" in text} or same
