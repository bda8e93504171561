"""Counts words that make people of components: in comments, docstrings, documentation and the names of tests.

Prose names the component and what it does: a subscriber receives, a process reports, a client disconnects. The limit
holds for each kind of file in the whole tree. `make lint` calls this.
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
#: The kinds of files, by what their names end with.
KINDS = {".py": "Python", ".md": "Markdown", ".js": "JavaScript", ".mjs": "JavaScript", ".css": "CSS"}
#: Built from other files, or texts of the pages.
BUILT = ("static/bundle/", "static/js/texts/", "static/js/websocket_client.js", "static/live/live.js")
CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
#: Comments of JavaScript and CSS; two slashes behind a colon or a quote are a URL's.
COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"`/\\])//[^\n]*", re.DOTALL)
JAVASCRIPT_TEST = re.compile(r"^\s*(?:await )?(?:test|it|t\.test|describe)\(\s*(['\"`])(.*?)\1", re.MULTILINE)


def main() -> int:
    """Print what was reached, by folder where that is too much; return the exit status."""
    status = 0
    for kind in dict.fromkeys(KINDS.values()):
        found: Counter[str] = Counter()
        words: Counter[str] = Counter()
        for path in tracked_files(kind):
            folder = "/".join(path.parts[:2][: len(path.parts) - 1]) or "."
            for text in prose_of(path):
                found[folder] += len(PERSONAL.findall(text))
                words[folder] += len(text.split())
        reached = 1000 * found.total() / words.total()
        print(f"{kind}: {reached:.1f} personal words in 1 000 of prose; at most {LIMIT}.")
        if reached > LIMIT:
            status = 1
            for folder in sorted(found, key=found.__getitem__, reverse=True):
                print(f"  {folder:30} {found[folder]:5} of {words[folder]:6}")
    return status


def tracked_files(kind: str) -> Iterator[Path]:
    """Yield the files of a kind that git tracks and that are there."""
    patterns = [f"*{suffix}" for suffix, of in KINDS.items() if of == kind]
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], check=True, capture_output=True, text=True)
    for name in listed.stdout.split("\0"):
        if name and not name.startswith(BUILT) and Path(name).exists():
            yield Path(name)


def prose_of(path: Path) -> Iterator[str]:
    """Yield a file's prose: comments, docstrings, names of tests; Markdown without its code blocks."""
    source = path.read_text()
    if path.suffix == ".md":
        yield CODE_BLOCK.sub("", source)
    elif path.suffix == ".py":
        yield from _of_python(source)
    else:
        yield from COMMENT.findall(source)
        for _, name in JAVASCRIPT_TEST.findall(source):
            yield name


def _of_python(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name.replace("_", " ")


if __name__ == "__main__":
    sys.exit(main())
