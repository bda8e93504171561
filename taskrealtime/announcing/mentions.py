"""The mentions in a text. Pure: no database."""

from collections.abc import Collection


def mentioned(text: str, usernames: Collection[str]) -> set[str]:
    """Return those of `usernames` that the text mentions.

    A mention is the longest of them after an `@` that does not follow a letter or digit, so that no e-mail address
    is one.
    """
    names = set(usernames)
    lengths = sorted({len(name) for name in names if name}, reverse=True)
    found: set[str] = set()
    at = text.find("@")
    while at >= 0:
        if not (at and text[at - 1].isalnum()):
            found |= _longest_at(text, at + 1, names, lengths)
        at = text.find("@", at + 1)
    return found


def _longest_at(text: str, start: int, names: set[str], lengths: list[int]) -> set[str]:
    for length in lengths:
        if (word := text[start : start + length]) in names:
            return {word}
    return set()
