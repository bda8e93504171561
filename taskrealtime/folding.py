"""Text as every search compares it. Pure; `static/js/board/language/fold.js` does the same in pages."""

import unicodedata

#: Words of a search; what follows is not looked for.
MAX_WORDS = 20


def fold(text: str) -> str:
    """Return the text without case, accents and ligatures."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.category(one).startswith("M"))
    # Both ways: only so do ß and SS, or the two small sigmas, become the same.
    return bare.upper().lower().replace("ς", "σ")


def words_of(search: str) -> list[str]:
    """Return the words of a search; what is found has all of them."""
    return search.split()[:MAX_WORDS]
