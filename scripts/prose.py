"""Counts words that make people of components, in comments, docstrings and documentation.

Prose names the component and what it does: a subscriber receives, a process reports, a client disconnects. The limit
holds for the whole tree. `make lint` calls this.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

#: At most so many words in a thousand.
LIMIT = 2
PERSONAL = re.compile(
    r"\b(who|whom|whoever|whomever|somebody|nobody|anybody|everybody|tells?|told|telling|hears?|heard|hearing)\b",
    re.IGNORECASE,
)
CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def main() -> int:
    """Print what was reached, by folder where that is too much; return the exit status."""
    found: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for path in tracked_files():
        folder = "/".join(path.parts[:2][: len(path.parts) - 1]) or "."
        for text in prose_of(path):
            found[folder] += len(PERSONAL.findall(text))
            words[folder] += len(text.split())
    reached = 1000 * found.total() / words.total()
    print(f"{reached:.1f} personal words in 1 000 of prose; at most {LIMIT}.")
    if reached <= LIMIT:
        return 0
    for folder in sorted(found, key=found.__getitem__, reverse=True):
        print(f"{folder:30} {found[folder]:5} of {words[folder]:6}")
    return 1


def tracked_files() -> list[Path]:
    """Return the Python and Markdown files that git tracks and that are there."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.py", "*.md"], check=True, capture_output=True, text=True)
    return [path for name in listed.stdout.split("\0") if name and (path := Path(name)).exists()]


def prose_of(path: Path) -> Iterator[str]:
    """Yield a file's prose: comments and docstrings of Python, Markdown without its code blocks."""
    source = path.read_text()
    if path.suffix == ".md":
        yield CODE_BLOCK.sub("", source)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


if __name__ == "__main__":
    sys.exit(main())
